package gen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/store/storetest"
)

// through is a design with an owner one relation away, conditions, a relation of
// which a table keeps the pairs, and both surfaces.
const through = `gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql]}
roles:
  customer: {default: true}
  clerk: {permissions: ["update:orders", "see:shelves"]}
plugins: {auth-core: {entity: User, breachCheck: true}, auth-session: {}, auth-apikey: {}}
entities:
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    owner: id
    allow: {view: [owner, clerk], list: clerk, create: public}
  Order:
    fields:
      buyer: {type: relation, to: User, required: true, onDelete: cascade}
      status: {type: enum, values: [open, in-transit, done], required: true, default: open}
      labels: {type: relation, to: Label, many: true, inverse: orders}
    owner: buyer
    allow:
      view: [owner, clerk]
      list: [owner, clerk]
      create: signed-in
      update: [{rules: owner, when: {status: open}}, "update:orders"]
      delete: {rules: owner, when: {status: {not: in-transit}}}
    fieldRules: {status: {create: nobody, update: clerk}}
  OrderLine:
    fields:
      order: {type: relation, to: Order, required: true, onDelete: cascade}
      count: {type: integer, required: true, min: 1, max: 9}
      price: {type: decimal, precision: 6, scale: 2, required: true}
    owner: order.buyer
    allow: {view: [owner, clerk], list: [owner, clerk], create: owner, update: owner, delete: owner}
  Label:
    fields: {id: {type: id, kind: serial}, word: {type: text, required: true, unique: true}}
    allow: {view: clerk, list: public, create: clerk}
  Wish:
    fields: {word: {type: text, required: true}, shelves: {type: relation, to: Shelf, many: true}}
    allow: {view: public, list: public, create: public}
  Shelf:
    fields: {place: {type: text, required: true}}
    allow: {view: "see:shelves", list: "see:shelves", create: clerk}
`

// TestPermissionTests generates services of several shapes and runs the tests of
// who may do what that they come with, as "go test" in the service does: nothing
// is asked of the network, and nothing is missing in go.mod.
func TestPermissionTests(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	for name, src := range map[string]string{
		"restaurant":       example(t, "restaurant"),
		"restaurant-auth0": example(t, "restaurant-auth0"),
		"through":          through,
		"kept":             kept,
		"two entities":     designOf(t, "two-entities"),
		"everything":       withPlugin("metrics"),
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "restaurant") && os.Getenv("GATE_TEST_ALL") == "" {
				t.Skip("the examples have this test themselves: GATE_TEST_ALL=1 tries all")
			}
			dir := t.TempDir()
			regenerate(t, dir, src)
			before := tree(t, dir)
			goTool(t, dir, "vet", "./...")
			goTool(t, dir, "test", "-count=1", "-run", "^TestPermissions$", "./app")
			after := tree(t, dir)
			for _, name := range []string{"go.mod", "go.sum"} {
				if before[name] != after[name] {
					t.Errorf("the go command changed %s", name)
				}
			}
		})
	}
}

// TestPermissionTests_postgres runs the tests of services on PostgreSQL, on a server
// that is there: without one they would pass, as they are left out.
func TestPermissionTests_postgres(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	t.Setenv("GATE_TEST_POSTGRES", storetest.PostgresURL(t))
	for name, src := range map[string]string{"kept": kept, "two entities": designOf(t, "two-entities")} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			regenerate(t, dir, strings.Replace(src, "apis: [", "database: postgres, apis: [", 1))
			said := goTool(t, dir, "test", "-count=1", "-v", "-run", "^TestPermissions$", "./app")
			if !strings.Contains(said, "--- PASS: TestPermissions ") || strings.Contains(said, "SKIP") {
				t.Errorf("it was left out:\n%s", said)
			}
		})
	}
}

// kept has rows that count their versions, and that are kept when they are deleted.
const kept = `gate: 1
service: {name: stock, module: example.com/stock, apis: [rest, graphql]}
roles:
  customer: {default: true}
  keeper: {permissions: ["create:boxes", "update:boxes", "delete:boxes"]}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  Box:
    version: true
    softDelete: true
    owner: author
    fields:
      label: {type: text, required: true, unique: true}
      secret: text
      author: {type: relation, to: User, inverse: boxes}
    fieldRules: {secret: {view: owner}}
    allow: {view: [public], list: [public], create: ["create:boxes", customer], update: ["update:boxes", owner], delete: ["delete:boxes", owner]}
  Part:
    softDelete: true
    fields:
      name: {type: text, required: true}
      box: {type: relation, to: Box, required: true, inverse: parts, onDelete: cascade}
    allow: {view: [signed-in], list: [signed-in], create: [keeper], update: [keeper], delete: [keeper]}
  User:
    owner: id
    fields: {email: {type: email, required: true, unique: true}, password: {type: password, required: true}, roles: roles}
    allow: {create: [public], view: [owner], update: [owner]}
`

// example is the design of a folder of examples.
func example(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "examples", name, "gate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// designOf returns a design of testdata.
func designOf(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}
