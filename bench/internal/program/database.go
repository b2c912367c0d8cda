package program

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/storetest"
)

// Database makes an empty database of PostgreSQL, and returns what drops it: on the
// server that GATE_TEST_POSTGRES names, or on one that is started for the run.
func Database() (at string, drop func(), err error) {
	drop = func() {}
	server, err := storetest.Server()
	if err != nil {
		return "", drop, err
	}
	name := "gate_bench_" + strings.ToLower(rand.Text())
	if err := run(server, "CREATE DATABASE "+name); err != nil {
		return "", drop, err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", drop, errors.New("GATE_TEST_POSTGRES is not a URL")
	}
	u.Path = "/" + name
	return u.String(), func() {
		if err := run(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			fmt.Fprintln(os.Stderr, "drop the database:", err)
		}
	}, nil
}

// Settle has PostgreSQL learn about the rows of a database that was just filled, as
// it does by itself some minutes later.
func Settle(at string) error { return run(at, "VACUUM ANALYZE") }

func run(at, statement string) error {
	ctx := context.Background()
	db, err := postgres.Open(ctx, at, postgres.Config{MaxConns: 1, StatementTimeout: time.Minute})
	if err != nil {
		return err
	}
	_, err = db.Write().ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}
