package management_test

import (
	"testing"
	"time"

	"github.com/gatewright/gate/idp/tenant"
)

// broken has a statement on a table fail, while fn runs.
func (w *world) broken(statement, table string, fn func()) {
	w.t.Helper()
	for _, sql := range []string{
		"CREATE TRIGGER broken BEFORE " + statement + " ON " + table + " BEGIN SELECT RAISE(ABORT, 'disk'); END",
		"DROP TRIGGER broken",
	} {
		if _, err := w.db.Exec(w.t.Context(), sql); err != nil {
			w.t.Fatal(err)
		}
		if fn != nil {
			fn()
		}
		fn = nil
	}
}

// TestPWD11_allOrNothing: a change that cannot end what it has to end is not
// made, so that the same request ends it later.
func TestPWD11_allOrNothing(t *testing.T) {
	for name, body := range map[string]string{
		"password": `{"password":"another horse battery"}`,
		"blocked":  `{"blocked":true}`,
		"address":  `{"email":"ada@new.example"}`,
	} {
		for _, broken := range [][2]string{{"DELETE", "idp_tokens"}, {"DELETE", "idp_sessions"}, {"UPDATE", "idp_refresh"}} {
			if name == "address" && broken[1] != "idp_tokens" {
				continue // it ends the links alone
			}
			t.Run(name+" "+broken[1], func(t *testing.T) {
				w := newWorld(t)
				token, id := w.ada()
				w.session(id, "s1")
				family := w.family(id, "s1")
				link := tenant.Token{Kind: tenant.ResetTicket, UserID: id, ExpiresAt: w.now.Add(time.Hour)}
				if err := w.store.CreateToken(t.Context(), "link", link); err != nil {
					t.Fatal(err)
				}
				before := w.do(token, "GET", "users/"+id, nil, 200).text
				w.broken(broken[0], broken[1], func() {
					if got := w.send(token, "PATCH", "users/"+id, body); got.status < 500 {
						t.Errorf("status %d: %s", got.status, got.text)
					}
				})
				if after := w.do(token, "GET", "users/"+id, nil, 200).text; after != before {
					t.Errorf("half of it was done: %s", after)
				}
				if len(w.ended) != 0 {
					t.Errorf("told: %v", w.ended)
				}
				w.do(token, "PATCH", "users/"+id, body, 200)
				if _, err := w.store.Token(t.Context(), tenant.ResetTicket, "link"); err == nil {
					t.Error("the link goes on")
				}
				if name == "address" {
					return
				}
				if _, err := w.store.Session(t.Context(), "s1"); err == nil {
					t.Error("the session goes on")
				}
				w.send(token, "GET", "refresh-tokens/"+family, nil).refused(404, "does not exist")
				if len(w.ended) != 1 {
					t.Errorf("told: %v", w.ended)
				}
			})
		}
	}
}

// TestConsents_allOrNothing: a consent is there for as long as what came of it.
func TestConsents_allOrNothing(t *testing.T) {
	w := newWorld(t)
	token, id := w.ada()
	w.consent(id, "read:a")
	family := w.family(id, "")
	grant, _ := w.do(token, "GET", "grants", nil, 200).list()[0]["id"].(string)
	w.broken("UPDATE", "idp_refresh", func() {
		if got := w.send(token, "DELETE", "grants/"+grant, nil); got.status < 500 {
			t.Errorf("status %d: %s", got.status, got.text)
		}
	})
	w.do(token, "DELETE", "grants/"+grant, nil, 204)
	w.send(token, "GET", "refresh-tokens/"+family, nil).refused(404, "does not exist")
}

// TestSES04_revokeAllOrNothing: a session is there for as long as its refresh
// tokens, so that whoever ends both can try again.
func TestSES04_revokeAllOrNothing(t *testing.T) {
	w := newWorld(t)
	token, id := w.ada()
	w.session(id, "s1")
	family := w.family(id, "s1")
	w.broken("UPDATE", "idp_refresh", func() {
		if got := w.send(token, "POST", "sessions/s1/revoke", nil); got.status < 500 {
			t.Errorf("status %d: %s", got.status, got.text)
		}
	})
	w.do(token, "POST", "sessions/s1/revoke", nil, 202)
	w.send(token, "GET", "refresh-tokens/"+family, nil).refused(404, "does not exist")
	if len(w.ended) != 1 {
		t.Errorf("told: %v", w.ended)
	}
}
