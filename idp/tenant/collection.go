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

	mu      sync.Mutex // one look at a time
	checked time.Time
	version int64
	all     snapshot[T]
}

// A snapshot is the objects of a kind at one time, in the order in which they
// were made.
type snapshot[T any] struct {
	list   []*T
	byID   map[string]*T
	byName map[string]*T
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
	return nil, fmt.Errorf("%s %q %w", c.kind, id, ErrNotFound)
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
	return nil, fmt.Errorf("%s %q %w", c.kind, name, ErrNotFound)
}

// List returns all objects, the oldest first.
func (c *Collection[T, P]) List(ctx context.Context) ([]*T, error) {
	all, err := c.snapshot(ctx)
	return slices.Clone(all.list), err
}

// Create adds an object, or returns [ErrExists] when one of its ID or name is
// there.
func (c *Collection[T, P]) Create(ctx context.Context, o *T) error {
	id, name := P(o).key()
	doc, err := c.encode(o)
	if err != nil {
		return err
	}
	now := millis(c.s.now())
	err = c.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
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
		if sameID != id {
			return fmt.Errorf("%s %q: its ID cannot change", c.kind, id)
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

// Delete removes an object with what hangs on it, or returns [ErrNotFound].
func (c *Collection[T, P]) Delete(ctx context.Context, id string) error {
	return c.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM idp_objects WHERE kind = $1 AND id = $2", c.kind, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return cmpErr(err, fmt.Errorf("%s %q %w", c.kind, id, ErrNotFound))
		}
		return c.s.deleteDependents(ctx, tx, c.kind, id)
	})
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// dependents are the rows that go with an object.
var dependents = map[string][]string{ //nolint:gochecknoglobals // constant
	"role": {
		"DELETE FROM idp_user_roles WHERE role_id = $1",
		"DELETE FROM idp_role_permissions WHERE role_id = $1",
	},
	"client": {
		"DELETE FROM idp_refresh WHERE client_id = $1",
		"DELETE FROM idp_tokens WHERE client_id = $1",
		"DELETE FROM idp_consents WHERE client_id = $1",
	},
}

func (s *Store) deleteDependents(ctx context.Context, tx *sql.Tx, kind, id string) error {
	for _, statement := range dependents[kind] {
		if _, err := tx.ExecContext(ctx, statement, id); err != nil {
			return err
		}
	}
	return nil
}

// write runs fn in a transaction that also notes the change.
func (c *Collection[T, P]) write(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	err := c.s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO idp_changes (kind, version) VALUES ($1, 1)
			ON CONFLICT (kind) DO UPDATE SET version = idp_changes.version + 1`, c.kind)
		return err
	})
	c.mu.Lock()
	c.checked = time.Time{}
	c.mu.Unlock()
	return err
}

// snapshot returns the objects, as new as [Collection] promises.
func (c *Collection[T, P]) snapshot(ctx context.Context) (snapshot[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.s.now()
	if age := now.Sub(c.checked); !c.checked.IsZero() && age >= 0 && age < checkEvery {
		return c.all, nil
	}
	var version int64
	err := c.s.db.Write().QueryRowContext(ctx, "SELECT version FROM idp_changes WHERE kind = $1", c.kind).Scan(&version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return snapshot[T]{}, fmt.Errorf("read %ss: %w", c.kind, c.s.db.Wrap(err))
	}
	if version != c.version {
		if c.all, err = c.read(ctx); err != nil {
			return snapshot[T]{}, fmt.Errorf("read %ss: %w", c.kind, c.s.db.Wrap(err))
		}
		c.version = version
	}
	c.checked = now
	return c.all, nil
}

func (c *Collection[T, P]) read(ctx context.Context) (snapshot[T], error) {
	all := snapshot[T]{byID: map[string]*T{}, byName: map[string]*T{}}
	rows, err := c.s.db.Write().QueryContext(ctx, "SELECT id, name, doc FROM idp_objects WHERE kind = $1 ORDER BY created_at, id", c.kind)
	if err != nil {
		return all, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, name, doc string
		if err := rows.Scan(&id, &name, &doc); err != nil {
			return all, err
		}
		o, err := c.decode(id, doc)
		if err != nil {
			return all, err
		}
		all.list = append(all.list, o)
		all.byID[id], all.byName[name] = o, o
	}
	return all, rows.Err()
}

// holder is implemented by objects that hold secrets.
type holder interface{ secrets() []*string }

// encode returns the document of an object, its secrets sealed.
func (c *Collection[T, P]) encode(o *T) (string, error) {
	data, err := P(o).MarshalJSON()
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", c.kind, err)
	}
	if _, ok := any(o).(holder); !ok {
		return string(data), nil
	}
	sealed := new(T) // a copy, the original keeps its secrets
	if err := P(sealed).UnmarshalJSON(data); err != nil {
		return "", fmt.Errorf("encode %s: %w", c.kind, err)
	}
	id, _ := P(sealed).key()
	for _, secret := range any(sealed).(holder).secrets() {
		*secret = c.s.seal.seal(*secret, c.kind+" "+id)
	}
	data, err = P(sealed).MarshalJSON()
	return string(data), err
}

func (c *Collection[T, P]) decode(id, doc string) (*T, error) {
	o := new(T)
	if err := P(o).UnmarshalJSON([]byte(doc)); err != nil {
		return nil, fmt.Errorf("decode %s %q: %w", c.kind, id, err)
	}
	if h, ok := any(o).(holder); ok {
		for _, secret := range h.secrets() {
			text, err := c.s.seal.open(*secret, c.kind+" "+id)
			if err != nil {
				return nil, fmt.Errorf("decode %s %q: %w", c.kind, id, err)
			}
			*secret = text
		}
	}
	return o, nil
}
