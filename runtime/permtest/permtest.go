package permtest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	grammar "github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/runtime/server"
)

// EnvPostgres names a PostgreSQL server by a URL whose user may create databases:
// services with that database are tried on a new one of it, which is dropped
// afterwards, and skipped without.
const EnvPostgres = "GATE_TEST_POSTGRES"

// A Config says what is tried. Service and Matrix are required.
type Config struct {
	// Service is the service as generated code describes it. It is opened once, with
	// settings of the test's own: the environment is not looked at.
	Service server.Service
	// Matrix is who may do what, as "gate design permissions --json" prints it. What
	// it does not say of a field is as of the rows.
	Matrix []byte
	// GraphQL says that the service has that surface, and NoREST that it has no other.
	GraphQL, NoREST bool
	// Events says that the service tells of its rows as they change.
	Events bool
	// Samples change the rows that are made of an entity, by its name.
	Samples map[string]Sample
	// Targets say which rows a key may lead to, by its name: "Comment.ticket". A hook
	// may look at the other row, and a [Sample] has no keys. A row that a hook used up
	// since is replaced by a new one.
	Targets map[string]Target
	// Except names cells that are not tried, and why: "customer · delete · Order".
	// A name stands for all that begin with it. One that is the beginning of none is
	// a failure, so that the list does not outlive its reasons.
	Except map[string]string
	// Settings are further settings, NAME=value, for code that reads them.
	Settings []string
}

// A Sample changes a row before it is made, or a value of it before it is sent: n
// is another number each time, for what has to be unique. The row is keyed as in
// JSON; a value that is taken out is not sent. Keys of relations are not in it: one that is put in stands.
type Sample func(n int, row map[string]any)

// A Target reports whether a key may lead to a row, which is keyed as in JSON.
type Target func(row map[string]any) bool

// Run opens the service on an empty database and tries every cell of the matrix.
// Each that is not as it should be is an error of t, with the name of the cell.
// With -short it is skipped.
func Run(t testing.TB, c Config) {
	t.Helper()
	if testing.Short() {
		t.Skip("tries every cell of the permission matrix")
	}
	m, err := readMatrix(c.Matrix)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, as := range logIns(c.Service.Auth) {
		k := &kit{t: t, cfg: c, m: m, as: as, used: used, doubles: map[string]*double{}, client: &http.Client{Timeout: time.Minute}}
		k.run()
		for _, what := range k.left {
			t.Logf("not tried: %s", what)
		}
		t.Logf("%d requests of %d callers on %d entities", k.requests, len(k.callers), len(k.entities))
	}
	for name := range c.Except {
		if !used[name] {
			t.Errorf("Except names %q, and there is no such cell: remove it", name)
		}
	}
}

// run tries everything, as those who log in as rows of one entity.
func (k *kit) run() {
	k.t.Helper()
	k.open()
	k.describe()
	k.shareOwners()
	k.checkTargets()
	if k.as.key == "" {
		k.callers = []*caller{{kind: anonymous}}
	}
	k.rows()
	if !k.cfg.NoREST {
		k.surfaces = append(k.surfaces, k.rest())
	}
	if k.cfg.GraphQL {
		k.surfaces = append(k.surfaces, &graphql{kit: k})
	}
	for _, e := range k.entities {
		k.entity(e)
	}
	if k.cfg.Events {
		for _, e := range k.entities {
			k.hears(e)
		}
	}
	k.attacks()
	k.actions()
}

// kit is a test under way.
type kit struct {
	t   testing.TB
	cfg Config
	m   *matrix
	as  logIn

	app      *server.App
	url      string
	client   *http.Client
	door     door
	entities []*entity
	accounts *entity // that holds the accounts, nil without authentication
	tenants  *entity // whose rows are the tenants, nil without
	callers  []*caller
	stranger *caller   // owns what is nobody's who asks
	aside    []*caller // the stranger and, with tenants, one in another and one in none
	surfaces []surface

	n        int       // rows so far
	renewing []*entity // whose keys are led to new rows
	plain    bool      // rows are made as their defaults say
	requests int
	used     map[string]bool // of Except
	left     []string        // what was not tried, and why
	reached  atomic.Bool     // whether the code of an action was called
	doubles  map[string]*double
}

// leftOut notes what is not tried, which is told at the end.
func (k *kit) leftOut(format string, args ...any) {
	if what := fmt.Sprintf(format, args...); !slices.Contains(k.left, what) {
		k.left = append(k.left, what)
	}
}

// rest is the REST surface in the grammar of the service.
func (k *kit) rest() surface {
	s := &rest{k}
	if _, ok := k.cfg.Service.Grammar.(grammar.Amplication); ok {
		return &amplication{s}
	}
	return s
}

// ctx is the context of the test.
func (k *kit) ctx() context.Context { return k.t.Context() }

// next is a number that no row had yet.
func (k *kit) next() int {
	k.n++
	return k.n
}

// entity tries everything with one entity.
func (k *kit) entity(e *entity) {
	for _, s := range k.surfaces {
		for _, c := range k.callers {
			k.reads(s, c, e)
			k.lists(s, c, e)
			k.includes(s, c, e)
			k.creates(s, c, e)
			k.updates(s, c, e)
			k.ties(s, c, e)
			k.deletes(s, c, e)
			k.manifold(s, c, e)
		}
	}
}

// postgresServer returns the server for services with that database.
func postgresServer() string { return os.Getenv(EnvPostgres) }

// set makes a set of names.
func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// sorted lists a set.
func sorted(m map[string]bool) []string {
	list := make([]string, 0, len(m))
	for n, in := range m {
		if in {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}
