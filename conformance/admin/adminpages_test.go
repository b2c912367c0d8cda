package admin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// kitchen is a design with an input of every kind, words that mean something elsewhere,
// and somebody who may do less than others.
const kitchen = `gate: 1
service: {name: kitchen, module: example.com/kitchen}
roles:
  guest: {default: true}
  waiter: {permissions: ["list:dishes"]}
  chef: {permissions: ["list:dishes", "write:dishes", "manage:users"]}
plugins:
  auth-core: {entity: User}
  auth-jwt: {refresh: true}
  client-ts: {}
  admin: {path: /back/office, title: "Kitchen <b>of</b> \"Ada\" </script>"}
entities:
  Course:
    softDelete: true
    fields: {name: {type: text, required: true, unique: true, searchable: true}}
    allow: {view: public, list: public, create: "write:dishes", update: "write:dishes", delete: "write:dishes"}
  Dish:
    plural: Dishes
    version: true
    softDelete: true
    fields:
      name: {type: text, required: true, maxLength: 60, searchable: true}
      price: {type: decimal, precision: 8, scale: 2, required: true, min: 0}
      stars: {type: integer, min: 1, max: 5}
      vegan: {type: boolean, required: true, default: false}
      state: {type: enum, values: [draft, {name: on-menu, label: "On the menu"}], required: true, default: draft}
      tags: {type: multi-enum, values: [hot, cold]}
      since: date
      servedAt: datetime
      story: longtext
      facts: json
      place: geo
      recipe: {type: file, maxSize: 1MB, types: [text/plain, application/pdf]}
      cost: {type: decimal, precision: 8, scale: 2}
      course: {type: relation, to: Course, onDelete: set-null, inverse: dishes}
      cook: {type: relation, to: User, onDelete: set-null, inverse: dishes}
      goesWith: {type: relation, to: Dish, many: true, inverse: goneWith}
    allow: {view: "list:dishes", list: "list:dishes", create: "write:dishes", update: "write:dishes", delete: "write:dishes"}
    fieldRules: {cost: {view: chef, create: chef, update: chef}}
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      name: text
      roles: roles
    owner: id
    allow: {view: [owner, "manage:users"], list: "manage:users", create: public, update: [owner, "manage:users"], delete: "manage:users"}
    fieldRules: {roles: {create: "manage:users", update: "manage:users"}}
`

// TestAdminPages builds the pages that the plugin admin writes, and uses them.
func TestAdminPages(t *testing.T) {
	t.Parallel()
	stagetest.Installed(t)
	dir := t.TempDir()
	stagetest.Emit(t, dir, kitchen)
	otherLogins(t, dir, kitchen)
	stagetest.Application(t, filepath.Join(dir, "admin"))
	program := stagetest.Compiled(t, dir)
	stagetest.Loads(t, filepath.Join(dir, "admin", "dist"))
	url := stagetest.Serve(t, program, "ADMIN_EMAIL=ada@kitchen.example")
	stagetest.Scenario(t, "adminpages.mjs", stagetest.Facts{
		"url": url, "path": "/back/office",
		"ada": stagetest.Administrator(t, dir),
	}, "")
}

// otherLogins puts beside the pages in dir what they would have if people logged in
// another way, for the linter and the compiler: applications differ in nothing else.
func otherLogins(t *testing.T, dir, src string) {
	t.Helper()
	const jwt = "  auth-jwt: {refresh: true}\n"
	for by, plugin := range map[string]string{"cookie": "auth-session", "basic": "auth-basic", "none": "auth-jwt"} {
		d, err := design.Parse("gate.yaml", []byte(strings.NewReplacer(jwt, "  "+plugin+": {}\n", "admin: {", "admin: {login: "+by+", ").Replace(src)))
		if err != nil {
			t.Fatal(err)
		}
		list, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"access", "session", "service"} {
			text, ok := list.Get("admin/src/gen/" + name + ".gen.ts")
			if !ok {
				t.Fatal("there is no " + name)
			}
			if err := os.WriteFile(filepath.Join(dir, "admin", "src", "gen", name+"-"+by+".gen.ts"), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
