package browser_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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

// firstLoad is how much a browser loads, compressed, before it shows the first page.
const firstLoad = 450_000

// TestAdminPages builds the pages that the plugin admin writes, and uses them.
func TestAdminPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	emit(t, dir, kitchen)
	otherLogins(t, dir, kitchen)
	application(t, filepath.Join(dir, "admin"))
	program := compiled(t, dir)
	loads(t, filepath.Join(dir, "admin", "dist"))
	browser := installed(t)
	url := serve(t, program, "ADMIN_EMAIL=ada@kitchen.example")
	var admin map[string]string
	src, err := os.ReadFile(filepath.Join(dir, ".gate", "admin.json"))
	if err == nil {
		err = json.Unmarshal(src, &admin)
	}
	if err != nil {
		t.Fatal(err)
	}
	scenario(t, "adminpages.mjs", facts{
		"chromium": browser, "profile": t.TempDir(), "url": url, "path": "/back/office", "shots": os.Getenv("GATE_SHOTS"),
		"ada": facts{"email": admin["email"], "password": admin["password"]},
	}, "")
}

// pages generates a service into dir, builds its pages, and the program with them, which
// it returns.
func pages(t *testing.T, dir, src string, build func(t *testing.T, dir string)) (program string) {
	t.Helper()
	emit(t, dir, src)
	build(t, filepath.Join(dir, "admin"))
	return compiled(t, dir)
}

// compiled builds the program of a service.
func compiled(t *testing.T, dir string) (program string) {
	t.Helper()
	program = filepath.Join(dir, "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
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

// emit generates a service into dir.
func emit(t *testing.T, dir, src string) {
	t.Helper()
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := gen.Generate(d, gen.Options{Replace: filepath.ToSlash(checkout)}, standard.Plugins()...)
	if err == nil {
		_, err = gen.Apply(dir, files, gen.ApplyOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// loads adds up what the page of the application loads at once.
func loads(t *testing.T, dist string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(dist, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(page), "__CSP_NONCE__") < 2 || strings.Contains(string(page), "<script>") {
		t.Errorf("the page has no place for a nonce, or a script of its own: %s", page)
	}
	sum, files := counter(0), 0
	assets, err := os.ReadDir(filepath.Join(dist, "assets"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range assets {
		if !strings.Contains(string(page), a.Name()) {
			continue
		}
		files++
		data, err := os.ReadFile(filepath.Join(dist, "assets", a.Name()))
		if err != nil {
			t.Fatal(err)
		}
		zw := gzip.NewWriter(&sum)
		if _, err = zw.Write(data); err == nil {
			err = zw.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if t.Logf("%d bytes in %d files", sum, files); files == 0 || sum > firstLoad {
		t.Errorf("the first page loads %d bytes in %d files, want at most %d", sum, files, firstLoad)
	}
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = (*counter)(nil)
