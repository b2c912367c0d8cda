// Package postgres opens PostgreSQL databases.
//
// # What protects the connection
//
// A server that is not on this machine is spoken to over TLS with its
// certificate and its name verified: sslmode=verify-full. Anything weaker is
// refused, not repaired. A loopback address or a unix socket may go without.
// Values travel apart from the statement (the extended protocol) always; the
// setting default_query_exec_mode cannot change that.
package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/store"
)

// Config is how a database is opened. The zero value is ready for use.
type Config struct {
	// ApplicationName is shown in pg_stat_activity, unless the URL has one;
	// empty means "gate".
	ApplicationName string
	// MaxConns bounds the pool; zero means four times the number of
	// processors, at least eight. The sum over all replicas has to stay below
	// the server's max_connections.
	MaxConns int
	// StatementTimeout is when the server gives up on a statement, unless the
	// URL has a statement_timeout; zero means five seconds.
	StatementTimeout time.Duration
}

const (
	connectTimeout  = 5 * time.Second
	connMaxLifetime = 30 * time.Minute // lets a pool follow a server that moved
	connMaxIdleTime = 5 * time.Minute
)

// Open opens the database at url, in either form that libpq knows
// (postgres://… or key=value …), and sees that it answers. Errors show neither
// the password nor the URL.
func Open(ctx context.Context, url string, cfg Config) (*store.DB, error) {
	conf, err := parse(url, cfg)
	if err != nil {
		return nil, err
	}
	pool := stdlib.OpenDB(*conf)
	maxConns := cfg.MaxConns
	if maxConns == 0 {
		maxConns = max(8, 4*runtime.GOMAXPROCS(0))
	}
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxLifetime(connMaxLifetime)
	pool.SetConnMaxIdleTime(connMaxIdleTime)

	db, err := store.New(store.Config{Dialect: store.Postgres, Write: pool, Classify: classify})
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("postgres: %w", err), db.Close())
	}
	return db, nil
}

// parse reads url and adds what it leaves open.
func parse(url string, cfg Config) (*pgx.ConnConfig, error) {
	switch {
	case url == "":
		return nil, errors.New("postgres: no database URL")
	case cfg.MaxConns < 0:
		return nil, fmt.Errorf("postgres: negative number of connections %d", cfg.MaxConns)
	case cfg.StatementTimeout < 0:
		return nil, fmt.Errorf("postgres: negative statement timeout %v", cfg.StatementTimeout)
	}
	conf, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, parseError(err)
	}
	if err := checkTLS(conf.Host, conf.TLSConfig); err != nil {
		return nil, err
	}
	for _, fallback := range conf.Fallbacks {
		if err := checkTLS(fallback.Host, fallback.TLSConfig); err != nil {
			return nil, err
		}
	}
	switch conf.DefaultQueryExecMode {
	case pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec:
	default:
		return nil, fmt.Errorf("postgres: default_query_exec_mode %v: values must travel apart from the statement; leave it out", conf.DefaultQueryExecMode)
	}
	conf.Tracer = tracer{}
	if conf.ConnectTimeout == 0 {
		conf.ConnectTimeout = connectTimeout
	}
	for key, value := range defaults(cfg) {
		if _, ok := conf.RuntimeParams[key]; !ok {
			conf.RuntimeParams[key] = value
		}
	}
	return conf, nil
}

// parseError says what is wrong with a URL without quoting any of it: a
// password with a slash in it looks like a host to the driver.
func parseError(err error) error {
	if strings.Contains(err.Error(), "failed to configure TLS") {
		return fmt.Errorf("postgres: database URL: TLS: %w", errors.Unwrap(err))
	}
	return errors.New("postgres: database URL does not parse: it starts with postgres:// and has user, password, host, port and database, with special characters of the password written as %2F")
}

// defaults returns the session's settings that a URL may override.
func defaults(cfg Config) map[string]string {
	name, timeout := cfg.ApplicationName, cfg.StatementTimeout
	if name == "" {
		name = "gate"
	}
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	return map[string]string{
		"application_name":                    name,
		"statement_timeout":                   strconv.FormatInt(max(1, timeout.Milliseconds()), 10),
		"idle_in_transaction_session_timeout": "60000",
		"timezone":                            "UTC",
	}
}

// checkTLS refuses a connection to another machine that a third one could
// read or answer.
func checkTLS(host string, conf *tls.Config) error {
	if local(host) || conf != nil && !conf.InsecureSkipVerify {
		return nil
	}
	return fmt.Errorf("postgres: sslmode: the database at %q is on another machine: set sslmode=verify-full (with sslrootcert=FILE for a private authority)", host)
}

// local reports whether host is a unix socket or a loopback address.
func local(host string) bool {
	return strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || loopback.Host(host)
}
