package node_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// TestTypeScriptClient compiles the client of designs of all kinds, and uses that of the
// restaurant, whose tokens are renewed and whose dishes have versions here.
func TestTypeScriptClient(t *testing.T) {
	if err := present(); err != nil {
		missing(t, err)
	}
	clients := t.TempDir()
	for name, src := range clientDesigns(t) {
		for _, f := range generated(t, withClient(src)) {
			if path, ok := strings.CutPrefix(f.Path, "client/"); ok {
				writeFile(t, filepath.Join(clients, name, path), f.Data)
			}
		}
	}
	writeFile(t, filepath.Join(clients, "named as types", "src", "check.ts"), []byte(checkNames))
	src, err := os.ReadFile("../../examples/restaurant/gate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("expiresIn: 15m}", "expiresIn: 15m, refresh: true}", "  Item:\n", "  Item:\n    version: true\n").Replace(withClient(string(src)))
	dir := t.TempDir()
	if _, err := gen.Apply(dir, generated(t, text), gen.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(clients, "used"), os.DirFS(filepath.Join(dir, "client"))); err != nil {
		t.Fatal(err)
	}
	url, login, password := runService(t, dir)
	execute(t, "client.mjs", "", facts{"clients": clients, "url": url, "login": login, "password": password})
}

// TestTypeScriptClientOverGraphQL uses the client of a service that has GraphQL alone.
func TestTypeScriptClientOverGraphQL(t *testing.T) {
	if err := present(); err != nil {
		missing(t, err)
	}
	src, err := os.ReadFile("../testdata/larder.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := gen.Apply(dir, generated(t, string(src)), gen.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	url, login, password := runService(t, dir)
	execute(t, "client-graphql.mjs", "", facts{"client": filepath.Join(dir, "client"), "url": url, "login": login, "password": password})
}

// namedAsTypes has entities that are called like types of the client, and of TypeScript.
const namedAsTypes = `
gate: 1
service: {name: names, module: example.com/names, database: sqlite, apis: [rest]}
plugins:
  client-ts: {}
entities:
  Partial: {fields: {name: text}, allow: {view: public, list: public, create: public, update: public}}
  Page: {fields: {name: text}, allow: {view: public, list: public, create: public, update: public}}
  Client: {fields: {name: text}, allow: {view: public, list: public, create: public, update: public}}
`

const checkNames = `import { createClient, type Client, type Page, type rows } from './index.gen.ts'
const client: Client = createClient()
export const page: Page<rows.Client> = await client.clients.find()
export const other: rows.Page = await client.pages.get('x')
export const patched: rows.Partial = await client.partials.patch('x', { name: 'y' })
`

// clientDesigns are the designs of the generator's tests that speak the REST of the client.
func clientDesigns(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"everything": everything(t), "named as types": namedAsTypes}
	for _, file := range glob(t, "../../gen/testdata/*.txtar") {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if f.Name != "gate.yaml" {
				continue
			}
			if d, err := design.Parse(f.Name, f.Data); err == nil && len(d.Plugins) > 0 && gen.Check(parsed(t, withClient(string(f.Data))), standard.Plugins()...) == nil {
				all[strings.TrimSuffix(filepath.Base(file), ".txtar")] = string(f.Data)
			}
		}
	}
	for _, file := range glob(t, "../../examples/*/gate.yaml") {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(filepath.Dir(file))] = string(src)
	}
	graphql := 0
	for name, src := range maps.Clone(all) {
		for i, with := range []string{"apis: [graphql]", "apis: [rest, graphql], rest: amplication"} {
			text := strings.Replace(src, "apis: [rest, graphql]", with, 1)
			if strings.Contains(text, "\n  apis:") {
				text = strings.Replace(src, "apis: [rest, graphql]", strings.ReplaceAll(with, ", rest:", "\n  rest:"), 1)
			}
			if d, err := design.Parse("gate.yaml", []byte(withClient(text))); err == nil && text != src && gen.Check(d, standard.Plugins()...) == nil {
				all[name+" by graphql "+strconv.Itoa(i)] = text
				graphql++
			}
		}
	}
	if graphql < 4 {
		t.Errorf("%d designs whose client speaks GraphQL", graphql)
	}
	if len(all) < 15 {
		t.Fatalf("%d designs", len(all))
	}
	return all
}

// withClient turns the client on.
func withClient(src string) string {
	if strings.Contains(src, "\n  client-ts:") {
		return src
	}
	return strings.Replace(src, "\nplugins:\n", "\nplugins:\n  client-ts: {}\n", 1)
}

func parsed(t *testing.T, src string) *design.Design {
	t.Helper()
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// generated returns the files of a service of the checkout.
func generated(t *testing.T, src string) gen.Files {
	t.Helper()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := gen.Generate(parsed(t, src), gen.Options{Replace: filepath.ToSlash(checkout)}, standard.Plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func writeFile(t *testing.T, name string, data []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// runService builds the service in dir, and runs it until the test ends.
func runService(t *testing.T, dir string) (url, login, password string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "service")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return start(t, program)
}
