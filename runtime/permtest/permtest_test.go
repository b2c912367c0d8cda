package permtest_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/permtest"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store/storetest"
)

// market is a design with every way to be let in: roles, permissions, owners, an
// owner through another entity, conditions, rules of fields, and a relation of
// which a table keeps the pairs.
const market = `gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql]}
roles:
  customer: {default: true}
  clerk: {permissions: ["list:users", "view:users", "update:orders"]}
  admin: {inherits: [clerk], permissions: ["update:users", "delete:users"]}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      name: {type: text, maxLength: 40}
      roles: roles
    owner: id
    allow:
      view: [owner, "view:users"]
      list: "list:users"
      create: public
      update: [owner, "update:users"]
      delete: [owner, "delete:users"]
    fieldRules: {roles: {create: "update:users", update: "update:users"}}
  Product:
    fields:
      name: {type: text, required: true, unique: true, searchable: true}
      price: {type: decimal, precision: 8, scale: 2, required: true, min: 0.5}
      cost: integer
      status: {type: enum, values: [draft, in-review, published], required: true, default: draft}
      launch: date
      tags: {type: relation, to: Tag, many: true, inverse: products}
    allow:
      view: [{rules: public, when: {status: published}}, clerk]
      list: [{rules: public, when: {status: published}}, clerk]
      create: clerk
      update: [{rules: clerk, when: {status: {not: published}}}, admin]
      delete: admin
    fieldRules: {cost: {view: clerk, create: admin, update: admin}, launch: {view: [{rules: clerk, when: {status: published}}, admin]}}
  Tag:
    fields:
      id: {type: id, kind: serial}
      word: {type: text, required: true, maxLength: 6}
      hidden: {type: boolean, required: true, default: false}
    allow: {view: [{rules: public, when: {hidden: false}}, admin], list: clerk, create: clerk, update: clerk}
  Order:
    fields:
      buyer: {type: relation, to: User, required: true, onDelete: cascade}
      product: {type: relation, to: Product}
      status: {type: enum, values: [open, sent], required: true, default: open}
      note: longtext
      remark: text
      at: datetime
      more: json
    owner: buyer
    allow:
      view: [owner, clerk]
      list: [owner, clerk]
      create: signed-in
      update: [{rules: owner, when: {status: open}}, "update:orders"]
      delete: [owner, admin]
    fieldRules: {note: {view: owner, update: owner}, remark: {view: clerk, create: nobody, update: clerk}, status: {create: nobody, update: clerk}}
  OrderLine:
    fields:
      order: {type: relation, to: Order, required: true, onDelete: cascade}
      count: {type: integer, required: true, min: 1, max: 99}
      weight: float
    owner: order.buyer
    allow: {view: [owner, clerk], list: owner, create: owner, update: owner, delete: [owner, admin]}
`

// A recorder takes what a run finds wrong, and lets the test go on.
type recorder struct {
	testing.TB

	failures, logs []string
}

func (r *recorder) Helper() {}

func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skip(args ...any) { r.Fatalf("skipped: %s", fmt.Sprint(args...)) }

func (r *recorder) Error(args ...any) { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

// wrong returns what a run on the shop finds wrong.
func wrong(t *testing.T, s *shop, change func(*permtest.Config)) []string {
	t.Helper()
	c := permtest.Config{Service: s.service(), Matrix: s.matrix(), GraphQL: s.file("app/schema_gen", ".graphql") != nil}
	if change != nil {
		change(&c)
	}
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		permtest.Run(r, c)
	}()
	<-done
	return r.failures
}

// long skips a test of what [permtest.Run] finds, which is nothing when it is asked
// to be short.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the kit skips what takes long")
	}
}

// TestRun_right wants no complaint about services that do what their design says,
// by whatever door callers come.
func TestRun_right(t *testing.T) {
	long(t)
	for name, tt := range map[string]struct {
		src    string
		change func(*server.Service)
	}{
		"tokens":  {src: market},
		"basic":   {src: market, change: withBasic},
		"cookies": {src: market, change: withCookies},
		"issuer with accounts": {src: market, change: withIssuer(&auth.Users{
			Create: true, Email: "email", Fields: map[string]string{"name": "nickname"},
		})},
		"issuer, accounts made before": {src: market, change: withIssuer(&auth.Users{Email: "email"})},
		"issuer alone":                 {src: strings.ReplaceAll(market, "auth-jwt: {}", `auth-oidc: {issuer: "https://id.example/", audience: "https://shop.example/api"}`), change: withIssuer(nil)},
		"keys":                         {src: strings.Replace(market, "auth-jwt: {}", "auth-jwt: {}, auth-apikey: {}", 1), change: withKeys},
		"nobody signs in":              {src: closedMarket()},
		"amplication":                  {src: strings.Replace(market, "apis: [rest, graphql]", "rest: amplication", 1), change: withAmplication},
	} {
		t.Run(name, func(t *testing.T) {
			src := tt.src
			if name != "tokens" { // once is enough: what comes after the door is the same
				src = strings.Replace(src, ", apis: [rest, graphql]", "", 1)
			}
			s := newShop(t, src)
			s.change = tt.change
			for _, f := range wrong(t, s, nil) {
				t.Error(f)
			}
		})
	}
}

// withAmplication makes the service one of that grammar.
func withAmplication(s *server.Service) { s.Grammar = rest.Amplication{} }

// closedMarket is the market with authentication turned off.
func closedMarket() string {
	return strings.Replace(market, "auth-core: {entity: User}, auth-jwt: {}", "auth-core: {entity: User, enabled: false}", 1)
}

// TestRun_postgres is the same on the other database.
func TestRun_postgres(t *testing.T) {
	long(t)
	at := storetest.PostgresURL(t)
	t.Setenv(permtest.EnvPostgres, at)
	s := newShop(t, strings.Replace(market, "example.com/shop,", "example.com/shop, database: postgres,", 1))
	for _, f := range wrong(t, s, nil) {
		t.Error(f)
	}
}

// TestRun_wrong opens or closes one thing in the running service, and not in the
// matrix: the run has to say which cell that is.
func TestRun_wrong(t *testing.T) {
	long(t)
	entity := func(name string, change func(*model.Entity)) func(*model.Entity) {
		return func(e *model.Entity) {
			if e.Name == name {
				change(e)
			}
		}
	}
	field := func(e *model.Entity, name string) *model.Field {
		i := slices.IndexFunc(e.Fields, func(f model.Field) bool { return f.Name == name })
		return &e.Fields[i]
	}
	without := func(e *model.Entity, action, field string) {
		e.Conditions = slices.DeleteFunc(e.Conditions, func(c model.Condition) bool { return c.Action == action && c.Field == field })
	}
	ownerless := func(e *model.Entity) {
		e.Owner = ""
		e.Conditions = nil
		e.Allow = model.Allow{View: []string{"signed-in"}, List: []string{"signed-in"}, Create: []string{"signed-in"}, Update: []string{"update:orders"}, Delete: []string{"admin"}}
		note := field(e, "note")
		note.View, note.Update = nil, nil
	}
	for name, tt := range map[string]struct {
		patch func(*model.Entity)
		want  []string // how failures begin
	}{
		"view opened": {entity("Order", func(e *model.Entity) { e.Allow.View = []string{"public"} }), []string{
			"anonymous · view · Order · rest: want 401, got 200", "customer · view · Order · graphql: want 404, got 200",
		}},
		"view closed": {entity("Order", func(e *model.Entity) { e.Allow.View = []string{"owner"} }), []string{"clerk · view · Order · rest: want 200, got 404"}},
		"list opened": {entity("Order", func(e *model.Entity) { e.Allow.List = []string{"signed-in"} }), []string{
			"customer · list · Order · rest: lists a row of somebody else", "customer · list · Order · graphql: lists a row of somebody else",
		}},
		"list closed":         {entity("User", func(e *model.Entity) { e.Allow.List = []string{"admin"} }), []string{"clerk · list · User · rest: want 200, got 403"}},
		"create opened":       {entity("Product", func(e *model.Entity) { e.Allow.Create = []string{"signed-in"} }), []string{"ghost · create · Product · rest: want 403, got 201"}},
		"create closed":       {entity("Order", func(e *model.Entity) { e.Allow.Create = []string{"clerk"} }), []string{"customer · create · Order · graphql: want 201, got 403"}},
		"update opened":       {entity("Order", func(e *model.Entity) { e.Allow.Update = []string{"update:orders", "owner"} }), []string{"customer · update · Order · rest: want 403, got 200"}},
		"update closed":       {entity("OrderLine", func(e *model.Entity) { e.Allow.Update = nil }), []string{"customer · update · OrderLine.count · rest: want 200, got 403"}},
		"delete opened":       {entity("Product", func(e *model.Entity) { e.Allow.Delete = []string{"clerk"} }), []string{"clerk · delete · Product · rest: want 403, got 200"}},
		"delete closed":       {entity("Order", func(e *model.Entity) { e.Allow.Delete = []string{"admin"} }), []string{"customer · delete · Order · rest: want 200, got 403"}},
		"field shown":         {entity("Order", func(e *model.Entity) { field(e, "note").View = nil }), []string{"clerk · view · Order · rest: shows note", "clerk · list · Order · graphql: shows note", "clerk · list · Order.note · rest: want 400, got 200"}},
		"field not shown":     {entity("Product", func(e *model.Entity) { field(e, "cost").View = []string{"admin"} }), []string{"clerk · view · Product · rest: does not show cost"}},
		"field set":           {entity("Product", func(e *model.Entity) { field(e, "cost").Create = nil }), []string{"clerk · create · Product.cost · rest: want 403, got 201"}},
		"field changed":       {entity("Order", func(e *model.Entity) { field(e, "note").Update = nil }), []string{"clerk · update · Order.note · graphql: want 403, got 200"}},
		"roles not given":     {entity("User", func(e *model.Entity) { field(e, "roles").Update = []string{"nobody"} }), []string{"admin · update · User.roles · rest: want 200, got 403"}},
		"filter: no owner":    {entity("Order", ownerless), []string{"customer · view · Order · rest: want 404, got 200", "customer · list · Order · rest: lists a row of somebody else"}},
		"filter: condition":   {entity("Product", func(e *model.Entity) { without(e, "view", ""); e.Allow.View = []string{"public"} }), []string{"anonymous · view · Product · rest: want 404, got 200"}},
		"filter: other value": {entity("Product", func(e *model.Entity) { e.Conditions[1].Where[0].Values = []any{"in-review"} }), []string{"anonymous · list · Product · rest: lists a row"}},
		"condition of a field": {entity("Product", func(e *model.Entity) { without(e, "view", "launch"); field(e, "launch").View = []string{"clerk"} }), []string{
			"clerk · view · Product · rest: shows launch", "clerk · list · Product.launch · rest: want 400, got 200",
		}},
		"owner through": {entity("OrderLine", func(e *model.Entity) { e.Allow.View = []string{"signed-in"} }), []string{"customer · view · OrderLine · rest: want 404, got 200"}},
		"ties opened": {entity("Product", func(e *model.Entity) {
			e.Conditions = slices.DeleteFunc(e.Conditions, func(c model.Condition) bool { return c.Action == "update" })
			e.Allow.Update = []string{"clerk"}
		}), []string{"clerk · tie · Product.tags · rest: want 403, got 200", "clerk · tie · Product.tags · graphql: want 403, got 200"}},
		"field of a relation":     {entity("Product", func(e *model.Entity) { field(e, "cost").View = nil }), []string{"customer · include · Order.product · graphql: shows cost"}},
		"rows of a relation":      {entity("Product", func(e *model.Entity) { without(e, "view", ""); e.Allow.View = []string{"public"} }), []string{"customer · include · Order.product · graphql: shows a row"}},
		"relation closed":         {entity("Product", func(e *model.Entity) { e.Conditions = nil; e.Allow.View = []string{"clerk"} }), []string{"customer · include · Order.product · graphql: want rows, got a refusal"}},
		"ties from the other end": {entity("Tag", func(e *model.Entity) { e.Links[0].Through.Inverse = "" }), []string{"clerk · tie · Tag.products · rest: want 400, got 200", "clerk · tie · Tag.products · graphql: want 400, got 200"}},
		"far end seen":            {entity("Tag", func(e *model.Entity) { without(e, "view", ""); e.Allow.View = []string{"public"} }), []string{"clerk · tie · Product.tags · rest: want 400, got 200", "clerk · tie · Product.tags · graphql: want 400, got 200"}},
	} {
		t.Run(name, func(t *testing.T) {
			src := market
			if name != "roles not given" { // hashes of passwords take their time
				src = strings.NewReplacer("create: public", `create: "update:users"`, `update: [owner, "update:users"]`, `update: "update:users"`,
					`delete: [owner, "delete:users"]`, `delete: "delete:users"`).Replace(market)
			}
			if !slices.ContainsFunc(tt.want, func(w string) bool { return strings.Contains(w, "graphql") }) {
				src = strings.Replace(src, ", apis: [rest, graphql]", "", 1)
			}
			s := newShop(t, src)
			s.patch = tt.patch
			got := wrong(t, s, only(tt.want))
			if len(tt.want) == 0 {
				t.Error("nothing is looked for")
			}
			for _, w := range tt.want {
				if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, w) }) {
					t.Errorf("nothing begins with %q:\n%s", w, strings.Join(got[:min(len(got), 12)], "\n"))
				}
			}
		})
	}
}

// only leaves out the callers of whom no failure is about: each takes its time.
func only(failures []string) func(*permtest.Config) {
	return func(c *permtest.Config) {
		c.Except = map[string]string{}
		for _, caller := range []string{"anonymous", "signed-in", "customer", "clerk", "admin", "ghost"} {
			if !slices.ContainsFunc(failures, func(f string) bool { return strings.HasPrefix(f, caller+" ") }) {
				c.Except[caller] = "nothing is changed for them"
			}
		}
	}
}

// lying does what it refuses.
type lying struct{ *crud.Resource[line] }

func (l lying) CreateRow(ctx context.Context, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return all(ctx, func(ctx context.Context) (crud.Row, error) { return l.Resource.CreateRow(ctx, body, sel, opts...) })
}

func (l lying) PatchRow(ctx context.Context, id string, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return all(ctx, func(ctx context.Context) (crud.Row, error) { return l.Resource.PatchRow(ctx, id, body, sel, opts...) })
}

func (l lying) RemoveRow(ctx context.Context, id string, sel []string, opts ...crud.Option) (crud.Row, error) {
	return all(ctx, func(ctx context.Context) (crud.Row, error) { return l.Resource.RemoveRow(ctx, id, sel, opts...) })
}

// all does a second time what was refused, as the service itself.
func all(ctx context.Context, do func(context.Context) (crud.Row, error)) (crud.Row, error) {
	row, err := do(ctx)
	if err != nil {
		_, _ = do(authz.System(ctx)) // what it is refused for may be something else
	}
	return row, err
}

// notes is a design of one entity without a field that is unique.
const notes = `gate: 1
service: {name: shop, module: example.com/shop}
entities:
  Note:
    fields: {text: {type: text, required: true}, pin: {type: text, required: true}}
    allow: {view: public, list: public, create: public, update: public}
    fieldRules: {pin: {update: nobody}}
`

// TestRun_done wants more of a refusal than its status: nothing may have happened.
func TestRun_done(t *testing.T) {
	long(t)
	s := newShop(t, notes)
	s.serve = func(r *crud.Resource[line]) crud.Service { return lying{r} }
	got := wrong(t, s, nil)
	for _, w := range []string{
		"anonymous · update · Note.pin · rest: refused, and changed pin, updated_at",
		"anonymous · delete · Note · rest: refused, and the row is gone",
	} {
		if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, w) }) {
			t.Errorf("nothing begins with %q:\n%s", w, strings.Join(got, "\n"))
		}
	}
	s = newShop(t, strings.Replace(notes, "create: public", "create: nobody", 1))
	s.serve = func(r *crud.Resource[line]) crud.Service { return lying{r} }
	const more = "anonymous · create · Note · rest: refused with 403, and there is a row more"
	if got := wrong(t, s, nil); !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, more) }) {
		t.Errorf("nothing begins with %q:\n%s", more, strings.Join(got, "\n"))
	}
}

// TestRun_hooks: rows are as hooks want them, and what they refuse is left out by
// name and not for ever.
func TestRun_hooks(t *testing.T) {
	long(t)
	s := newShop(t, notes)
	s.hooks = func(r map[string]*crud.Resource[line]) {
		r["Note"].Before(authz.Create, func(_ context.Context, c *crud.Change[line]) error {
			if !strings.HasPrefix(c.Row.cells[1].s, "Dear ") {
				return &gate.Error{Status: http.StatusConflict, Message: "A note is to somebody"}
			}
			return nil
		})
		r["Note"].Before(authz.Update, func(context.Context, *crud.Change[line]) error {
			return &gate.Error{Status: http.StatusConflict, Message: "What is written is written"}
		})
	}
	dear := map[string]permtest.Sample{"Note": func(n int, row map[string]any) { row["text"] = fmt.Sprintf("Dear %d", n) }}
	for name, tt := range map[string]struct {
		change func(*permtest.Config)
		want   []string
	}{
		"unsaid":  {nil, []string{"a sample of Note cannot be made: A note is to somebody: give it values by Samples"}},
		"samples": {func(c *permtest.Config) { c.Samples = dear }, []string{"anonymous · update · Note.text · rest: want 200, got 409"}},
		"excepted": {func(c *permtest.Config) {
			c.Samples, c.Except = dear, map[string]string{"anonymous · update · Note": "it stays"}
		}, nil},
		"stale": {func(c *permtest.Config) {
			c.Samples, c.Except = dear, map[string]string{"anonymous · update · Note": "it stays", "anonymous · update · Not": "a typing error"}
		}, []string{`Except names "anonymous · update · Not", and there is no such cell: remove it`}},
	} {
		t.Run(name, func(t *testing.T) {
			got := wrong(t, s, tt.change)
			if len(got) != len(tt.want) {
				t.Fatalf("found %q, want %q", got, tt.want)
			}
			for i, w := range tt.want {
				if !strings.HasPrefix(got[i], w) {
					t.Errorf("found %q, want %q", got[i], w)
				}
			}
		})
	}
}

// TestRun_matrix refuses what it does not understand, and does not take it for
// right.
func TestRun_matrix(t *testing.T) {
	long(t)
	s := newShop(t, notes)
	for name, tt := range map[string]struct{ matrix, want string }{
		"no JSON":         {"{", "read the matrix: unexpected EOF"},
		"nobody":          {"{}", "read the matrix: it has no callers"},
		"unknown rows":    {strings.Replace(string(s.matrix()), `"rows":"all"`, `"rows":"every second"`, 1), `read the matrix: Note, anonymous : the rows "every second" are not known here`},
		"tenants":         {strings.Replace(string(s.matrix()), `"rows":"all"`, `"rows":"own or tenant"`, 1), "read the matrix: Note, anonymous : rows of tenants, and no word of who is in which"},
		"another service": {strings.Replace(string(s.matrix()), `"name":"Note"`, `"name":"Letter"`, 1), "the service has no entity Letter: generate it again"},
	} {
		t.Run(name, func(t *testing.T) {
			got := wrong(t, s, func(c *permtest.Config) { c.Matrix = []byte(tt.matrix) })
			if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRun_surfaces tries those that the service has and no other.
func TestRun_surfaces(t *testing.T) {
	long(t)
	s := newShop(t, strings.Replace(notes, "example.com/shop}", "example.com/shop, apis: [rest, graphql]}", 1))
	s.hooks = func(r map[string]*crud.Resource[line]) {
		r["Note"].Before(authz.Update, func(context.Context, *crud.Change[line]) error {
			return &gate.Error{Status: http.StatusConflict, Message: "What is written is written"}
		})
	}
	const began = "anonymous · update · Note.text · "
	for name, tt := range map[string]struct {
		change func(*permtest.Config)
		want   []string
	}{
		"both":         {nil, []string{began + "rest: want 200, got 409", began + "graphql: want 200, got 409"}},
		"rest alone":   {func(c *permtest.Config) { c.GraphQL = false }, []string{began + "rest: want 200, got 409"}},
		"graphql only": {func(c *permtest.Config) { c.NoREST = true }, []string{began + "graphql: want 200, got 409"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := wrong(t, s, tt.change)
			if len(got) != len(tt.want) {
				t.Fatalf("found %q, want %q", got, tt.want)
			}
			for i, w := range tt.want {
				if !strings.HasPrefix(got[i], w) {
					t.Errorf("found %q, want %q", got[i], w)
				}
			}
		})
	}
}
