package config

import (
	"strconv"
	"time"
)

// The bounds of [Pool], which gate.yaml has, too.
const (
	maxConns   = 10_000
	minTimeout = 10 * time.Millisecond
	maxTimeout = time.Hour
)

// pool reads how a database server is used. A service whose database is a file
// has no use for it.
func (l *loader) pool() Pool {
	p := l.options.Pool
	if raw := l.get(keyMaxConns); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 1 || n > maxConns {
			l.bad(keyMaxConns, "must be a number from 1 to 10000", "for instance DATABASE_MAX_CONNS=20; all processes together stay below max_connections of the server")
		}
		p.MaxConns = n
	}
	if raw := l.get(keyTimeout); raw != "" {
		d, err := time.ParseDuration(raw)
		if err != nil || d < minTimeout || d > maxTimeout {
			l.bad(keyTimeout, "must be a duration from 10ms to 1h", "for instance DATABASE_STATEMENT_TIMEOUT=3s")
		}
		p.StatementTimeout = d
	}
	return p
}
