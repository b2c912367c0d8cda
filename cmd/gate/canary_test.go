package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/store/postgres"
)

// search looks for the secrets of a canteen in all that it wrote: its log at its
// most talkative, what its commands printed, and the files of its database.
func (c *canteen) search(t *testing.T) {
	t.Helper()
	places := map[string]string{}
	for i, said := range c.said {
		places[fmt.Sprintf("the output of process %d", i+1)] = said.String()
	}
	files, err := filepath.Glob(filepath.Join(c.dir, ".gate", "*.db*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		places[filepath.Base(file)] = string(data)
	}
	for place, text := range places {
		for _, found := range c.found(text) {
			t.Errorf("OPS-10: in %s is %s", place, found)
		}
	}
}

// searchPostgres looks for the secrets in every row of every table.
func (c *canteen) searchPostgres(t *testing.T, url string) {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Config{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	column := func(query string) (values []string) {
		rows, err := db.Read().QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var value string
			if err := rows.Scan(&value); err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return values
	}
	read := 0
	for _, table := range column("SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'") {
		text := strings.Join(column("SELECT t::text FROM "+table+" t"), "\n")
		read += len(text)
		for _, found := range c.found(text) {
			t.Errorf("OPS-10: in the table %s is %s", table, found)
		}
	}
	if read < 1000 {
		t.Errorf("only %d bytes were read", read)
	}
}

// found returns which secrets are in a text, whole or by the part of them that
// makes them secret.
func (c *canteen) found(text string) (found []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for secret, what := range c.secrets {
		parts := []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))}
		if len(secret) > 40 {
			parts = append(parts, secret[len(secret)-30:])
		}
		for _, part := range parts {
			if at := strings.Index(text, part); at >= 0 {
				found = append(found, fmt.Sprintf("%s: %.300q", what, text[max(0, at-100):at+len(part)]))
				break
			}
		}
	}
	return found
}

// TestOPS10_canary sends marked secrets through every door, also in places where
// they do not belong. What a canteen does at its end finds none of them.
func TestOPS10_canary(t *testing.T) {
	c := open(t)
	maria := c.signUp(t, "maria").login(t).enter(t)
	basic := func(password string) string {
		return "Basic " + c.note("a header", base64.StdEncoding.EncodeToString([]byte(maria.email+":"+password)))
	}
	key, _ := maria.ask(t, "POST", "/api/account/api-keys", `{"name":"till","scopes":["owner"]}`, "Authorization", maria.bearer).
		is(t, 201).object(t)["key"].(string)
	other := c.signUp(t, "other").login(t)
	maria.ask(t, "GET", "/api/me", "", "X-API-Key", key).is(t, 200)
	maria.ask(t, "GET", "/api/me", "", "Authorization", basic(maria.password)).is(t, 200)
	maria.me(t, 200)
	maria.keep(t, maria.ask(t, "POST", "/api/authentication", renewal(maria.renewing)).is(t, 201))

	wrong := c.note("a wrong password", "canary of somebody who errs")
	long := c.note("a long password", "canary "+strings.Repeat("of great length ", 100))
	for _, bad := range []struct {
		method, path, body string
		headers            []string
	}{
		{"GET", "/api/me", "", []string{"Authorization", basic(wrong)}},
		{"GET", "/api/me", "", []string{"Authorization", "Basic " + key}},
		{"GET", "/api/me", "", []string{"Authorization", "Bearer " + key}},
		{"GET", "/api/me", "", []string{"Authorization", "Bearer " + other.renewing}},
		{"GET", "/api/me", "", []string{"Authorization", other.bearer + "x"}},
		{"GET", "/api/me", "", []string{"X-API-Key", strings.TrimPrefix(maria.bearer, "Bearer ")}},
		{"GET", "/api/me", "", []string{"Cookie", "__Host-gate=" + other.renewing}},
		{"GET", "/api/me?access_token=" + strings.TrimPrefix(other.bearer, "Bearer "), "", nil},
		{"GET", "/api/items?" + other.renewing + "=1", "", nil},
		{"GET", "/api/items?$sort[" + other.renewing + "]=1", "", nil},
		{"DELETE", "/api/authentication/" + strings.TrimPrefix(other.bearer, "Bearer ") + "x", "", nil},
		{"POST", "/api/authentication", `{"strategy":"local","email":"maria@kitchen.example","password":"` + wrong + `"}`, nil},
		{"POST", "/api/authentication", `{"strategy":"local","email":"` + wrong + `","password":"` + wrong + `"}`, nil},
		{"POST", "/api/authentication", `{"strategy":"` + wrong + `"}`, nil},
		{"POST", "/api/authentication", `{"strategy":"local","password":"` + wrong, nil},
		{"POST", "/api/authentication", `{"strategy":"local","` + wrong + `":"` + wrong + `"}`, nil},
		{"POST", "/api/authentication", renewal(wrong), nil},
		{"POST", "/api/authentication", renewal(other.renewing + "x"), nil},
		{"POST", "/api/session", `{"strategy":"local","email":"maria@kitchen.example","password":"` + wrong + `"}`, nil},
		{"POST", "/api/users", `{"email":"eve@kitchen.example","password":"` + long + `"}`, nil},
		{"POST", "/api/users", `{"email":"` + wrong + `","password":"` + wrong + `"}`, nil},
		{"PATCH", "/api/users/" + maria.id(t), `{"password":["` + wrong + `"]}`, []string{"Authorization", maria.bearer}},
		{"PUT", "/api/account/password", `{"currentPassword":"` + wrong + `","password":"` + long + `"}`, []string{"Authorization", maria.bearer}},
		{"POST", "/api/account/password/reset", `{"token":"` + wrong + `","password":"` + wrong + `"}`, nil},
		{"GET", "/api/account/reset?token=" + other.renewing, "", nil},
	} {
		if a := maria.ask(t, bad.method, bad.path, bad.body, bad.headers...); a.status < 400 && a.status != 200 || a.status >= 500 {
			t.Errorf("%s: %d %s", a.question, a.status, a.body)
		}
	}
	// A key in a URL is written down by everything on the way, so it ends.
	maria.ask(t, "GET", "/api/me?api_key="+key, "").is(t, 400)

	// That nothing is found says something only if the search would find it.
	for what, text := range map[string]string{
		"the log":      c.running.said.String(),
		"the database": read(t, filepath.Join(c.dir, ".gate", "restaurant.db")) + read(t, filepath.Join(c.dir, ".gate", "restaurant.db-wal")),
	} {
		if len(text) < 1000 || len(c.found(text+maria.password)) == 0 || len(c.found(text+other.renewing)) == 0 {
			t.Errorf("%s is not searched: %d bytes", what, len(text))
		}
	}
	const refusal = `"action":"login","outcome":"failure"`
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(c.running.said.String(), refusal); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log tells nothing of refusals:\n%s", c.running.said)
		}
	}
}
