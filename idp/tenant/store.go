package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate/internal/seal"
	"github.com/gatewright/gate/store"
)

// An Error is a condition that callers act on; a target for errors.Is.
type Error string

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// The conditions. Every other error means that nothing is known; one caused by
// the database matches [store.ErrUnavailable].
const (
	// ErrNotFound means that there is no such object, user or token.
	ErrNotFound Error = "does not exist"
	// ErrExists means that an object of this name, or a user of this address or
	// user name, is there already.
	ErrExists Error = "exists already"
	// ErrUsed means that a code or ticket was used before.
	ErrUsed Error = "was used before"
	// ErrReused means that a refresh token was presented after its successor;
	// its family has ended.
	ErrReused Error = "refresh token was used again"
	// ErrQuery means that a search cannot be read; the message says where.
	ErrQuery Error = "query cannot be read"
	// ErrNoExport means that a file is not what [Store.Export] writes.
	ErrNoExport Error = "not the export of a tenant"
	// ErrBlocked means that a user is blocked.
	ErrBlocked Error = "is blocked"
	// ErrUnproven means that a stranger may have made a user: see
	// [Identity].Unproven.
	ErrUnproven Error = "has an address that nobody has proven"
	// ErrEnded means that everything of a user was ended after the secret of the
	// log-in had been looked at.
	ErrEnded Error = "has ended meanwhile"
	// ErrWrongSecret means that a secret in the database was sealed with
	// another [Config].Secret, or that a row was tampered with.
	ErrWrongSecret Error = "secrets were sealed with another secret"
)

// Config configures [Open].
type Config struct {
	// Secret seals secrets and makes refresh tokens: at least 32 bytes, the
	// same in each process; required. Keys are derived from it (RFC 5869), so
	// it may serve other purposes too.
	Secret []byte
	// Logger gets what goes wrong in the background; nil means slog.Default().
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// A Store is a tenant in a database. It is safe for concurrent use; [Open]
// makes one, [Store.Close] ends what it does in the background.
type Store struct {
	Clients     *Collection[Client, *Client]
	APIs        *Collection[API, *API]
	Grants      *Collection[ClientGrant, *ClientGrant]
	Roles       *Collection[Role, *Role]
	Connections *Collection[Connection, *Connection]
	Actions     *Collection[Action, *Action]
	Bindings    *Collection[Bindings, *Bindings]

	settings *Collection[Settings, *Settings]
	unset    *Settings // while there are none
	db       *store.DB
	now      func() time.Time
	seal     sealer
	refresh  []byte // the key of refresh tokens
	logs     *logQueue
	looks    looks
	rooms    rooms

	addressesCut atomic.Int64 // the time up to which this process cut addresses
}

// Open returns the tenant in a database whose schema has the [Migrations].
func Open(ctx context.Context, db *store.DB, cfg Config) (*Store, error) {
	switch {
	case db == nil:
		return nil, errors.New("tenant: no database")
	case len(cfg.Secret) < 32:
		return nil, fmt.Errorf("tenant: a secret of %d bytes is shorter than 32", len(cfg.Secret))
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{db: db, now: cfg.Now, rooms: newRooms(db.Read()), unset: new(Settings)}
	var err error
	if s.seal.box, err = seal.New(cfg.Secret, "gate idp seal"); err != nil {
		return nil, fmt.Errorf("tenant: %w", err)
	}
	if s.refresh, err = seal.Key(cfg.Secret, "gate idp refresh token"); err != nil {
		return nil, fmt.Errorf("tenant: %w", err)
	}
	s.Clients = newCollection[Client](s, kindClient)
	s.APIs = newCollection[API](s, kindAPI)
	s.Grants = newCollection[ClientGrant](s, kindGrant)
	s.Roles = newCollection[Role](s, kindRole)
	s.Connections = newCollection[Connection](s, kindConnection)
	s.Actions = newCollection[Action](s, kindAction)
	s.Bindings = newCollection[Bindings](s, kindBindings)
	s.Bindings.changed = s.Actions.forget // no new binding leads to what an action was before
	s.settings = newCollection[Settings](s, kindSettings)
	if err := s.checkSecret(ctx); err != nil {
		return nil, err
	}
	s.logs = newLogQueue(s, cfg.Logger)
	return s, nil
}

// kindCheck and checkID name the row that tells whether the secret is the one of
// this database.
const (
	kindCheck = "secret_check"
	checkID   = "tenant"
)

// checkSecret finds out about a wrong secret now, and not when somebody logs in.
// The first process leaves the row for the others.
func (s *Store) checkSecret(ctx context.Context) error {
	const bound = kindCheck + " " + checkID
	const find = "SELECT doc FROM idp_objects WHERE kind = $1 AND id = $2"
	var doc string
	err := s.db.Read().QueryRowContext(ctx, find, kindCheck, checkID).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = s.db.Exec(ctx, `INSERT INTO idp_objects (kind, id, name, doc, created_at, updated_at)
			VALUES ($1, $2, $2, $3, $4, $4) ON CONFLICT DO NOTHING`, kindCheck, checkID, s.seal.seal(checkID, bound), millis(s.now()))
		if err != nil {
			return fmt.Errorf("tenant: %w", err)
		}
		err = s.db.Write().QueryRowContext(ctx, find, kindCheck, checkID).Scan(&doc)
	}
	if err != nil {
		return fmt.Errorf("tenant: %w", s.db.Wrap(err))
	}
	if _, err = s.seal.open(doc, bound); err != nil {
		return fmt.Errorf("tenant: %w", err)
	}
	return nil
}

// Close writes the log entries that wait and waits for what reads the database in
// the background, until ctx ends.
func (s *Store) Close(ctx context.Context) error {
	return errors.Join(s.logs.close(ctx), s.looks.close(ctx))
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// inTx runs fn in a transaction; again when the database undid it to let others
// pass, a few times at most. So what fn leaves outside has to be the same after
// one run and after two. Transactions lock the rows of objects first, then those of
// users, sessions, refresh tokens and tokens, in this order: see [Store.lockUsers].
func (s *Store) inTx(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	return s.insist(func() error { return s.db.InTx(ctx, fn) })
}

// exec runs one statement in a transaction of its own, as inTx does.
func (s *Store) exec(ctx context.Context, query string, args ...any) (res sql.Result, err error) {
	err = s.insist(func() error {
		res, err = s.db.Exec(ctx, query, args...)
		return err
	})
	return res, err
}

// insist is for PostgreSQL. A SQLite that is locked was waited for already.
func (s *Store) insist(run func() error) error {
	const tries = 4
	for try := 1; ; try++ {
		err := run()
		if err == nil || try == tries || s.db.Dialect() != store.Postgres || !s.db.Classify(err).Retry {
			return err
		}
	}
}

// settingsID is the one object of its kind.
const settingsID = "tenant"

// Settings returns the settings of the tenant. They are shared and must not be
// changed.
func (s *Store) Settings(ctx context.Context) (*Settings, error) {
	set, err := s.settings.Get(ctx, settingsID)
	if errors.Is(err, ErrNotFound) {
		return s.unset, nil
	}
	return set, err
}

// UpdateSettings changes the settings of the tenant by change, in a transaction.
func (s *Store) UpdateSettings(ctx context.Context, change func(*Settings) error) (*Settings, error) {
	_, err := s.settings.Get(ctx, settingsID)
	if errors.Is(err, ErrNotFound) {
		err = s.settings.Create(ctx, new(Settings))
	}
	if err != nil && !errors.Is(err, ErrExists) {
		return nil, err
	}
	return s.settings.Update(ctx, settingsID, change)
}

// millis returns t as it is stored; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant is the reverse of millis.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
