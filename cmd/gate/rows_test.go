package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

const memos = `gate: 1
service: {name: desk, module: example.com/desk, apis: [rest, graphql]}
plugins:
  auth-core: {entity: User}
  auth-jwt: {}
entities:
  Memo:
    version: true
    softDelete: true
    fields:
      title: {type: text, required: true, unique: true, searchable: true}
      author: {type: relation, to: User}
    owner: author
    allow: {view: signed-in, list: signed-in, create: signed-in, update: owner, delete: owner}
  Page:
    softDelete: true
    fields: {memo: {type: relation, to: Memo, required: true, onDelete: cascade, inverse: pages}}
    allow: {view: signed-in, list: signed-in, create: signed-in, delete: signed-in}
  User:
    version: true
    fields:
      email: {type: email, required: true, unique: true}
      password: {type: password, required: true}
      roles: roles
    owner: id
    allow: {create: public, view: owner}
`

// send is ask with a header more.
func (r *running) send(method, path, auth, body, name, value string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", auth)
	req.Header.Set(name, value)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(got)}
}

// TestRows is a design whose rows count their changes and are kept, by REST and by
// GraphQL.
func TestRows(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	r := dev(t, gateBinary(t), design(t, memos))
	admin, _ := r.login(r.admin.Email, r.admin.Password)
	account, _ := r.want(201, "POST", "/api/users", "", `{"email":"ann@desk.example","password":"correct horse battery staple"}`).object(t)["id"].(string)
	ann, _ := r.login("ann@desk.example", "correct horse battery staple")

	var id string
	for _, replayed := range []string{"", "true"} {
		a := r.send("POST", "/api/memos", ann, `{"title":"figs"}`, "Idempotency-Key", "k1")
		h := a.header
		if a.status != 201 || h.Get("Idempotency-Replayed") != replayed || !strings.HasPrefix(h.Get("ETag"), `"v1-`) || !strings.Contains(h.Get("Vary"), "Authorization") {
			t.Fatalf("%d %s %v", a.status, a.body, h)
		}
		id, _ = a.object(t)["id"].(string)
	}
	if a := r.send("POST", "/api/memos", ann, `{"title":"dates"}`, "Idempotency-Key", "k1"); a.status != 422 {
		t.Errorf("another body: %d %s", a.status, a.body)
	}
	path := "/api/memos/" + id
	for _, tt := range []struct {
		who, match string
		want       int
	}{{ann, `"v2"`, 412}, {admin, `"v2"`, 403}, {ann, `"v1"`, 200}, {ann, `"v1"`, 412}} {
		if a := r.send("PATCH", path, tt.who, `{"title":"plums"}`, "If-Match", tt.match); a.status != tt.want {
			t.Errorf("%s: %d %s", tt.match, a.status, a.body)
		}
	}
	if a := r.send("GET", path, admin, "", "If-None-Match", r.want(200, "GET", path, admin, "").header.Get("ETag")); a.status != 304 {
		t.Errorf("as it is: %d %s", a.status, a.body)
	}
	graph := func(query string) string {
		return r.want(200, "POST", "/api/graphql", ann, `{"query":"`+strings.ReplaceAll(query, `"`, `\"`)+`"}`).body
	}
	if got := graph(`mutation { updateMemo(id: "` + id + `", input: {title: "x", version: 1}) { version } }`); !strings.Contains(got, `"CONFLICT"`) {
		t.Errorf("an old version by GraphQL: %s", got)
	}
	r.want(201, "POST", "/api/pages", ann, `{"memoId":"`+id+`"}`)
	r.want(400, "DELETE", "/api/memos", ann, "")
	if a := r.want(200, "DELETE", "/api/memos?title[$startsWith]=pl", ann, ""); !strings.Contains(a.body, id) {
		t.Errorf("deleted by a condition: %s", a.body)
	}
	r.want(404, "GET", path, ann, "")
	for _, list := range []string{"/api/memos", "/api/memos?$search=plums", "/api/memos?$sort[title]=1", "/api/memos?$limit=0", "/api/pages?$include=memo"} {
		if a := r.want(200, "GET", list, ann, ""); !strings.Contains(a.body, `"total":0`) {
			t.Errorf("%s: %s", list, a.body)
		}
	}
	if got := graph(`{ memos { title } memosCount pages { memo { title } } memo(id: "` + id + `") { title } }`); !strings.Contains(got, `"memos":[],"memosCount":0,"pages":[],"memo":null`) {
		t.Errorf("deleted, by GraphQL: %s", got)
	}
	r.want(400, "POST", "/api/pages", ann, `{"memoId":"`+id+`"}`)
	other, _ := r.want(201, "POST", "/api/memos", admin, `{"title":"plums"}`).object(t)["id"].(string)
	r.want(404, "POST", path+"/restore", admin, "")
	r.want(409, "POST", path+"/restore", ann, "")
	r.want(200, "DELETE", "/api/memos/"+other, admin, "")
	r.want(200, "POST", path+"/restore", ann, "")
	if got := graph(`{ memos { title pages { id } } }`); !strings.Contains(got, `"title":"plums","pages":[{"id"`) {
		t.Errorf("restored: %s", got)
	}
	r.account("/api/users/"+account, ann)
	doc := r.want(200, "GET", "/api/openapi.json", "", "").body
	for _, part := range []string{`"/api/memos/{id}/restore"`, `"If-Match"`, `"If-None-Match"`, `"Idempotency-Key"`, `"412"`, `"304"`} {
		if !strings.Contains(doc, part) {
			t.Errorf("the document has no %s", part)
		}
	}
}

// account changes a password, which no answer shows: the row is another one all the
// same.
func (r *running) account(path, bearer string) {
	r.t.Helper()
	tag := r.want(200, "GET", path, bearer, "").header.Get("ETag")
	if a := r.send("GET", path, bearer, "", "If-None-Match", tag); a.status != 304 {
		r.t.Errorf("a new account: %d %s", a.status, a.body)
	}
	r.want(204, "PUT", "/api/account/password", bearer, `{"currentPassword":"correct horse battery staple","password":"another horse battery staple"}`)
	bearer, _ = r.login("ann@desk.example", "another horse battery staple")
	if a := r.send("GET", path, bearer, "", "If-None-Match", tag); a.status != 200 || a.object(r.t)["version"] != 2.0 {
		r.t.Errorf("with another password: %d %s", a.status, a.body)
	}
}
