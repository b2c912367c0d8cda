package tenant

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strconv"
	"sync"
	"time"

	"github.com/gatewright/gate/store"
)

// A Log is one entry of the log, in the words of Auth0: type "s" is a log-in,
// "f" one that failed.
type Log struct {
	ID           string         `json:"log_id"`
	Date         time.Time      `json:"date"`
	Type         string         `json:"type"`
	Description  string         `json:"description,omitempty"`
	Connection   string         `json:"connection,omitempty"`
	ConnectionID string         `json:"connection_id,omitempty"`
	ClientID     string         `json:"client_id,omitempty"`
	ClientName   string         `json:"client_name,omitempty"`
	IP           string         `json:"ip,omitempty"`
	UserAgent    string         `json:"user_agent,omitempty"`
	Hostname     string         `json:"hostname,omitempty"`
	UserID       string         `json:"user_id,omitempty"`
	UserName     string         `json:"user_name,omitempty"`
	Audience     string         `json:"audience,omitempty"`
	Scope        string         `json:"scope,omitempty"`
	Details      map[string]any `json:"details,omitempty"`
}

// LogTypes returns the types that entries have, sorted.
func LogTypes() []string {
	return []string{
		"actions_execution_failed", "api_limit", "f", "fapi", "feacft", "feccft", "fepft", "ferrt", "fertft", "fp", "fs", "fsa", "limit_mu", "limit_wc",
		"mgmt_api_read", "pwd_leak", "s", "sapi", "scp", "scpr", "seacft", "seccft", "sepft", "sertft", "slo", "srrt", "ss", "ssa", "sv",
	}
}

const (
	queueSize  = 4096
	batchSize  = 256
	batchTime  = 10 * time.Millisecond // how long an entry waits for others
	maxDetails = 64 << 10              // bytes of an entry; above that it has no details
)

// An entry is a log entry that waits, with its document.
type entry struct {
	Log
	doc string
}

// A logQueue writes entries in the background.
type logQueue struct {
	s     *Store
	log   *slog.Logger
	in    chan entry
	flush chan chan struct{}
	stop  chan struct{}
	done  chan struct{}

	mu     sync.RWMutex // held to put an entry in
	closed bool

	ids logIDs
}

func newLogQueue(s *Store, log *slog.Logger) *logQueue {
	q := &logQueue{
		s: s, log: log, in: make(chan entry, queueSize), flush: make(chan chan struct{}),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go q.run()
	return q
}

// Record adds an entry to the log. It neither waits nor fails: entries wait in
// memory, 4096 at most, until one goroutine writes them, a hundredth of a
// second later, so that many go in one transaction. What does not fit, what
// comes after [Store.Close], or what the database does not take, goes to the
// logger alone. ID and Date are what the moment says; the ID counts up in the
// order of the calls. Texts are cut to what their columns hold.
func (s *Store) Record(ctx context.Context, e Log) {
	e.Date = s.now().UTC()
	e.ID = s.logs.ids.next(e.Date)
	e.Type, e.ClientID, e.IP = cut(e.Type, 40), cut(e.ClientID, 64), cut(e.IP, 64)
	e.UserID, e.Connection, e.UserName = cut(e.UserID, 255), cut(e.Connection, 128), cut(e.UserName, 400)
	e.UserAgent, e.Description = cut(e.UserAgent, 500), cut(e.Description, 1000)
	doc, err := encodeLog(&e)
	if err != nil {
		s.logs.lost(ctx, err.Error(), e)
		return
	}
	s.logs.mu.RLock()
	defer s.logs.mu.RUnlock()
	if s.logs.closed {
		s.logs.lost(ctx, "the log is closed", e)
		return
	}
	select {
	case s.logs.in <- entry{e, doc}:
	default:
		s.logs.lost(ctx, "the queue is full", e)
	}
}

// encodeLog returns the document of an entry. The details are read now: their
// map is the caller's.
func encodeLog(e *Log) (string, error) {
	data, err := json.Marshal(e)
	if err == nil && len(data) > maxDetails {
		e.Details = map[string]any{"error": "details were too large"}
		data, err = json.Marshal(e)
	}
	return string(storable(data)), err
}

// FlushLogs waits until the entries recorded before are written, or ctx ends.
func (s *Store) FlushLogs(ctx context.Context) error {
	ack := make(chan struct{})
	select {
	case s.logs.flush <- ack:
	case <-s.logs.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-ack:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// logIDs makes the IDs of entries: numbers that count up with the time, and
// also between entries of one millisecond.
type logIDs struct {
	mu     sync.Mutex
	millis int64
	n      int64
}

func (l *logIDs) next(now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ms := now.UnixMilli(); ms > l.millis {
		start, _ := rand.Int(rand.Reader, big.NewInt(9e9)) // never fails; another one in each process
		l.millis, l.n = ms, start.Int64()
	} else {
		l.n++
	}
	return string(padded(padded(make([]byte, 0, 23), l.millis, 13), l.n, 10))
}

// logID returns what the IDs of the entries from a time on are not below.
func logID(t time.Time) string { return string(padded(nil, t.UnixMilli(), 13)) }

// padded appends a number with at least so many digits.
func padded(b []byte, n int64, digits int) []byte {
	text := strconv.FormatInt(n, 10)
	for range digits - len(text) {
		b = append(b, '0')
	}
	return append(b, text...)
}

func (q *logQueue) run() {
	defer close(q.done)
	batch := make([]entry, 0, batchSize)
	for {
		select {
		case e := <-q.in:
			ack := q.pause()
			batch = q.gather(append(batch, e))
			q.write(batch)
			if ack != nil {
				q.drain()
				close(ack)
			}
			clear(batch)
			batch = batch[:0]
		case ack := <-q.flush:
			q.drain()
			close(ack)
		case <-q.stop:
			q.drain()
			return
		}
	}
}

// pause waits for more entries, until somebody wants them written, whom it
// returns.
func (q *logQueue) pause() (flush chan struct{}) {
	if len(q.in) >= batchSize-1 {
		return nil
	}
	timer := time.NewTimer(batchTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case flush = <-q.flush:
	case <-q.stop:
	}
	return flush
}

// gather adds the entries that wait, up to a batch.
func (q *logQueue) gather(batch []entry) []entry {
	for len(batch) < batchSize {
		select {
		case e := <-q.in:
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

func (q *logQueue) drain() {
	for {
		batch := q.gather(nil)
		if len(batch) == 0 {
			return
		}
		q.write(batch)
	}
}

// write stores a batch. When the database answers but refuses it, each entry
// goes alone, so that one does not take the others with it.
func (q *logQueue) write(batch []entry) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := q.insert(ctx, batch)
	switch {
	case err == nil:
	case len(batch) == 1 || q.s.db.Classify(err).Kind == store.Unavailable:
		for _, e := range batch {
			q.lost(ctx, err.Error(), e.Log)
		}
	default:
		for _, e := range batch {
			if err := q.insert(ctx, []entry{e}); err != nil {
				q.lost(ctx, err.Error(), e.Log)
			}
		}
	}
}

func (q *logQueue) insert(ctx context.Context, batch []entry) error {
	return q.s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		const insert = `INSERT INTO idp_logs (id, date, type, user_id, client_id, connection, ip, doc)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
		for _, e := range batch {
			if _, err := tx.ExecContext(ctx, insert, e.ID, millis(e.Date), e.Type, e.UserID, e.ClientID, e.Connection, e.IP, e.doc); err != nil {
				return err
			}
		}
		return nil
	})
}

func (q *logQueue) lost(ctx context.Context, why string, e Log) {
	q.log.ErrorContext(ctx, "log entry was not stored", "reason", why, "type", e.Type, "user_id", e.UserID,
		"client_id", e.ClientID, "ip", e.IP, "description", e.Description)
}

func (q *logQueue) close(ctx context.Context) error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.stop)
	}
	q.mu.Unlock()
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// LogEntry returns one entry, or [ErrNotFound].
func (s *Store) LogEntry(ctx context.Context, id string) (*Log, error) {
	list, err := s.logRows(ctx, "SELECT doc FROM idp_logs WHERE id = $1", id)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("log entry %w", ErrNotFound)
	}
	return list[0], nil
}

func (s *Store) logRows(ctx context.Context, query string, args ...any) ([]*Log, error) {
	rows, err := s.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read logs: %w", s.db.Wrap(err))
	}
	defer rows.Close()
	var list []*Log
	for rows.Next() {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return nil, fmt.Errorf("read logs: %w", s.db.Wrap(err))
		}
		e := new(Log)
		if err := json.Unmarshal([]byte(doc), e); err != nil {
			return nil, fmt.Errorf("decode log entry: %w", err)
		}
		list = append(list, e)
	}
	return list, s.db.Wrap(rows.Err())
}
