package permissions_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/gen/permissions"
)

func TestCompareInWords(t *testing.T) {
	const roles = `roles: {customer: {default: true}, clerk: {permissions: ["delete:orders"]}, staff: {}}`
	order := func(rest string) string {
		return "\n  Order:\n    fields: {total: integer, note: text, buyer: {type: relation, to: User}}\n    owner: buyer\n    allow: " + rest + "\n"
	}
	for _, tt := range []struct {
		name, before, after string
		want                []string
	}{
		{"nothing", order("{view: public}"), order("{view: [public]}"), nil},
		{"other words, same people", order("{view: [signed-in]}"), order("{view: [signed-in, customer, owner]}"), nil},
		{"the reviewer's", order("{view: public}"), order("{view: public, delete: customer}"), []string{"+customers can now delete orders"}},
		{"and back", order("{view: public, delete: customer}"), order("{view: public}"), []string{"-customers could delete orders and cannot any more"}},
		{"a role and its permission", order("{view: public}"), order("{view: public, delete: [\"delete:orders\", staff]}"), []string{"+clerks and staff can now delete orders"}},
		{"everybody", order("{list: clerk}"), order("{list: public}"), []string{"+everybody can now list orders"}},
		{"everybody signed in", order("{list: clerk}"), order("{list: signed-in}"), []string{"+everybody signed in can now list orders"}},
		{"not everybody any more", order("{list: public}"), order("{list: signed-in}"), []string{"-whoever is not signed in could list orders and cannot any more"}},
		{"but for some", order("{list: public}"), order("{list: clerk}"), []string{"-everybody but clerks could list orders and cannot any more"}},
		{"several actions", order("{}"), order("{view: staff, list: staff, delete: staff}"), []string{"+staff can now view, list and delete orders"}},
		{"more rows", order("{view: owner}"), order("{view: [owner, staff]}"), []string{"+staff can now view all orders, not only their own"}},
		{"fewer rows", order("{view: staff}"), order("{view: owner}"), []string{
			"+everybody signed in can now view their own orders", "-staff can now view only their own orders, no longer all",
		}},
		{
			"a field", order("{view: public, list: public}\n    fieldRules: {total: {view: staff}}"), order("{view: public, list: public}"),
			[]string{"+everybody can now see the total of orders"},
		},
		{
			"a field is closed", order("{view: staff, create: staff, update: staff}"),
			order("{view: staff, create: staff, update: staff}\n    fieldRules: {total: {update: nobody}, note: {update: nobody}}"),
			[]string{"-staff could change the total and note of orders and cannot any more"},
		},
		{
			"an action without a field", order("{view: public, update: clerk}"),
			order("{view: public, update: [clerk, staff]}\n    fieldRules: {total: {update: clerk}}"),
			[]string{"+staff can now update orders (this is not so for total)"},
		},
		{
			"some rows", order("{list: clerk}"), order("{list: [clerk, {rules: public, when: {total: 0}}]}"),
			[]string{"+everybody can now list orders where total is 0"},
		},
		{
			"another condition", order("{list: {rules: public, when: {total: 0}}}"), order("{list: {rules: public, when: {total: 1}}}"),
			[]string{"~everybody can now list orders where total is 1 instead of those where total is 0"},
		},
		{
			"one condition more", order("{list: {rules: public, when: {total: 0}}}"), order("{list: [{rules: public, when: {total: 0}}, {rules: public, when: {note: null}}]}"),
			[]string{"+everybody can now list orders where total is 0 and orders where note is null, not only those where total is 0"},
		},
		{
			"no condition any more", order("{view: [owner, {rules: staff, when: {note: null}}]}"), order("{view: [owner, staff]}"),
			[]string{"+staff can now view all orders, not only their own and those where note is null"},
		},
		{
			"one's own, if", order("{view: public, update: owner}"), order("{view: public, update: {rules: owner, when: {total: [0, 1]}}}"),
			[]string{"-everybody signed in can now update only their own orders where total is 0 or 1, no longer their own"},
		},
		{
			"a field in some rows", order("{view: public}\n    fieldRules: {note: {view: staff}}"),
			order("{view: public}\n    fieldRules: {note: {view: [staff, {rules: owner, when: {total: 0}}]}}"),
			[]string{"+everybody signed in can now see the note of their own orders where total is 0"},
		},
		{"an entity is gone", order("{view: staff}"), "  X: {}", []string{"-staff could view orders and cannot any more"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range permissions.Compare(matrix(t, signedIn(roles, tt.before)), matrix(t, signedIn(roles, tt.after))) {
				got = append(got, sign(c)+c.Text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func sign(c permissions.Change) string {
	return map[[2]bool]string{{true, false}: "+", {false, true}: "-", {true, true}: "~"}[[2]bool{c.Wider, c.Narrower}]
}

// TestCompareAlong wants it told when somebody can delete rows with others, which
// no rule of these rows says.
func TestCompareAlong(t *testing.T) {
	shop := func(onDelete, deletes string) *permissions.Matrix {
		return matrix(t, signedIn("roles: {clerk: {}, boss: {}}", `
  Menu: {fields: {name: text}, allow: {view: public, delete: [clerk, boss]}}
  Dish: {fields: {menu: {type: relation, to: Menu, onDelete: `+onDelete+`}}, allow: {view: public, delete: `+deletes+`}}
`))
	}
	for _, tt := range []struct {
		name          string
		before, after *permissions.Matrix
		want          string
	}{
		{"now", shop("restrict", "boss"), shop("cascade", "boss"), "+clerks can now delete dishes along with menus"},
		{"no more", shop("cascade", "boss"), shop("set-null", "boss"), "-clerks could delete dishes along with menus and cannot any more"},
		{"by themselves as well", shop("cascade", "boss"), shop("cascade", "[boss, clerk]"), "+clerks can now delete dishes"},
		{"instead", shop("restrict", "[boss, clerk]"), shop("cascade", "boss"), "-clerks could delete dishes and cannot any more|+clerks can now delete dishes along with menus"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range permissions.Compare(tt.before, tt.after) {
				got = append(got, sign(c)+c.Text)
			}
			if s := strings.Join(got, "|"); s != tt.want {
				t.Errorf("%q, want %q", s, tt.want)
			}
		})
	}
}

func TestCompareRoles(t *testing.T) {
	const item = "  Item: {fields: {name: text}, allow: {view: public, update: \"update:items\"}}\n"
	for _, tt := range []struct{ name, before, after, want string }{
		{"a role that gives nothing", "roles: {a: {permissions: [\"*\"]}}", "roles: {a: {permissions: [\"*\"]}, b: {}}", ""},
		{"a new role", "roles: {a: {permissions: [\"*\"]}}", "roles: {a: {permissions: [\"*\"]}, b: {inherits: [a]}}", "+bs can now update items"},
		{"for every new account", "roles: {a: {permissions: [\"*\"]}}", "roles: {a: {permissions: [\"*\"], default: true}}", "+every new account now holds the role a"},
		{"and no more", "roles: {a: {permissions: [\"*\"], default: true}}", "roles: {a: {permissions: [\"*\"]}}", "-new accounts do not hold the role a any more"},
		{"renamed", "roles: {a: {permissions: [\"*\"]}}", "roles: {b: {permissions: [\"*\"]}}", "+bs can now update items|-as could update items and cannot any more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range permissions.Compare(matrix(t, signedIn(tt.before, item)), matrix(t, signedIn(tt.after, item))) {
				got = append(got, sign(c)+c.Text)
			}
			if s := strings.Join(got, "|"); s != tt.want {
				t.Errorf("%q, want %q", s, tt.want)
			}
		})
	}
}

// TestCompareLogIns tells who signs in now, and for whom roles are.
func TestCompareLogIns(t *testing.T) {
	shop := func(also, boss, guest string) *permissions.Matrix {
		const fields = "{fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}, allow: {view: owner}, owner: id}"
		src := "gate: 1\nservice: {name: shop, module: example.com/shop}\nroles: {boss: {" + boss + "}, guest: {" + guest + "}}\nplugins: {auth-core: {entity: User, also: [" + also +
			"]}}\nentities:\n  User: " + fields + "\n  Guest: " + fields + "\n  Friend: " + fields + "\n  Item: {fields: {name: text}, allow: {view: [boss, guest]}}\n"
		return matrix(t, src)
	}
	for _, tt := range []struct {
		name          string
		before, after *permissions.Matrix
		want          string
	}{
		{"the same", shop("Guest, Friend", "", "entity: Guest"), shop("Guest, Friend", "", "entity: Guest"), ""},
		{"a role of another", shop("Guest, Friend", "", "entity: Guest"), shop("Guest, Friend", "", "entity: Friend"), "~the role guest is now for rows of Friend, too|-guests could view their own account and cannot any more|+guests can now view their own account"},
		{"a role of the accounts", shop("Guest, Friend", "", "entity: Guest"), shop("Guest, Friend", "", ""), "-the role guest is now for accounts alone|-guests could view their own account and cannot any more"},
		{"a role of theirs", shop("Guest, Friend", "", ""), shop("Guest, Friend", "", "entity: Guest"), "+the role guest is now for rows of Guest, too|+guests can now view their own account"},
		{"each that signs up", shop("Guest, Friend", "", "entity: Guest"), shop("Guest, Friend", "", "entity: Guest, default: true"), "+every new Guest now holds the role guest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range permissions.Compare(tt.before, tt.after) {
				got = append(got, sign(c)+c.Text)
			}
			if s := strings.Join(got, "|"); s != tt.want {
				t.Errorf("%q, want %q", s, tt.want)
			}
		})
	}
	here, gone := shop("Guest, Friend", "", ""), shop("Guest, Friend", "", "")
	gone.Also = []string{"Guest"}
	for _, tt := range []struct {
		before, after *permissions.Matrix
		want          string
	}{{gone, here, "+rows of Friend can now sign in, and do what everybody may who is signed in"}, {here, gone, "-rows of Friend could sign in and cannot any more"}} {
		if got := permissions.Compare(tt.before, tt.after); len(got) != 1 || sign(got[0])+got[0].Text != tt.want {
			t.Errorf("%v, want %s", got, tt.want)
		}
	}
}

// TestOwner_ofOthers: what belongs to those who log in beside the accounts is no
// account's own, whatever role it holds, and a comparison does not say so.
func TestOwner_ofOthers(t *testing.T) {
	const shop = `gate: 1
service: {name: shop, module: example.com/shop}
roles: {staff: {}, boss: {inherits: [staff]}, rider: {entity: Member}}
plugins: {auth-core: {entity: User, also: [Member]}}
entities:
  User: {fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}, owner: id, allow: {view: owner}}
  Member: {fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}, owner: id, allow: {view: [owner, boss]}}
  Car: {fields: {name: text, likers: {type: relation, to: Member, many: true, inverse: cars}}, allow: {view: public, update: staff}}
  Booking:
    fields: {by: {type: relation, to: Member}, open: {type: boolean, required: true, default: true}, note: text}
    owner: by
    allow: {view: [owner, boss], list: VIEW, create: signed-in, update: {rules: owner, when: {open: true}}, delete: [owner, staff]}
    fieldRules: {note: {view: owner}}
  Stop:
    fields: {booking: {type: relation, to: Booking, required: true}}
    owner: booking.by
    allow: {view: owner}
`
	before := matrix(t, strings.Replace(shop, "VIEW", "owner", 1))
	for _, tt := range []struct{ entity, caller, field, want string }{
		{"Booking", "signed-in", "", "own own all some own own"},
		{"Booking", "staff", "", "none none all none none"}, // view says what delete reaches
		{"Booking", "boss", "", "all none all none all"},
		{"Booking", "boss", "note", "none none all none none"},
		{"Booking", "rider", "", "own own all some own own"},
		{"Stop", "staff", "", "none none none none none"},
		{"Stop", "rider", "", "own none none none none"},
		{"Member", "staff", "", "none none none none none"},
		{"Member", "rider", "", "own none none none none"},
		{"User", "staff", "", "own none none none none"},
		{"User", "rider", "", "own none none none none"}, // accounts may hold any role
	} {
		var got []string
		for _, g := range before.Entity(tt.entity).Grants {
			if g.Name != tt.caller && string(g.Kind) != tt.caller {
				continue
			}
			cells := g.Rows
			for _, f := range g.Fields {
				if f.Name == tt.field {
					cells = permissions.RowCells{Cells: f.Cells}
				}
			}
			for _, a := range authz.Actions() {
				got = append(got, cells.At(a).Rows.String())
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s, %s %s: %s, want %s", tt.caller, tt.entity, tt.field, s, tt.want)
		}
	}
	for name, tt := range map[string]struct{ from, to, want string }{
		"opened":        {"VIEW", "staff", "-whoever has no role and riders could list their own bookings and cannot any more|+staff and bosses can now list bookings (this is not so for note)"},
		"a new role":    {"roles: {", "roles: {clerk: {}, ", ""},
		"one of theirs": {"roles: {", "roles: {clerk: {entity: Member}, ", ""},
	} {
		after := strings.Replace(strings.Replace(shop, tt.from, tt.to, 1), "VIEW", "owner", 1)
		var got []string
		for _, c := range permissions.Compare(before, matrix(t, after)) {
			got = append(got, sign(c)+c.Text)
		}
		if s := strings.Join(got, "|"); s != tt.want {
			t.Errorf("%s: %q, want %q", name, s, tt.want)
		}
	}
}

// TestCompareTellsEverything draws pairs of designs and wants every difference of
// two cells told, none that is not there, and the opposite the other way round.
func TestCompareTellsEverything(t *testing.T) {
	told := 0
	for seed := range uint64(150) {
		a, b := matrix(t, draw(seed)), matrix(t, draw(seed*31+1))
		if got := permissions.Compare(a, a); len(got) != 0 {
			t.Fatalf("seed %d: a design differs from itself: %v", seed, got)
		}
		changes := permissions.Compare(a, b)
		told += len(changes)
		there, back := spread(changes, false), spread(permissions.Compare(b, a), true)
		if diff := cmp.Diff(there, back); diff != "" {
			t.Fatalf("seed %d: there and back (-there +back):\n%s", seed, diff)
		}
		want := differences(a, b)
		rows := maps.Clone(there)
		maps.DeleteFunc(rows, func(k, _ string) bool { return strings.Contains(k, ".") })
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Fatalf("seed %d: rows (-want +got):\n%s", seed, diff)
		}
		for _, c := range changes {
			if c.Actions != nil && (rowsOf(c.From, c.FromParts) == rowsOf(c.To, c.ToParts) || !c.Wider && !c.Narrower) || c.Text == "" || strings.Contains(c.Text, "  ") {
				t.Fatalf("seed %d: %+v", seed, c)
			}
		}
	}
	if told < 500 {
		t.Errorf("only %d changes were drawn", told)
	}
}

// spread writes changes out, cell by cell.
func spread(changes []permissions.Change, reversed bool) map[string]string {
	cells := map[string]string{}
	for _, c := range changes {
		from, to := rowsOf(c.From, c.FromParts), rowsOf(c.To, c.ToParts)
		if reversed {
			from, to = to, from
		}
		fields := []string{""}
		if len(c.Fields) > 0 {
			fields = nil
		}
		for _, f := range c.Fields {
			fields = append(fields, "."+f)
		}
		for _, caller := range c.Callers {
			for _, a := range c.Actions {
				for _, f := range fields {
					cells[fmt.Sprintf("%s %s %s %s%s", caller.Kind, caller, a, c.Entity, f)] = fmt.Sprintf("%s > %s", from, to)
				}
			}
		}
	}
	return cells
}

// differences compares the rows of two matrices of which one may know roles and
// permissions that the other does not.
func differences(a, b *permissions.Matrix) map[string]string {
	find := func(m *permissions.Matrix, e string, c permissions.Caller, action authz.Action) string {
		entity := m.Entity(e)
		if entity == nil {
			return "none"
		}
		signedIn := "none"
		for _, g := range entity.Grants {
			if g.Kind == permissions.SignedIn {
				signedIn = rowsOf(g.Rows.At(action).Rows, g.Rows.At(action).Parts)
			}
			if g.Kind == c.Kind && g.Name == c.Name {
				return rowsOf(g.Rows.At(action).Rows, g.Rows.At(action).Parts)
			}
		}
		return signedIn
	}
	cells := map[string]string{}
	for _, c := range slices.Concat(a.Callers, b.Callers) {
		for _, e := range []string{"User", "Item", "Note"} {
			if c.Kind == permissions.Permission && !named(a, e, c.Name) && !named(b, e, c.Name) {
				continue // as everybody who is signed in
			}
			for _, action := range authz.Actions() {
				if from, to := find(a, e, c, action), find(b, e, c, action); from != to {
					cells[fmt.Sprintf("%s %s %s %s", c.Kind, c, action, e)] = fmt.Sprintf("%s > %s", from, to)
				}
			}
		}
	}
	return cells
}

// named reports whether a rule of the entity asks for the permission.
func named(m *permissions.Matrix, entity, permission string) bool {
	e := m.Entity(entity)
	return e != nil && slices.ContainsFunc(e.Rules, func(r permissions.Rule) bool {
		return slices.ContainsFunc(r.Words, func(w string) bool { return w == permission || strings.HasPrefix(w, permission+" when ") })
	})
}

// rowsOf writes what a cell reaches.
func rowsOf(rows permissions.Reach, parts []permissions.Part) string {
	text := rows.String()
	for _, p := range parts {
		text += fmt.Sprintf(", %s where %s", p.Rows, p.When)
	}
	return text
}
