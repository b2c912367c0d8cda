package sqlite

import (
	"context"
	"database/sql"
	"os"
	"time"
)

// MaxStatements is how many prepared statements a connection keeps.
const MaxStatements = maxStatements

// Kept returns how many statements a connection keeps.
func Kept(c *sql.Conn) (n int, err error) {
	err = c.Raw(func(raw any) error {
		n = raw.(*conn).order.Len() // connect makes no other
		return nil
	})
	return n, err
}

// NewFlusher returns what waits for the disk after commits to a log, and how
// many commits have come to wait.
func NewFlusher(log string, sync func(*os.File) error) (flush func() error, commits func() uint64) {
	f := &flusher{log: log, sync: sync}
	return f.flush, f.committed.Load
}

// Count brings the statistics up to date.
func Count(ctx context.Context, write *sql.DB) error { return count(ctx, write) }

// UpkeepEvery looks at statistics that often, in databases that are opened from now
// on. It returns what undoes that.
func UpkeepEvery(d time.Duration) (undo func()) {
	first, last := firstUpkeep, lastUpkeep
	firstUpkeep, lastUpkeep = d, d
	return func() { firstUpkeep, lastUpkeep = first, last }
}
