package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
)

// An Error is a condition that callers act on; a target for errors.Is.
type Error string

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// ErrNoSession means that there is no session with this identifier.
const ErrNoSession Error = "no such session"

// A Session is a session as it is stored.
type Session struct {
	gate.Session

	CreatedAt, LastSeenAt time.Time
	// EndedAt is zero for a session that was not ended.
	EndedAt time.Time
}

// SessionsConfig configures [NewSessions]. The zero value is ready for use.
type SessionsConfig struct {
	// CacheFor is how long a session found active is taken to be so without
	// asking the database, and therefore how late this process may learn of
	// an end that another one brought about. Zero means five seconds, which
	// is also the most.
	CacheFor time.Duration
	// CacheSize bounds the number of sessions remembered; zero means 16384.
	CacheSize int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

const (
	maxCacheFor      = 5 * time.Second
	defaultCacheSize = 16384
	seenEvery        = time.Minute // how exact LastSeenAt is
	maxListed        = 100
	readTimeout      = 3 * time.Second // a check that waits for longer is no answer
	deleteBatch      = 1000            // rows deleted at once: the writer is needed by others
)

// Sessions is the store of sessions: [gate.Sessions], and what a person needs
// to look after his own. It is safe for concurrent use. [NewSessions] makes
// one, [Sessions.Close] ends what it does in the background.
//
// Any error other than [ErrNoSession] means that nothing is known of the
// session; one caused by the database matches [store.ErrUnavailable].
type Sessions struct {
	db    *store.DB
	now   func() time.Time
	cache *cache
	seen  *recorder
}

var _ gate.Sessions = (*Sessions)(nil)

// NewSessions returns a store of sessions in db, whose schema has the
// [Migrations].
func NewSessions(db *store.DB, cfg SessionsConfig) (*Sessions, error) {
	switch {
	case db == nil:
		return nil, errors.New("sessions: no database")
	case cfg.CacheFor < 0 || cfg.CacheFor > maxCacheFor:
		return nil, fmt.Errorf("sessions: cache for %v is not between 0 and %v", cfg.CacheFor, maxCacheFor)
	case cfg.CacheSize < 0:
		return nil, fmt.Errorf("sessions: negative cache size %d", cfg.CacheSize)
	}
	if cfg.CacheFor == 0 {
		cfg.CacheFor = maxCacheFor
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = defaultCacheSize
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Sessions{
		db: db, now: cfg.Now,
		cache: newCache(cfg.CacheSize, cfg.CacheFor),
		seen:  &recorder{db: db},
	}, nil
}

// Close waits for what runs in the background: recording when sessions were
// last seen. Sessions seen after it are not recorded any more.
func (s *Sessions) Close() error {
	s.seen.close()
	return nil
}

// Create stores a session and returns its identifier: 130 random bits as text,
// new at each call. The identifier of the argument is ignored. What the client
// says of itself is cut and cleaned.
func (s *Sessions) Create(ctx context.Context, session gate.Session) (string, error) {
	now := s.now()
	switch {
	case session.Subject == "" || session.Entity == "":
		return "", errors.New("create session: without subject or entity")
	case !session.ExpiresAt.After(now):
		return "", errors.New("create session: it would have expired")
	}
	id := rand.Text()
	var address string
	if session.Client.Address.IsValid() {
		address = session.Client.Address.Unmap().WithZone("").String()
	}
	_, err := s.db.Exec(ctx, `INSERT INTO gate_sessions
		(id, entity, subject, strategy, user_agent, address, created_at, last_seen_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)`,
		id, session.Entity, session.Subject, session.Strategy, readable(session.Client.UserAgent, 256), address,
		now.UnixMilli(), session.ExpiresAt.UnixMilli())
	if err != nil {
		return "", fmt.Errorf("create session: %w", err)
	}
	return id, nil
}

// Active reports whether the session exists, belongs to subject and has
// neither ended nor expired. It asks the database at most once in
// [SessionsConfig.CacheFor]; a session ended through this value is inactive at
// once. Errors are not remembered.
func (s *Sessions) Active(ctx context.Context, id, subject string) (bool, error) {
	if !validID(id) {
		return false, nil
	}
	now := s.now()
	if owner, ok := s.cache.get(id, now); ok {
		return owner.subject == subject, nil
	}
	epoch := s.cache.epoch()
	session, err := s.Get(ctx, id)
	switch {
	case errors.Is(err, ErrNoSession):
		return false, nil
	case err != nil:
		return false, err
	case !session.EndedAt.IsZero() || !session.ExpiresAt.After(now) || session.Subject != subject:
		return false, nil
	}
	s.cache.put(id, owner{session.Entity, session.Subject}, epoch, now, session.ExpiresAt)
	if now.Sub(session.LastSeenAt) >= seenEvery {
		s.seen.record(ctx, id, now)
	}
	return true, nil
}

const columns = "id, entity, subject, strategy, user_agent, address, created_at, last_seen_at, expires_at, ended_at"

// Get returns the session, whether or not it has ended, or [ErrNoSession]. Who
// may see it is for the caller to decide.
func (s *Sessions) Get(ctx context.Context, id string) (Session, error) {
	if !validID(id) {
		return Session{}, ErrNoSession
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	session, err := scan(s.db.Read().QueryRowContext(ctx, "SELECT "+columns+" FROM gate_sessions WHERE id = $1", id))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Session{}, ErrNoSession
	case err != nil:
		return Session{}, fmt.Errorf("get session: %w", s.db.Wrap(err))
	}
	return session, nil
}

// List returns the live sessions of an account, the newest first, at most a
// hundred.
func (s *Sessions) List(ctx context.Context, entity, subject string) ([]Session, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := s.db.Read().QueryContext(ctx, "SELECT "+columns+` FROM gate_sessions
		WHERE entity = $1 AND subject = $2 AND ended_at IS NULL AND expires_at > $3
		ORDER BY created_at DESC, id LIMIT $4`, entity, subject, s.now().UnixMilli(), maxListed)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", s.db.Wrap(err))
	}
	defer rows.Close()
	var list []Session
	for rows.Next() {
		session, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list sessions: %w", s.db.Wrap(err))
		}
		list = append(list, session)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sessions: %w", s.db.Wrap(err))
	}
	return list, nil
}

// scan reads the columns of one session.
func scan(row interface{ Scan(...any) error }) (Session, error) {
	var (
		v                      Session
		address                string
		created, seen, expires int64
		ended                  sql.NullInt64
	)
	err := row.Scan(&v.ID, &v.Entity, &v.Subject, &v.Strategy, &v.Client.UserAgent, &address, &created, &seen, &expires, &ended)
	if err != nil {
		return Session{}, err
	}
	if address != "" {
		if v.Client.Address, err = netip.ParseAddr(address); err != nil {
			return Session{}, fmt.Errorf("session %s: %w", v.ID, err)
		}
	}
	v.CreatedAt, v.LastSeenAt, v.ExpiresAt = time.UnixMilli(created), time.UnixMilli(seen), time.UnixMilli(expires)
	if ended.Valid {
		v.EndedAt = time.UnixMilli(ended.Int64)
	}
	return v, nil
}

// End ends the session. Ending one that has ended or never was is no error.
func (s *Sessions) End(ctx context.Context, id string) error {
	if !validID(id) {
		return nil
	}
	_, err := s.db.Exec(ctx, "UPDATE gate_sessions SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL",
		s.now().UnixMilli(), id)
	s.cache.drop(id) // after the change: what was read before it is not cached any more
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndSubject ends every live session of an account, save those listed in
// except, and returns how many there were.
func (s *Sessions) EndSubject(ctx context.Context, entity, subject string, except ...string) (int, error) {
	var query strings.Builder
	query.WriteString("UPDATE gate_sessions SET ended_at = $1 WHERE entity = $2 AND subject = $3 AND ended_at IS NULL")
	args := []any{s.now().UnixMilli(), entity, subject}
	except = slices.DeleteFunc(slices.Clone(except), func(id string) bool { return !validID(id) })
	for _, id := range except {
		args = append(args, id)
		query.WriteString(" AND id <> " + s.db.Dialect().Placeholder(len(args)))
	}
	res, err := s.db.Exec(ctx, query.String(), args...)
	s.cache.dropOwner(owner{entity, subject})
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", s.db.Wrap(err))
	}
	return int(n), nil
}

// DeleteExpired removes the rows of sessions that have expired, ended or not,
// and returns how many. A service calls it every now and then.
func (s *Sessions) DeleteExpired(ctx context.Context) (int, error) {
	total := 0
	for {
		res, err := s.db.Exec(ctx, `DELETE FROM gate_sessions WHERE id IN
			(SELECT id FROM gate_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
			s.now().UnixMilli(), deleteBatch)
		if err != nil {
			return total, fmt.Errorf("delete expired sessions: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return total, fmt.Errorf("delete expired sessions: %w", s.db.Wrap(err))
		}
		total += int(n)
		if n < deleteBatch {
			return total, nil
		}
	}
}

// validID reports whether id has the form of one made here. What has not is
// never sent to the database.
func validID(id string) bool {
	if len(id) != 26 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// readable returns text without control characters and broken bytes, cut to
// at most n bytes.
func readable(text string, n int) string {
	if len(text) > n {
		text = text[:n]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
}
