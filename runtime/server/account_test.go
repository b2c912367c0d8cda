package server_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account/words"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwe"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store/audit"
	"github.com/gatewright/gate/strategy/apikey"
	"github.com/gatewright/gate/strategy/cookie"
	"github.com/gatewright/gate/strategy/refresh"
)

// letterbox is a mail server in memory.
type letterbox struct {
	mu      sync.Mutex
	letters []mail.Message
	arrived chan struct{}
}

func (b *letterbox) Send(_ context.Context, m mail.Message) error {
	b.mu.Lock()
	b.letters = append(b.letters, m)
	b.mu.Unlock()
	b.arrived <- struct{}{}
	return nil
}

var link = regexp.MustCompile(`https://api\.restaurant\.example(/api/account/[a-z]+)\?token=([A-Za-z0-9_-]+)`)

// next returns path and token of the link in the letter to that address.
func (b *letterbox) next(t *testing.T, to string) (path, token string) {
	t.Helper()
	select {
	case <-b.arrived:
	case <-time.After(10 * time.Second):
		t.Fatal("no letter came")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.letters[len(b.letters)-1]
	found := link.FindStringSubmatch(m.Text)
	if m.To != to || found == nil {
		t.Fatalf("letter to %s: %s", m.To, m.Text)
	}
	return found[1], found[2]
}

// everything is a service with each way to authenticate.
func everything(box *letterbox, change func(*auth.Config)) options {
	return options{
		basic:   true,
		environ: []string{"MAIL_URL=smtp://mail.restaurant.example", "MAIL_FROM=no-reply@restaurant.example", "PUBLIC_URL=https://api.restaurant.example"},
		change: func(s *server.Service) {
			before := s.Auth.Strategies
			s.Auth.JWT = &auth.JWT{
				Algorithm: jose.ES256, Refresh: &auth.Refresh{}, RotateKeys: auth.Rotate(24 * time.Hour),
				Encryption: func(key []byte) (gate.Encryption, error) {
					k, err := jwe.NewKey("", key)
					if err != nil {
						return nil, err
					}
					return jwe.NewCodec(jwe.Config{Algorithm: jwe.Direct, Key: k})
				},
			}
			s.Auth.Cookies, s.Auth.APIKeys = &auth.Cookies{}, &auth.APIKeys{Environment: "test"}
			s.Auth.Letters = &auth.Letters{Open: func(string, string, string) (mail.Sender, error) { return box, nil }, Words: words.English(), By: auth.ByLetter}
			s.Auth.Strategies = func(a *auth.Auth) error {
				return errors.Join(before(a),
					a.Register("refresh", refresh.New(a.Refresh(), a.Accounts(), refresh.Config{Entity: a.EntityKey(), Sessions: a.Sessions()})),
					a.Register("cookie", cookie.New(a.Sessions(), a.Accounts(), cookie.Config{Entity: a.EntityKey()})),
					a.Register("apikey", apikey.New(a.APIKeys(), a.Accounts(), apikey.Config{Entity: a.EntityKey(), Exposed: a.Exposed})),
				)
			}
			if change != nil {
				change(s.Auth)
			}
		},
	}
}

func newLetterbox() *letterbox { return &letterbox{arrived: make(chan struct{}, 100)} }

const (
	ada         = "ada@x.example"
	newPassword = "quite another horse battery"
)

func loginBody(email, password string) string {
	return fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, email, password)
}

func TestEverything_tokens(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	r.signUp(ada, "menu-admin")
	in := r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(201).json()
	token, _ := in["accessToken"].(string)
	if strings.Count(token, ".") != 4 {
		t.Errorf("the token is not encrypted: %s", token)
	}
	renew := fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, in["refreshToken"])
	next := r.do("POST", "/api/authentication", renew, "User-Agent", "one").is(201).json()
	bearer := []string{"Authorization", "Bearer " + next["accessToken"].(string)}
	r.do("GET", "/api/me", "", bearer...).is(200)
	// SES-06: whoever comes with the token that was used ends the login of both.
	r.do("POST", "/api/authentication", renew, "User-Agent", "two").is(401)
	r.do("GET", "/api/me", "", bearer...).is(401)
	r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, next["refreshToken"])).is(401)

	keys := r.do("GET", "/.well-known/jwks.json", "").is(200)
	if strings.Contains(keys.Body, `"d"`) || !strings.Contains(keys.Body, `"ES256"`) || keys.Header.Get("Cache-Control") == "" {
		t.Errorf("JKS-08: %s %s", keys.Header, keys.Body)
	}
}

func TestEverything_rolesEndRefreshTokens(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	admin := "admin@x.example"
	r.signUp(admin, "menu-admin")
	id := r.signUp(ada)
	in := r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(201).json()
	bearer := []string{"Authorization", "Bearer " + in["accessToken"].(string)}
	r.do("POST", "/api/items", `{"name":"Figs","price":1}`, bearer...).is(403)
	r.do("PATCH", "/api/users/"+id, `{"roles":["menu-admin"]}`, r.login(admin)...).is(200)
	r.do("POST", "/api/items", `{"name":"Figs","price":1}`, bearer...).is(201) // at once
	r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, in["refreshToken"])).is(401)
}

func TestEverything_cookies(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	r.signUp(ada, "menu-admin")
	in := r.do("POST", "/api/session", loginBody(ada, goodPassword)).is(201)
	var session, device *http.Cookie
	for _, line := range in.Header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		if !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("SES-02: %s", line)
		}
		switch c.Name {
		case "__Host-gate":
			session = c
		case "__Host-gate-device":
			device = c
		}
	}
	if session == nil || device == nil || in.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s", in.Header)
	}
	mine := []string{"Cookie", session.Name + "=" + session.Value}
	if me := r.do("GET", "/api/me", "", mine...).is(200); me.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("SES-04: %s", me.Header)
	}
	if items := r.do("GET", "/api/items", "", mine...).is(200); !strings.Contains(items.Header.Get("Cache-Control"), "no-store") && !strings.Contains(strings.Join(items.Header.Values("Vary"), ","), "Cookie") {
		t.Errorf("SES-04: %s", items.Header)
	}
	dish := `{"name":"Figs","price":1}`
	r.do("POST", "/api/items", dish, mine...).is(201)
	// SES-08: another site's page cannot use the cookie, nor can it help a bad bearer.
	r.do("POST", "/api/items", dish, append(mine, "Sec-Fetch-Site", "cross-site")...).is(403)
	r.do("POST", "/api/items", dish, append(mine, "Origin", "https://evil.example")...).is(403)
	r.do("GET", "/api/me", "", append(mine, "Authorization", "Bearer x.y.z")...).is(401)
	r.do("DELETE", "/api/session", "", mine...).is(204)
	r.do("GET", "/api/me", "", mine...).is(401)
}

// TestOPS08_credentials: listed origins may send the cookie, others may not.
func TestOPS08_credentials(t *testing.T) {
	o := everything(newLetterbox(), nil)
	o.environ = append(o.environ, "CORS_ORIGINS=https://app.restaurant.example")
	r := start(t, o)
	for origin, want := range map[string]string{"https://app.restaurant.example": "true", "https://evil.example": "", "null": ""} {
		if got := r.do("GET", "/api/items", "", "Origin", origin).Header.Get("Access-Control-Allow-Credentials"); got != want {
			t.Errorf("%s: %q", origin, got)
		}
	}
}

func TestEverything_password(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	id := r.signUp(ada, "menu-admin")
	here, there := r.login(ada), r.login(ada)
	change := fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, goodPassword, newPassword)
	r.do("PUT", "/api/account/password", change).is(401)
	r.do("GET", "/api/account", "").is(404)
	r.do("GET", "/api/account/", "").is(404)
	r.do("PUT", "/api/account/password", strings.Replace(change, goodPassword, "wrong", 1), here...).is(401)
	r.do("PUT", "/api/account/password", change, here...).is(204)
	r.do("GET", "/api/me", "", here...).is(200)
	r.do("GET", "/api/me", "", there...).is(401)
	r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(401)
	r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(201)

	list := r.do("GET", "/api/account/sessions", "", here...).is(200)
	if !strings.Contains(list.Body, `"current":true`) || strings.Count(list.Body, `"id"`) != 2 {
		t.Errorf("sessions %s", list.Body)
	}
	r.do("DELETE", "/api/account/sessions", "", here...).is(204)
	if list := r.do("GET", "/api/account/sessions", "", here...).is(200); strings.Count(list.Body, `"id"`) != 1 {
		t.Errorf("sessions %s", list.Body)
	}
	entries, err := r.app.Auth.Trail().List(t.Context(), audit.Filter{Subject: id, Action: "password.change"})
	if err != nil || len(entries) == 0 {
		t.Errorf("AUD-01: %v, %v", entries, err)
	}
}

func TestSES10_stepUp(t *testing.T) {
	r := start(t, everything(newLetterbox(), func(c *auth.Config) { c.StepUp = 1 })) // nobody is that fast
	id := r.signUp(ada)
	bearer := r.login(ada)
	for _, body := range []string{`{"password":"` + newPassword + `"}`, `{"email":"other@x.example"}`} {
		got := r.do("PATCH", "/api/users/"+id, body, bearer...).is(401)
		if !strings.Contains(got.Header.Get("WWW-Authenticate"), "insufficient_user_authentication") {
			t.Errorf("%s: %s", body, got.Header)
		}
		if !strings.Contains(got.Body, `"step_up_required"`) {
			t.Errorf("%s: %s", body, got.Body)
		}
	}
	r.do("DELETE", "/api/users/"+id, "", bearer...).is(401)
	r.do("PATCH", "/api/users/"+id, `{"name":"Ada"}`, bearer...).is(200)
	// Nor does an old login make somebody who then is a new one.
	admin := "admin@x.example"
	r.signUp(admin, "menu-admin")
	body := `{"email":"eve@x.example","password":"` + newPassword + `","roles":["menu-admin"]}`
	r.do("POST", "/api/users", body, r.login(admin)...).is(401)
	r.do("POST", "/api/users", strings.Replace(body, `,"roles":["menu-admin"]`, "", 1), r.login(admin)...).is(201)
}

// TestLOG07_basicBehindTheThrottle: who was told to wait does not guess on by
// what the owner proves meanwhile.
func TestLOG07_basicBehindTheThrottle(t *testing.T) {
	o := everything(newLetterbox(), nil)
	o.environ = append(o.environ, "TRUSTED_PROXIES=127.0.0.0/8")
	r := start(t, o)
	r.signUp(ada)
	from := func(address, password string) answer {
		return r.do("GET", "/api/me", "", append(basicHeader(ada, password), "X-Forwarded-For", address)...)
	}
	from("192.0.2.1", goodPassword).is(200)
	for range 10 {
		from("192.0.2.2", "wrong").is(401)
	}
	from("192.0.2.2", goodPassword).is(429)
	from("192.0.2.1", goodPassword).is(200)
	for range 12 { // from the owner's own network
		from("192.0.2.1", "wrong").is(401, 429)
	}
	from("192.0.2.1", goodPassword).is(429)
}

// TestOTP05_patchedPassword: a link that was on its way is void once the password
// is another, whichever way it was changed, and the person is told.
func TestOTP05_patchedPassword(t *testing.T) {
	box := newLetterbox()
	r := start(t, everything(box, nil))
	admin := "admin@x.example"
	r.signUp(admin, "menu-admin")
	box.next(t, admin)
	id := r.signUp(ada)
	box.next(t, ada)
	r.do("POST", "/api/account/password/forgot", `{"email":"ada@x.example"}`).is(202)
	_, token := box.next(t, ada)
	r.do("PATCH", "/api/users/"+id, `{"password":"`+newPassword+`"}`, r.login(admin)...).is(400) // PWD-12
	r.do("PATCH", "/api/users/"+id, `{"email":"other@x.example"}`, r.login(ada)...).is(400)      // OTP-08
	r.do("PATCH", "/api/users/"+id, `{"password":"`+newPassword+`"}`, r.login(ada)...).is(200)
	<-box.arrived // the notice
	r.do("POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":"yet another horse battery"}`, token)).is(400)
	r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(201)
}

func TestKEY02_keys(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	id := r.signUp(ada, "menu-admin")
	bearer := r.login(ada)
	newKey := func(scopes string) []string {
		t.Helper()
		key, _ := r.do("POST", "/api/account/api-keys", `{"name":"ci","scopes":[`+scopes+`]}`, bearer...).is(201).json()["key"].(string)
		if !strings.HasPrefix(key, "gk_test_") {
			t.Fatalf("KEY-01: %q", key)
		}
		return []string{"X-API-Key", key}
	}
	r.do("POST", "/api/account/api-keys", `{"name":"ci","scopes":["delete:users"]}`, bearer...).is(403)
	r.do("POST", "/api/account/api-keys", `{"name":"ci","scopes":["create:items"],"userId":"1"}`, bearer...).is(400)
	r.do("POST", "/api/account/api-keys", `{"name":"ci","scopes":["create:items"]}`).is(401)
	creator, owner := newKey(`"create:items"`), newKey(`"owner"`)
	dish := r.do("POST", "/api/items", `{"name":"Figs","price":1}`, creator...).is(201).json()
	// KEY-04: the scope holds for every route.
	r.do("PATCH", fmt.Sprint("/api/items/", dish["id"]), `{"price":2}`, creator...).is(403)
	r.do("GET", "/api/users/"+id, "", creator...).is(403)
	r.do("POST", "/api/items", `{"name":"Figs","price":1}`, owner...).is(403)
	r.do("GET", "/api/users/"+id, "", owner...).is(200)
	r.do("PATCH", "/api/users/"+id, `{"password":"`+newPassword+`"}`, owner...).is(403)
	r.do("GET", "/api/account/api-keys", "", owner...).is(403)
	r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"apikey","key":%q}`, owner[1])).is(401)
	r.do("GET", "/api/items?api_key="+owner[1], "").is(400)
	var exposed []audit.Entry
	for deadline := time.Now().Add(10 * time.Second); len(exposed) == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var err error // it is written in the background
		if exposed, err = r.app.Auth.Trail().List(t.Context(), audit.Filter{Subject: id, Action: "api_key.exposed"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(exposed) != 1 || exposed[0].Details["key"] == "" || !exposed[0].Client.Address.IsValid() {
		t.Errorf("KEY-01: the trail has %+v", exposed)
	}
	r.do("GET", "/api/items", "", "X-API-Key", owner[1]+"x").is(401)
	// The account loses its role, and the key with it.
	if _, err := r.app.Users.PatchRow(authz.System(t.Context()), id, []byte(`{"roles":["customer"]}`), nil); err != nil {
		t.Fatal(err)
	}
	r.do("POST", "/api/items", `{"name":"Figs","price":1}`, creator...).is(403)
}

func TestOTP_letters(t *testing.T) {
	box := newLetterbox()
	r := start(t, everything(box, nil))
	r.signUp(ada, "menu-admin")
	box.next(t, ada) // which asks to confirm the address
	here := r.login(ada)
	asked := r.do("POST", "/api/account/password/forgot", `{"email":"ada@x.example"}`, "Host", "evil.example", "X-Forwarded-Host", "evil.example").is(202)
	nobody := r.do("POST", "/api/account/password/forgot", `{"email":"nobody@x.example"}`).is(202)
	if asked.Body != nobody.Body {
		t.Errorf("LOG-02: %s and %s", asked.Body, nobody.Body)
	}
	path, token := box.next(t, ada)
	key := r.do("POST", "/api/account/api-keys", `{"name":"ci","scopes":["signed-in"]}`, here...).is(201).json()["key"].(string)
	for range 3 { // OTP-03
		page := r.do("GET", path+"?token="+token, "").is(200)
		if page.Header.Get("Referrer-Policy") != "no-referrer" || page.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("page %s", page.Header)
		}
	}
	set := fmt.Sprintf(`{"token":%q,"password":%q}`, token, newPassword)
	r.do("POST", "/api/account/password/reset", strings.Replace(set, newPassword, "short", 1)).is(400)
	r.do("POST", "/api/account/password/reset", set).is(204)
	r.do("POST", "/api/account/password/reset", set).is(400)
	r.do("GET", "/api/me", "", here...).is(401) // OTP-07
	r.do("GET", "/api/items", "", "X-API-Key", key).is(401)
	r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(201)
}

// TestOTP08_undo: the former address takes itself back, and the account with it.
func TestOTP08_undo(t *testing.T) {
	box := newLetterbox()
	r := start(t, everything(box, nil))
	r.signUp(ada)
	box.next(t, ada)
	thief := r.login(ada)
	r.do("PUT", "/api/account/email", `{"email":"eve@x.example"}`, thief...).is(202)
	_, token := box.next(t, "eve@x.example")
	r.do("POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(204)
	path, token := box.next(t, ada)
	if path != "/api/account/undo" {
		t.Errorf("the link leads to %s", path)
	}
	r.do("POST", "/api/account/email/undo", fmt.Sprintf(`{"token":%q}`, token)).is(204)
	r.do("GET", "/api/me", "", thief...).is(401)
	r.do("POST", "/api/authentication", loginBody("eve@x.example", goodPassword)).is(401)
}

// TestEverything_otherEntity: accounts need not be called users.
func TestEverything_otherEntity(t *testing.T) {
	r := start(t, everything(newLetterbox(), func(c *auth.Config) { c.Entity = "member" }))
	r.signUp(ada, "menu-admin")
	in := r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(201).json()
	if in["member"] == nil {
		t.Errorf("answer %v", in)
	}
	r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, in["refreshToken"])).is(201)
	bearer := []string{"Authorization", "Bearer " + in["accessToken"].(string)}
	key := r.do("POST", "/api/account/api-keys", `{"name":"ci","scopes":["create:items"]}`, bearer...).is(201).json()["key"].(string)
	r.do("POST", "/api/items", `{"name":"Figs","price":1}`, "X-API-Key", key).is(201)
	session := r.do("POST", "/api/session", loginBody(ada, goodPassword)).is(201)
	for _, line := range session.Header.Values("Set-Cookie") {
		if strings.HasPrefix(line, "__Host-gate=") {
			r.do("GET", "/api/me", "", "Cookie", strings.SplitN(line, ";", 2)[0]).is(200)
		}
	}
}

// TestLOG04_tokensMakeNoDevices: whoever has a token does not get more attempts
// at the password for it.
func TestLOG04_tokensMakeNoDevices(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	r.signUp(ada)
	in := r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(201)
	if !strings.Contains(strings.Join(in.Header.Values("Set-Cookie"), ""), "__Host-gate-device=") {
		t.Fatalf("no device: %s", in.Header)
	}
	device, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
	for name, a := range map[string]answer{
		"shown":   r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"jwt","accessToken":%q}`, in.json()["accessToken"])).is(201),
		"renewed": r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, in.json()["refreshToken"])).is(201),
		"known":   r.do("POST", "/api/authentication", loginBody(ada, goodPassword), "Cookie", device).is(201),
		"wrong":   r.do("POST", "/api/authentication", loginBody(ada, "wrong"), "Cookie", device).is(401),
	} {
		if strings.Contains(strings.Join(a.Header.Values("Set-Cookie"), ""), "device") {
			t.Errorf("%s: another device, and its attempts: %s", name, a.Header)
		}
	}
}

// TestOTP08_confirm: with a design that wants it, nobody logs in before the
// address is confirmed, and is told nothing else than with a wrong password.
func TestOTP08_confirm(t *testing.T) {
	box := newLetterbox()
	r := start(t, everything(box, func(c *auth.Config) { c.Letters.Confirm = true }))
	id := r.signUp(ada)
	path, token := box.next(t, ada)
	unconfirmed := r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(401)
	wrong := r.do("POST", "/api/authentication", loginBody(ada, "wrong "+goodPassword)).is(401)
	if unconfirmed.Body != wrong.Body {
		t.Errorf("LOG-01: %s and %s", unconfirmed.Body, wrong.Body)
	}
	r.do("GET", "/api/me", "", basicHeader(ada, goodPassword)...).is(401) // LOG-07: no other door
	r.do("POST", "/api/session", loginBody(ada, goodPassword)).is(401)
	if path != "/api/account/verify" {
		t.Errorf("the link leads to %s", path)
	}
	r.do("GET", path+"?token="+token, "").is(200)
	r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(401) // OTP-03: looking confirms nothing
	r.do("POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(204)
	r.login(ada)
	// Another address is not confirmed.
	if _, err := r.app.Users.PatchRow(authz.System(t.Context()), id, []byte(`{"email":"other@x.example"}`), nil); err != nil {
		t.Fatal(err)
	}
	r.do("POST", "/api/authentication", loginBody("other@x.example", goodPassword)).is(401)
	admin, err := r.app.Auth.FirstAdministrator(t.Context(), filepath.Join(t.TempDir(), "admin.json"))
	if admin != nil || err != nil {
		t.Errorf("an administrator although there are accounts: %v, %v", admin, err)
	}
}

func TestPWD12_firstAdministratorIsConfirmed(t *testing.T) {
	r := start(t, everything(newLetterbox(), func(c *auth.Config) { c.Letters.Confirm = true }))
	admin, err := r.app.Auth.FirstAdministrator(t.Context(), filepath.Join(t.TempDir(), "admin.json"))
	if err != nil || admin == nil {
		t.Fatalf("%v, %v", admin, err)
	}
	r.do("POST", "/api/authentication", loginBody(admin.Login, admin.Password.Reveal())).is(201)
}

// TestPWD11_passwordByAnother: who takes an account back from a thief leaves the
// thief nothing.
func TestPWD11_passwordByAnother(t *testing.T) {
	r := start(t, everything(newLetterbox(), func(c *auth.Config) { c.Letters = nil }))
	admin := "admin@x.example"
	r.signUp(admin, "menu-admin")
	id := r.signUp(ada)
	thief := r.login(ada)
	key := r.do("POST", "/api/account/api-keys", `{"name":"ci","scopes":["owner"]}`, thief...).is(201).json()["key"].(string)
	r.do("GET", "/api/users/"+id, "", "X-API-Key", key).is(200)
	r.do("PATCH", "/api/users/"+id, `{"password":"`+newPassword+`"}`, r.login(admin)...).is(200)
	r.do("GET", "/api/users/"+id, "", "X-API-Key", key).is(401)
	r.do("GET", "/api/me", "", thief...).is(401)
	r.do("POST", "/api/account/password/forgot", `{"email":"ada@x.example"}`).is(404) // there are no letters
}

// TestOTP08_undoAfterAnother: whoever looks after accounts has the last word
// about an address.
func TestOTP08_undoAfterAnother(t *testing.T) {
	box := newLetterbox()
	r := start(t, everything(box, nil))
	admin := "admin@x.example"
	r.signUp(admin, "menu-admin")
	box.next(t, admin)
	id := r.signUp(ada)
	box.next(t, ada)
	r.do("PUT", "/api/account/email", `{"email":"eve@x.example"}`, r.login(ada)...).is(202)
	_, token := box.next(t, "eve@x.example")
	r.do("POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(204)
	_, undo := box.next(t, ada)
	r.do("PATCH", "/api/users/"+id, `{"email":"right@x.example"}`, r.login(admin)...).is(200)
	r.do("POST", "/api/account/email/undo", fmt.Sprintf(`{"token":%q}`, undo)).is(400)
}

func TestLetters_needAMailServer(t *testing.T) {
	for name, environ := range map[string][]string{
		"no server": {"PUBLIC_URL=https://api.restaurant.example"},
		"no URL":    {"MAIL_URL=smtp://mail.restaurant.example", "MAIL_FROM=a@restaurant.example"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.Load(config.Options{
				Environ: append(environ, "AUTH_SECRET="+testSecret), Addr: "127.0.0.1:0",
				Database: filepath.Join(t.TempDir(), "data.db"), SecretBytes: 32,
			})
			if err != nil {
				t.Fatal(err)
			}
			s := restaurant(true, true, nil)
			everything(newLetterbox(), nil).change(&s)
			if _, err := server.Open(t.Context(), s, cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "_URL is not set") {
				t.Errorf("%v", err)
			}
		})
	}
}
