package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
)

// A flusher makes what was committed to a log survive a power cut. Commits do
// not wait for the disk one by one: those that were made while it was busy share
// the next wait, as they are all in the log before it.
//
// That SQLite moves pages from the log into the database meanwhile changes
// nothing: before it does, and before it begins the log anew, it waits for the
// disk itself.
type flusher struct {
	log       string
	sync      func(*os.File) error
	committed atomic.Uint64 // commits that wait or have waited

	mu      sync.Mutex
	flushed uint64 // of committed
	failed  error
}

// flush returns when every commit before the call is safe. After one failure all
// calls fail: the system forgets what it could not write and says so only once.
func (f *flusher) flush() error {
	mine := f.committed.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil || f.flushed >= mine {
		return f.failed
	}
	all := f.committed.Load()
	if err := f.flushLog(); err != nil {
		f.failed = fmt.Errorf("sqlite: what was committed may not survive a power cut: %w", err)
		return f.failed
	}
	f.flushed = all
	return nil
}

func (f *flusher) flushLog() error {
	log, err := os.OpenFile(f.log, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the last connection has folded it into the database, and waited
	}
	if err != nil {
		return err
	}
	return errors.Join(f.sync(log), log.Close())
}
