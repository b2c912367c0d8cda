package gen_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// TestOpenAPIExamples sends what the document gives as examples to a service with
// every type of field, and compares each answer with what the document says.
func TestOpenAPIExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	open := strings.NewReplacer(
		"allow: {view: public, list: signed-in}", "allow: {view: public, list: signed-in, create: signed-in, update: signed-in, delete: signed-in}",
		"allow: {view: public, list: public}", "allow: {view: public, list: public, create: signed-in, update: signed-in, delete: signed-in}",
		"allow: {view: owner, create: public}", "allow: {view: [owner, clerk], list: clerk, create: public}",
		`create: ["create:orders"]`, `create: signed-in`,
		`update: [owner, "update:orders"]`, "update: [owner, \"update:orders\"]\n      delete: [clerk]",
	)
	src := open.Replace(everything)
	dir := t.TempDir()
	regenerate(t, dir, src)
	goTool(t, dir, "build", "-o", "shop", ".")
	s := &openService{T: t, url: start(t, dir, filepath.Join(dir, "shop")), design: parse(t, src), rows: map[string]any{}}
	s.read(filepath.Join(dir, "app", "openapi_gen.json"))
	s.logIn(filepath.Join(dir, ".gate", "admin.json"))
	for _, name := range []string{"Customer", "OrderItem", "User", "Order"} { // each after those that it points to
		s.try(s.design.Entity(name))
	}
	if s.compared < 40 {
		t.Errorf("only %d answers were compared", s.compared)
	}
}

// openService is a service, and the document that describes it.
type openService struct {
	*testing.T
	url, token string
	design     *design.Design
	doc        map[string]any
	compiler   *jsonschema.Compiler
	rows       map[string]any // an id of each entity
	compared   int
}

func (s *openService) read(file string) {
	s.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		s.Fatal(err)
	}
	s.doc, _ = doc.(map[string]any)
	s.compiler = jsonschema.NewCompiler()
	s.compiler.AssertFormat()
	if err := s.compiler.AddResource("openapi.json", doc); err != nil {
		s.Fatal(err)
	}
}

func (s *openService) logIn(admin string) {
	s.Helper()
	src, err := os.ReadFile(admin)
	if err != nil {
		s.Fatal(err)
	}
	body := map[string]any{}
	if err := json.Unmarshal(src, &body); err != nil {
		s.Fatal(err)
	}
	body["strategy"] = "local"
	answer := s.call("POST", "/api/authentication", "", body, http.StatusCreated)
	s.token, _ = answer.(map[string]any)["accessToken"].(string)
	s.call("GET", "/api/me", "", nil, http.StatusOK)
	s.call("GET", "/api/me/permissions", "", nil, http.StatusOK)
	s.call("GET", "/api/account/sessions", "", nil, http.StatusOK)
}

// try does with an entity whatever the document describes.
func (s *openService) try(e *design.Entity) {
	many, one := "/api/"+e.Route, "/api/"+e.Route+"/{id}"
	create := s.at("paths", many, "post", "requestBody", "content", "application/json", "example").(map[string]any)
	row, _ := s.call("POST", many, "", s.linked(e, create), http.StatusCreated).(map[string]any)
	id := row["id"]
	s.rows[e.Name] = id
	path := fmt.Sprint(id)
	s.call("GET", one, path, nil, http.StatusOK)
	s.call("POST", many, "", map[string]any{"nobody": "knows"}, http.StatusBadRequest)
	if s.at("paths", many, "get") != nil {
		s.call("GET", many, "", nil, http.StatusOK)
		for _, f := range e.Fields {
			examples, ok := s.at("components", "schemas", e.Name, "properties", f.Key, "examples").([]any)
			if ok && f.Type == design.MultiEnum {
				s.call("GET", many, "?"+f.Key+"[$contains]="+f.Values[0].Name, nil, http.StatusOK)
			}
			if ok && f.Sortable() {
				s.call("GET", many, "?"+f.Key+"="+fmt.Sprint(examples[0]), nil, http.StatusOK)
				s.call("GET", many, "?$sort["+f.Key+"]=-1", nil, http.StatusOK)
			}
		}
		s.call("GET", many, "?nobody=knows", nil, http.StatusBadRequest)
	}
	if patch := s.at("components", "schemas", e.Name+"Patch", "properties"); patch != nil {
		whole := map[string]any{}
		for name, p := range patch.(map[string]any) {
			if examples, ok := p.(map[string]any)["examples"].([]any); ok {
				whole[name] = examples[0]
			}
		}
		s.call("PUT", one, path, s.linked(e, whole), http.StatusOK)
		for name, value := range s.linked(e, whole) {
			s.call("PATCH", one, path, map[string]any{name: value}, http.StatusOK)
		}
	}
	if s.at("paths", one, "delete") != nil && e.Name == "Order" { // the others are pointed to
		s.call("DELETE", one, path, nil, http.StatusOK)
		s.call("GET", one, path, nil, http.StatusNotFound)
	}
}

// linked returns body with the ids of rows that are there in place of made up ones.
func (s *openService) linked(e *design.Entity, body map[string]any) map[string]any {
	body = maps.Clone(body)
	for _, f := range e.Fields {
		if _, ok := body[f.Key]; !ok || f.Relation == nil {
			continue
		}
		if body[f.Key] = s.rows[f.Relation.Entity.Name]; body[f.Key] == nil {
			delete(body, f.Key)
		}
	}
	return body
}

// at returns a part of the document, nil if it is not there.
func (s *openService) at(path ...string) any {
	var at any = s.doc
	for _, name := range path {
		o, _ := at.(map[string]any)
		at = o[name]
	}
	return at
}

// call makes a request, and compares the answer with its schema. What follows the
// path of the document is the id of a row, or a query.
func (s *openService) call(method, path, more string, body any, want int) any {
	s.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	address, query := strings.Replace(path, "{id}", more, 1), ""
	if !strings.Contains(path, "{id}") {
		query = more
	}
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+address+strings.ReplaceAll(query, " ", "%20"), bytes.NewReader(text))
	if err != nil {
		s.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	if res.StatusCode != want {
		s.Fatalf("%s %s%s %s: %d %s", method, path, more, text, res.StatusCode, answer)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer))
	if err != nil {
		s.Fatalf("%s %s%s: %v", method, path, more, err)
	}
	if err := s.schema(path, strings.ToLower(method), want).Validate(value); err != nil {
		s.Errorf("%s %s%s: %v\n%s", method, path, more, err, answer)
	}
	s.compared++
	return value
}

// schema returns what an answer has to look like.
func (s *openService) schema(path, method string, status int) *jsonschema.Schema {
	s.Helper()
	where := []string{"paths", path, method, "responses", fmt.Sprint(status)}
	if ref, ok := s.at(append(slices.Clone(where), "$ref")...).(string); ok {
		where = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
	}
	where = append(where, "content", "application/json", "schema")
	for i, name := range where {
		where[i] = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
	}
	schema, err := s.compiler.Compile("openapi.json#/" + strings.Join(where, "/"))
	if err != nil {
		s.Fatal(err)
	}
	return schema
}

// TestOpenAPIWithoutRoles keeps the list of roles a list where there are none.
func TestOpenAPIWithoutRoles(t *testing.T) {
	d := parse(t, "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities:\n  Person:\n    fields: {roles: roles}\n    allow: {view: public}\n")
	src, _ := generate(t, d, gen.Options{}).Get("app/openapi_gen.json")
	if bytes.Contains(src, []byte(`"enum": null`)) || bytes.Contains(src, []byte("filter.")) {
		t.Errorf("%s", src)
	}
}
