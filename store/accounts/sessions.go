package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
)

// A Session is a session as it is stored.
type Session struct {
	gate.Session

	// CreatedAt is when somebody logged in, LastSeenAt when the session was last
	// used: to the minute, or to a tenth of IdleFor where that is less.
	CreatedAt, LastSeenAt time.Time
	// EndedAt is zero for a session that was not ended.
	EndedAt time.Time
}

// SessionsConfig configures [NewSessions]. The zero value is ready for use.
type SessionsConfig struct {
	// Entity limits the store to sessions of one kind of account: it makes no
	// others and takes others for none. Empty means any; a program with one
	// kind of account needs no limit.
	Entity string
	// CacheFor is how long a session found active is taken to be so without
	// asking the database, and therefore how late this process may learn of
	// an end that another one brought about. Zero means five seconds, which
	// is also the most.
	CacheFor time.Duration
	// CacheSize bounds the number of sessions remembered; zero means 16384.
	CacheSize int
	// PerAccount is how many live sessions an account may have; with one more,
	// the one that was not used for longest ends. Zero means a thousand: a
	// program that logs in for each of its calls logs nobody else out soon.
	PerAccount int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

const (
	maxCacheFor      = 5 * time.Second
	defaultCacheSize = 16384
	seenEvery        = time.Minute     // how exact LastSeenAt is
	firstSeen        = time.Second     // how soon the first use is noted
	minIdleFor       = time.Second     // what is shorter is a mistake
	maxSessions      = 1000            // live ones of an account
	maxListed        = 100             // of them
	maxEnded         = 100             // others, kept until they are swept
	readTimeout      = 3 * time.Second // a check that waits for longer is no answer
)

// The bounds of what callers hand in, in bytes.
const (
	maxEntity  = 64
	maxSubject = 255
)

// Sessions is the store of sessions: [gate.Sessions] and [gate.CookieSessions],
// and what a person needs to look after his own. It is safe for concurrent use.
// [NewSessions] makes one, [Sessions.Close] ends what it does in the background.
//
// # When a session is over
//
// A session is over when it was ended, when ExpiresAt has come, or when it was
// not used for IdleFor; all three are judged here, whatever a client still
// sends. How lately it was used is noted once a minute, or ten times in IdleFor
// where that is less: an idle session may be over that much sooner, and never
// later.
//
// An end brought about here counts at once in this process and within
// [SessionsConfig.CacheFor] in every other. An account has at most a thousand
// live sessions; with one more, the one unused for longest ends.
type Sessions struct {
	db     *store.DB
	now    func() time.Time
	entity string

	perAccount int

	live    *cache[string, owner]           // by identifier; what decides
	secrets *cache[[32]byte, *gate.Session] // by digest; spares reading the row
	seen    *recorder

	mu    sync.RWMutex
	hooks []func(context.Context, string)
}

var (
	_ gate.Sessions       = (*Sessions)(nil)
	_ gate.CookieSessions = (*Sessions)(nil)
)

// NewSessions returns a store of sessions in db, whose schema has the
// [Migrations].
func NewSessions(db *store.DB, cfg SessionsConfig) (*Sessions, error) {
	if db == nil {
		return nil, errors.New("sessions: no database")
	}
	if err := cacheConfig(&cfg.CacheFor, &cfg.CacheSize); err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	if cfg.PerAccount < 0 {
		return nil, fmt.Errorf("sessions: negative number %d of an account", cfg.PerAccount)
	}
	if cfg.PerAccount == 0 {
		cfg.PerAccount = maxSessions
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Sessions{
		db: db, now: cfg.Now, entity: cfg.Entity, perAccount: cfg.PerAccount,
		live:    newCache[string, owner](cfg.CacheSize, cfg.CacheFor),
		secrets: newCache[[32]byte, *gate.Session](cfg.CacheSize, cfg.CacheFor),
		seen: &recorder{
			db:     db,
			update: "UPDATE gate_sessions SET last_seen_at = $1 WHERE id = $2 AND (last_seen_at < $1 OR last_seen_at > $1 + 60000) AND ended_at IS NULL",
		},
	}, nil
}

// cacheConfig checks the two settings of a cache, and fills them in.
func cacheConfig(ttl *time.Duration, size *int) error {
	switch {
	case *ttl < 0 || *ttl > maxCacheFor:
		return fmt.Errorf("cache for %v is not between 0 and %v", *ttl, maxCacheFor)
	case *size < 0:
		return fmt.Errorf("negative cache size %d", *size)
	}
	if *ttl == 0 {
		*ttl = maxCacheFor
	}
	if *size == 0 {
		*size = defaultCacheSize
	}
	return nil
}

// Close waits for what runs in the background: recording when sessions were
// last seen. Sessions seen after it are not recorded any more.
func (s *Sessions) Close() error {
	s.seen.close()
	return nil
}

// Create stores a session and returns its identifier: 130 random bits as text,
// new at each call. The identifier of the argument is ignored, as is an
// AuthenticatedAt in the future. What the client says of itself is cut and
// cleaned.
func (s *Sessions) Create(ctx context.Context, session gate.Session) (string, error) {
	id, err := s.create(ctx, session, sql.NullString{})
	if err != nil {
		return "", fmt.Errorf("create session: %w", err)
	}
	return id, nil
}

func (s *Sessions) create(ctx context.Context, session gate.Session, digest sql.NullString) (string, error) {
	now := s.now()
	if err := s.check(session, now); err != nil {
		return "", err
	}
	if session.AuthenticatedAt.IsZero() || session.AuthenticatedAt.After(now) {
		session.AuthenticatedAt = now
	}
	var address string
	if session.Client.Address.IsValid() {
		address = session.Client.Address.Unmap().WithZone("").String()
	}
	id := rand.Text()
	var surplus []string
	err := s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO gate_sessions
			(id, entity, subject, strategy, user_agent, address, created_at, last_seen_at, expires_at,
			authenticated_at, idle_for, secret_hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11)`,
			id, session.Entity, session.Subject, session.Strategy, readable(session.Client.UserAgent, 256), address,
			now.UnixMilli(), session.ExpiresAt.UnixMilli(), session.AuthenticatedAt.UnixMilli(), session.IdleFor.Milliseconds(), digest)
		if err != nil {
			return err
		}
		surplus, err = s.endSurplus(ctx, tx, session, id, now)
		return err
	})
	if err != nil {
		return "", err
	}
	if len(surplus) > 0 {
		s.ended(ctx, surplus...)
	}
	return id, nil
}

func (s *Sessions) check(session gate.Session, now time.Time) error {
	switch {
	case session.Subject == "" || session.Entity == "":
		return errors.New("without subject or entity")
	case !storable(session.Subject, maxSubject) || !storable(session.Entity, maxEntity) || !storable(session.Strategy, maxEntity):
		return errors.New("subject, entity or strategy is too long or no text")
	case s.entity != "" && session.Entity != s.entity:
		return fmt.Errorf("entity %q in a store for %q", session.Entity, s.entity)
	case !session.ExpiresAt.After(now):
		return errors.New("it would have expired")
	case session.IdleFor != 0 && session.IdleFor < minIdleFor:
		return fmt.Errorf("idle for %v is less than %v", session.IdleFor, minIdleFor)
	}
	return nil
}

// endSurplus keeps the rows of an account to a number, and returns the sessions
// that ended for it. The one with this id is new and stays.
func (s *Sessions) endSurplus(ctx context.Context, tx *sql.Tx, session gate.Session, id string, now time.Time) ([]string, error) {
	_, err := tx.ExecContext(ctx, `DELETE FROM gate_sessions WHERE id IN
		(SELECT id FROM gate_sessions WHERE entity = $1 AND subject = $2 AND (ended_at IS NOT NULL OR expires_at <= $3)
		ORDER BY created_at DESC, id LIMIT $4 OFFSET $5)`,
		session.Entity, session.Subject, now.UnixMilli(), batchSize, maxEnded)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `UPDATE gate_sessions SET ended_at = $3 WHERE id IN
		(SELECT id FROM gate_sessions WHERE entity = $1 AND subject = $2 AND ended_at IS NULL AND expires_at > $3 AND id <> $4
		ORDER BY CASE WHEN last_seen_at > created_at THEN 0 ELSE 1 END, last_seen_at DESC, created_at DESC, id LIMIT $5 OFFSET $6)
		RETURNING id`,
		session.Entity, session.Subject, now.UnixMilli(), id, batchSize, s.perAccount-1)
	if err != nil {
		return nil, err
	}
	return texts(rows)
}

// Active reports whether the session exists, belongs to subject and is not over.
// It asks the database at most once in [SessionsConfig.CacheFor]; a session
// ended through this value is inactive at once. Errors are not remembered.
func (s *Sessions) Active(ctx context.Context, id, subject string) (bool, error) {
	if !validID(id) {
		return false, nil
	}
	now := s.now()
	if owner, ok := s.live.get(id, now); ok {
		return owner.subject == subject, nil
	}
	epoch := s.live.epoch()
	session, err := s.Get(ctx, id)
	if err == nil {
		session, err = s.goesOn(ctx, session, now)
	}
	switch {
	case errors.Is(err, ErrNoSession):
		return false, nil
	case err != nil:
		return false, err
	case session.Subject != subject:
		return false, nil
	}
	s.noteUse(ctx, session, epoch, now)
	return true, nil
}

// goesOn returns the session, which was read from the database, if it is not
// over, else [ErrNoSession]. One that looks idle is looked at again: its use may
// be on the way to the database, or have arrived since.
func (s *Sessions) goesOn(ctx context.Context, session Session, now time.Time) (Session, error) {
	if s.over(session, now) {
		return Session{}, ErrNoSession
	}
	if awake(session, session.LastSeenAt, now) || awake(session, s.seen.noted(session.ID), now) {
		return session, nil
	}
	session, err := s.read(ctx, "id", session.ID)
	if err == nil && (s.over(session, now) || !awake(session, session.LastSeenAt, now)) {
		err = ErrNoSession
	}
	return session, err
}

// over reports whether the session was ended, has expired, or is none of ours.
func (s *Sessions) over(session Session, now time.Time) bool {
	return !session.EndedAt.IsZero() || !session.ExpiresAt.After(now) || s.entity != "" && session.Entity != s.entity
}

// awake reports whether the session, if it was seen then, is not idle now.
func awake(session Session, seen, now time.Time) bool {
	return session.IdleFor == 0 || seen.Add(session.IdleFor).After(now)
}

// noteUse remembers a session that goes on, and that it was used. The epoch is
// from before it was read.
func (s *Sessions) noteUse(ctx context.Context, session Session, epoch uint64, now time.Time) {
	expires := session.ExpiresAt
	every := seenEvery
	if session.IdleFor > 0 {
		every = min(every, session.IdleFor/10)
		if idle := now.Add(session.IdleFor); idle.Before(expires) {
			expires = idle
		}
	}
	s.live.put(session.ID, owner{session.Entity, session.Subject}, epoch, now, expires)
	if !session.LastSeenAt.After(session.CreatedAt) {
		every = min(every, firstSeen) // to tell it from one that is never used
	}
	if ago := now.Sub(session.LastSeenAt); ago >= every || ago < -ahead {
		s.seen.record(ctx, session.ID, now)
	}
}

const columns = `id, entity, subject, strategy, user_agent, address, created_at, last_seen_at, expires_at, ended_at,
	authenticated_at, idle_for`

// Get returns the session, whether or not it is over, or [ErrNoSession]. Who
// may see it is for the caller to decide.
func (s *Sessions) Get(ctx context.Context, id string) (Session, error) {
	if !validID(id) {
		return Session{}, ErrNoSession
	}
	session, err := s.read(ctx, "id", id)
	if err != nil {
		return Session{}, fmt.Errorf("get session: %w", err)
	}
	return session, nil
}

// read returns the session with this value in a column that has each once.
func (s *Sessions) read(ctx context.Context, column, value string) (Session, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	row := s.db.Read().QueryRowContext(ctx, "SELECT "+columns+" FROM gate_sessions WHERE "+column+" = $1", value)
	session, err := scanSession(row)
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, ErrNoSession
	}
	return session, s.db.Wrap(err)
}

// List returns the sessions of an account that are not over, the newest first,
// at most a hundred.
func (s *Sessions) List(ctx context.Context, entity, subject string) ([]Session, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	now := s.now()
	rows, err := s.db.Read().QueryContext(ctx, "SELECT "+columns+` FROM gate_sessions
		WHERE entity = $1 AND subject = $2 AND ended_at IS NULL AND expires_at > $3
		ORDER BY created_at DESC, id LIMIT $4`, entity, subject, now.UnixMilli(), maxListed)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", s.db.Wrap(err))
	}
	defer rows.Close()
	var list []Session
	for rows.Next() {
		session, err := scanSession(rows)
		if err != nil {
			return nil, fmt.Errorf("list sessions: %w", s.db.Wrap(err))
		}
		if awake(session, session.LastSeenAt, now) || awake(session, s.seen.noted(session.ID), now) {
			list = append(list, session)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sessions: %w", s.db.Wrap(err))
	}
	return list, nil
}

// scanner is a row of a result.
type scanner interface{ Scan(into ...any) error }

// scanSession reads the columns of one session.
func scanSession(row scanner) (Session, error) {
	var (
		v                                    Session
		address                              string
		created, seen, expires, proved, idle int64
		ended                                sql.NullInt64
	)
	err := row.Scan(&v.ID, &v.Entity, &v.Subject, &v.Strategy, &v.Client.UserAgent, &address,
		&created, &seen, &expires, &ended, &proved, &idle)
	if err != nil {
		return Session{}, err
	}
	if address != "" {
		if v.Client.Address, err = netip.ParseAddr(address); err != nil {
			return Session{}, fmt.Errorf("session %s: %w", v.ID, err)
		}
	}
	v.CreatedAt, v.LastSeenAt, v.ExpiresAt = time.UnixMilli(created), time.UnixMilli(seen), time.UnixMilli(expires)
	v.AuthenticatedAt, v.IdleFor = time.UnixMilli(proved), time.Duration(idle)*time.Millisecond
	if ended.Valid {
		v.EndedAt = time.UnixMilli(ended.Int64)
	}
	return v, nil
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
