package permtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/graph"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/strategy/apikey"
	"github.com/gatewright/gate/strategy/basic"
	"github.com/gatewright/gate/strategy/cookie"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// A shop is a service that is not generated as Go, so that a test can change what
// it enforces and leave the matrix as it is.
type shop struct {
	design *design.Design
	files  gen.Files
	// patch changes an entity of the running service; nil changes none.
	patch func(*model.Entity)
	// change has the last word about the service.
	change func(*server.Service)
	// serve is what is served for an entity; nil serves the entity.
	serve func(*crud.Resource[line]) crud.Service
	// hooks are the code of the service's own.
	hooks func(map[string]*crud.Resource[line])
}

func newShop(t testing.TB, src string) *shop {
	t.Helper()
	once, _ := generated.LoadOrStore(src, sync.OnceValues(func() (shop, error) {
		d, err := design.Parse("gate.yaml", []byte(src))
		if err != nil {
			return shop{}, err
		}
		files, err := gen.Generate(d, gen.Options{Replace: "/nowhere"}, standard.Plugins()...)
		return shop{design: d, files: files}, err
	}))
	s, err := once.(func() (shop, error))()
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

// generated are the shops of each design, which many tests have: nothing changes a
// design or its files.
var generated sync.Map

// file returns a generated file whose path begins and ends so.
func (s *shop) file(begin, end string) []byte {
	for _, f := range s.files {
		if strings.HasPrefix(f.Path, begin) && strings.HasSuffix(f.Path, end) {
			return f.Data
		}
	}
	return nil
}

func (s *shop) matrix() []byte { return s.file("app/permissions_gen", ".json") }

func (s *shop) service() server.Service {
	out := server.Service{
		Name: "shop", Module: "example.com/shop", Database: "shop.db",
		Open: func(ctx context.Context, url string) (*store.DB, error) {
			return sqlite.Open(ctx, url, sqlite.Config{})
		},
		Migrations: func() ([]store.Migration, error) {
			return []store.Migration{{Version: 1, Name: "init", SQL: string(s.file("migrations/", ".sql"))}}, nil
		},
		Build: s.build,
	}
	if s.design.Service.Database == design.Postgres {
		out.Database, out.Open = "", nil
		out.Connect = func(ctx context.Context, url string, _ server.Pool) (*store.DB, error) {
			return postgres.Open(ctx, url, postgres.Config{})
		}
	}
	for _, r := range s.design.Roles {
		out.Roles = append(out.Roles, authz.Role{Name: r.Name, Permissions: r.Permissions, Inherits: r.Inherits, Default: r.Default, AcrossTenants: r.AcrossTenants})
	}
	if s.design.Authentication() {
		out.Auth = &auth.Config{
			Entity: "user", Login: "email", Password: "password", Roles: "roles",
			JWT: &auth.JWT{Algorithm: jose.HS256, ExpiresIn: 15 * time.Minute}, Strategies: tokens,
		}
	}
	if s.change != nil {
		s.change(&out)
	}
	return out
}

func passwords(a *auth.Auth) *local.Strategy {
	return local.New(a.Accounts(), a.Passwords(), local.Config{Throttle: a.Throttle()})
}

func tokens(a *auth.Auth) error {
	return errors.Join(
		a.Register("jwt", jwt.New(a.Service(), a.Accounts(), jwt.Config{Realm: "shop"})),
		a.Register("local", passwords(a)))
}

// withKeys lets programs come with keys.
func withKeys(s *server.Service) {
	s.Auth.APIKeys = &auth.APIKeys{}
	s.Auth.Strategies = func(a *auth.Auth) error {
		return errors.Join(tokens(a), a.Register("apikey", apikey.New(a.APIKeys(), a.Accounts(), apikey.Config{Realm: "shop", Entity: a.EntityKey()})))
	}
}

func withBasic(s *server.Service) {
	s.Auth.JWT = nil
	s.Auth.Strategies = func(a *auth.Auth) error {
		return a.Register("basic", basic.New(passwords(a), a.Accounts(), basic.Config{Realm: "shop"}))
	}
}

func withCookies(s *server.Service) {
	s.Auth.JWT, s.Auth.Cookies = nil, &auth.Cookies{}
	s.Auth.Strategies = func(a *auth.Auth) error {
		return errors.Join(
			a.Register("cookie", cookie.New(a.Sessions(), a.Accounts(), cookie.Config{Entity: a.EntityKey()})),
			a.Register("local", passwords(a)))
	}
}

// withIssuer makes the service one whose callers an issuer vouches for; users may
// be nil.
func withIssuer(users *auth.Users) func(*server.Service) {
	return func(s *server.Service) {
		s.Auth.JWT = nil
		s.Auth.OIDC = &auth.OIDC{
			Issuer: "http://127.0.0.1:1/", Audience: "https://shop.example/api", RolesClaim: "roles", PermissionsClaim: "permissions", Users: users,
		}
		s.Auth.Strategies = func(a *auth.Auth) error { return a.RegisterIssuer() }
	}
}

func (s *shop) build(a *server.App) error {
	resources := map[string]*crud.Resource[line]{}
	for _, e := range s.design.Entities {
		m := entityOf(e)
		if s.patch != nil {
			s.patch(m)
		}
		r, err := crud.New(a.DB, a.Policy, m, pointer(m))
		if err != nil {
			return err
		}
		if s.serve != nil {
			a.Serve(s.serve(r))
		} else {
			a.Serve(r)
		}
		resources[e.Name] = r
		if a.Auth != nil && e.Name == "User" {
			if err := a.Authenticate(r); err != nil {
				return err
			}
		}
	}
	if s.hooks != nil {
		s.hooks(resources)
	}
	if sdl := s.file("app/schema_gen", ".graphql"); sdl != nil {
		a.Extend(func(a *server.App) error { return graph.Mount(a, string(sdl)) })
	}
	return nil
}

// A line is a row of any entity.
type line struct{ cells [24]cell }

// A cell holds a value of any field.
type cell struct {
	s   string
	ps  *string
	i   int64
	pi  *int64
	f   float64
	pf  *float64
	b   bool
	pb  *bool
	d   model.Decimal
	pd  *model.Decimal
	a   model.Date
	pa  *model.Date
	t   time.Time
	pt  *time.Time
	raw json.RawMessage
	l   []string
	up  model.File
	pup *model.File
}

func pointer(e *model.Entity) func(*line, model.FieldID) any {
	return func(r *line, f model.FieldID) any {
		c := &r.cells[f]
		required, null := c.pointers(&e.Fields[f])
		if e.Fields[f].Required {
			return required
		}
		return null
	}
}

func (c *cell) pointers(f *model.Field) (required, null any) {
	switch f.Type {
	case model.Integer:
		return &c.i, &c.pi
	case model.Float:
		return &c.f, &c.pf
	case model.Boolean:
		return &c.b, &c.pb
	case model.DecimalType:
		return &c.d, &c.pd
	case model.DateType:
		return &c.a, &c.pa
	case model.DateTime, model.CreatedAt, model.UpdatedAt:
		return &c.t, &c.pt
	case model.JSON:
		return &c.raw, &c.raw
	case model.Roles:
		return &c.l, &c.l
	case model.FileType:
		return &c.up, &c.pup
	case model.ID, model.Relation:
		if f.ID == model.Serial {
			return &c.i, &c.pi
		}
	}
	return &c.s, &c.ps
}

// entityOf is what the generator writes as Go.
func entityOf(e *design.Entity) *model.Entity {
	m := &model.Entity{
		Name: e.Name, Plural: e.Plural, Path: e.Route, Table: e.Table,
		Allow: model.Allow{
			View: always(e.Allow.View), List: always(e.Allow.List), Create: always(e.Allow.Create),
			Update: always(e.Allow.Update), Delete: always(e.Allow.Delete),
		},
	}
	switch {
	case e.Owner != nil:
		m.Owner = e.Owner.Key
	case e.OwnerThrough != nil:
		m.Owner = e.OwnerThrough.Key()
	}
	if e.SoftDelete != nil {
		m.SoftDelete = e.SoftDelete.Key
	}
	if e.Tenant != nil {
		m.Tenant = e.Tenant.Key
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
	for _, action := range design.Actions() {
		m.Conditions = append(m.Conditions, conditions(action, "", e.Allow.Rules(action))...)
	}
	for i, u := range e.Unique {
		unique := model.Unique{Index: fmt.Sprintf("%s_%d", e.Table, i)}
		for _, f := range u.Fields {
			unique.Fields = append(unique.Fields, f.Key)
		}
		m.Unique = append(m.Unique, unique)
	}
	for _, f := range e.Fields {
		m.Fields = append(m.Fields, fieldOf(f))
		for _, action := range design.Actions() {
			m.Conditions = append(m.Conditions, conditions(action, f.Key, f.Access.Rules(action))...)
		}
	}
	return m
}

func fieldOf(f *design.Field) model.Field {
	m := model.Field{
		Name: f.Key, Column: f.Column, Type: typeOf(f.Type), Required: f.Required, Unique: f.Unique, Searchable: f.Searchable, ReadOnly: f.ReadOnly,
		MinLength: f.MinLength, MaxLength: f.MaxLength, Min: f.Min, Max: f.Max, Precision: f.Precision, Scale: f.Scale, Default: f.Default,
		Segment: f.Segment, MaxSize: f.MaxSize, FileTypes: f.FileTypes,
		View: always(f.Access.View),
	}
	if !f.ReadOnly {
		m.Create, m.Update = always(f.Access.Create), always(f.Access.Update)
	}
	for _, v := range f.Values {
		m.Values = append(m.Values, v.Name)
	}
	kind := f.ID
	if f.Relation != nil {
		m.To, kind = f.Relation.To, f.Relation.Entity.IDField().ID
		m.OnDelete = map[design.OnDelete]model.OnDelete{design.Cascade: model.Cascade, design.SetNull: model.SetNull}[f.Relation.OnDelete]
	}
	m.ID = map[design.IDKind]model.IDKind{design.UUID: model.UUID, design.Serial: model.Serial, design.CUID2: model.CUID2, design.ULID: model.ULID}[kind]
	return m
}

// typeOf finds the type of the same name.
func typeOf(t design.Type) model.Type {
	for m := model.Text; m <= model.FileType; m++ {
		if m.String() == string(t) {
			return m
		}
	}
	return 0
}

// always returns the words of a rule that are for all rows.
func always(rules []design.Rule) []string {
	var words []string
	for _, r := range rules {
		if len(r.When) == 0 {
			words = append(words, r.String())
		}
	}
	if words == nil && rules != nil {
		words = []string{"nobody"}
	}
	return words
}

func conditions(action, field string, rules []design.Rule) []model.Condition {
	var list []model.Condition
	for _, r := range slices.DeleteFunc(slices.Clone(rules), func(r design.Rule) bool { return len(r.When) == 0 }) {
		c := model.Condition{Action: action, Field: field, Rules: []string{r.String()}}
		for _, w := range r.When {
			c.Where = append(c.Where, model.Clause{Field: w.Field.Key, Values: w.Values, Not: w.Not})
		}
		list = append(list, c)
	}
	return list
}
