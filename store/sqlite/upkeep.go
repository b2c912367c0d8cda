package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// How long after the opening statistics are looked at for the first time, and how
// often at least from then on: each time waits for twice as long as the one before.
var (
	firstUpkeep = time.Second
	lastUpkeep  = time.Hour
)

// readerLife is how long a reader lives: statistics are read by a connection when it
// is opened.
const readerLife = 15 * time.Minute

// upkeep counts what is in the indexes, from time to time, until stop is called: SQLite
// chooses between them by that, and without it takes the wrong one of two for a
// condition on many rows. Where nothing has grown tenfold there is nothing to do, and
// what there is looks at some thousand rows of an index. That others have the file, or
// that it is full, is told by the next write.
func upkeep(write *sql.DB) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	wait, most := firstUpkeep, lastUpkeep
	go func() {
		defer close(ended)
		for ; ; wait = min(2*wait, most) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
				_, _ = write.ExecContext(ctx, "PRAGMA optimize = 0x10012") // all tables, some rows
			}
		}
	}()
	return func() { cancel(); <-ended }
}
