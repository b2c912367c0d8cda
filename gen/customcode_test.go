package gen_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const customShop = `gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql]}
roles:
  menu-admin: {permissions: ["update:items"]}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  Item:
    fields:
      name: {type: text, required: true, maxLength: 100}
      price: {type: decimal, required: true, min: 0}
      cost: decimal
    allow: {view: public, list: public, create: public, update: ["update:items"]}
    fieldRules: {cost: {view: ["update:items"]}}
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    owner: id
    allow: {view: owner, create: public}
`

// customTest asks the service that is made of the guide.
const customTest = `package app_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"

	"example.com/shop/app"
)

func TestCustomCode(t *testing.T) {
	cfg, err := config.Load(config.Options{
		Environ: []string{"AUTH_SECRET=vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA", "DOCS=on"}, Addr: "127.0.0.1:0",
		Database: filepath.Join(t.TempDir(), "shop.db"), SecretBytes: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Open(t.Context(), app.Service(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	ts := httptest.NewServer(srv.Handler())
	defer ts.Close()
	headers := map[string]string{"Content-Type": "application/json"}
	ask := func(status int, method, path, body, want string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, ts.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range headers {
			req.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != status || !strings.Contains(string(text), want) {
			t.Fatalf("%s %s: %d %s %v, want %d and %s", method, path, res.StatusCode, text, err, status, want)
		}
		return string(text)
	}
	graphql := func(document, want string) {
		t.Helper()
		ask(200, "POST", "/api/graphql", fmt.Sprintf("{\"query\":%q}", document), want)
	}
	made := ask(201, "POST", "/api/items", ` + "`" + `{"name":"soup","price":2.50,"cost":1}` + "`" + `, "soup")
	id := regexp.MustCompile("[0-9a-f-]{36}").FindString(made)
CHECKS
}
`

// customChecks are, for each section of the guide, what its service does.
func customChecks() []string {
	return []string{
		// Actions
		`	ask(200, "POST", "/api/actions/place-order", fmt.Sprintf("{\"lines\":[{\"item\":%q,\"quantity\":3}]}", id), "{\"total\":7.50}")
	ask(400, "POST", "/api/actions/place-order", "{\"lines\":[],\"admin\":true}", "is not a field of PlaceOrderInput")
	ask(401, "POST", "/api/items/"+id+"/feature", "", "")
	graphql(fmt.Sprintf("mutation { placeOrder(input: {lines: [{item: %q, quantity: 2}]}) { total } }", id), "{\"data\":{\"placeOrder\":{\"total\":5.00}}}")
	graphql(fmt.Sprintf("mutation { feature(id: %q) { name } }", id), "UNAUTHENTICATED")
	ask(200, "GET", "/api/openapi.json", "", "/api/actions/place-order")`,
		// Own routes
		`	ask(200, "POST", "/api/tables/3/quote", "{\"guests\":2}", "{\"total\":60.00}")
	ask(400, "POST", "/api/tables/30/quote", "{\"guests\":2,\"email\":\"x\"}", "must be an e-mail address")
	ask(200, "GET", "/api/openapi.json", "", "/api/tables/{table}/quote")`,
		// Own fields in GraphQL
		`	graphql("{ menuOfTheDay(most: 2) { label cost } }", "\"label\":\"soup, 2.50\",\"cost\":null")
	graphql("{ menuOfTheDay(most: 20) { label } }", "must be 10 or less")`,
		// Decorators
		`	ask(200, "GET", "/api/items?$limit=80", "", "\"limit\":10")`,
		// Middleware, strategies
		`	headers["User-Agent"] = "a robot"
	ask(403, "GET", "/api/items", "", "")
	delete(headers, "User-Agent")
	headers["X-Kiosk"] = "4711"
	ask(200, "POST", "/api/items/"+id+"/feature", "", "★ soup")
	ask(409, "POST", "/api/items/"+id+"/feature", "", "It is featured already")`,
	}
}

// TestCustomCodeGuide makes a service of docs/guides/custom-code.md, its gate.yaml and
// its code, and asks it. Without the code it does not start.
func TestCustomCodeGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	guide, err := os.ReadFile("../docs/guides/custom-code.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := func(language string) string {
		var all strings.Builder
		for _, m := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
			all.WriteString("\n" + m[1])
		}
		return all.String()
	}
	dir := t.TempDir()
	write(t, dir, "app/hooks.go", blocks("go"))
	write(t, dir, "app/actions.go", "package app\n")
	write(t, dir, "app/schema.graphql", blocks("graphql"))
	write(t, dir, "app/custom_test.go", strings.Replace(customTest, "CHECKS", strings.Join(customChecks(), "\n"), 1))
	regenerate(t, dir, customShop+blocks("yaml"))
	goTool(t, dir, "vet", "./...")
	goTool(t, dir, "test", "-run", "TestCustomCode", "./app")

	for _, name := range []string{"app/hooks.go", "app/actions.go", "app/custom_test.go", "app/schema.graphql"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	regenerate(t, dir, customShop+blocks("yaml"))
	goTool(t, dir, "vet", "./app")
}
