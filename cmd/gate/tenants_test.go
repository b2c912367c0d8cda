package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/store/storetest"
)

const desk = `gate: 1
service: {name: desk, module: example.com/desk, apis: [rest, graphql], database: %s}
roles:
  agent: {permissions: ["update:tickets"]}
  boss: {inherits: [agent], permissions: ["manage:users", "manage:roles"]}
  operator: {acrossTenants: true, inherits: [boss]}
plugins:
  auth-core: {entity: User}
  auth-jwt: {}
  auth-session: {}
  auth-apikey: {}
  realtime: {}
entities:
  Ticket:
    tenant: firm
    owner: author
    fields:
      firm: {type: relation, to: Firm, required: true, onDelete: cascade}
      number: {type: integer, required: true, unique: true}
      title: {type: text, required: true, searchable: true}
      diary: text
      author: {type: relation, to: User}
      assignee: {type: relation, to: User, inverse: assigned}
      tags: {type: relation, to: Tag, many: true, inverse: tickets}
    allow: {view: signed-in, list: signed-in, create: signed-in, update: [owner, "update:tickets"], delete: operator}
    fieldRules: {diary: {view: owner, update: owner}}
  Tag:
    tenant: firm
    fields: {firm: {type: relation, to: Firm, required: true}, name: {type: text, required: true}}
    allow: {view: signed-in, list: signed-in, create: signed-in}
  Firm:
    tenant: id
    fields: {name: {type: text, required: true, unique: true}}
    allow: {view: signed-in, list: signed-in, create: operator, update: boss, delete: operator}
  User:
    tenant: firm
    owner: id
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      roles: roles
      firm: {type: relation, to: Firm, inverse: people}
    allow: {view: signed-in, list: signed-in, create: "manage:users", update: [owner, "manage:users"], delete: "manage:users"}
    fieldRules: {roles: {create: "manage:roles", update: "manage:roles"}}
`

const horse = "correct horse battery staple"

// TestAUZ09_service attacks a service of two firms over REST, GraphQL and events.
func TestAUZ09_service(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			env := "AUTH_SECRET=" + rand.Text() + rand.Text() + "\n"
			if database == "postgres" {
				env += "DATABASE_URL=" + storetest.PostgresURL(t) + "\n"
			}
			bin, err := buildService("desk-on-"+database, fmt.Sprintf(desk, database))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, ".env"), env)
			newFirms(t, serve(t, bin, dir, "")).attack(t)
		})
	}
}

// firms are the two firms of a service, and who is in them.
type firms struct {
	*running
	as         map[string]string // headers
	acme, bolt firm
}

// firm is the ids of what a firm has. The ticket is its agent's.
type firm struct{ id, agent, boss, ticket, tag string }

func newFirms(t *testing.T, r *running) *firms {
	t.Helper()
	f := &firms{running: r, as: map[string]string{"nobody": ""}}
	f.as["operator"], _ = r.login(r.admin.Email, r.admin.Password)
	f.acme, f.bolt = f.firm(t, "acme"), f.firm(t, "bolt")
	f.make("users", "operator", fmt.Sprintf(`{"email":"lost@example.com","password":%q,"roles":["boss"]}`, horse))
	f.as["lost"], _ = r.login("lost@example.com", horse)
	return f
}

// make creates a row and returns its id.
func (f *firms) make(path, who, body string) string {
	f.t.Helper()
	id, _ := f.want(201, "POST", "/api/"+path, f.as[who], body).object(f.t)["id"].(string)
	return id
}

func (f *firms) firm(t *testing.T, name string) firm {
	t.Helper()
	x := firm{id: f.make("firms", "operator", fmt.Sprintf(`{"name":%q}`, name))}
	boss, agent := "boss@"+name+".example", "agent@"+name+".example"
	x.boss = f.make("users", "operator", fmt.Sprintf(`{"email":%q,"password":%q,"roles":["boss"],"firmId":%q}`, boss, horse, x.id))
	f.as[name+"'s boss"], _ = f.login(boss, horse)
	x.agent = f.make("users", name+"'s boss", fmt.Sprintf(`{"email":%q,"password":%q,"roles":["agent"]}`, agent, horse))
	f.as[name+"'s agent"], _ = f.login(agent, horse)
	x.tag = f.make("tags", name+"'s agent", fmt.Sprintf(`{"name":"tag of %s"}`, name))
	x.ticket = f.make("tickets", name+"'s agent", fmt.Sprintf(`{"number":1,"title":"ticket of %s","tags":{"connect":[{"id":%q}]}}`, name, x.tag))
	f.want(200, "PATCH", "/api/tickets/"+x.ticket, f.as[name+"'s agent"], `{"diary":"dear diary"}`)
	return x
}

func (f *firms) attack(t *testing.T) {
	t.Run("rows", f.rows)
	t.Run("new rows", f.newRows)
	t.Run("keys", f.keys)
	t.Run("oracles", f.oracles)
	t.Run("included", f.included)
	t.Run("accounts", f.accounts)
	t.Run("moved", f.moved)
}

// graph asks by GraphQL.
func (f *firms) graph(who, document string) string {
	f.t.Helper()
	return f.want(200, "POST", "/api/graphql", f.as[who], fmt.Sprintf(`{"query":%q}`, document)).body
}

// rows of another firm are not there.
func (f *firms) rows(t *testing.T) {
	f.t = t
	for _, what := range []struct{ path, id, one string }{
		{"tickets", f.acme.ticket, "ticket"}, {"tags", f.acme.tag, "tag"}, {"users", f.acme.agent, "user"}, {"firms", f.acme.id, "firm"},
	} {
		for _, who := range []string{"bolt's agent", "bolt's boss", "lost"} {
			f.want(404, "GET", "/api/"+what.path+"/"+what.id, f.as[who], "")
			if a := f.graph(who, fmt.Sprintf(`{%s(id: "%s") {id}}`, what.one, what.id)); !strings.Contains(a, `"NOT_FOUND"`) && !strings.Contains(a, `:null`) || strings.Contains(a, "acme") {
				t.Errorf("%s gets a %s: %s", who, what.one, a)
			}
			for _, a := range []string{f.want(200, "GET", "/api/"+what.path, f.as[who], "").body, f.graph(who, fmt.Sprintf(`{%s {id} %sCount}`, what.path, what.path))} {
				if strings.Contains(a, what.id) || strings.Contains(a, "acme") {
					t.Errorf("%s lists %s", who, a)
				}
			}
		}
		f.want(200, "GET", "/api/"+what.path+"/"+what.id, f.as["operator"], "")
		f.want(401, "GET", "/api/"+what.path+"/"+what.id, "", "")
	}
	for who, want := range map[string]int{"lost": 0, "bolt's agent": 1, "operator": 2} {
		if a := f.graph(who, `{ticketsCount firmsCount}`); !strings.Contains(a, fmt.Sprintf(`"ticketsCount":%d,"firmsCount":%d`, want, want)) {
			t.Errorf("%s counts %s, want %d", who, a, want)
		}
		if a := f.want(200, "GET", "/api/tickets?$limit=0", f.as[who], "").body; !strings.Contains(a, fmt.Sprintf(`"total":%d`, want)) {
			t.Errorf("%s counts %s, want %d", who, a, want)
		}
	}
	for _, who := range []string{"bolt's agent", "bolt's boss"} {
		path := "/api/tickets/" + f.acme.ticket
		f.want(404, "PATCH", path, f.as[who], `{"title":"x"}`)
		f.want(404, "PUT", path, f.as[who], `{"number":1,"title":"x"}`)
		f.want(403, "DELETE", path, f.as[who], "")
		f.want(404, "PATCH", "/api/users/"+f.acme.agent, f.as["bolt's boss"], `{"roles":["boss"]}`)
		f.want(404, "DELETE", "/api/users/"+f.acme.agent, f.as["bolt's boss"], "")
		f.want(404, "PATCH", "/api/firms/"+f.acme.id, f.as["bolt's boss"], `{"name":"x"}`)
		if a := f.graph(who, fmt.Sprintf(`mutation {updateTicket(id: "%s", input: {title: "x"}) {id}}`, f.acme.ticket)); !strings.Contains(a, `"NOT_FOUND"`) {
			t.Errorf("%s updates %s", who, a)
		}
	}
	if a := f.want(200, "GET", "/api/tickets/"+f.bolt.ticket, f.as["bolt's boss"], ""); strings.Contains(a.body, "diary") {
		t.Errorf("what is its author's alone is shown to the firm: %s", a.body)
	}
	f.want(403, "PATCH", "/api/tickets/"+f.bolt.ticket, f.as["bolt's boss"], `{"diary":"x"}`)
}

// newRows are of the firm of their maker, and stay there.
func (f *firms) newRows(t *testing.T) {
	f.t = t
	for _, firm := range []string{f.acme.id, f.bolt.id, "01941f29-7c00-7a3e-8b1d-3f5a7c9e1b2d"} {
		a := f.want(400, "POST", "/api/tags", f.as["bolt's agent"], fmt.Sprintf(`{"name":"x","firmId":%q}`, firm))
		if !strings.Contains(a.body, `"field":"firmId","code":"read_only"`) {
			t.Errorf("a tag for another firm: %s", a.body)
		}
		g := f.graph("bolt's agent", fmt.Sprintf(`mutation {createTag(input: {name: "x", firmId: "%s"}) {id}}`, firm))
		if !strings.Contains(g, `"BAD_USER_INPUT"`) || !strings.Contains(g, "read_only") {
			t.Errorf("a tag for another firm: %s", g)
		}
		for who, want := range map[string]int{"bolt's agent": 400, "operator": 400} { // tickets do not move
			f.want(want, "PATCH", "/api/tickets/"+f.bolt.ticket, f.as[who], fmt.Sprintf(`{"firmId":%q}`, firm))
		}
		f.want(400, "PATCH", "/api/users/"+f.bolt.agent, f.as["bolt's boss"], fmt.Sprintf(`{"firmId":%q}`, firm))
		f.want(400, "PATCH", "/api/users/"+f.bolt.agent, f.as["bolt's agent"], fmt.Sprintf(`{"firmId":%q}`, firm))
	}
	a := f.want(400, "POST", "/api/graphql", f.as["operator"], fmt.Sprintf(`{"query":"mutation {updateTicket(id: \"%s\", input: {firmId: \"%s\"}) {id}}"}`, f.bolt.ticket, f.acme.id))
	if !strings.Contains(a.body, "firmId") {
		t.Errorf("a ticket moves: %s", a.body)
	}
	f.want(403, "POST", "/api/tags", f.as["lost"], `{"name":"x"}`)
	f.want(403, "POST", "/api/firms", f.as["bolt's boss"], `{"name":"x"}`)
	f.want(400, "POST", "/api/tags", f.as["operator"], `{"name":"x"}`)
	for _, who := range []string{"acme's agent", "bolt's agent"} { // a number is taken in one's own firm
		f.make("tickets", who, `{"number":2,"title":"second"}`)
		a := f.want(409, "POST", "/api/tickets", f.as[who], `{"number":2,"title":"second"}`)
		if !strings.Contains(a.body, `"field":"number"`) || strings.Contains(a.body, "firm") {
			t.Errorf("a number that is taken: %s", a.body)
		}
	}
	for _, firm := range []string{f.acme.id, f.bolt.id} {
		id := f.make("tickets", "operator", fmt.Sprintf(`{"number":3,"title":"third","firmId":%q}`, firm))
		f.want(200, "DELETE", "/api/tickets/"+id, f.as["operator"], "")
	}
	g := f.graph("operator", fmt.Sprintf(`mutation {createTag(input: {name: "of acme", firmId: "%s"}) {firmId}}`, f.acme.id))
	if !strings.Contains(g, f.acme.id) {
		t.Errorf("an operator makes a tag: %s", g)
	}
	doc := f.want(200, "GET", "/api/openapi.json", "", "").body
	for _, name := range []string{`"CreateTicket":`, `"UpdateTicket":`} {
		_, schema, _ := strings.Cut(doc, name)
		schema, _, _ = strings.Cut(schema, `"additionalProperties"`)
		_, required, _ := strings.Cut(schema, `"required"`)
		if has := strings.Contains(schema, `"firmId"`); has != strings.HasPrefix(name, `"Create`) || strings.Contains(required, `"firmId"`) {
			t.Errorf("the document, %s %s", name, schema)
		}
	}
}

// keys lead to nothing in another firm.
func (f *firms) keys(t *testing.T) {
	f.t = t
	for who, base := range map[string]string{"bolt's agent": `"number":9,"title":"x"`, "operator": fmt.Sprintf(`"number":9,"title":"x","firmId":%q`, f.bolt.id)} {
		for _, key := range []string{
			fmt.Sprintf(`"assigneeId":%q`, f.acme.agent), fmt.Sprintf(`"tags":{"connect":[{"id":%q}]}`, f.acme.tag), fmt.Sprintf(`"tags":{"disconnect":[{"id":%q}]}`, f.acme.tag),
		} {
			for method, path := range map[string]string{"POST": "/api/tickets", "PATCH": "/api/tickets/" + f.bolt.ticket} {
				body := "{" + key + "}"
				if method == "POST" {
					body = "{" + base + "," + key + "}"
				}
				foreign := f.want(400, method, path, f.as[who], body)
				if !strings.Contains(foreign.body, `"code":"not_found"`) {
					t.Errorf("%s, %s %s: %s", who, method, body, foreign.body)
				}
			}
		}
	}
	g := f.graph("bolt's boss", fmt.Sprintf(`mutation {updateTicket(id: "%s", input: {assigneeId: "%s"}) {id}}`, f.bolt.ticket, f.acme.agent))
	if !strings.Contains(g, "not_found") {
		t.Errorf("a ticket is given to somebody of another firm: %s", g)
	}
	f.want(200, "PATCH", "/api/tickets/"+f.bolt.ticket, f.as["operator"], fmt.Sprintf(`{"assigneeId":%q}`, f.bolt.boss))
}

// oracles tell nothing.
func (f *firms) oracles(t *testing.T) {
	f.t = t
	for _, query := range []string{
		"title[$contains]=acme", "firmId=" + f.acme.id, "firmId[$ne]=" + f.bolt.id, "id=" + f.acme.ticket, "authorId=" + f.acme.agent,
		"$or[0][title]=ticket+of+acme&$or[1][assigneeId]=" + f.acme.agent, "$search=acme", "$limit=0&title[$contains]=acme",
	} {
		if a := f.want(200, "GET", "/api/tickets?"+query, f.as["bolt's boss"], ""); !strings.Contains(a.body, `"total":0`) {
			t.Errorf("%s: %s", query, a.body)
		}
	}
	for _, where := range []string{
		`{title: {contains: "acme"}}`, fmt.Sprintf(`{firmId: {eq: "%s"}}`, f.acme.id), fmt.Sprintf(`{NOT: {firmId: {eq: "%s"}}}`, f.bolt.id),
		fmt.Sprintf(`{OR: [{id: {eq: "%s"}}, {authorId: {eq: "%s"}}]}`, f.acme.ticket, f.acme.agent),
	} {
		if a := f.graph("bolt's boss", `{ticketsCount(where: `+where+`) tickets(where: `+where+`) {id}}`); !strings.Contains(a, `"ticketsCount":0,"tickets":[]`) {
			t.Errorf("%s: %s", where, a)
		}
	}
	for _, sort := range []string{"$sort[title]=1", "$sort[firmId]=-1"} {
		if a := f.want(200, "GET", "/api/tickets?"+sort, f.as["bolt's agent"], ""); !strings.Contains(a.body, `"total":2`) || strings.Contains(a.body, "acme") {
			t.Errorf("%s: %s", sort, a.body)
		}
	}
}

// included are rows of the own firm.
func (f *firms) included(t *testing.T) {
	f.t = t
	for _, a := range []string{
		f.want(200, "GET", "/api/firms?$include=people", f.as["bolt's boss"], "").body,
		f.want(200, "GET", "/api/tickets?$include=assignee,tags.tickets,firm", f.as["bolt's agent"], "").body,
		f.graph("bolt's agent", `{firms {name people {email}} tickets {tags {name tickets {title}} assignee {email firm {name}}}}`),
	} {
		if !strings.Contains(a, "bolt") || strings.Contains(a, "acme") {
			t.Errorf("included: %s", a)
		}
	}
	if a := f.graph("operator", `{firms {people {email}}}`); !strings.Contains(a, "acme") || !strings.Contains(a, "bolt") {
		t.Errorf("an operator is shown %s", a)
	}
}

// accounts are looked after within the firm.
func (f *firms) accounts(t *testing.T) {
	f.t = t
	f.want(400, "POST", "/api/users", f.as["bolt's boss"], fmt.Sprintf(`{"email":"spy@acme.example","password":%q,"firmId":%q}`, horse, f.acme.id))
	f.want(403, "POST", "/api/users", f.as["bolt's boss"], fmt.Sprintf(`{"email":"spy@acme.example","password":%q,"roles":["operator"]}`, horse))
	f.want(409, "POST", "/api/users", f.as["bolt's boss"], fmt.Sprintf(`{"email":"agent@acme.example","password":%q}`, horse))
	me := f.want(200, "GET", "/api/me", f.as["lost"], "").object(t)
	if me["email"] != "lost@example.com" || me["firmId"] != nil {
		t.Errorf("in no firm: %v", me)
	}
	if a := f.want(200, "GET", "/api/users", f.as["lost"], ""); !strings.Contains(a.body, `"total":1`) {
		t.Errorf("somebody in no firm lists %s", a.body)
	}
}

// moved is somebody who goes to another firm, with all that they are logged in with.
func (f *firms) moved(t *testing.T) {
	f.t = t
	key, _ := f.want(201, "POST", "/api/account/api-keys", f.as["acme's agent"], `{"name":"script","scopes":["signed-in","owner"]}`).object(t)["key"].(string)
	session := f.want(201, "POST", "/api/session", "", fmt.Sprintf(`{"strategy":"local","email":"agent@acme.example","password":%q}`, horse))
	cookie, _, _ := strings.Cut(session.header.Get("Set-Cookie"), ";")
	with := func(header, value string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/api/tickets", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header, value)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	ways := map[string]string{"X-API-Key": key, "Cookie": cookie, "Authorization": f.as["acme's agent"]}
	for header, value := range ways {
		if status, body := with(header, value); status != 200 || !strings.Contains(body, "acme") || strings.Contains(body, "bolt") {
			t.Fatalf("%s: %d %s", header, status, body)
		}
	}
	agent, boss := f.listen(t, "acme's agent"), f.listen(t, "acme's boss")
	f.want(200, "PATCH", "/api/tickets/"+f.acme.ticket, f.as["operator"], `{"title":"acme, before"}`)
	agent.until(t, "acme, before")

	f.want(404, "PATCH", "/api/users/"+f.acme.agent, f.as["lost"], `{"roles":[]}`)
	f.want(200, "PATCH", "/api/users/"+f.acme.agent, f.as["operator"], fmt.Sprintf(`{"firmId":%q}`, f.bolt.id))

	for header, value := range ways {
		status, body := with(header, value)
		if header == "X-API-Key" {
			if status != 401 {
				t.Errorf("a key of the old firm: %d %s", status, body)
			}
			continue
		}
		if status != 200 || strings.Contains(body, "acme") || !strings.Contains(body, "bolt") {
			t.Errorf("%s, after the move: %d %s", header, status, body)
		}
	}
	f.want(404, "GET", "/api/tickets/"+f.acme.ticket, f.as["acme's agent"], "") // which is their own
	f.want(200, "PATCH", "/api/tickets/"+f.acme.ticket, f.as["operator"], `{"title":"acme, after"}`)
	f.want(200, "PATCH", "/api/tickets/"+f.bolt.ticket, f.as["operator"], `{"title":"bolt, after"}`)
	f.want(200, "PATCH", "/api/tickets/"+f.acme.ticket, f.as["operator"], `{"title":"acme, later"}`)
	if heard := agent.until(t, "bolt, after"); slices.ContainsFunc(heard, func(l string) bool { return strings.Contains(l, "acme, after") }) {
		t.Errorf("a connection of before hears %q", heard)
	}
	if heard := boss.until(t, "acme, later"); slices.ContainsFunc(heard, func(l string) bool { return strings.Contains(l, "bolt, after") }) {
		t.Errorf("acme's boss hears %q", heard)
	}
}

// ear is a stream of events.
type ear struct{ lines chan string }

func (f *firms) listen(t *testing.T, who string) ear {
	t.Helper()
	return f.hear(t, f.as[who], "tickets")
}

// hear listens to the events of entities with a header.
func (r *running) hear(t *testing.T, auth, entities string) ear {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/api/events?entities="+entities, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", auth)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	e := ear{make(chan string, 1000)}
	go func() {
		defer close(e.lines)
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			e.lines <- lines.Text()
		}
	}()
	return e
}

// until returns what is heard up to the words.
func (e ear) until(t *testing.T, words string) []string {
	t.Helper()
	late := time.After(20 * time.Second)
	var heard []string
	for {
		select {
		case line, more := <-e.lines:
			heard = append(heard, line)
			if strings.Contains(line, words) {
				return heard
			}
			if !more {
				t.Fatalf("the stream ended: %q", heard)
			}
		case <-late:
			t.Fatalf("nothing of %q in %q", words, heard)
		}
	}
}
