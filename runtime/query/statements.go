package query

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/gatewright/gate/store"
)

// maxPrepared is how many statements a [Reader] keeps prepared; each entity has a
// reader of its own.
const maxPrepared = 200

// Reader runs queries on the reading handle of a database. On SQLite it keeps
// statements prepared, by their text; on PostgreSQL the driver does. It is safe
// for concurrent use.
type Reader struct {
	db *store.DB

	mu       sync.Mutex
	prepared map[string]*prepared
}

// prepared is a statement that is closed when nobody begins to use it and the
// cache has let it go. Rows that are being read keep it alive by themselves.
type prepared struct {
	stmt *sql.Stmt
	uses int // by Query, under Reader.mu
}

// NewReader returns a reader for db.
func NewReader(db *store.DB) *Reader {
	return &Reader{db: db, prepared: make(map[string]*prepared)}
}

// Query runs s and returns its rows, which the caller closes.
func (r *Reader) Query(ctx context.Context, s *Statement) (*sql.Rows, error) {
	if r.db.Dialect() != store.SQLite {
		return r.db.Read().QueryContext(ctx, string(s.SQL), s.Args...) //nolint:sqlclosecheck // the caller closes them
	}
	p, err := r.acquire(ctx, s.SQL)
	if err != nil {
		return nil, err
	}
	defer r.release(p)
	return p.stmt.QueryContext(ctx, s.Args...) //nolint:sqlclosecheck // the caller closes them
}

func (r *Reader) acquire(ctx context.Context, text []byte) (*prepared, error) {
	r.mu.Lock()
	p, ok := r.prepared[string(text)]
	if ok {
		p.uses++
	}
	r.mu.Unlock()
	if ok {
		return p, nil
	}
	stmt, err := r.db.Read().PrepareContext(ctx, string(text))
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	return r.keep(string(text), stmt), nil
}

// keep puts a new statement into the cache, in the place of some other that
// nobody uses if it is full. Without a place, or when somebody else was faster,
// the statement is closed after this one use.
func (r *Reader) keep(text string, stmt *sql.Stmt) *prepared {
	p := &prepared{stmt: stmt, uses: 1}
	r.mu.Lock()
	victim, room := r.makeRoom()
	if _, ok := r.prepared[text]; ok || !room {
		p.uses = 0 // release sees that it is nobody's
	} else {
		r.prepared[text] = p
	}
	r.mu.Unlock()
	if victim != nil {
		_ = victim.stmt.Close() // nothing depends on it any more
	}
	return p
}

// makeRoom takes a statement out of a full cache.
func (r *Reader) makeRoom() (victim *prepared, room bool) {
	if len(r.prepared) < maxPrepared {
		return nil, true
	}
	for text, p := range r.prepared {
		if p.uses == 0 {
			delete(r.prepared, text)
			return p, true
		}
	}
	return nil, false
}

func (r *Reader) release(p *prepared) {
	r.mu.Lock()
	p.uses--
	foreign := p.uses < 0
	r.mu.Unlock()
	if foreign {
		_ = p.stmt.Close() // its rows keep what they need
	}
}
