package seed_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/seed"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// deskDesign is a help desk for many firms: tenants, accounts, ids of two kinds,
// rows that lead to each other, and pairs.
const deskDesign = `gate: 1
service: {name: desk, module: example.com/desk, database: DATABASE}
roles:
  member: {default: true}
  boss: {permissions: ["manage:people"]}
  root: {acrossTenants: true}
plugins:
  auth-core: {entity: Person}
  auth-jwt: {}
  seed: {}
entities:
  Firm:
    fields:
      name: {type: text, required: true, unique: true}
    tenant: id
  Person:
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      roles: roles
      firm: {type: relation, to: Firm}
      topic: {type: relation, to: Topic}
    owner: id
    tenant: firm
    allow: {view: owner}
  Topic:
    fields:
      firm: {type: relation, to: Firm, required: true}
      name: {type: text, required: true, maxLength: 20}
      fee: {type: decimal, precision: 18, scale: 4}
      lead: {type: relation, to: Person}
    tenant: firm
  Ticket:
    renamedFrom: Case
    fields:
      id: {type: id, kind: serial}
      firm: {type: relation, to: Firm, required: true}
      title: {type: text, required: true}
      parent: {type: relation, to: Ticket}
      tags: {type: relation, to: Topic, many: true, inverse: tagged}
    tenant: firm
`

// deskRows names what stands below, leads in a circle and ties rows both ways.
const deskRows = `
Ticket:
  child: {firm: acme, title: It burns again, parent: first, tags: [printers]}
  first: {firm: acme, title: It burns}
Person:
  ada: {email: ada@acme.example, password: {env: ADA_PASSWORD}, firm: acme, topic: printers, roles: [member]}
  bob: {email: bob@acme.example, password: generated, firm: acme}
  eve: {email: eve@acme.example, password: none, firm: acme}
Topic:
  printers: {firm: acme, name: Printers, fee: 12345678901234.5678, lead: ada}
  paper: {firm: acme, name: Paper, tagged: [first, child]}
Firm:
  acme: {name: Acme}
`

// quickRows are these without a password that takes time to hash.
var quickRows = strings.NewReplacer("{env: ADA_PASSWORD}", "none", "generated", "none").Replace(deskRows)

// A desk is a service with seeds, of which several processes may be open.
type desk struct {
	t        testing.TB
	dialect  store.Dialect
	url      string
	settings []string // of the environment

	before func(ctx context.Context, row *line) error // a hook of tickets
	hook   func(ctx context.Context, d *process, r *seed.Run) error
	seeds  []byte
	sql    string
	design *design.Design
}

// process is the service, open.
type process struct {
	*server.Server

	app      *server.App
	entities map[string]*crud.Resource[line]
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Chdir(t.TempDir())
		test(t, &desk{t: t, dialect: store.SQLite, url: filepath.Join(t.TempDir(), "desk.db")})
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Chdir(t.TempDir())
		test(t, &desk{t: t, dialect: store.Postgres, url: storetest.PostgresURL(t)})
	})
}

// open generates what the rows become, and opens the service.
func (d *desk) open(rows string) *process {
	d.t.Helper()
	if d.settings == nil {
		d.settings = []string{"ADA_PASSWORD=battery-staple-eleven"}
	}
	database := map[store.Dialect]string{store.SQLite: "sqlite", store.Postgres: "postgres"}[d.dialect]
	var err error
	if d.design, err = design.Parse("gate.yaml", []byte(replace(deskDesign, "DATABASE", database))); err != nil {
		d.t.Fatal(err)
	}
	files, err := gen.Generate(d.design, gen.Options{Replace: "/nowhere", State: gen.State{Inputs: map[string][]byte{"seed.yaml": []byte(rows)}}}, standard.Plugins()...)
	if err != nil {
		d.t.Fatal(err)
	}
	d.seeds, _ = files.Get("app/seed_gen.json")
	sql, _ := files.Get("migrations/" + database + "/0001_init.sql")
	d.sql = string(sql)
	p := &process{entities: map[string]*crud.Resource[line]{}}
	cfg, err := config.Load(config.Options{
		Environ: append([]string{"AUTH_SECRET=0123456789abcdef0123456789abcdefghijklmnop", "ADDR=127.0.0.1:0"}, d.settings...), Database: d.url, SecretBytes: 32,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if p.Server, err = server.Open(d.t.Context(), d.service(p), cfg, slog.New(slog.DiscardHandler)); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = p.Close() })
	return p
}

func (d *desk) service(p *process) server.Service {
	return server.Service{
		Name: "desk", Module: "example.com/desk", Database: "desk.db",
		Open: func(ctx context.Context, url string) (*store.DB, error) {
			if d.dialect == store.Postgres {
				return postgres.Open(ctx, url, postgres.Config{})
			}
			return sqlite.Open(ctx, url, sqlite.Config{})
		},
		Migrations: func() ([]store.Migration, error) {
			return []store.Migration{{Version: 1, Name: "init", SQL: d.sql}}, nil
		},
		Components: []func(store.Dialect) store.Component{seed.Component},
		Commands:   []server.Command{seed.Command()},
		Roles:      []authz.Role{{Name: "member", Default: true}, {Name: "boss", Permissions: []string{"manage:people"}}, {Name: "root", AcrossTenants: true}},
		Auth: &auth.Config{
			Entity: "person", Login: "email", Email: "email", Password: "password", Roles: "roles",
			JWT: &auth.JWT{Algorithm: jose.HS256, ExpiresIn: 15 * time.Minute},
			Strategies: func(a *auth.Auth) error {
				return errors.Join(
					a.Register("jwt", jwt.New(a.Service(), a.Accounts(), jwt.Config{Realm: "desk"})),
					a.Register("local", local.New(a.Accounts(), a.Passwords(), local.Config{Throttle: a.Throttle()})))
			},
		},
		Build: func(a *server.App) error { return d.build(a, p) },
	}
}

func (d *desk) build(a *server.App, p *process) error {
	p.app = a
	for _, e := range d.design.Entities {
		m := entityOf(e)
		r, err := crud.New(a.DB, a.Policy, m, pointer(m))
		if err != nil {
			return err
		}
		p.entities[e.Name] = r
		a.Serve(r)
	}
	if d.before != nil {
		p.entities["Ticket"].Before(authz.Create, func(ctx context.Context, c *crud.Change[line]) error { return d.before(ctx, &c.Row) })
	}
	if err := a.Authenticate(p.entities["Person"]); err != nil {
		return err
	}
	return seed.Use(a, d.seeds, func(ctx context.Context, r *seed.Run) error {
		if d.hook == nil {
			return nil
		}
		return d.hook(ctx, p, r)
	})
}

// A line is a row of any entity.
type line struct{ cells [12]cell }

// A cell holds a value of any field.
type cell struct {
	s  string
	ps *string
	i  int64
	pi *int64
	pd *model.Decimal
	t  time.Time
	l  []string
}

func pointer(e *model.Entity) func(*line, model.FieldID) any {
	return func(r *line, id model.FieldID) any {
		c, f := &r.cells[id], &e.Fields[id]
		switch {
		case f.Type == model.DecimalType:
			return &c.pd
		case f.Type == model.CreatedAt || f.Type == model.UpdatedAt:
			return &c.t
		case f.Type == model.Roles:
			return &c.l
		case (f.Type == model.ID || f.Type == model.Relation) && f.ID == model.Serial && f.Required:
			return &c.i
		case (f.Type == model.ID || f.Type == model.Relation) && f.ID == model.Serial:
			return &c.pi
		case f.Required:
			return &c.s
		}
		return &c.ps
	}
}

// entityOf is what the generator writes as Go.
func entityOf(e *design.Entity) *model.Entity {
	m := &model.Entity{Name: e.Name, Plural: e.Plural, Path: e.Route, Table: e.Table, Tenant: e.Tenant.Key}
	if e.Owner != nil {
		m.Owner = e.Owner.Key
	}
	for _, l := range e.Links {
		link := model.Link{Name: l.Name, To: l.To.Name, Many: l.Many}
		switch {
		case l.Join != nil:
			link.Through = &model.Join{Table: l.Join.Table, Near: l.Join.Near, Far: l.Join.Far}
			if l.Far() {
				link.Through.Inverse = l.Inverse.Name
			}
		case l.HasKey():
			link.Key = l.Field.Key
		default:
			link.Inverse = l.Field.Key
		}
		m.Links = append(m.Links, link)
	}
	for _, f := range e.Fields {
		m.Fields = append(m.Fields, fieldOf(f))
	}
	return m
}

func fieldOf(f *design.Field) model.Field {
	m := model.Field{
		Name: f.Key, Column: f.Column, Required: f.Required, Unique: f.Unique, ReadOnly: f.ReadOnly,
		MinLength: f.MinLength, MaxLength: f.MaxLength, Precision: f.Precision, Scale: f.Scale,
	}
	for t := model.Text; t <= model.Roles; t++ {
		if t.String() == string(f.Type) {
			m.Type = t
		}
	}
	kind := f.ID
	if f.Relation != nil {
		m.To, kind = f.Relation.To, f.Relation.Entity.IDField().ID
	}
	if kind == design.Serial {
		m.ID = model.Serial
	}
	return m
}
