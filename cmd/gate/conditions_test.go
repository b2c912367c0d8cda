package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const posts = `gate: 1
service: {name: blog, module: example.com/blog, apis: [rest, graphql]}
roles:
  writer: {default: true}
  editor: {permissions: ["update:posts"]}
plugins:
  auth-core: {entity: User}
  auth-jwt: {}
entities:
  Post:
    fields:
      title: {type: text, required: true}
      notes: text
      status: {type: enum, values: [draft, published], required: true, default: draft}
      stars: integer
      author: {type: relation, to: User}
    owner: author
    allow:
      view: &readers [editor, owner, {rules: public, when: {status: published}}]
      list: *readers
      create: {rules: writer, when: {status: draft}}
      update: [editor, {rules: owner, when: {status: draft}}]
      delete: {rules: owner, when: {status: draft, stars: null}}
    fieldRules:
      notes: {view: [editor, owner]}
      stars: {view: {rules: public, when: {stars: {not: null}}}}
  Remark:
    fields: {post: {type: relation, to: Post, required: true, onDelete: cascade}, text: text}
    owner: post.author
    allow: {view: [owner, editor], list: owner, create: signed-in, update: owner, delete: owner}
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: {type: password, required: true}
      roles: roles
    owner: id
    allow: {create: public, view: owner}
`

// TestConditions is a design whose rules are about what rows are like, by REST
// and by GraphQL.
func TestConditions(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	r := dev(t, gateBinary(t), design(t, posts))
	as := map[string]string{"nobody": ""}
	for _, name := range []string{"ann", "bob"} {
		email := name + "@blog.example"
		r.want(201, "POST", "/api/users", "", fmt.Sprintf(`{"email":%q,"password":"correct horse battery staple"}`, email))
		as[name], _ = r.login(email, "correct horse battery staple")
	}
	as["editor"], _ = r.login(r.admin.Email, r.admin.Password)
	post := func(title string) string {
		body := fmt.Sprintf(`{"title":%q,"notes":"to do"}`, title)
		id, _ := r.want(201, "POST", "/api/posts", as["ann"], body).object(t)["id"].(string)
		return "/api/posts/" + id
	}
	draft, published := post("draft"), post("published")
	r.want(200, "PATCH", published, as["editor"], `{"status":"published"}`)

	for _, tt := range []struct {
		who                string
		draft, published   int
		notes, countOfRows int
	}{{"nobody", 404, 200, 0, 1}, {"bob", 404, 200, 0, 1}, {"ann", 200, 200, 1, 2}, {"editor", 200, 200, 1, 2}} {
		r.want(tt.draft, "GET", draft, as[tt.who], "")
		shown := r.want(tt.published, "GET", published, as[tt.who], "")
		if got := strings.Count(shown.body, `"notes"`); got != tt.notes || strings.Contains(shown.body, `"stars"`) {
			t.Errorf("%s: %s", tt.who, shown.body)
		}
		list := r.want(200, "GET", "/api/posts?$sort[title]=1", as[tt.who], "")
		graph := r.want(200, "POST", "/api/graphql", as[tt.who], `{"query":"{posts(orderBy: {title: asc}) {title} postsCount hidden: post(id: \"`+
			strings.TrimPrefix(draft, "/api/posts/")+`\") {title}}"}`)
		for _, title := range []string{"draft", "published"} {
			seen := title == "published" || tt.countOfRows == 2
			if strings.Contains(list.body, `"title":"`+title+`"`) != seen || strings.Contains(graph.body, `"title":"`+title+`"`) != seen {
				t.Errorf("%s, %s:\n%s\n%s", tt.who, title, list.body, graph.body)
			}
		}
		if !strings.Contains(list.body, fmt.Sprintf(`"total":%d`, tt.countOfRows)) || !strings.Contains(graph.body, fmt.Sprintf(`"postsCount":%d`, tt.countOfRows)) {
			t.Errorf("%s:\n%s\n%s", tt.who, list.body, graph.body)
		}
	}
	update := func(path, fields string) string {
		return fmt.Sprintf(`{"query":"mutation {updatePost(id: \"%s\", input: {%s}) {title}}"}`, strings.TrimPrefix(path, "/api/posts/"), fields)
	}
	r.want(401, "POST", "/api/posts", "", `{"title":"x"}`)
	r.want(403, "POST", "/api/posts", as["ann"], `{"title":"x","status":"published"}`)
	r.want(200, "PATCH", draft, as["ann"], `{"title":"draft 2"}`)
	r.want(403, "PATCH", draft, as["ann"], `{"status":"published"}`)
	r.want(403, "PATCH", published, as["ann"], `{"title":"x"}`)
	r.want(403, "PATCH", published, as["ann"], `{"status":"draft"}`)
	r.want(404, "PATCH", draft, as["bob"], `{"title":"x"}`)
	for who, want := range map[string]string{"ann": `"FORBIDDEN"`, "bob": `"NOT_FOUND"`} {
		if a := r.ask("POST", "/api/graphql", as[who], update(draft, "status: published")); !strings.Contains(a.body, want) {
			t.Errorf("%s publishes: %s", who, a.body)
		}
	}
	r.want(403, "DELETE", published, as["ann"], "")
	r.want(200, "PATCH", draft, as["editor"], `{"stars":5}`)
	if a := r.want(200, "GET", draft, as["ann"], ""); !strings.Contains(a.body, `"stars":5`) || !strings.Contains(a.body, `"title":"draft 2"`) {
		t.Errorf("the draft is %s", a.body)
	}
	for _, oracle := range []string{"?stars[$gt]=1", "?$sort[stars]=1", "?notes=x"} {
		r.want(http.StatusBadRequest, "GET", "/api/posts"+oracle, as["ann"], "")
	}
	r.remarks(as, strings.TrimPrefix(draft, "/api/posts/"), strings.TrimPrefix(published, "/api/posts/"))
	r.want(403, "DELETE", draft, as["ann"], "")
	r.want(200, "PATCH", draft, as["editor"], `{"stars":null}`)
	r.want(200, "DELETE", draft, as["ann"], "")
	doc := r.want(200, "GET", "/api/openapi.json", "", "").body
	if words := "For: editor, owner, public when status is published."; !slices.Contains(strings.Split(doc, `"`), words) {
		t.Errorf("the document does not say %q", words)
	}
}

// remarks are about posts, and belong to whose the post is.
func (r *running) remarks(as map[string]string, draft, published string) {
	r.t.Helper()
	remark := func(post string) string { return fmt.Sprintf(`{"postId":%q,"text":"hm"}`, post) }
	r.want(400, "POST", "/api/remarks", as["bob"], remark(draft)) // out of sight
	made := r.want(201, "POST", "/api/remarks", as["bob"], remark(published)).object(r.t)
	id, _ := made["id"].(string)
	if len(made) != 3 || made["text"] != "hm" {
		r.t.Errorf("who may not see the remark again is shown %v", made)
	}
	for who, want := range map[string]int{"ann": 200, "bob": 404, "editor": 200} {
		r.want(want, "GET", "/api/remarks/"+id, as[who], "")
	}
	r.want(401, "GET", "/api/remarks", "", "")
	for who, want := range map[string]string{"ann": `"total":1`, "bob": `"total":0`} {
		if a := r.want(200, "GET", "/api/remarks", as[who], ""); !strings.Contains(a.body, want) {
			r.t.Errorf("%s lists %s", who, a.body)
		}
		a := r.want(200, "POST", "/api/graphql", as[who], `{"query":"{remarks {text} remarksCount}"}`)
		if !strings.Contains(a.body, strings.Replace(want, "total", "remarksCount", 1)) {
			r.t.Errorf("%s counts %s", who, a.body)
		}
	}
	r.want(404, "DELETE", "/api/remarks/"+id, as["bob"], "")
	r.want(403, "DELETE", "/api/remarks/"+id, as["editor"], "")
	r.want(200, "PATCH", "/api/remarks/"+id, as["ann"], `{"text":"thanks"}`)
	r.want(200, "DELETE", "/api/remarks/"+id, as["ann"], "")
}
