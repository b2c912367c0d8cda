package config_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
)

// TestAdmin_sameRules: what the administration does follows the rules of the
// provider, and those hear of it whom the provider tells.
func TestAdmin_sameRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "idp.yaml")
	in := openAt(t, file)
	ctx, k := t.Context(), in.Tenant()
	heard := make(chan string, 4)
	client := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.PostFormValue("logout_token") }))
	t.Cleanup(client.Close)
	if err := errors.Join(
		k.Clients.Create(ctx, &tenant.Client{ID: "c", Name: "c", OIDCLogout: &tenant.OIDCLogout{BackchannelURLs: []string{client.URL}}}),
		k.Connections.Create(ctx, &tenant.Connection{
			ID: "con_1", Name: "strict", Strategy: tenant.Database, Options: tenant.ConnectionOptions{PasswordPolicy: "excellent"},
		})); err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"connection": "strict", "email": "ada@example.com", "password": "zkqwmvnb", "email_verified": true}
	err := in.Admin.Do(ctx, http.MethodPost, "users", body, nil)
	if r, ok := errors.AsType[*config.Refusal](err); !ok || r.Status != http.StatusBadRequest || !strings.Contains(r.Message, "too weak") {
		t.Errorf("eight small letters where the policy is excellent: %v", err)
	}
	var u struct {
		ID string `json:"user_id"`
	}
	body["password"] = "Elm-Harbour-Moss-52"
	if err := in.Admin.Do(ctx, http.MethodPost, "users", body, &u); err != nil {
		t.Fatal(err)
	}
	made, err := k.User(ctx, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := k.CreateSession(ctx, "secret", &tenant.Session{
		ID: "s", UserID: u.ID, Epoch: made.Epoch, CreatedAt: now, AuthenticatedAt: now, UsedAt: now, IdleExpiresAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
		SessionDetails: tenant.SessionDetails{Clients: []string{"c"}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := in.Admin.Do(ctx, http.MethodPatch, "users/"+url.PathEscape(u.ID), map[string]any{"password": "Oak-Lantern-Reed-07"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(context.WithoutCancel(ctx)); err != nil { // waits for letters and calls
		t.Fatal(err)
	}
	select {
	case token := <-heard:
		if token == "" {
			t.Error("an empty logout token")
		}
	default:
		t.Error("the client did not hear of the log-out")
	}
	letters, err := os.ReadDir(filepath.Join(filepath.Dir(file), "outbox"))
	if err != nil || len(letters) == 0 {
		t.Errorf("the owner did not hear of the new password: %v, %v", letters, err)
	}
}

// TestAdmin_withoutMail: a command opens the provider where nothing says how letters
// are sent, and says so to whoever asks for one.
func TestAdmin_withoutMail(t *testing.T) {
	c, err := config.Parse(filepath.Join(t.TempDir(), "idp.yaml"), []byte(local), lookup(config.EnvSecret+"=9Wq2Zp0Lk4Xn7Vb3Rt8Yc1Md6Hf5Js0Gu2Ea7Qo9Iw4"))
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.Open(t.Context(), config.Options{Administration: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := in.Tenant().Connections.Create(t.Context(), &tenant.Connection{ID: "con_1", Name: "db", Strategy: tenant.Database}); err != nil {
		t.Fatal(err)
	}
	var u struct {
		ID string `json:"user_id"`
	}
	body := map[string]any{"connection": "db", "email": "ada@example.com", "password": "Elm-Harbour-Moss-52"}
	if err := in.Admin.Do(t.Context(), http.MethodPost, "users", body, &u); err != nil {
		t.Fatal(err)
	}
	err = in.Admin.Do(t.Context(), http.MethodPost, "jobs/verification-email", map[string]string{"user_id": u.ID}, nil)
	if r, ok := errors.AsType[*config.Refusal](err); !ok || r.Code != "operation_not_supported" {
		t.Errorf("a letter: %v", err)
	}
}

// TestAdmin_outbox: what a command has to tell the owner of an account goes to
// the letters of the provider that runs in development beside it.
func TestAdmin_outbox(t *testing.T) {
	dir := t.TempDir()
	c, err := config.Parse(filepath.Join(dir, "idp.yaml"), []byte(local), lookup(config.EnvSecret+"=9Wq2Zp0Lk4Xn7Vb3Rt8Yc1Md6Hf5Js0Gu2Ea7Qo9Iw4"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "outbox"), 0o700); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	in, err := c.Open(t.Context(), config.Options{Administration: true, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Tenant().Connections.Create(t.Context(), &tenant.Connection{ID: "con_1", Name: "db", Strategy: tenant.Database}); err != nil {
		t.Fatal(err)
	}
	var u struct {
		ID string `json:"user_id"`
	}
	body := map[string]any{"connection": "db", "email": "ada@example.com", "password": "Elm-Harbour-Moss-52", "email_verified": true}
	if err := in.Admin.Do(t.Context(), http.MethodPost, "users", body, &u); err != nil {
		t.Fatal(err)
	}
	if err := in.Admin.Do(t.Context(), http.MethodPatch, "users/"+url.PathEscape(u.ID), map[string]any{"password": "Oak-Lantern-Reed-07"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(context.WithoutCancel(t.Context())); err != nil { // waits for letters
		t.Fatal(err)
	}
	if letters, err := os.ReadDir(filepath.Join(dir, "outbox")); err != nil || len(letters) == 0 || log.Len() > 0 {
		t.Errorf("%d letters, %v; the log says %s", len(letters), err, log.String())
	}
}

// TestNewPassword: a password that is made up has every kind of character that a
// policy asks for.
func TestNewPassword(t *testing.T) {
	for range 5000 {
		if text := config.NewPassword().Reveal(); len(text) != 23 || !strings.ContainsAny(text, "0123456789") || !strings.Contains(text, "-") {
			t.Fatalf("%q", text)
		}
	}
}

// TestAdmin_import: a dump brings no connection in that no log-in could be done
// with; one whose secret it leaves out is taken.
func TestAdmin_import(t *testing.T) {
	in := openAt(t, filepath.Join(t.TempDir(), "idp.yaml"))
	for name, tt := range map[string]struct{ row, field string }{
		"scope that is no list": {`{"connection":{"id":"con_1","name":"up","strategy":"oidc","options":{"client_id":"Iv1.8a61aa","issuer":"https://up.example","scope":7}}}`, "options"},
		"header":                {`{"connection":{"id":"con_2","name":"head","strategy":"oauth2","options":{"client_id":"Iv1.8a61aa","authorizationURL":"https://up.example/a","tokenURL":"https://up.example/t","userInfoURL":"https://up.example/u","customHeaders":{"Host":"evil.example"}}}}`, "options.customHeaders"},
		"no key":                {`{"connection":{"id":"con_3","name":"apple","strategy":"apple","options":{"client_id":"Iv1.8a61aa","kid":"k","team_id":"t"}}}`, ""},
		"good":                  {`{"connection":{"id":"con_4","name":"good","strategy":"github","options":{"client_id":"Iv1.8a61aa"}}}`, ""},
	} {
		report, err := in.Admin.Import(t.Context(), strings.NewReader(`{"gate_tenant":{"version":1}}`+"\n"+tt.row))
		if err != nil {
			t.Fatal(err)
		}
		if tt.field == "" {
			if report.Inserted != 1 || report.Failed != 0 {
				t.Errorf("%s: %+v", name, report)
			}
			continue
		}
		if report.Failed != 1 || len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Err.Error(), tt.field) {
			t.Errorf("%s: %+v", name, report)
		}
	}
}
