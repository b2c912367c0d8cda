package management_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// upload is a form with a file of users.
func upload(connection, users string, more ...string) form {
	var b strings.Builder
	field := func(name, file, value string) {
		b.WriteString("--xyz\r\nContent-Disposition: form-data; name=\"" + name + "\"" + file + "\r\n\r\n" + value + "\r\n")
	}
	field("connection_id", "", connection)
	for i := 0; i+1 < len(more); i += 2 {
		field(more[i], "", more[i+1])
	}
	field("users", `; filename="users.json"`, users)
	b.WriteString("--xyz--\r\n")
	return form{b.String(), "multipart/form-data; boundary=xyz"}
}

func TestJobs_import(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		conn := w.connection(token, "db")
		const hash = "$2b$10$abcdefghijklmnopqrstuuW1X9P0WkzBqPVGmxsdlyaaaaaaaaaaa"
		made := w.do(token, "POST", "jobs/users-imports", upload(conn, `[{"email":"ada@example.com","email_verified":true,"password_hash":"`+hash+`"},{"email":"no"}]`, "external_id", "x7"), 202)
		if made.str("status") != "pending" || made.str("type") != "users_import" || made.str("external_id") != "x7" || !strings.HasPrefix(made.str("id"), "job_") {
			t.Errorf("made %s", made.text)
		}
		if err := w.api.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		got := w.do(token, "GET", "jobs/"+made.str("id"), nil, 200)
		if got.str("status") != "completed" || !strings.Contains(got.text, `"summary":{"failed":1,"updated":0,"inserted":1,"total":2}`) {
			t.Errorf("then %s", got.text)
		}
		faults := w.do(token, "GET", "jobs/"+made.str("id")+"/errors", nil, 200)
		if len(faults.list()) != 1 || strings.Contains(faults.text, "$2b$") {
			t.Errorf("errors %s", faults.text)
		}
		if u := w.do(token, "GET", "users-by-email?email=ada@example.com", nil, 200); len(u.list()) != 1 || strings.Contains(u.text, "$2b$") {
			t.Errorf("user: %s", u.text)
		}
		w.now = w.now.Add(25 * time.Hour)
		w.send(token, "GET", "jobs/"+made.str("id"), nil).refused(404, "The job does not exist")
	})
}

// TestJobs_brokenOff: an import that ends because the provider does says so.
func TestJobs_brokenOff(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	conn := w.connection(token, "db")
	var users strings.Builder
	for i := range 9_000 {
		fmt.Fprintf(&users, "{\"email\":\"user-%d@example.com\"}\n", i)
	}
	made := w.do(token, "POST", "jobs/users-imports", upload(conn, users.String()), 202)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.api.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := w.do(token, "GET", "jobs/"+made.str("id"), nil, 200); got.str("status") != "failed" {
		t.Errorf("then %s", got.text)
	}
	if faults := w.do(token, "GET", "jobs/"+made.str("id")+"/errors", nil, 200); !strings.Contains(faults.text, "The import was broken off, try again") {
		t.Errorf("errors %.300s", faults.text)
	}
}

// TestJobs_killed: an import whose process was killed does not go on for ever.
func TestJobs_killed(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	conn := w.connection(token, "db")
	var id string
	w.broken("UPDATE", "idp_tokens", func() { // nobody notes its end
		id = w.do(token, "POST", "jobs/users-imports", upload(conn, `[{"email":"ada@example.com"}]`), 202).str("id")
		if err := w.api.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	})
	w.now = w.now.Add(time.Minute)
	if got := w.do(token, "GET", "jobs/"+id, nil, 200); got.str("status") != "pending" {
		t.Errorf("after a minute %s", got.text)
	}
	w.now = w.now.Add(10 * time.Minute)
	if got := w.do(token, "GET", "jobs/"+id, nil, 200); got.str("status") != "failed" {
		t.Errorf("after eleven %s", got.text)
	}
	if faults := w.do(token, "GET", "jobs/"+id+"/errors", nil, 200); !strings.Contains(faults.text, "The import was broken off, try again") {
		t.Errorf("errors %.300s", faults.text)
	}
}

func TestJobs_importRefusals(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	conn := w.connection(token, "db")
	social := w.do(token, "POST", "connections", `{"name":"gh","strategy":"github"}`, 201).str("id")
	for name, tt := range map[string]struct {
		body   any
		status int
		text   string
	}{
		"json":          {`{}`, 415, "multipart/form-data"},
		"no connection": {form{"--xyz\r\nContent-Disposition: form-data; name=\"users\"\r\n\r\n[]\r\n--xyz--\r\n", "multipart/form-data; boundary=xyz"}, 400, "connection_id"},
		"unknown":       {upload("con_x", "[]"), 404, "The connection does not exist"},
		"social":        {upload(social, "[]"), 400, "database connections alone"},
		"empty":         {upload(conn, ""), 400, "users"},
		"too large":     {upload(conn, strings.Repeat(" ", 500_001)), 413, "500 kB"},
		"twice":         {upload(conn, "[]", "upsert", "true", "upsert", "false"), 400, "there twice"},
		"users twice":   {upload(conn, "[]", "users", "[]"), 400, "there twice"},
		"a wrong name":  {upload(conn, "[]", "upsret", "true"), 400, "Additional properties not allowed: upsret"},
		"cut off":       {form{"--xyz\r\nContent-Disposition: form-data; name=\"users\"\r\n\r\n[", "multipart/form-data; boundary=xyz"}, 400, "cannot be read"},
		"no boundary":   {form{"x", "multipart/form-data"}, 400, "multipart/form-data"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.send(token, "POST", "jobs/users-imports", tt.body)
			r.t = t
			r.refused(tt.status, tt.text)
		})
	}
}

func TestJobs_export(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	conn := w.connection(token, "db")
	w.connection(token, "other")
	w.user(token, "db", "ada@example.com")
	w.user(token, "other", "bob@example.com")
	made := w.do(token, "POST", "jobs/users-exports", map[string]any{"connection_id": conn, "format": "json"}, 200)
	if made.str("status") != "pending" || strings.Contains(made.text, "location") {
		t.Errorf("made %s", made.text)
	}
	got := w.do(token, "GET", "jobs/"+made.str("id"), nil, 200)
	location := got.str("location")
	if got.str("status") != "completed" || !strings.HasPrefix(location, w.api.Audience()+"jobs/exports/") {
		t.Fatalf("then %s", got.text)
	}
	fetch := func() reply {
		return w.serve(httptest.NewRequestWithContext(t.Context(), "GET", location, nil)) // whoever has the link
	}
	file := fetch()
	if file.status != 200 || !strings.Contains(file.text, "ada@example.com") || strings.Contains(file.text, "bob@") || strings.Contains(file.text, "HASH-OF") {
		t.Errorf("file: %d %s", file.status, file.text)
	}
	w.now = w.now.Add(61 * time.Minute)
	fetch().refused(404, "The export does not exist")

	csv := w.do(token, "POST", "jobs/users-exports", map[string]any{"connection_id": conn, "format": "csv", "fields": []any{map[string]string{"name": "email", "export_as": "mail"}}, "limit": 1}, 200)
	location = w.do(token, "GET", "jobs/"+csv.str("id"), nil, 200).str("location")
	if head := fetch().header; head.Get("Content-Disposition") != "attachment; filename=users.csv" || head.Get("Content-Type") != "text/csv; charset=utf-8" ||
		!strings.Contains(head.Get("Content-Security-Policy"), "sandbox") || head.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("csv: %v", head)
	}
	if got := fetch(); got.text != "mail\r\nada@example.com\r\n" && got.text != "mail\nada@example.com\n" {
		t.Errorf("csv: %q", got.text)
	}
	w.send(token, "POST", "jobs/users-exports", `{"format":"xml"}`).refused(400, "No enum match for: xml")
	w.send(token, "POST", "jobs/users-exports", `{"connection_id":"con_x"}`).refused(404, "The connection does not exist")
	if r := w.send(w.machine("create:users"), "POST", "jobs/users-exports", `{}`); r.status != 403 {
		t.Errorf("without read:users: %d", r.status)
	}
}

// AUZ-19: the link to a file of users is for who may read users.
func TestAUZ19_exportLocation(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.connection(token, "db")
	w.user(token, "db", "ada@example.com")
	id := w.do(token, "POST", "jobs/users-exports", `{"format":"json"}`, 200).str("id")
	for _, scope := range []string{"create:users", "create:users update:users"} {
		for _, path := range []string{"jobs/" + id, "jobs/" + id + "/errors"} {
			r := w.send(w.machine(scope), "GET", path, nil)
			r.refused(403, "Insufficient scope, expected any of: read:users")
			if strings.Contains(r.text, "exports/") {
				t.Errorf("%s: the link is in %s", scope, r.text)
			}
		}
	}
	if got := w.do(w.machine("read:users"), "GET", "jobs/"+id, nil, 200).str("location"); got == "" {
		t.Error("no link for who may read users")
	}
	imported := w.do(token, "POST", "jobs/verification-email", map[string]any{"user_id": w.user(token, "db", "bob@example.com")}, 201).str("id")
	w.do(w.machine("create:users"), "GET", "jobs/"+imported, nil, 200)
}

func TestJobs_verification(t *testing.T) {
	w := newWorld(t)
	token, id := w.ada()
	made := w.do(token, "POST", "jobs/verification-email", map[string]any{"user_id": id}, 201)
	if made.str("status") != "pending" || made.str("type") != "verification_email" || len(w.mails) != 1 {
		t.Errorf("made %s, letters %v", made.text, w.mails)
	}
	if got := w.do(token, "GET", "jobs/"+made.str("id"), nil, 200).str("status"); got != "completed" {
		t.Errorf("then %s", got)
	}
	w.do(token, "GET", "jobs/"+made.str("id")+"/errors", nil, 204)
	w.send(token, "POST", "jobs/verification-email", `{"user_id":"nobody"}`).refused(404, "The user does not exist.")
	w.send(token, "GET", "jobs/job_x", nil).refused(404, "The job does not exist")
}

// IDP-21: an import that changes those who are there takes the scope for that.
func TestIDP21_importUpsert(t *testing.T) {
	w := newWorld(t)
	conn := w.connection(w.everything(), "db")
	rows := upload(conn, `[{"email":"ada@example.com"}]`, "upsert", "true")
	got := w.send(w.machine("create:users read:users"), "POST", "jobs/users-imports", rows)
	got.refused(403, "Insufficient scope, expected any of: update:users")
	if got.str("errorCode") != "insufficient_scope" {
		t.Errorf("refused with %s", got.text)
	}
	w.do(w.machine("create:users update:users"), "POST", "jobs/users-imports", rows, 202)
	w.do(w.machine("create:users"), "POST", "jobs/users-imports", upload(conn, `[{"email":"bob@example.com"}]`, "upsert", "false"), 202)
	w.send(w.everything(), "POST", "jobs/users-imports", upload(conn, "[]", "upsert", "True")).refused(400, "No enum match for: True")
}

// AUZ-19: who reads the database finds no link to a file of users.
func TestAUZ19_exportLinkSealed(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	id := w.do(token, "POST", "jobs/users-exports", `{"format":"json"}`, 200).str("id")
	link := w.do(token, "GET", "jobs/"+id, nil, 200).str("location")
	_, ticket, ok := strings.Cut(link, "jobs/exports/")
	if !ok {
		t.Fatalf("no link: %q", link)
	}
	var docs, clear int
	err := w.db.Read().QueryRowContext(t.Context(), "SELECT COUNT(*), COALESCE(SUM(doc LIKE '%' || $1 || '%'), 0) FROM idp_tokens", ticket).Scan(&docs, &clear)
	if err != nil {
		t.Fatal(err)
	}
	if docs != 2 || clear != 0 {
		t.Errorf("%d of %d rows have the link", clear, docs)
	}
}
