package permtest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/permtest"
)

// cart is a design of rows that are unique by what they point to: by the row through
// which they are owned, by who owns them, by two accounts, and by a word of two.
const cart = `gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql]}
roles:
  customer: {default: true}
  clerk: {permissions: ["update:lines"]}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  User:
    owner: id
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    allow: {view: [owner, clerk], create: public}
    fieldRules: {roles: {create: clerk, update: clerk}}
  Product:
    fields: {name: {type: text, required: true}, hidden: {type: boolean, required: true, default: false}}
    allow: {view: [{rules: public, when: {hidden: false}}, clerk], list: public}
  Order:
    owner: buyer
    fields: {buyer: {type: relation, to: User}, note: text}
    allow: {view: owner, list: owner, create: signed-in}
  OrderLine:
    owner: order.buyer
    unique: [[order, product]]
    fields:
      order: {type: relation, to: Order, required: true}
      product: {type: relation, to: Product, required: true}
      quantity: {type: integer, required: true}
    allow: {view: [owner, clerk], list: [owner, clerk], create: owner, update: [owner, clerk], delete: clerk}
  Vote:
    owner: voter
    unique: [[voter, product]]
    fields:
      voter: {type: relation, to: User, required: true}
      product: {type: relation, to: Product}
      stars: {type: integer, min: 1, max: 5}
    allow: {view: public, list: public, create: signed-in, update: owner, delete: owner}
  Friend:
    owner: of
    unique: [[of, to]]
    fields: {of: {type: relation, to: User, required: true}, to: {type: relation, to: User, required: true}}
    allow: {view: owner, list: owner, create: signed-in, delete: owner}
  Letter:
    owner: to
    unique: [[to, kind]]
    fields: {to: {type: relation, to: User, required: true}, kind: {type: enum, values: [offers, news], required: true}, wanted: boolean}
    allow: {view: owner, list: owner, create: signed-in, update: owner, delete: owner}
`

// TestRun_unique wants no complaint about rows of which no two have the same values
// together.
func TestRun_unique(t *testing.T) {
	long(t)
	for _, f := range wrong(t, newShop(t, cart), nil) {
		t.Error(f)
	}
}

// TestRun_uniqueInTenant: the same where rows belong to tenants, and where their
// owners left them behind.
func TestRun_uniqueInTenant(t *testing.T) {
	long(t)
	src := strings.NewReplacer(", apis: [rest, graphql]", "", "  Remark:\n", "  Remark:\n    unique: [[ticket, topic]]\n",
		"      text: {type: text, required: true}\n", "      topic: {type: relation, to: Topic, required: true}\n").Replace(firms)
	for _, f := range wrong(t, newShop(t, src), nil) {
		t.Error(f)
	}
}

// TestRun_samplesOfKeys: a key that a sample says stands.
func TestRun_samplesOfKeys(t *testing.T) {
	long(t)
	s := newShop(t, cart)
	votes := 0
	s.hooks = func(r map[string]*crud.Resource[line]) {
		r["Vote"].Before(authz.Create, func(_ context.Context, c *crud.Change[line]) error {
			if votes++; c.Row.cells[2].ps != nil {
				return &gate.Error{Status: http.StatusConflict, Message: "A vote is for nothing"}
			}
			return nil
		})
	}
	got := wrong(t, s, func(c *permtest.Config) {
		c.Samples = map[string]permtest.Sample{"Vote": func(_ int, row map[string]any) { row["productId"] = nil }}
		c.GraphQL = false
	})
	if len(got) > 0 || votes == 0 {
		t.Errorf("%d votes: %s", votes, strings.Join(got, "\n"))
	}
}

// TestRun_uniqueOfFew: the same where there are fewer numbers and days than rows, in
// two lists at once, and alone.
func TestRun_uniqueOfFew(t *testing.T) {
	long(t)
	src := cart + `  Place:
    fields: {name: {type: text, required: true}}
    allow: {view: public, list: public}
  Stay:
    owner: guest
    unique: [[place, hour], [guest, hour, day]]
    fields:
      place: {type: relation, to: Place, required: true}
      guest: {type: relation, to: User}
      hour: {type: integer, required: true, min: 1, max: 4}
      day: {type: date, required: true, min: 2026-01-01, max: 2026-01-02}
      seat: {type: text, unique: true, pattern: "[A-C][0-9]"}
      paid: {type: boolean, required: true, default: false}
      price: {type: decimal, scale: 1, min: 0, max: 3, unique: true}
    allow:
      view: [owner, clerk]
      list: [owner, clerk]
      create: signed-in
      update: [{rules: owner, when: {paid: false}}, clerk]
      delete: [{rules: owner, when: {paid: false}}, clerk]
`
	for _, f := range wrong(t, newShop(t, src), nil) {
		t.Error(f)
	}
}

// TestRun_uniqueOfTooFew: a field with fewer values than the test keeps rows is named,
// and every value is used before.
func TestRun_uniqueOfTooFew(t *testing.T) {
	long(t)
	const lockers = `gate: 1
service: {name: shop, module: example.com/shop}
entities:
  Locker:
    fields:
      place: {type: integer, required: true, unique: true, min: 1, max: 6}
      open: {type: boolean, required: true, default: false}
      kind: {type: enum, values: [small, wide, tall], required: true}
    allow: {view: [{rules: public, when: {open: true}}, {rules: public, when: {kind: wide}}], list: public}
`
	for _, f := range wrong(t, newShop(t, lockers), nil) {
		t.Error(f)
	}
	got := wrong(t, newShop(t, strings.Replace(lockers, "max: 6", "max: 5", 1)), nil)
	const want = "a sample of Locker cannot be made: 5 rows have every value of place, which is unique: the test keeps more rows. " +
		"Let the field have more values, or leave callers out by Except"
	if len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
