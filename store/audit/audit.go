// Package audit keeps the trail of what happened to accounts: who did what,
// from where, and how it ended. A [Trail] is a [gate.Auditor] that writes each
// event to the log at once, and to a table behind the request that caused it.
//
// # What is kept
//
// Nothing secret, and nothing that somebody typed who is not known: people type
// passwords where names belong. An event about nobody in particular, without
// subject and actor, therefore loses its details.
//
// What anybody can cause as often as they like makes no row each: of refusals
// that were throttled the first, of those about nobody in particular the first
// ten, from one network (/24, of IPv6 /48) in a minute. The others are counted
// into one row a minute, whose details say the count, and which says of them what
// they have in common. The log has them at level debug, and the row at info.
//
// Rows are added, never changed, by everything save [Trail.Sweep]: it cuts
// addresses to their network (/24, of IPv6 /48) after 30 days, and deletes
// failed log-ins after 90 days and everything after 400.
//
// # What can get lost
//
// [Trail.Record] neither waits nor fails. Events wait in memory, 4096 at most,
// until one goroutine writes them, in batches as large as the database is slow.
// When the table does not take them for longer than some seconds, or the queue
// is full, or they come after [Trail.Close], they are missing in the table, and
// the log says how many. A crash loses what was waiting, and a minute of counts.
// The log has them all.
//
// The table belongs to this package. A service creates it with its own:
//
//	_, err := db.Migrate(ctx, audit.Component, audit.Migrations(db.Dialect()))
package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
)

// Config configures [New].
type Config struct {
	// DB holds the table; required.
	DB *store.DB
	// Logger gets each event, at level info, or debug if it is counted with
	// others; nil means slog.Default().
	Logger *slog.Logger
	// KeepFor is how long events are kept; zero means 400 days.
	KeepFor time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

const (
	keepFor    = 400 * 24 * time.Hour
	keepFailed = 90 * 24 * time.Hour // failed log-ins
	keepExact  = 30 * 24 * time.Hour // whole addresses
	maxWaiting = 4096
	maxText    = 256 // bytes of one text in the table
	maxDetails = 16
)

// A Trail implements [gate.Auditor]. It is safe for concurrent use; [New] makes
// one, [Trail.Close] ends its goroutine.
type Trail struct {
	db      *store.DB
	log     *slog.Logger
	now     func() time.Time
	keepFor time.Duration
	queue   chan Entry
	repeats repeats
	dropped atomic.Int64
	quit    chan struct{} // closed when nothing comes any more
	done    chan struct{} // closed when all is written
	stop    context.CancelFunc

	closing sync.RWMutex // no event is on its way to the queue when closed is set
	closed  bool
}

var _ gate.Auditor = (*Trail)(nil)

// New returns a trail in a database whose schema has the [Migrations], and
// starts the goroutine that writes it.
func New(cfg Config) (*Trail, error) {
	switch {
	case cfg.DB == nil:
		return nil, errors.New("audit: no database")
	case cfg.KeepFor < 0:
		return nil, fmt.Errorf("audit: cannot keep events for %v", cfg.KeepFor)
	}
	if cfg.KeepFor == 0 {
		cfg.KeepFor = keepFor
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background())
	t := &Trail{
		db: cfg.DB, log: cfg.Logger, now: cfg.Now, keepFor: cfg.KeepFor,
		queue: make(chan Entry, maxWaiting), quit: make(chan struct{}), done: make(chan struct{}), stop: stop,
	}
	go t.run(ctx)
	return t, nil
}

// Record implements [gate.Auditor]: it logs e and puts it in the queue for the
// table, or counts it. From [Trail.Close] on it only logs.
func (t *Trail) Record(ctx context.Context, e gate.AuditEvent) {
	if e.At.IsZero() {
		e.At = t.now()
	}
	if e.Subject == "" && e.Actor == "" {
		e.Details = nil // by whom, and what did they type?
	}
	counted, err := t.keep(e)
	level := slog.LevelInfo
	if counted {
		level = slog.LevelDebug
	}
	t.log.LogAttrs(ctx, level, "audit", slog.Any("event", e))
	if err != nil {
		t.log.ErrorContext(ctx, notStored, "count", 1, "err", err)
	}
}

// keep counts e or puts it in the queue, unless the trail is closed.
func (t *Trail) keep(e gate.AuditEvent) (counted bool, err error) {
	t.closing.RLock()
	defer t.closing.RUnlock()
	switch {
	case t.closed:
		return false, errors.New("the trail is closed")
	case t.repeats.counts(&e):
		return true, nil
	}
	e.Details = maps.Clone(e.Details) // the caller's own, and written later
	select {
	case t.queue <- Entry{AuditEvent: e}:
	default:
		t.dropped.Add(1)
	}
	return false, nil
}

// Close writes what is waiting and ends the goroutine. When ctx ends before
// that, what is left is given up: the error and the log say so.
func (t *Trail) Close(ctx context.Context) error {
	t.closing.Lock()
	if !t.closed {
		t.closed = true
		close(t.quit)
	}
	t.closing.Unlock()
	defer t.stop()
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		t.stop()
		<-t.done
		return fmt.Errorf("close audit trail: %w", ctx.Err())
	}
}

// readable returns text without control characters and broken bytes, cut to
// what the table takes.
func readable(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
}
