package idp

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/upstream"
)

// upstreams are the clients at other providers, one a connection, made anew when
// the connection changes, or nobody asked for it in upstreamIdle: it may be gone.
type upstreams struct {
	mu    sync.Mutex
	known map[string]upstreamEntry
	// old are those that were replaced: log-ins may still be under way with
	// them. They are closed after a while.
	old []retired
}

type retired struct {
	conn *upstream.Connection
	at   time.Time
}

// retire puts a client aside, and closes those that were put aside long ago.
func (u *upstreams) retire(conn *upstream.Connection, now time.Time) {
	u.old = slices.DeleteFunc(append(u.old, retired{conn, now}), func(r retired) bool {
		if now.Sub(r.at) < time.Minute {
			return false
		}
		_ = r.conn.Close() // always nil
		return true
	})
}

// upstreamIdle is how long a client is kept that nobody asks for.
const upstreamIdle = time.Hour

type upstreamEntry struct {
	made string // what it was made from, as JSON
	conn *upstream.Connection
	used time.Time
}

// add keeps a client, and puts aside those that nobody asks for any more.
func (u *upstreams) add(id string, e upstreamEntry) {
	for id, known := range u.known {
		if e.used.Sub(known.used) > upstreamIdle {
			delete(u.known, id)
			u.retire(known.conn, e.used)
		}
	}
	if u.known == nil {
		u.known = map[string]upstreamEntry{}
	}
	u.known[id] = e
}

func (u *upstreams) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, e := range u.known {
		_ = e.conn.Close()
	}
	for _, r := range u.old {
		_ = r.conn.Close()
	}
	u.known, u.old = nil, nil
}

// upstream returns the client of a connection.
func (p *Provider) upstream(from *tenant.Connection) (*upstream.Connection, error) {
	p.upstreams.mu.Lock()
	defer p.upstreams.mu.Unlock()
	made, err := json.Marshal(from)
	if err != nil {
		return nil, err
	}
	now := p.now()
	if e, ok := p.upstreams.known[from.ID]; ok {
		if e.made == string(made) {
			e.used = now
			p.upstreams.known[from.ID] = e
			return e.conn, nil
		}
		delete(p.upstreams.known, from.ID)
		p.upstreams.retire(e.conn, now)
	}
	cfg, err := p.upstreamConfig(from)
	if err != nil {
		return nil, fmt.Errorf("connection %q: %w", from.Name, err)
	}
	conn, err := upstream.New(cfg)
	if err != nil {
		return nil, err // which names the connection
	}
	p.upstreams.add(from.ID, upstreamEntry{string(made), conn, now})
	return conn, nil
}
