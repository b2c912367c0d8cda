package tenant

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"time"
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

const (
	queueSize = 4096
	batchSize = 256
)

// A logQueue writes entries in the background.
type logQueue struct {
	s      *Store
	log    *slog.Logger
	in     chan Log
	flush  chan chan struct{}
	closed chan struct{}
	done   chan struct{}
}

func newLogQueue(s *Store, log *slog.Logger) *logQueue {
	q := &logQueue{
		s: s, log: log, in: make(chan Log, queueSize), flush: make(chan chan struct{}),
		closed: make(chan struct{}), done: make(chan struct{}),
	}
	go q.run()
	return q
}

// Record adds an entry to the log. It neither waits nor fails: entries wait in
// memory, 4096 at most, until one goroutine writes them. What does not fit, or
// what the database does not take, goes to the logger alone.
func (s *Store) Record(ctx context.Context, e Log) {
	now := s.now().UTC()
	if e.Date.IsZero() {
		e.Date = now
	}
	e.ID = newLogID(e.Date)
	e.UserAgent, e.Description = cut(e.UserAgent, 500), cut(e.Description, 1000)
	e.UserName, e.Connection, e.ClientID = cut(e.UserName, 400), cut(e.Connection, 128), cut(e.ClientID, 64)
	select {
	case s.logs.in <- e:
	default:
		s.logs.lost(ctx, []Log{e}, "the queue is full")
	}
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

// newLogID returns a number that sorts by time.
func newLogID(t time.Time) string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1e10)) // never fails
	return fmt.Sprintf("%013d%010d", t.UnixMilli(), n)
}

func (q *logQueue) run() {
	defer close(q.done)
	for {
		select {
		case e := <-q.in:
			q.write(q.gather([]Log{e}))
		case ack := <-q.flush:
			q.drain()
			close(ack)
		case <-q.closed:
			q.drain()
			return
		}
	}
}

// gather adds the entries that wait, up to a batch.
func (q *logQueue) gather(batch []Log) []Log {
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

func (q *logQueue) write(batch []Log) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := q.s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for i := range batch {
			e := &batch[i]
			doc, err := json.Marshal(e)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `INSERT INTO idp_logs (id, date, type, user_id, client_id, connection, ip, doc)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
				e.ID, millis(e.Date), e.Type, cut(e.UserID, 255), e.ClientID, e.Connection, cut(e.IP, 64), string(doc))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		q.lost(ctx, batch, err.Error())
	}
}

func (q *logQueue) lost(ctx context.Context, batch []Log, why string) {
	for _, e := range batch {
		q.log.ErrorContext(ctx, "log entry was not stored", "reason", why, "type", e.Type, "user_id", e.UserID,
			"client_id", e.ClientID, "ip", e.IP, "description", e.Description)
	}
}

func (q *logQueue) close(ctx context.Context) error {
	select {
	case <-q.closed:
	default:
		close(q.closed)
	}
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// LogEntry returns one entry, or [ErrNotFound].
func (s *Store) LogEntry(ctx context.Context, id string) (*Log, error) {
	list, err := s.Logs(ctx, "id = $1", []any{id}, 1, 0)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("log entry %w", ErrNotFound)
	}
	return list[0], nil
}

// Logs returns the entries that meet a condition on the columns of idp_logs,
// the newest first.
func (s *Store) Logs(ctx context.Context, where string, args []any, limit, offset int) ([]*Log, error) {
	if where == "" {
		where = "1 = 1"
	}
	rows, err := s.db.Read().QueryContext(ctx, fmt.Sprintf("SELECT doc FROM idp_logs WHERE %s ORDER BY id DESC LIMIT %d OFFSET %d", where, limit, offset), args...)
	if err != nil {
		return nil, fmt.Errorf("read logs: %w", s.db.Wrap(err))
	}
	defer rows.Close()
	var list []*Log
	for rows.Next() {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return nil, s.db.Wrap(err)
		}
		e := new(Log)
		if err := json.NewDecoder(strings.NewReader(doc)).Decode(e); err != nil {
			return nil, fmt.Errorf("decode log entry: %w", err)
		}
		list = append(list, e)
	}
	return list, s.db.Wrap(rows.Err())
}
