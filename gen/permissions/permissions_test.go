package permissions_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/permissions"
)

// accounts is how every test begins that lets people sign in.
const accounts = `
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    owner: id
    allow: {view: owner}
`

func matrix(t *testing.T, src string) *permissions.Matrix {
	t.Helper()
	m, err := permissions.Of(parse(t, src))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parse(t *testing.T, src string) *design.Design {
	t.Helper()
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return d
}

// signedIn is a design with accounts, roles and entities.
func signedIn(roles, entities string) string {
	return "gate: 1\nservice: {name: shop, module: example.com/shop}\n" + roles +
		"\nplugins: {auth-core: {entity: User}, auth-jwt: {}}\nentities:" + accounts + entities
}

func grant(t *testing.T, m *permissions.Matrix, entity, caller string) permissions.Grant {
	t.Helper()
	e := m.Entity(entity)
	if e == nil {
		t.Fatalf("no entity %s", entity)
	}
	for _, g := range e.Grants {
		if (permissions.Caller{Kind: g.Kind, Name: g.Name}).String() == caller {
			return g
		}
	}
	t.Fatalf("no caller %s", caller)
	return permissions.Grant{}
}

func field(t *testing.T, g permissions.Grant, name string) string {
	t.Helper()
	i := slices.IndexFunc(g.Fields, func(f permissions.Field) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no field %s", name)
	}
	var words []string
	for _, a := range []authz.Action{authz.View, authz.List, authz.Create, authz.Update} {
		words = append(words, g.Fields[i].At(a).Rows.String())
	}
	return strings.Join(words, " ")
}

func rows(g permissions.Grant) string {
	var words []string
	for _, a := range authz.Actions() {
		words = append(words, g.Rows.At(a).Rows.String())
	}
	return strings.Join(words, " ")
}

// TestAUZ01_nothingOpensByItself wants everything closed that nobody opened, and
// what must stay closed closed for whoever holds everything.
func TestAUZ01_nothingOpensByItself(t *testing.T) {
	m := matrix(t, signedIn(`roles: {boss: {permissions: ["*"]}}`, `
  Silent: {fields: {name: text}}
  Note:
    fields: {text: text, author: {type: relation, to: User}, cost: integer}
    owner: author
    allow: {view: [owner, "read:all"], list: "read:all", create: signed-in, update: "read:all", delete: owner}
    fieldRules: {cost: {view: nobody, update: boss}}
`))
	for _, c := range m.Callers {
		if c.Kind == permissions.Permission {
			continue
		}
		if got := rows(grant(t, m, "Silent", c.String())); got != "none none none none none" {
			t.Errorf("%s may use an entity without rules: %s", c, got)
		}
		user, note := grant(t, m, "User", c.String()), grant(t, m, "Note", c.String())
		for _, f := range user.Fields {
			if f.Name == "password" && f.View.Rows|f.List.Rows != permissions.None {
				t.Errorf("%s sees passwords", c)
			}
		}
		if got := field(t, note, "author"); !strings.HasSuffix(got, "none none") {
			t.Errorf("%s says whose row it is: %s", c, got)
		}
		if got := field(t, note, "id"); !strings.HasSuffix(got, "none none") {
			t.Errorf("%s writes ids: %s", c, got)
		}
		if got := field(t, note, "cost"); !strings.HasPrefix(got, "none none") {
			t.Errorf("%s sees a closed field: %s", c, got)
		}
	}
	for _, tt := range []struct{ caller, want string }{
		{"anonymous", "none none none none none"},
		{"signed-in", "own none all none own"},
		{"boss", "all all all all own"},
		{"read:all", "all all all all own"},
	} {
		if got := rows(grant(t, m, "Note", tt.caller)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.caller, got, tt.want)
		}
	}
	if got := field(t, grant(t, m, "Note", "boss"), "cost"); got != "none none all all" {
		t.Errorf("boss, cost: %s", got)
	}
	if got := field(t, grant(t, m, "Note", "read:all"), "cost"); got != "none none all none" {
		t.Errorf("permission alone, cost: %s", got)
	}
}

func TestBlindWritesReachNothing(t *testing.T) {
	m := matrix(t, signedIn("roles: {cook: {}}", `
  Item: {fields: {name: text}, allow: {view: nobody, update: cook, delete: public}}
`))
	g := grant(t, m, "Item", "cook")
	if got := rows(g); got != "none none none none none" {
		t.Errorf("rows that get does not show: %s", got)
	}
	if g.Rows.Update.Decision != authz.Allowed || !slices.Equal(g.Rows.Update.By, []string{"cook"}) {
		t.Errorf("the rule alone: %+v", g.Rows.Update)
	}
}

func TestInheritance(t *testing.T) {
	m := matrix(t, signedIn(`roles: {cook: {permissions: ["update:*"], default: true}, chef: {inherits: [cook]}}`, `
  Item: {fields: {name: text}, allow: {view: public, update: "update:items"}}
`))
	if got := grant(t, m, "Item", "chef").Rows.Update.Rows; got != permissions.All {
		t.Errorf("chef inherits cook and may update %s", got)
	}
	want := []permissions.Caller{
		{Kind: permissions.Anonymous},
		{Kind: permissions.SignedIn},
		{Kind: permissions.Role, Name: "cook", Inherits: []string{}, Permissions: []string{"update:*"}, Default: true},
		{Kind: permissions.Role, Name: "chef", Inherits: []string{"cook"}, Permissions: []string{"update:*"}},
		{Kind: permissions.Permission, Name: "update:items"},
	}
	if diff := cmp.Diff(want, m.Callers); diff != "" {
		t.Errorf("callers (-want +got):\n%s", diff)
	}
}

// TestWithoutAuthentication wants nobody but the anonymous where nobody can sign in.
func TestWithoutAuthentication(t *testing.T) {
	off := strings.Replace(signedIn("roles: {cook: {}}", "  Item: {fields: {name: text}, allow: {view: [cook, signed-in], list: public}}\n"),
		"{entity: User}", "{entity: User, enabled: false}", 1)
	off = strings.Replace(off, ", auth-jwt: {}", "", 1)
	m := matrix(t, off)
	if len(m.Callers) != 1 || m.Authentication {
		t.Errorf("callers %v", m.Callers)
	}
	if got := rows(grant(t, m, "Item", "anonymous")); got != "none all none none none" {
		t.Errorf("anonymous: %s", got)
	}
	open := matrix(t, strings.Replace(off, "name: shop,", "name: shop, insecureOpenToEveryone: true,", 1))
	if got := rows(grant(t, open, "User", "anonymous")); got != "all all all all all" {
		t.Errorf("open to everybody: %s", got)
	}
	if got := field(t, grant(t, open, "Item", "anonymous"), "id"); got != "all all none none" {
		t.Errorf("ids of an open service: %s", got)
	}
	if got := field(t, grant(t, open, "User", "anonymous"), "password") + ", " + field(t, grant(t, open, "User", "anonymous"), "roles"); got != "none none none none, all all none none" {
		t.Errorf("password and roles of an open service: %s", got)
	}
}

// TestDecisionsAreThoseOfAuthz draws designs and asks package authz about every
// cell.
func TestDecisionsAreThoseOfAuthz(t *testing.T) {
	for seed := range uint64(200) {
		d := parse(t, draw(seed))
		m, err := permissions.Of(d)
		if err != nil {
			t.Fatal(err)
		}
		policy, err := permissions.Policy(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range m.Callers {
			var p *gate.Principal
			switch c.Kind {
			case permissions.SignedIn:
				p = &gate.Principal{Subject: "x"}
			case permissions.Role:
				p = &gate.Principal{Subject: "x", Roles: []string{c.Name}}
			case permissions.Permission:
				p = &gate.Principal{Subject: "x", Permissions: []string{c.Name}}
			}
			for _, e := range d.Entities {
				grants := m.Entity(e.Name).Grants
				i := slices.IndexFunc(grants, func(g permissions.Grant) bool { return g.Kind == c.Kind && g.Name == c.Name })
				if i < 0 { // nothing asks for the permission
					i = slices.IndexFunc(grants, func(g permissions.Grant) bool { return g.Kind == permissions.SignedIn })
				}
				g := grants[i]
				for _, a := range authz.Actions() {
					want := policy.Decide(p, compile(e.Allow.Rules(a.String())))
					if got := g.Rows.At(a).Decision; got != want {
						t.Fatalf("seed %d: %s, %s %s: %s, authz says %s", seed, c, a, e.Name, got, want)
					}
					for j, f := range e.Fields {
						name := a.String()
						if a == authz.List {
							name = "view"
						}
						rules := f.Access.Rules(name)
						cell := g.Fields[j].At(a)
						if len(rules) > 0 && cell.Decision != policy.Decide(p, compile(rules)) || cell.Rows.Beyond(g.Rows.At(a).Rows) {
							t.Fatalf("seed %d: %s, %s %s.%s: %+v in %+v", seed, c, a, e.Name, f.Name, cell, g.Rows.At(a))
						}
					}
				}
			}
		}
	}
}

// compile leaves out the rules that are for some rows.
func compile(rules []design.Rule) authz.Rule {
	var words []string
	for _, r := range rules {
		if len(r.When) == 0 {
			words = append(words, r.String())
		}
	}
	return authz.MustRule(words...)
}

// draw makes up a design.
func draw(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 7))
	held := []string{"create:items", "update:items", "delete:items", "read:*", "*:notes", "*"}
	var roles strings.Builder
	roles.WriteString("roles:\n  all: {permissions: [\"*\"]}\n")
	words := []string{"all", "signed-in", "owner", "create:items", "update:items", "delete:items", "read:notes", "public"}
	for i := range r.IntN(4) {
		name := fmt.Sprintf("role-%d", i)
		inherits := ""
		if i > 0 && r.IntN(2) == 0 {
			inherits = fmt.Sprintf("role-%d", r.IntN(i))
		}
		fmt.Fprintf(&roles, "  %s: {permissions: [%q], inherits: [%s], default: %v}\n", name, held[r.IntN(len(held))], inherits, r.IntN(3) == 0)
		words = append(words, name)
	}
	rule := func() string {
		if r.IntN(5) == 0 {
			return "nobody"
		}
		var list []string
		for range 1 + r.IntN(3) {
			w := fmt.Sprintf("%q", words[r.IntN(len(words))])
			if r.IntN(4) == 0 {
				w = fmt.Sprintf("{rules: %s, when: {name: n%d}}", w, r.IntN(2))
			}
			if !slices.Contains(list, w) {
				list = append(list, w)
			}
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	var entities strings.Builder
	for _, name := range []string{"Item", "Note"}[:1+r.IntN(2)] {
		fmt.Fprintf(&entities, "  %s:\n    fields: {name: text, price: integer, author: {type: relation, to: User}}\n    owner: author\n    allow: {", name)
		for _, a := range authz.Actions() {
			if r.IntN(4) > 0 {
				fmt.Fprintf(&entities, "%s: %s, ", a, rule())
			}
		}
		fmt.Fprintf(&entities, "}\n    fieldRules: {price: {view: %s, update: %s}, name: {create: %s}}\n", rule(), rule(), rule())
	}
	return signedIn(roles.String(), entities.String())
}

// TestCascades wants it said when somebody deletes rows that they may not delete
// by themselves, however long the chain, and a circle to end.
func TestCascades(t *testing.T) {
	m := matrix(t, signedIn("roles: {clerk: {}, boss: {}}", `
  Shop: {fields: {name: text, flagship: {type: relation, to: Item, onDelete: cascade}}, allow: {view: public, delete: [clerk, boss]}}
  Item: {fields: {shop: {type: relation, to: Shop, onDelete: cascade}}, allow: {view: public, delete: [clerk, boss]}}
  Note: {fields: {item: {type: relation, to: Item, onDelete: cascade}}, allow: {view: public, delete: boss}}
  Kept: {fields: {item: {type: relation, to: Item}}, allow: {view: public}}
`))
	for _, tt := range []struct {
		entity string
		want   []permissions.Cascade
	}{
		{"Shop", []permissions.Cascade{{Entity: "Item"}, {Entity: "Note", Beyond: []string{"clerk"}}}},
		{"Item", []permissions.Cascade{{Entity: "Shop"}, {Entity: "Note", Beyond: []string{"clerk"}}}},
		{"Note", nil},
	} {
		if diff := cmp.Diff(tt.want, m.Entity(tt.entity).Cascades); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.entity, diff)
		}
	}
}

func TestJSON(t *testing.T) {
	m := matrix(t, signedIn("roles: {cook: {}}", "  Item: {fields: {name: text}, allow: {view: cook}}\n"))
	data, err := json.Marshal(m.Only("Item"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"callers":[{"kind":"anonymous"},{"kind":"signed-in"},{"kind":"role","name":"cook"}]`,
		`{"kind":"role","name":"cook","rows":{"view":{"rows":"all","decision":"allowed","by":["cook"]},"list":{"rows":"none","decision":"forbidden"}`,
		`{"name":"name","view":{"rows":"all"`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s is not in\n%s", want, data)
		}
	}
	if got := m.Only("Nothing"); got.Entities == nil || len(got.Entities) != 0 {
		t.Errorf("an entity that is not there: %+v", got.Entities)
	}
}

// BenchmarkOf is for the greatest service that the budgets speak of.
func BenchmarkOf(b *testing.B) {
	d, err := design.Parse("gate.yaml", []byte(large(200)))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("of", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := permissions.Of(d); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("warnings", func(b *testing.B) {
		for b.Loop() {
			if _, err := permissions.Warnings(d); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("compare", func(b *testing.B) {
		m, err := permissions.Of(d)
		if err != nil {
			b.Fatal(err)
		}
		other := strings.ReplaceAll(large(200), "delete: \"", "delete: [\"update:none\", \"")
		other = strings.ReplaceAll(strings.ReplaceAll(other, "\"}\n#", "\"]}\n#"), "update:none", "update:e0")
		changed, err := design.Parse("gate.yaml", []byte(other))
		if err != nil {
			b.Fatal(err)
		}
		after, err := permissions.Of(changed)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if len(permissions.Compare(m, after)) == 0 {
				b.Fatal("nothing changed")
			}
		}
	})
}

func large(n int) string {
	var roles, entities strings.Builder
	roles.WriteString("roles:\n  all: {permissions: [\"*\"]}\n")
	for i := range 15 {
		fmt.Fprintf(&roles, "  role-%d: {permissions: [\"update:e%d\"]}\n", i, i)
	}
	for i := range n {
		fmt.Fprintf(&entities, "  E%d:\n    fields: {a: text, b: text, c: text, d: text, e: text, f: text, g: text}\n", i)
		fmt.Fprintf(&entities, "    allow: {view: public, create: \"create:e%d\", update: \"update:e%d\", delete: \"delete:e%d\"}\n#\n", i, i, i)
	}
	return signedIn(roles.String(), entities.String())
}
