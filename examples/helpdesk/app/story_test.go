package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/server"

	"example.com/helpdesk/app"
)

const password = "quince-Harbour-lantern"

// A desk is the service with two organizations and their people.
type desk struct {
	*testing.T

	url    string
	all    map[string]crud.Service // by the names of entities
	tokens map[string]string       // by the names of people
	ids    map[string]string       // of people
	firms  [2]string
}

func open(t *testing.T) *desk {
	t.Helper()
	cfg, err := config.Load(config.Options{
		Environ: []string{"AUTH_SECRET=vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"},
		Addr:    "127.0.0.1:0", Database: filepath.Join(t.TempDir(), "helpdesk.db"), SecretBytes: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{T: t, all: map[string]crud.Service{}, tokens: map[string]string{}, ids: map[string]string{}}
	s := app.Service()
	build := s.Build
	s.Build = func(a *server.App) error {
		err := build(a)
		for _, e := range a.Entities() {
			d.all[e.Entity().Name] = e
		}
		return err
	}
	srv, err := server.Open(t.Context(), s, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(srv.Handler())
	d.url = ts.URL
	t.Cleanup(func() {
		ts.Close()
		_ = srv.Close()
	})
	d.firms = [2]string{
		d.make("Organization", `{"name":"Acme","slug":"acme"}`), d.make("Organization", `{"name":"Bolt","slug":"bolt"}`),
	}
	d.join("carla", d.firms[0], "customer")
	d.join("adam", d.firms[0], "agent")
	d.join("lea", d.firms[0], "lead")
	d.join("bert", d.firms[1], "admin")
	return d
}

// make makes a row as the service itself.
func (d *desk) make(entity, body string) string {
	d.Helper()
	row, err := d.all[entity].CreateRow(authz.System(d.Context()), []byte(body), nil)
	if err != nil {
		d.Fatal(entity, err)
	}
	return row.ID
}

// join makes an account, and has its owner log in.
func (d *desk) join(name, firm, role string) {
	d.Helper()
	d.ids[name] = d.make("User", fmt.Sprintf(`{"email":"%s@example.com","password":%q,"name":%q,"roles":[%q],"staff":%t,"organizationId":%q}`,
		name, password, name, role, role != "customer", firm))
	answer := d.call("", "POST", "/api/authentication", fmt.Sprintf(`{"strategy":"local","email":"%s@example.com","password":%q}`, name, password), 201)
	d.tokens[name], _ = answer["accessToken"].(string)
}

// call sends a request as somebody, and wants that status.
func (d *desk) call(who, method, path, body string, want int) map[string]any {
	d.Helper()
	res := d.send(who, method, path, body)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		d.Fatal(err)
	}
	if res.StatusCode != want {
		d.Fatalf("%s: %s %s: %d %s, want %d", who, method, path, res.StatusCode, raw, want)
	}
	if bytes.HasPrefix(raw, []byte("[")) {
		raw = []byte(`{"data":` + string(raw) + `}`)
	}
	var answer map[string]any
	if err := json.Unmarshal(raw, &answer); err != nil {
		d.Fatalf("%s %s answers %s", method, path, raw)
	}
	return answer
}

func (d *desk) send(who, method, path, body string) *http.Response {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if strings.Trim(body[:min(len(body), 1)], "{[") != "" { // a file
		r.Header.Set("Content-Type", "text/plain")
	}
	if token := d.tokens[who]; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	return res
}

// ticket has carla open one, and returns its path.
func (d *desk) ticket(subject string) (path string, answer map[string]any) {
	d.Helper()
	answer = d.call("carla", "POST", "/api/tickets", fmt.Sprintf(`{"subject":%q,"description":"It smokes."}`, subject), 201)
	return fmt.Sprint("/api/tickets/", answer["id"]), answer
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestStory: a customer opens a ticket, an agent answers, a lead shares out the
// work, and another organization learns nothing of it.
func TestStory(t *testing.T) {
	d := open(t)
	path, ticket := d.ticket("The printer burns")
	if ticket["number"] != 1.0 || ticket["status"] != "new" || ticket["requesterId"] != d.ids["carla"] || ticket["organizationId"] != d.firms[0] {
		t.Errorf("a new ticket is %v", ticket)
	}
	if _, second := d.ticket("It burns again"); second["number"] != 2.0 {
		t.Errorf("the second ticket has the number %v", second["number"])
	}
	if theirs := d.call("bert", "POST", "/api/tickets", `{"subject":"Ours","description":"x"}`, 201); theirs["number"] != 1.0 {
		t.Errorf("the first ticket of another organization has the number %v", theirs["number"])
	}
	d.call("bert", "GET", path, "", 404)
	d.call("bert", "PATCH", path, `{"subject":"Mine"}`, 404)
	if list := text(t, d.call("bert", "GET", "/api/tickets", "", 200)); strings.Contains(list, "burns") {
		t.Errorf("another organization lists %s", list)
	}
	d.call("", "GET", path, "", 401)

	comment := func(who, words string, want int) {
		t.Helper()
		d.call(who, "POST", "/api/comments", fmt.Sprintf(`{"ticketId":%q,"body":%q}`, ticket["id"], words), want)
	}
	comment("carla", "Please hurry", 201)
	if now := d.call("adam", "GET", path, "", 200); now["firstResponseAt"] != nil || now["status"] != "new" {
		t.Errorf("the customer answered their own ticket: %v", now)
	}
	comment("adam", "Pull the plug", 201)
	answered := d.call("carla", "GET", path, "", 200)
	if answered["firstResponseAt"] == nil || answered["status"] != "open" {
		t.Errorf("an answered ticket is %v", answered)
	}
	comment("adam", "And call us", 201)
	if now := d.call("carla", "GET", path, "", 200); now["firstResponseAt"] != answered["firstResponseAt"] {
		t.Error("the first response is the second one now")
	}
	comment("bert", "What is going on?", 400)

	assign := fmt.Sprintf(`{"assigneeId":%q}`, d.ids["adam"])
	d.call("carla", "PATCH", path, assign, 403)
	d.call("adam", "PATCH", path, assign, 403)
	if now := d.call("lea", "PATCH", path, assign, 200); now["assigneeId"] != d.ids["adam"] {
		t.Errorf("a lead assigned it to %v", now["assigneeId"])
	}
	d.call("lea", "PATCH", path, fmt.Sprintf(`{"assigneeId":%q}`, d.ids["bert"]), 400)

	closed := d.call("adam", "PATCH", path, `{"status":"closed"}`, 200)
	if closed["closedAt"] == nil {
		t.Error("nobody knows when it was closed")
	}
	comment("carla", "It still burns", 409)
	comment("adam", "Never mind", 409)
	comment("bert", "What was that?", 400) // as if it did not exist
	if again := d.call("adam", "PATCH", path, `{"status":"open"}`, 200); again["closedAt"] != nil {
		t.Error("an open ticket was closed at a time")
	}
	comment("carla", "It still burns", 201)
}

// TestTakeTicket: agents take what nobody has, for themselves alone and in their own
// organization; how long a customer has waited is theirs to know, and no customer's.
func TestTakeTicket(t *testing.T) {
	d := open(t)
	path, ticket := d.ticket("The printer burns")
	d.call("", "POST", path+"/take", "", 401)
	d.call("carla", "POST", path+"/take", "", 403)
	d.call("bert", "POST", path+"/take", "", 404)
	waiting := func(who string) string {
		t.Helper()
		return text(t, d.call(who, "POST", "/api/graphql", fmt.Sprintf(`{"query":"{ ticket(id: \"%v\") { waiting } }"}`, ticket["id"]), 200))
	}
	if got := waiting("adam"); got != `{"data":{"ticket":{"waiting":0}}}` {
		t.Errorf("the agent is told %s", got)
	}
	if got := waiting("carla"); !strings.Contains(got, `"waiting":null`) || !strings.Contains(got, "FORBIDDEN") {
		t.Errorf("the customer is told %s", got)
	}
	if taken := d.call("adam", "POST", path+"/take", "", 200); taken["assigneeId"] != d.ids["adam"] || taken["status"] != "open" {
		t.Errorf("a ticket that was taken is %v", taken)
	}
	d.call("adam", "POST", path+"/take", "", 200)
	d.call("lea", "POST", path+"/take", "", 409)
	d.call("adam", "PATCH", path, `{"status":"closed"}`, 200)
	d.call("adam", "POST", path+"/take", "", 409)
	if got := waiting("adam"); got != `{"data":{"ticket":{"waiting":null}}}` {
		t.Errorf("of a closed ticket the agent is told %s", got)
	}
}

// TestInternalNotes: what agents note among themselves no customer sees, however
// they ask.
func TestInternalNotes(t *testing.T) {
	d := open(t)
	path, ticket := d.ticket("The printer burns")
	events := d.send("carla", "GET", "/api/events?entities=tickets,comments,attachments", "")
	defer events.Body.Close()
	const secret = "they pay late"
	note := d.call("adam", "POST", "/api/comments", fmt.Sprintf(`{"ticketId":%q,"body":%q,"internal":true}`, ticket["id"], secret), 201)
	d.call("adam", "POST", "/api/comments", fmt.Sprintf(`{"ticketId":%q,"body":"Pull the plug"}`, ticket["id"]), 201)
	d.call("adam", "PATCH", path, `{"priority":"high"}`, 200)

	one := fmt.Sprint("/api/comments/", note["id"])
	d.call("carla", "GET", one, "", 404)
	d.call("carla", "PATCH", one, `{"internal":false}`, 403)
	graphql := func(who, query string) string {
		t.Helper()
		return text(t, d.call(who, "POST", "/api/graphql", fmt.Sprintf(`{"query":%q}`, query), 200))
	}
	asks := map[string]func(who string) string{
		"list":    func(who string) string { return text(t, d.call(who, "GET", "/api/comments", "", 200)) },
		"include": func(who string) string { return text(t, d.call(who, "GET", path+"?$include=comments", "", 200)) },
		"related": func(who string) string { return text(t, d.call(who, "GET", path+"/comments", "", 200)) },
		"graphql": func(who string) string { return graphql(who, "{ comments { body } }") },
		"graphql, inside of the ticket": func(who string) string {
			return graphql(who, fmt.Sprintf("{ ticket(id: %q) { comments { body } } }", ticket["id"]))
		},
	}
	for name, ask := range asks {
		if got := ask("carla"); strings.Contains(got, secret) || !strings.Contains(got, "Pull the plug") {
			t.Errorf("%s: the customer sees %s", name, got)
		}
		if got := ask("adam"); !strings.Contains(got, secret) {
			t.Errorf("%s: the agent sees %s", name, got)
		}
	}
	// Nor is it told by which tickets are found.
	for _, q := range []string{"comments[body]=they%20pay%20late", "comments[internal]=true"} {
		if got := d.call("carla", "GET", "/api/tickets?"+q, "", 200); got["total"] != 0.0 {
			t.Errorf("%s finds %v", q, got["total"])
		}
		if got := d.call("adam", "GET", "/api/tickets?"+q, "", 200); got["total"] != 1.0 {
			t.Errorf("%s finds %v for the agent", q, got["total"])
		}
	}
	d.call("carla", "POST", "/api/comments", fmt.Sprintf(`{"ticketId":%q,"body":"x","internal":true}`, ticket["id"]), 403)

	// The stream of events has come to the change of the priority, and past the note.
	lines := bufio.NewScanner(events.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), secret) {
			t.Fatalf("the customer is told %s", lines.Text())
		}
		if strings.Contains(lines.Text(), `"priority":"high"`) {
			return
		}
	}
	t.Errorf("no event of the ticket: %v", lines.Err())
}

// TestHelpCenter: what an organization publishes everybody reads, and no draft.
func TestHelpCenter(t *testing.T) {
	d := open(t)
	article := d.call("lea", "POST", "/api/articles", `{"title":"Fire","body":"Run.","status":"published"}`, 201)
	d.call("adam", "POST", "/api/articles", `{"title":"Smoke","body":"Walk."}`, 201)
	d.call("adam", "POST", "/api/articles", `{"title":"Heat","body":"Wait.","status":"published"}`, 403)
	d.call("bert", "POST", "/api/articles", `{"title":"Rain","body":"Stay.","status":"published"}`, 201)
	titles := func(path string) string {
		t.Helper()
		return text(t, d.call("", "GET", path, "", 200)["data"])
	}
	if got := titles("/api/help/acme"); got != `[{"body":"Run.","title":"Fire"}]` {
		t.Errorf("the web sees %s", got)
	}
	if got := titles("/api/help/acme?q=rain") + titles("/api/help/nobody"); got != "[][]" {
		t.Errorf("the web finds %s", got)
	}
	d.call("carla", "GET", fmt.Sprint("/api/articles/", article["id"]), "", 200)
	d.call("", "GET", fmt.Sprint("/api/articles/", article["id"]), "", 401)
	d.call("lea", "PATCH", fmt.Sprint("/api/articles/", article["id"]), `{"status":"archived"}`, 200)
	if got := titles("/api/help/acme"); got != "[]" {
		t.Errorf("the web sees what is archived: %s", got)
	}
}

// TestNewestFirst: lists of tickets begin with the newest over each surface, and go
// as a caller says where one does.
func TestNewestFirst(t *testing.T) {
	d := open(t)
	for _, subject := range []string{"first", "second", "third"} {
		d.ticket(subject)
		time.Sleep(2 * time.Millisecond) // no two of one moment
	}
	graphql := func(query string) string {
		return text(t, d.call("carla", "POST", "/api/graphql", fmt.Sprintf(`{"query":%q}`, query), 200))
	}
	for name, tt := range map[string]struct{ answer, order string }{
		"rest":                 {text(t, d.call("carla", "GET", "/api/tickets?$select=subject", "", 200)), "third second first"},
		"rest, as asked":       {text(t, d.call("carla", "GET", "/api/tickets?$select=subject&$sort[number]=1", "", 200)), "first second third"},
		"a page of it":         {text(t, d.call("carla", "GET", "/api/tickets?$select=subject&$limit=1&$skip=1", "", 200)), "second"},
		"graphql":              {graphql("{ tickets { subject } }"), "third second first"},
		"graphql, as asked":    {graphql("{ tickets(orderBy: [{subject: asc}]) { subject } }"), "first second third"},
		"graphql, one of them": {graphql("{ tickets(limit: 1) { subject } }"), "third"},
	} {
		if got := strings.Join(regexp.MustCompile("first|second|third").FindAllString(tt.answer, -1), " "); got != tt.order {
			t.Errorf("%s: %s, want %s: %s", name, got, tt.order, tt.answer)
		}
	}
}
