package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/strategy/apikey"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

const secretOf = "correct horse battery staple"

// asked is the answer to a request for the accounts of others.
func asked(t *testing.T, h http.Handler, method, path, token string) (status int, body string) {
	t.Helper()
	r := httptest.NewRequest(method, auth.OthersPath+path, http.NoBody)
	switch {
	case strings.HasPrefix(token, "gk_"):
		r.Header.Set("X-API-Key", token)
	case token != "":
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), "argon2") || strings.Contains(w.Body.String(), secretOf) {
		t.Errorf("%s %s answers a secret: %s", method, path, w.Body)
	}
	return w.Code, w.Body.String()
}

// passwordOf is what somebody logs in with.
func passwordOf(login string) gate.Credentials {
	c := gate.Credentials{Strategy: "local"}
	c.SetText("login", login)
	c.SetText("password", secretOf)
	return c
}

// looked opens members and guests whom admins look after: boss is one, ada and guest ada
// are not.
func looked(t *testing.T, change func(*auth.Config)) (b *both, h http.Handler, boss, ada, guest string) {
	t.Helper()
	b, err := openBoth(t, filepath.Join(t.TempDir(), "test.db"), func(c *auth.Config, _ *model.Entity) {
		c.Others = &auth.Others{Sessions: "a:b", Keys: "a:b", Audit: "a:b"}
		strategies := c.Strategies
		c.Strategies = func(a *auth.Auth) error {
			return errors.Join(strategies(a), a.Register("apikey", apikey.New(a.APIKeys(), a.Accounts(), apikey.Config{Entity: a.EntityKey()})))
		}
		if change != nil {
			change(c)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.meet(t)
	if _, err := b.members.CreateRow(authz.System(t.Context()), []byte(`{"login":"boss","password":"`+secretOf+`","roles":["admin"]}`), nil); err != nil {
		t.Fatal(err)
	}
	made, err := b.Service().Create(t.Context(), passwordOf("boss"))
	if err != nil {
		t.Fatal(err)
	}
	return b, b.Others(gate.ErrorWriter{Logger: slog.New(slog.DiscardHandler)}), made.AccessToken, b.logIn(t, "local").AccessToken, b.logIn(t, "local-guest").AccessToken
}

// TestOthers_refused: who may not look after accounts reads and ends nothing there.
func TestOthers_refused(t *testing.T) {
	b, h, boss, ada, guest := looked(t, nil)
	paths := []string{
		"GET /members/1/sessions", "DELETE /members/1/sessions", "DELETE /members/1/sessions/x", "GET /guests/1/sessions", "DELETE /guests/1/sessions",
		"GET /members/1/api-keys", "DELETE /members/1/api-keys/x", "GET /audit", "GET /audit?subject=1",
	}
	text, _, err := b.KeyStore().Create(t.Context(), accountsKey("2", "owner"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		method, path, _ := strings.Cut(path, " ")
		for name, x := range map[string]struct {
			token string
			want  int
		}{
			"nobody": {"", 401}, "an account": {ada, 403}, "a guest": {guest, 403}, "a key without the scope": {text, 403}, "a bad token": {"x.y.z", 401},
		} {
			if got, body := asked(t, h, method, path, x.token); got != x.want {
				t.Errorf("%s %s by %s: %d %s, want %d", method, path, name, got, body, x.want)
			}
		}
	}
	for _, token := range []string{boss, ada, guest} {
		if _, err := b.Service().VerifyAccessToken(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{
		"/members/99/sessions", "/members/01/sessions", "/members/Guest%2F1/sessions", "/members/%00/sessions", "/members/1%2F/sessions", "/members/1%20OR%201=1/sessions",
		"/members/9223372036854775808/sessions", "/guests/2/sessions", "/guests/Guest%2F1/sessions", "/nobodies/1/sessions", "/members/1/passwords", "/members/1", "/", "/audit/1",
	} {
		if got, body := asked(t, h, http.MethodGet, path, boss); got != http.StatusNotFound {
			t.Errorf("GET %s: %d %s", path, got, body)
		}
	}
}

// accountsKey is a key of an account with these scopes.
func accountsKey(subject string, scopes ...string) accounts.NewKey {
	return accounts.NewKey{Entity: "member", Subject: subject, Name: "a key", Scopes: scopes, ExpiresAt: time.Now().Add(time.Hour)}
}

// TestOthers_sessions: devices of one account are seen and logged out, and those of
// nobody else: the same id is another person in another entity.
func TestOthers_sessions(t *testing.T) {
	b, h, boss, ada, guest := looked(t, nil)
	list := func(path string) (ids []string) {
		t.Helper()
		status, body := asked(t, h, http.MethodGet, path, boss)
		var in struct {
			Sessions []struct{ ID string }
		}
		if err := json.Unmarshal([]byte(body), &in); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, body)
		}
		for _, s := range in.Sessions {
			ids = append(ids, s.ID)
		}
		return ids
	}
	lives := func(token string) bool {
		c := gate.Credentials{Strategy: "jwt"}
		c.SetText("accessToken", token)
		_, err := b.Service().Authenticate(t.Context(), c, "jwt")
		return err == nil
	}
	hers, theirs := list("/members/1/sessions"), list("/guests/1/sessions")
	if len(hers) != 1 || len(theirs) != 1 || hers[0] == theirs[0] {
		t.Fatalf("sessions of the member %v, of the guest %v", hers, theirs)
	}
	for _, path := range []string{"/members/1/sessions/" + theirs[0], "/members/2/sessions/" + hers[0], "/guests/1/sessions/" + hers[0], "/members/1/sessions/%00"} {
		if got, body := asked(t, h, http.MethodDelete, path, boss); got != http.StatusNotFound {
			t.Errorf("DELETE %s: %d %s", path, got, body)
		}
	}
	if !lives(ada) || !lives(guest) {
		t.Fatal("a device was logged out as that of somebody else")
	}
	if got, body := asked(t, h, http.MethodDelete, "/members/1/sessions/"+hers[0], boss); got != http.StatusNoContent {
		t.Fatalf("%d %s", got, body)
	}
	if lives(ada) || !lives(guest) || !lives(boss) {
		t.Errorf("after the log-out: ada %v, the guest %v, boss %v", lives(ada), lives(guest), lives(boss))
	}
	if got, body := asked(t, h, http.MethodDelete, "/guests/1/sessions", boss); got != http.StatusNoContent || lives(guest) {
		t.Errorf("%d %s", got, body)
	}
	entries := trail(t, h, boss, "?action=session.end&outcome=success")
	if len(entries) != 1 || entries[0]["actor"] != "2" || entries[0]["subject"] != "1" || entries[0]["entity"] != "member" {
		t.Errorf("the trail of the log-out: %v", entries)
	}
	entries = trail(t, h, boss, "?action=session.end_all&subject="+url.QueryEscape("Guest/1"))
	if len(entries) != 1 || entries[0]["actor"] != "2" || entries[0]["entity"] != "guest" {
		t.Errorf("the trail of the log-out of all: %v", entries)
	}
}

// trail reads the trail when what was recorded has arrived there.
func trail(t *testing.T, h http.Handler, token, query string) []map[string]any {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		status, body := asked(t, h, http.MethodGet, "/audit"+query, token)
		var in struct{ Entries []map[string]any }
		if err := json.Unmarshal([]byte(body), &in); err != nil || status != http.StatusOK {
			t.Fatalf("GET /audit%s: %d %s", query, status, body)
		}
		if len(in.Entries) > 0 || time.Now().After(end) {
			return in.Entries
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestOthers_fresh: to end something of somebody takes a log-in of a moment ago, and no
// key does, whatever its scopes; a key may read what one of them names.
func TestOthers_fresh(t *testing.T) {
	b, h, _, ada, _ := looked(t, func(c *auth.Config) { c.StepUp = time.Nanosecond })
	boss, err := b.Service().Create(t.Context(), passwordOf("boss"))
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := b.KeyStore().Create(t.Context(), accountsKey("2", "a:b"))
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := b.KeyStore().Create(t.Context(), accountsKey("1", "owner"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/members/1/sessions", "/members/1/sessions/x", "/members/1/api-keys/" + other.ID} {
		if got, body := asked(t, h, http.MethodDelete, path, boss.AccessToken); got != http.StatusUnauthorized || !strings.Contains(body, "step_up_required") {
			t.Errorf("DELETE %s by an old log-in: %d %s", path, got, body)
		}
		if got, body := asked(t, h, http.MethodDelete, path, key); got != http.StatusForbidden {
			t.Errorf("DELETE %s by a key: %d %s", path, got, body)
		}
	}
	if _, err := b.Service().VerifyAccessToken(t.Context(), ada); err != nil {
		t.Error(err)
	}
	if got, body := asked(t, h, http.MethodGet, "/audit", key); got != http.StatusOK {
		t.Errorf("the trail by a key with the scope: %d %s", got, body)
	}
}

// TestOthers_keys: keys are seen without their text, and revoked.
func TestOthers_keys(t *testing.T) {
	b, h, boss, _, _ := looked(t, nil)
	text, made, err := b.KeyStore().Create(t.Context(), accountsKey("1", "owner"))
	if err != nil {
		t.Fatal(err)
	}
	got, body := asked(t, h, http.MethodGet, "/members/1/api-keys", boss)
	secret := text[strings.LastIndex(text, "_")+1:]
	if got != http.StatusOK || !strings.Contains(body, made.ID) || !strings.Contains(body, "a key") || strings.Contains(body, secret) {
		t.Errorf("%d %s", got, body)
	}
	for _, path := range []string{"/members/2/api-keys/" + made.ID, "/guests/1/api-keys/" + made.ID, "/members/1/api-keys/none", "/members/1/api-keys/%00%ff"} {
		if got, body := asked(t, h, http.MethodDelete, path, boss); got != http.StatusNotFound {
			t.Errorf("DELETE %s: %d %s", path, got, body)
		}
	}
	if _, err := b.KeyStore().Find(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if got, body := asked(t, h, http.MethodDelete, "/members/1/api-keys/"+made.ID, boss); got != http.StatusNoContent {
		t.Errorf("%d %s", got, body)
	}
	if _, err := b.KeyStore().Find(t.Context(), text); err == nil {
		t.Error("the key works on")
	}
}

// TestOthers_audit: pages of the trail, filters, and what is no filter.
func TestOthers_audit(t *testing.T) {
	b, h, boss, _, _ := looked(t, nil)
	for i := range 5 {
		b.Trail().Record(t.Context(), gate.AuditEvent{Action: "refund", Outcome: gate.Succeeded, Subject: "1", Details: map[string]string{"n": strconv.Itoa(i)}})
	}
	b.Trail().Record(t.Context(), gate.AuditEvent{Action: "last", Outcome: gate.Undecided, Subject: "1"})
	if got := trail(t, h, boss, "?action=last&outcome=error"); len(got) != 1 { // and all before it are there
		t.Fatal(got)
	}
	seen, query := 0, "?action=refund&$limit=2"
	for pages := 0; query != ""; pages++ {
		_, body := asked(t, h, http.MethodGet, "/audit"+query, boss)
		var in struct {
			Entries []struct{ Details map[string]string }
			Next    string
		}
		if err := json.Unmarshal([]byte(body), &in); err != nil || len(in.Entries) == 0 || pages > 3 {
			t.Fatal(body, err)
		}
		for _, e := range in.Entries {
			if seen++; e.Details["n"] != strconv.Itoa(5-seen) {
				t.Errorf("entry %d is %v", seen, e.Details)
			}
		}
		if query = ""; in.Next != "" {
			query = "?action=refund&$limit=2&before=" + in.Next
		}
	}
	if seen != 5 {
		t.Errorf("%d entries on the pages", seen)
	}
	for _, query := range []string{
		"?$limit=0", "?$limit=-1", "?$limit=101", "?$limit=1e9", "?$limit=99999999999999999999", "?$limit=", "?limit=5", "?subjct=1", "?subject=", "?subject=1&subject=2",
		"?outcome=2", "?outcome=Success", "?before=x", "?before=1;DROP", "?$sort[at]=1", "?q=%zz", "?entity=member",
	} {
		if got, body := asked(t, h, http.MethodGet, "/audit"+query, boss); got != http.StatusBadRequest {
			t.Errorf("GET /audit%s: %d %s", query, got, body)
		}
	}
}

// TestOthers_off: what nobody may do has no route, and a permission that is none is
// refused.
func TestOthers_off(t *testing.T) {
	if b := mustBoth(t, filepath.Join(t.TempDir(), "test.db")); b.Others(gate.ErrorWriter{}) != nil {
		t.Error("there are routes that nobody asked for")
	}
	_, h, boss, _, _ := looked(t, func(c *auth.Config) { c.Others = &auth.Others{Audit: "a:b"} })
	for _, path := range []string{"/members/1/sessions", "/members/1/api-keys"} {
		if got, _ := asked(t, h, http.MethodGet, path, boss); got != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, got)
		}
	}
	for _, word := range []string{"public", "signed-in", "owner", "admin", "a:", "*"} {
		_, err := openBoth(t, filepath.Join(t.TempDir(), "test.db"), func(c *auth.Config, _ *model.Entity) { c.Others = &auth.Others{Audit: word} })
		if err == nil || !strings.Contains(err.Error(), strconv.Quote(word)) {
			t.Errorf("a trail for %q: %v", word, err)
		}
	}
}

// TestOthers_tenants: who looks after the accounts of a tenant sees nothing of others.
func TestOthers_tenants(t *testing.T) {
	a, h := lodges(t)
	token := func(login string) string {
		t.Helper()
		made, err := a.Service().Create(t.Context(), passwordOf(login))
		if err != nil {
			t.Fatal(login, err)
		}
		return made.AccessToken
	}
	boss, root := token("boss"), token("root") // 1 in the tenant 1, 4
	token("ada")                               // 2, there, too
	token("bob")                               // 3, in the tenant 2
	for _, tt := range []struct {
		token, method, path string
		want                int
	}{
		{boss, "GET", "/members/2/sessions", 200},
		{boss, "GET", "/members/3/sessions", 404},
		{boss, "DELETE", "/members/3/sessions", 404},
		{boss, "GET", "/members/4/sessions", 404},
		{boss, "GET", "/audit", 400},
		{boss, "GET", "/audit?action=login", 400},
		{boss, "GET", "/audit?subject=2", 200},
		{boss, "GET", "/audit?subject=3", 404},
		{boss, "GET", "/audit?subject=%20" + "2", 404},
		{boss, "GET", "/audit?subject=2%00", 404},
		{boss, "GET", "/audit?subject=Member/2", 404},
		{root, "GET", "/audit", 200},
		{root, "GET", "/audit?subject=3", 200},
		{root, "GET", "/members/3/sessions", 200},
	} {
		if got, body := asked(t, h, tt.method, tt.path, tt.token); got != tt.want {
			t.Errorf("%s %s: %d %s, want %d", tt.method, tt.path, got, body, tt.want)
		}
	}
	if list, err := a.Sessions().List(t.Context(), "member", "3"); err != nil || len(list) != 1 {
		t.Errorf("sessions of the other tenant: %v %v", list, err)
	}
}

// lodges is an Auth over members of two tenants.
func lodges(t *testing.T) (*auth.Auth, http.Handler) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	migrate := func(name string, m []store.Migration) {
		if _, err := db.Migrate(t.Context(), name, m); err != nil {
			t.Fatal(err)
		}
	}
	migrate("app", []store.Migration{{Version: 1, Name: "init", SQL: `CREATE TABLE "clubs" ("id" INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO "clubs" VALUES (1), (2);
CREATE TABLE "members" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "login" TEXT NOT NULL UNIQUE, "password" TEXT, "roles" TEXT, "nick" TEXT, "club_id" BIGINT REFERENCES "clubs" ("id"))`}})
	policy, err := authz.NewPolicy([]authz.Role{
		{Name: "member", Default: true}, {Name: "boss", Permissions: []string{"a:b"}}, {Name: "root", AcrossTenants: true, Permissions: []string{"a:b"}},
	}, authz.WithTenant(authz.AccountTenant()))
	if err != nil {
		t.Fatal(err)
	}
	cfg := auth.Config{
		Entity: "member", Login: "login", Password: "password", Roles: "roles", JWT: &auth.JWT{Algorithm: jose.HS256}, Others: &auth.Others{Sessions: "a:b", Audit: "a:b"},
		Strategies: func(a *auth.Auth) error {
			return errors.Join(
				a.Register("jwt", jwt.New(a.Service(), a.Accounts(), jwt.Config{})),
				a.Register("local", local.New(a.Accounts(), a.Passwords(), local.Config{UsernameField: "login", Throttle: a.Throttle()})))
		},
	}
	for _, c := range cfg.Components(db.Dialect()) {
		migrate(c.Name, c.Migrations)
	}
	a, err := auth.New(t.Context(), cfg, auth.Options{
		Service: "club", Settings: &config.Config{AuthSecret: "vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"}, DB: db, Policy: policy, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close(context.Background()) })
	serial := model.Field{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true, ReadOnly: true}
	members, err := crud.New(db, policy, &model.Entity{
		Name: "Member", Plural: "Members", Path: "members", Table: "members", Tenant: "clubId", Allow: model.Allow{View: []string{"a:b"}},
		Fields: []model.Field{
			serial,
			{Name: "login", Column: "login", Type: model.Text, MaxLength: 50, Required: true, Unique: true},
			{Name: "password", Column: "password", Type: model.Password},
			{Name: "roles", Column: "roles", Type: model.Roles},
			{Name: "nick", Column: "nick", Type: model.Text},
			{Name: "clubId", Column: "club_id", Type: model.Relation, ID: model.Serial, To: "Club"},
		},
	}, (*member).pointer)
	if err != nil {
		t.Fatal(err)
	}
	clubs, err := crud.New(db, policy, &model.Entity{Name: "Club", Plural: "Clubs", Path: "clubs", Table: "clubs", Tenant: "id", Fields: []model.Field{serial}}, (*club).pointer)
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := auth.NewHasher(a, "club", "password")
	if err != nil {
		t.Fatal(err)
	}
	members.UsePasswords(hasher)
	if err := errors.Join(crud.Link(members, clubs), a.Use(members), a.Setup(), a.Tenants(members, clubs)); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`"boss","clubId":1,"roles":["boss"]`, `"ada","clubId":1`, `"bob","clubId":2`, `"root","roles":["root"]`} {
		if _, err := members.CreateRow(authz.System(t.Context()), []byte(`{"password":"`+secretOf+`","login":`+body+`}`), nil); err != nil {
			t.Fatal(err)
		}
	}
	return a, a.Others(gate.ErrorWriter{Logger: slog.New(slog.DiscardHandler)})
}
