package idp_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// secondProcess returns another process on the database of a provider, with the
// same clock, that runs actions.
func secondProcess(t *testing.T, a *idptest.Server, c *clock) *idptest.Server {
	t.Helper()
	runner, err := actions.New(actions.Config{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	other, err := idp.Open(t.Context(), a.DB, idp.Config{
		Issuer: a.Issuer(), Secret: bytes.Repeat([]byte("s"), 32), Mail: discard{}, Signup: idp.SignupOpen, Development: true,
		Actions: runner, Logger: slog.New(slog.DiscardHandler), Now: c.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(other)
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := other.Close(ctx); err != nil {
			t.Error(err)
		}
		_ = runner.Close()
	})
	b := *a
	b.Provider = other
	b.URL = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // where the cookies are for
	return &b
}

// refusal is an action that lets nobody in, and says by which rule.
func refusal(rule string) string {
	return `exports.onExecutePostLogin = (event, api) => { api.access.deny('` + rule + `'); };`
}

// LOG-16: a process that knows the halves of a change to actions lets nobody in
// without a rule: bindings and actions are remembered apart, for a second each.
func TestLOG16_halfKnownActions(t *testing.T) {
	const id = "act_post-login0"
	version := func(n int, rule string) *tenant.ActionVersion {
		return &tenant.ActionVersion{ID: "ver_" + rule, Number: n, Code: refusal(rule), Runtime: "node22"}
	}
	action := func(name string) *tenant.Action {
		return &tenant.Action{ID: "act_" + name, Name: name, Code: refusal(name), Runtime: "node22", Status: "built", Triggers: []tenant.ActionTrigger{{ID: "post-login", Version: "v3"}}}
	}
	deploy := func(t *testing.T, s *idptest.Server, id string, v *tenant.ActionVersion) {
		t.Helper()
		if _, err := s.Tenant().Actions.Update(t.Context(), id, func(a *tenant.Action) error { a.Deployed = v; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	rebind := func(t *testing.T, s *idptest.Server, id string) {
		t.Helper()
		if _, err := s.Tenant().Bindings.Update(t.Context(), "post-login", func(b *tenant.Bindings) error {
			b.List = []tenant.Binding{{ID: "bnd_" + id, ActionID: id, DisplayName: id}}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	create := func(t *testing.T, s *idptest.Server, a *tenant.Action) {
		t.Helper()
		if err := s.Tenant().Actions.Create(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		before func(*testing.T, *idptest.Server)
		change func(*testing.T, *idptest.Server)
		// know is which half the other process looks at again before the change is made.
		know string
		want string // empty is a fault
	}{
		{"new action", nil, func(t *testing.T, s *idptest.Server) {
			a := action("new")
			a.Deployed = version(1, "new")
			create(t, s, a)
			rebind(t, s, a.ID)
		}, "actions", "new"},
		{"deployed now", func(t *testing.T, s *idptest.Server) { create(t, s, action("draft")) }, func(t *testing.T, s *idptest.Server) {
			deploy(t, s, "act_draft", version(1, "draft"))
			rebind(t, s, "act_draft")
		}, "actions", "draft"},
		{"another version", func(t *testing.T, s *idptest.Server) {
			a := action("other")
			a.Deployed = version(1, "never bound")
			create(t, s, a)
		}, func(t *testing.T, s *idptest.Server) {
			deploy(t, s, "act_other", version(2, "other"))
			rebind(t, s, "act_other")
		}, "actions", "other"},
		{"old action gone", func(t *testing.T, s *idptest.Server) {
			a := action("heir")
			a.Deployed = version(1, "heir")
			create(t, s, a)
		}, func(t *testing.T, s *idptest.Server) {
			rebind(t, s, "act_heir")
			if err := s.Tenant().Actions.Delete(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}, "bindings", "heir"},
		{"bound and gone", nil, func(t *testing.T, s *idptest.Server) {
			if err := s.Tenant().Actions.Delete(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}, "", ""},
		{"bound and not deployed", nil, func(t *testing.T, s *idptest.Server) { deploy(t, s, id, nil) }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, c := withClock(t)
			b := secondProcess(t, a, c)
			a.AddUser("ada@example.com")
			bind(t, a, "post-login", refusal("old"))
			if tt.before != nil {
				tt.before(t, a)
			}
			c.turn(2 * time.Second)
			if got := refusedBy(t, b); got != "old" {
				t.Fatalf("before the change: %q", got)
			}
			c.turn(1100 * time.Millisecond)
			switch tt.know {
			case "actions":
				_, err := b.Tenant().Actions.List(t.Context())
				if err != nil {
					t.Fatal(err)
				}
			case "bindings":
				_, err := b.Tenant().Bindings.List(t.Context())
				if err != nil {
					t.Fatal(err)
				}
			}
			tt.change(t, a)
			for name, s := range map[string]*idptest.Server{"here": a, "there": b} {
				if got := refusedBy(t, s); got != tt.want {
					t.Errorf("%s: refused by %q, want %q", name, got, tt.want)
				}
			}
		})
	}
}

// refusedBy returns the rule that refuses a log-in, and nothing when that is a
// fault.
func refusedBy(t *testing.T, s *idptest.Server) string {
	t.Helper()
	res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
	if res.StatusCode >= http.StatusInternalServerError {
		return ""
	}
	back := answerOf(t, res, body)
	if back.Has("code") {
		t.Error("somebody came in")
	}
	if back.Get("error") == "server_error" {
		return ""
	}
	return back.Get("error_description")
}
