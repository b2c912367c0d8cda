package management_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func TestSessions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token, id := w.ada()
		for _, s := range []string{"s1", "s2", "s3"} {
			w.session(id, s)
		}
		first, second := w.family(id, "s1"), w.family(id, "s2")
		got := w.do(token, "GET", "users/"+id+"/sessions", nil, 200).object()
		if list, _ := got["sessions"].([]any); len(list) != 3 {
			t.Errorf("sessions: %v", got)
		}
		one := w.do(token, "GET", "sessions/s1", nil, 200).object()
		if one["user_id"] != id || one["authenticated_at"] == nil || one["device"] == nil {
			t.Errorf("session: %v", one)
		}
		w.do(token, "DELETE", "sessions/s1", nil, 202)
		w.send(token, "GET", "sessions/s1", nil).refused(404, "The session does not exist.")
		w.send(token, "DELETE", "sessions/s1", nil).refused(404, "The session does not exist.")
		w.do(token, "GET", "refresh-tokens/"+first, nil, 200) // outlives the session
		w.do(token, "POST", "sessions/s2/revoke", nil, 202)
		w.send(token, "GET", "refresh-tokens/"+second, nil).refused(404, "The refresh token does not exist.")

		tokens := w.do(token, "GET", "users/"+id+"/refresh-tokens", nil, 200).object()
		if list, _ := tokens["tokens"].([]any); len(list) != 1 || tokens["total"] != 1.0 {
			t.Errorf("tokens: %v", tokens)
		}
		w.do(token, "DELETE", "refresh-tokens/"+first, nil, 204)
		w.send(token, "DELETE", "refresh-tokens/"+first, nil).refused(404, "The refresh token does not exist.")
		third := w.family(id, "s3")
		if got := w.do(token, "DELETE", "users/"+id+"/refresh-tokens", nil, 202).text; strings.TrimSpace(got) != "{}" {
			t.Errorf("answer %s", got)
		}
		w.send(token, "GET", "refresh-tokens/"+third, nil).refused(404, "does not exist")
		w.do(token, "DELETE", "users/"+id+"/sessions", nil, 202)
		w.send(token, "GET", "sessions/s3", nil).refused(404, "does not exist")
		if len(w.ended) != 3 {
			t.Errorf("told of %v", w.ended)
		}
		for _, path := range []string{"sessions", "refresh-tokens", "logs", "enrollments", "organizations", "authentication-methods", "permissions", "roles"} {
			w.send(token, "GET", "users/nobody/"+path, nil).refused(404, "The user does not exist.")
		}
	})
}

func TestSessions_moreThanAPage(t *testing.T) {
	w := newWorld(t)
	token, id := w.ada()
	for i := range 130 {
		w.session(id, "s"+string(rune('A'+i%26))+string(rune('a'+i/26)))
	}
	w.do(token, "DELETE", "users/"+id+"/sessions", nil, 202)
	if left, err := w.store.SessionsOf(t.Context(), id); err != nil || len(left) != 0 {
		t.Errorf("%d left, %v", len(left), err)
	}
}

func TestConsents(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.connection(token, "db")
	ada, bob := w.user(token, "db", "ada@example.com"), w.user(token, "db", "bob@example.com")
	for _, id := range []string{ada, bob} {
		w.consent(id, "read:a", "write:a")
	}
	family := w.family(ada, "")
	got := w.do(token, "GET", "grants?user_id="+strings.ReplaceAll(ada, "|", "%7C"), nil, 200).list()
	if len(got) != 1 || got[0]["clientID"] != "c1" || len(got[0]["scope"].([]any)) != 2 {
		t.Fatalf("grants: %v", got)
	}
	if all := w.do(token, "GET", "grants?include_totals=true", nil, 200).object(); all["total"] != 2.0 {
		t.Errorf("all: %v", all)
	}
	w.do(token, "DELETE", "grants/"+got[0]["id"].(string), nil, 204)
	w.send(token, "GET", "refresh-tokens/"+family, nil).refused(404, "does not exist")
	w.send(token, "DELETE", "grants", nil).refused(400, "user_id")
	w.do(token, "DELETE", "grants?user_id="+strings.ReplaceAll(bob, "|", "%7C"), nil, 204)
	if left := w.do(token, "GET", "grants", nil, 200).list(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

type blocks map[string]bool

func (b blocks) BlockedFor(_ context.Context, id string) ([]management.Block, error) {
	if !b[id] {
		return nil, nil
	}
	return []management.Block{{Identifier: id, IP: "192.0.2.1", Connection: "db"}}, nil
}

func (b blocks) Unblock(_ context.Context, id string) error { delete(b, id); return nil }

func TestBlocks(t *testing.T) {
	b := blocks{"ada@example.com": true}
	w := newWorld(t, func(c *management.Config) { c.Blocks = b })
	token, id := w.ada()
	want := `{"blocked_for":[{"identifier":"ada@example.com","ip":"192.0.2.1","connection":"db"}]}`
	for _, path := range []string{"user-blocks/" + id, "user-blocks?identifier=ada@example.com"} {
		b["ada@example.com"] = true
		if got := w.do(token, "GET", path, nil, 200).text; strings.TrimSpace(got) != want {
			t.Errorf("%s: %s", path, got)
		}
		w.do(token, "DELETE", path, nil, 204)
		if b["ada@example.com"] {
			t.Errorf("%s: still blocked", path)
		}
	}
	w.send(token, "GET", "user-blocks", nil).refused(400, "identifier")
	w.send(token, "GET", "user-blocks/nobody", nil).refused(404, "The user does not exist.")
	none := newWorld(t)
	if got := none.do(none.everything(), "GET", "user-blocks?identifier=x", nil, 200).text; strings.TrimSpace(got) != `{"blocked_for":[]}` {
		t.Errorf("without blocks: %s", got)
	}
}

func TestTickets(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	conn := w.connection(token, "db")
	id := w.user(token, "db", "ada@example.com")
	got := w.do(token, "POST", "tickets/password-change", map[string]any{"user_id": id, "result_url": "https://app.example/done", "mark_email_as_verified": true}, 201)
	if got.str("ticket") != issuer+"u/reset-password?ticket=abc#" {
		t.Error(got.text)
	}
	if w.ticket.Kind != tenant.ResetTicket || w.ticket.User.ID != id || w.ticket.TTL != 5*24*time.Hour || !w.ticket.MarkVerified || w.ticket.ResultURL != "https://app.example/done" {
		t.Errorf("asked for %+v", w.ticket)
	}
	w.do(token, "POST", "tickets/email-verification", map[string]any{"email": "ada@example.com", "connection_id": conn, "ttl_sec": 60, "includeEmailInRedirect": true}, 201)
	if w.ticket.Kind != tenant.EmailTicket || w.ticket.TTL != time.Minute || !w.ticket.IncludeEmail {
		t.Errorf("asked for %+v", w.ticket)
	}
	for _, body := range []map[string]any{
		{"user_id": id, "result_url": "javascript:alert(1)"},
		{"user_id": id, "result_url": "data:text/html,x"},
		{"user_id": id, "result_url": "//evil.example"},
		{"user_id": id, "result_url": "https://a@evil.example/"},
		{"user_id": id, "ttl_sec": -1},
		{"user_id": id, "ttl_sec": 99999999},
		{},
		{"user_id": id, "organization_id": "org_1"},
		{"user_id": id, "new_password": "x"},
	} {
		if r := w.send(token, "POST", "tickets/password-change", body); r.status != 400 {
			t.Errorf("%v: %d %s", body, r.status, r.text)
		}
	}
	w.send(token, "POST", "tickets/password-change", `{"user_id":"nobody"}`).refused(404, "The user does not exist.")
	w.send(token, "POST", "tickets/password-change", map[string]any{"user_id": id, "client_id": "nobody"}).refused(404, "The client does not exist")

	// A link is for the password of the identity that is named, and no other's.
	linked := w.user(token, "db", "second@example.com")
	w.do(token, "POST", "users/"+id+"/identities", map[string]any{"provider": "auth0", "user_id": strings.TrimPrefix(linked, "auth0|")}, 201)
	identity := map[string]any{"provider": "auth0", "user_id": strings.TrimPrefix(linked, "auth0|")}
	for name, body := range map[string]map[string]any{
		"by its address": {"email": "second@example.com", "connection_id": conn},
		"by its ID":      {"user_id": id, "identity": identity},
	} {
		w.do(token, "POST", "tickets/password-change", body, 201)
		if i := w.ticket.Identity; w.ticket.User.ID != id || i == nil || "auth0|"+i.UserID != linked {
			t.Errorf("%s: asked for %+v", name, w.ticket)
		}
		w.send(token, "POST", "tickets/email-verification", body).refused(400, "linked identity")
	}
	w.do(token, "POST", "tickets/password-change", map[string]any{"user_id": id}, 201)
	if w.ticket.Identity != nil {
		t.Errorf("nobody named: asked for %+v", w.ticket)
	}
	identity["user_id"] = "another"
	w.send(token, "POST", "tickets/password-change", map[string]any{"user_id": id, "identity": identity}).refused(400, "no such identity")
	none := newWorld(t, func(c *management.Config) { c.Ticket = nil })
	none.send(none.everything(), "POST", "tickets/password-change", `{"user_id":"x"}`).refused(400, "Links are not made here")
}
