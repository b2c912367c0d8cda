package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gatewright/gate/store"
)

// maxObject is how large an object may be, in bytes: all of a kind are in memory,
// and members that nobody knows are kept.
const maxObject = 8 << 20

// checkEvery is how often a collection asks whether another process changed it.
const checkEvery = time.Second

// An object is what a [Collection] holds: T is the struct, and the interface is
// implemented by its pointer.
type object[T any] interface {
	*T
	key() (id, name string)
	json.Marshaler
	json.Unmarshaler
}

func (c *Client) key() (id, name string)      { return c.ID, c.ID }
func (a *API) key() (id, name string)         { return a.ID, a.Identifier }
func (c *ClientGrant) key() (id, name string) { return c.ID, c.ClientID + " " + c.Audience }
func (r *Role) key() (id, name string)        { return r.ID, r.Name }
func (c *Connection) key() (id, name string)  { return c.ID, c.Name }
func (a *Action) key() (id, name string)      { return a.ID, a.Name }
func (b *Bindings) key() (id, name string)    { return b.Trigger, b.Trigger }
func (*Settings) key() (id, name string)      { return settingsID, settingsID }

// A Collection holds the objects of one kind. What it returns is shared and must
// not be changed, except by [Collection.Update]. Changes by this process are
// seen at once, those of others within a second.
type Collection[T any, P object[T]] struct {
	s    *Store
	kind string
	// changed is called before others see objects that were read anew; nil is
	// nothing. Set before the collection is used.
	changed func()

	mu      sync.Mutex
	all     snapshot[T]
	version int64
	checked time.Time // zero after a change by this process
	changes int       // by this process
	looking *look[T]
}

// A look is one look at the database, for all who want it at the time.
type look[T any] struct {
	changes int           // before it
	done    chan struct{} // closed when all or err is set
	all     snapshot[T]
	err     error
}

// lookTime bounds a look.
const lookTime = 5 * time.Second

// A snapshot is the objects of a kind at one time, in the order in which they
// were made.
type snapshot[T any] struct {
	list   []*T
	byID   map[string]*T
	byName map[string]*T
	made   map[string]int64 // when, in milliseconds, by ID
}

func newCollection[T any, P object[T]](s *Store, kind string) *Collection[T, P] {
	return &Collection[T, P]{s: s, kind: kind, version: -1}
}

// Get returns the object with this ID, or [ErrNotFound].
func (c *Collection[T, P]) Get(ctx context.Context, id string) (*T, error) {
	all, err := c.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if o, ok := all.byID[id]; ok {
		return o, nil
	}
	return nil, &missing{c.kind, id}
}

// Known returns the object with this ID as it was read last, however long ago: for
// whoever has to tell its owner that nothing can be read.
func (c *Collection[T, P]) Known(id string) (*T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.all.byID[id]
	return o, ok
}

// Made returns when the object with this ID was made, or [ErrNotFound]: one that was
// deleted and made anew is another one.
func (c *Collection[T, P]) Made(ctx context.Context, id string) (time.Time, error) {
	all, err := c.snapshot(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if at, ok := all.made[id]; ok {
		return time.UnixMilli(at), nil
	}
	return time.Time{}, &missing{c.kind, id}
}

// Renew has the next question ask the database, however short a time ago the last
// one did: for whoever holds what somebody made of a change that another process did.
func (c *Collection[T, P]) Renew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked = time.Time{}
}

// Stored returns the object with this ID as the database has it now, or
// [ErrNotFound]: for whoever found that two collections do not fit together, of
// which each may be a second old.
func (c *Collection[T, P]) Stored(ctx context.Context, id string) (*T, error) {
	var doc string
	err := c.s.db.Read().QueryRowContext(ctx, "SELECT doc FROM idp_objects WHERE kind = $1 AND id = $2", c.kind, id).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &missing{c.kind, id}
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.kind, c.s.db.Wrap(err))
	}
	return c.decode(id, doc)
}

// ByName returns the object of this name, or [ErrNotFound]. The name of an API
// is its identifier, that of a client grant the client's ID, a space and the
// audience, that of a client its ID.
func (c *Collection[T, P]) ByName(ctx context.Context, name string) (*T, error) {
	all, err := c.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if o, ok := all.byName[name]; ok {
		return o, nil
	}
	return nil, &missing{c.kind, name}
}

// A missing is the answer for an object that does not exist. That is no fault:
// each request asks for things that may be absent, and nobody reads the text.
type missing struct{ kind, name string }

func (e *missing) Error() string { return fmt.Sprintf("%s %q %v", e.kind, e.name, ErrNotFound) }

// Unwrap makes it an [ErrNotFound].
func (e *missing) Unwrap() error { return ErrNotFound }

// List returns all objects, the oldest first.
func (c *Collection[T, P]) List(ctx context.Context) ([]*T, error) {
	all, err := c.snapshot(ctx)
	return slices.Clone(all.list), err
}

// Create adds an object, or returns [ErrExists] when one of its ID or name is
// there. The ID of a client and the identifier of an API are names of one kind: the
// ID tokens of the one would say the audience of the other's access tokens.
func (c *Collection[T, P]) Create(ctx context.Context, o *T) error {
	id, name := P(o).key()
	if id == "" || name == "" {
		return fmt.Errorf("tenant: %s without ID or name", c.kind)
	}
	doc, err := c.encode(o)
	if err != nil {
		return err
	}
	now := millis(c.s.now())
	err = c.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := c.apart(ctx, tx, name); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx,
			"INSERT INTO idp_objects (kind, id, name, doc, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)",
			c.kind, id, name, doc, now)
		return err
	})
	if c.s.db.Classify(err).Kind == store.Unique {
		return fmt.Errorf("%s %q %w", c.kind, name, ErrExists)
	}
	return err
}

// apart refuses a client that has the name of an API, and the other way round. Who
// makes one of them at the same time waits until this transaction is over.
func (c *Collection[T, P]) apart(ctx context.Context, tx *sql.Tx, name string) error {
	other, ok := map[string]string{kindClient: kindAPI, kindAPI: kindClient}[c.kind]
	if !ok {
		return nil
	}
	for _, kind := range []string{kindAPI, kindClient} { // in one order, or two wait for each other
		if err := bump(ctx, tx, kind); err != nil {
			return err
		}
	}
	var there int
	err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM idp_objects WHERE kind = $1 AND name = $2", other, name).Scan(&there)
	if err == nil && there > 0 {
		return fmt.Errorf("%s %q %w", other, name, ErrExists)
	}
	return err
}

// Update changes an object by change, which may be called again when another
// change came between, and returns what came of it. The error of change comes
// back as it is.
func (c *Collection[T, P]) Update(ctx context.Context, id string, change func(*T) error) (*T, error) {
	var o *T
	err := c.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var doc string
		err := tx.QueryRowContext(ctx, "SELECT doc FROM idp_objects WHERE kind = $1 AND id = $2"+c.s.forUpdate(), c.kind, id).Scan(&doc)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%s %q %w", c.kind, id, ErrNotFound)
		}
		if err != nil {
			return err
		}
		if o, err = c.decode(id, doc); err != nil {
			return err
		}
		if err := change(o); err != nil {
			return err
		}
		sameID, name := P(o).key()
		if sameID != id || name == "" {
			return fmt.Errorf("tenant: %s %q: its ID cannot change, its name not be empty", c.kind, id)
		}
		if doc, err = c.encode(o); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE idp_objects SET name = $3, doc = $4, updated_at = $5 WHERE kind = $1 AND id = $2",
			c.kind, id, name, doc, millis(c.s.now()))
		return err
	})
	if c.s.db.Classify(err).Kind == store.Unique {
		return nil, fmt.Errorf("%s of this name %w", c.kind, ErrExists)
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Delete removes an object with what hangs on it, or returns [ErrNotFound]: with
// a client and an API their grants, tokens and permissions, with a client that
// connections are enabled for it, with a role that users have it, and with a
// connection its users.
func (c *Collection[T, P]) Delete(ctx context.Context, id string) error {
	err := c.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var name string
		err := tx.QueryRowContext(ctx, "DELETE FROM idp_objects WHERE kind = $1 AND id = $2 RETURNING name", c.kind, id).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%s %q %w", c.kind, id, ErrNotFound)
		}
		if err != nil {
			return err
		}
		return c.s.deleteDependents(ctx, tx, c.kind, id, name)
	})
	if c.kind == kindClient || c.kind == kindAPI {
		c.s.Grants.forget()
	}
	if c.kind == kindClient {
		c.s.Connections.forget()
	}
	return err
}

// write runs fn in a transaction that also notes the change.
func (c *Collection[T, P]) write(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	err := c.s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return bump(ctx, tx, c.kind)
	})
	c.forget()
	return err
}

// bump notes that objects of a kind changed, for every process.
func bump(ctx context.Context, tx *sql.Tx, kind string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO idp_changes (kind, version) VALUES ($1, 1)
		ON CONFLICT (kind) DO UPDATE SET version = idp_changes.version + 1`, kind)
	return err
}

// forget makes the next call look.
func (c *Collection[T, P]) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked = time.Time{}
	c.changes++
}

// snapshot returns the objects, as new as [Collection] promises. Of any number
// of callers one asks the database and the others wait for that, so that they
// do not queue up before a database that does not answer. A change of this
// process that comes after the caller is nothing that the caller waits for.
func (c *Collection[T, P]) snapshot(ctx context.Context) (snapshot[T], error) {
	c.mu.Lock()
	age := c.s.now().Sub(c.checked)
	if !c.checked.IsZero() && age >= 0 && age < checkEvery {
		defer c.mu.Unlock()
		return c.all, nil
	}
	l := c.looking
	mine := l == nil || l.changes != c.changes
	if mine {
		l = &look[T]{changes: c.changes, done: make(chan struct{})}
		c.looking = l
	}
	c.mu.Unlock()
	if mine {
		// Others wait for it: it does not end with the one who began it.
		c.s.looks.run(func() { c.look(context.WithoutCancel(ctx), l) })
	}
	select {
	case <-l.done:
	case <-ctx.Done():
		return snapshot[T]{}, fmt.Errorf("read %ss: %w", c.kind, c.s.db.Wrap(ctx.Err()))
	}
	if l.err != nil {
		return snapshot[T]{}, fmt.Errorf("read %ss: %w", c.kind, c.s.db.Wrap(l.err))
	}
	return l.all, nil
}

// look reads the objects if they changed.
func (c *Collection[T, P]) look(ctx context.Context, l *look[T]) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	c.mu.Lock()
	all, known := c.all, c.version
	c.mu.Unlock()
	at := c.s.now()
	// The version first: a change in between is found by the next look.
	version, err := c.storedVersion(ctx)
	if err == nil && version != known {
		all, err = c.read(ctx)
		if c.changed != nil {
			c.changed()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looking == l {
		c.looking = nil
	}
	if err == nil && version >= c.version {
		c.all, c.version = all, version
		if l.changes == c.changes {
			c.checked = at
		}
	}
	l.all, l.err = all, err
	close(l.done)
}

func (c *Collection[T, P]) storedVersion(ctx context.Context) (version int64, err error) {
	err = c.s.db.Read().QueryRowContext(ctx, "SELECT version FROM idp_changes WHERE kind = $1", c.kind).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

func (c *Collection[T, P]) read(ctx context.Context) (snapshot[T], error) {
	all := snapshot[T]{byID: map[string]*T{}, byName: map[string]*T{}, made: map[string]int64{}}
	rows, err := c.s.db.Read().QueryContext(ctx, "SELECT id, name, doc, created_at FROM idp_objects WHERE kind = $1 ORDER BY created_at, id", c.kind)
	if err != nil {
		return all, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, name, doc string
		var made int64
		if err := rows.Scan(&id, &name, &doc, &made); err != nil {
			return all, err
		}
		o, err := c.decode(id, doc)
		if err != nil {
			return all, err
		}
		all.list = append(all.list, o)
		all.byID[id], all.byName[name], all.made[id] = o, o, made
	}
	return all, rows.Err()
}

// encode returns the document of an object, its secrets sealed.
func (c *Collection[T, P]) encode(o *T) (string, error) {
	data, err := P(o).MarshalJSON()
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", c.kind, err)
	}
	if len(data) > maxObject {
		return "", wrong("", fmt.Sprintf("The %s is larger than %d bytes", c.kind, maxObject))
	}
	if _, ok := any(o).(holder); !ok {
		return string(data), nil
	}
	sealed := new(T) // a copy, the original keeps its secrets
	if err := P(sealed).UnmarshalJSON(data); err != nil {
		return "", fmt.Errorf("encode %s: %w", c.kind, err)
	}
	id, _ := P(sealed).key()
	err = eachSecret(sealed, func(secret string) (string, error) { return c.s.seal.seal(secret, c.kind+" "+id), nil })
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", c.kind, err)
	}
	data, err = P(sealed).MarshalJSON()
	return string(data), err
}

func (c *Collection[T, P]) decode(id, doc string) (*T, error) {
	o := new(T)
	if err := P(o).UnmarshalJSON([]byte(doc)); err != nil {
		return nil, fmt.Errorf("decode %s %q: %w", c.kind, id, err)
	}
	err := eachSecret(o, func(sealed string) (string, error) { return c.s.seal.open(sealed, c.kind+" "+id) })
	if err != nil {
		return nil, fmt.Errorf("decode %s %q: %w", c.kind, id, err)
	}
	return o, nil
}
