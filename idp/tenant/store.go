package tenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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
	db       *store.DB
	now      func() time.Time
	seal     *sealer
	refresh  []byte // the key of refresh tokens
	logs     *logQueue
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
	s := &Store{db: db, now: cfg.Now}
	var err error
	if s.seal, err = newSealer(cfg.Secret, "gate idp seal"); err != nil {
		return nil, err
	}
	if s.refresh, err = refreshKey(cfg.Secret); err != nil {
		return nil, err
	}
	s.Clients = newCollection[Client](s, "client")
	s.APIs = newCollection[API](s, "api")
	s.Grants = newCollection[ClientGrant](s, "client_grant")
	s.Roles = newCollection[Role](s, "role")
	s.Connections = newCollection[Connection](s, "connection")
	s.Actions = newCollection[Action](s, "action")
	s.Bindings = newCollection[Bindings](s, "bindings")
	s.settings = newCollection[Settings](s, "settings")
	// A wrong secret is found now and not by the first who logs in.
	if _, err := s.Clients.List(ctx); err != nil {
		return nil, err
	}
	if _, err := s.Connections.List(ctx); err != nil {
		return nil, err
	}
	s.logs = newLogQueue(s, cfg.Logger)
	return s, nil
}

// Close writes the log entries that wait, until ctx ends.
func (s *Store) Close(ctx context.Context) error { return s.logs.close(ctx) }

// DB returns the database, for what needs statements of its own.
func (s *Store) DB() *store.DB { return s.db }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// settingsID is the one object of its kind.
const settingsID = "tenant"

// Settings returns the settings of the tenant. They are shared and must not be
// changed.
func (s *Store) Settings(ctx context.Context) (*Settings, error) {
	set, err := s.settings.Get(ctx, settingsID)
	if errors.Is(err, ErrNotFound) {
		return new(Settings), nil
	}
	return set, err
}

// UpdateSettings changes the settings of the tenant by change, in a transaction.
func (s *Store) UpdateSettings(ctx context.Context, change func(*Settings) error) (*Settings, error) {
	set, err := s.settings.Update(ctx, settingsID, change)
	if !errors.Is(err, ErrNotFound) {
		return set, err
	}
	set = new(Settings)
	if err := change(set); err != nil {
		return nil, err
	}
	return set, s.settings.Create(ctx, set)
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
