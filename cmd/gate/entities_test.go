package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/store/storetest"
)

// twoEntities returns the design of a shop in which people and customers log in, and
// are numbered alike.
func twoEntities(t *testing.T, database string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", "gen", "testdata", "two-entities.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(src), "apis: [rest, graphql]", "apis: [rest, graphql], database: "+database, 1)
}

// TestTwoEntities attacks a service in which accounts of two entities log in, that
// have the same ids and the same names, as each of them.
func TestTwoEntities(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			env := "AUTH_SECRET=" + rand.Text() + rand.Text() + "\nADMIN_EMAIL=ann@shop.example\n"
			if database == "postgres" {
				env += "DATABASE_URL=" + storetest.PostgresURL(t) + "\n"
			}
			bin, err := buildService("shop-on-"+database, twoEntities(t, database))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, ".env"), env)
			s := &twoKinds{running: serve(t, bin, dir, "")}
			s.arrive()
			for _, attack := range []struct {
				name string
				f    func(*testing.T)
			}{
				{"log-in", s.logIn},
				{"roles", s.roles},
				{"rows", s.rows},
				{"graphql", s.graphql},
				{"sessions", s.sessions},
				{"refresh", s.renewal},
				{"keys", s.keys},
				{"events", s.events},
				{"idempotency", s.idempotency},
				{"throttle", s.throttle},
				{"password", s.password},
				{"end", s.end},
			} {
				t.Run(attack.name, func(t *testing.T) { s.t = t; attack.f(t) })
			}
		})
	}
}

// twoKinds is the boss, account 1, and the customer 1, who log in by the same name;
// and a second one of each.
type twoKinds struct {
	*running
	boss, ann, clerk, bob string // headers
	asBoss, asAnn         map[string]any
}

const customerSecret = "another battery horse staple"

// customer logs a customer in.
func (s *twoKinds) customer(name, secret string) (string, map[string]any) {
	s.t.Helper()
	result := s.want(201, "POST", "/api/authentication", "", fmt.Sprintf(`{"strategy":"local-customer","login":%q,"secret":%q}`, name, secret)).object(s.t)
	token, _ := result["accessToken"].(string)
	return "Bearer " + token, result
}

func (s *twoKinds) arrive() {
	s.t.Helper()
	s.boss, s.asBoss = s.login(s.admin.Email, s.admin.Password)
	s.want(201, "POST", "/api/customers", "", fmt.Sprintf(`{"login":%q,"secret":%q,"nick":"Ann"}`, s.admin.Email, customerSecret))
	s.want(201, "POST", "/api/customers", "", fmt.Sprintf(`{"login":"bob","secret":%q,"nick":"Bob"}`, customerSecret))
	s.want(201, "POST", "/api/users", s.boss, fmt.Sprintf(`{"email":"clerk@shop.example","password":%q}`, horse))
	s.ann, s.asAnn = s.customer(s.admin.Email, customerSecret)
	s.bob, _ = s.customer("bob", customerSecret)
	s.clerk, _ = s.login("clerk@shop.example", horse)
}

// has wants an answer with these parts, and without those behind "-".
func has(t *testing.T, what, body string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if without, not := strings.CutPrefix(part, "-"); strings.Contains(body, without) == not {
			t.Errorf("%s: want %q: %s", what, part, body)
		}
	}
}

func (s *twoKinds) logIn(t *testing.T) {
	for _, body := range []string{
		fmt.Sprintf(`{"strategy":"local-customer","login":%q,"secret":%q}`, s.admin.Email, s.admin.Password),
		fmt.Sprintf(`{"strategy":"local-customer","login":"clerk@shop.example","secret":%q}`, horse),
		fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, s.admin.Email, customerSecret),
		fmt.Sprintf(`{"strategy":"local","entity":"Customer","email":"bob","password":%q}`, customerSecret),
	} {
		if a := s.ask("POST", "/api/authentication", "", body); a.status != 401 {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	sub := func(result map[string]any) string {
		token, _ := result["accessToken"].(string)
		claims, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		return string(claims)
	}
	has(t, "token of the boss", sub(s.asBoss), `"sub":"1"`)
	has(t, "token of Ann", sub(s.asAnn), `"sub":"Customer/1"`)
	if s.asBoss["user"] == nil || s.asBoss["customer"] != nil || s.asAnn["user"] != nil || s.asAnn["customer"] == nil {
		t.Errorf("who logged in: %v, %v", s.asBoss, s.asAnn)
	}
	has(t, "me", s.want(200, "GET", "/api/me", s.ann, "").body, `"nick":"Ann"`, `"id":1`, `"rights":["customer"]`, "-email")
	has(t, "me", s.want(200, "GET", "/api/me", s.boss, "").body, `"email":"ann@shop.example"`, `"boss"`, "-nick")
	has(t, "the document", s.want(200, "GET", "/api/openapi.json", "", "").body, `"const": "local-customer"`, `"customer": {`, `"anyOf"`)
	has(t, "permissions", s.want(200, "GET", "/api/me/permissions", s.ann, "").body, `"roles":["customer"]`, `"permissions":[]`)
}

func (s *twoKinds) roles(t *testing.T) {
	for _, role := range []string{"boss", "clerk", "premium"} {
		for _, who := range []string{"", s.ann, s.clerk} {
			body := fmt.Sprintf(`{"login":"eve","secret":%q,"rights":[%q]}`, customerSecret, role)
			if a := s.ask("POST", "/api/customers", who, body); a.status != 400 && a.status != 403 {
				t.Errorf("a sign-up as %s: %d %s", role, a.status, a.body)
			}
		}
	}
	for _, role := range []string{"boss", "clerk"} {
		if a := s.ask("PATCH", "/api/customers/2", s.boss, `{"rights":["`+role+`"]}`); a.status != 400 {
			t.Errorf("a customer who is %s: %d %s", role, a.status, a.body)
		}
	}
	s.want(403, "PATCH", "/api/customers/1", s.ann, `{"rights":["premium"]}`)
	s.want(403, "GET", "/api/discounts", s.bob, "")
	s.want(200, "PATCH", "/api/customers/2", s.boss, `{"rights":["premium"]}`)
	s.want(200, "GET", "/api/discounts", s.bob, "")
	s.want(403, "GET", "/api/discounts", s.clerk, "") // who has the id of Bob
	has(t, "a new user", s.want(200, "GET", "/api/users/2", s.boss, "").body, `"roles":["clerk"]`)
}

func (s *twoKinds) rows(t *testing.T) {
	s.want(201, "POST", "/api/notes", s.boss, `{"text":"note of the boss"}`)
	s.want(201, "POST", "/api/carts", s.ann, `{"text":"cart of Ann"}`)
	s.want(201, "POST", "/api/lines", s.ann, `{"text":"line of Ann","cartId":1}`)
	s.want(200, "GET", "/api/notes/1", s.boss, "")
	s.want(200, "GET", "/api/carts/1", s.ann, "")
	s.want(200, "GET", "/api/lines/1", s.ann, "")
	for _, tt := range []struct{ who, name, path string }{
		{s.ann, "Ann", "/api/notes"}, {s.boss, "the boss", "/api/carts"}, {s.boss, "the boss", "/api/lines"},
	} {
		for _, query := range []string{"", "?text[$ne]=x", "?$limit=0", "?$sort[text]=1"} {
			if a := s.ask("GET", tt.path+query, tt.who, ""); a.status != 403 { // who can own none
				t.Errorf("%s lists %s%s: %d %s", tt.name, tt.path, query, a.status, a.body)
			}
		}
		for _, method := range []string{"GET", "PATCH", "PUT", "DELETE"} {
			body := ""
			if strings.HasPrefix(method, "P") {
				body = `{"text":"stolen"}`
			}
			if a := s.ask(method, tt.path+"/1", tt.who, body); a.status != 403 {
				t.Errorf("%s: %s %s/1: %d %s", tt.name, method, tt.path, a.status, a.body)
			}
		}
	}
	s.want(400, "POST", "/api/carts", s.boss, `{"text":"whose?"}`)           // the owner has to be a customer
	s.want(400, "POST", "/api/lines", s.boss, `{"text":"mine?","cartId":1}`) // a cart out of sight
	has(t, "a note of a customer", s.want(201, "POST", "/api/notes", s.ann, `{"text":"whose?"}`).body, `"text":"whose?"`, `-"authorId":1`)
	has(t, "notes of the boss", s.want(200, "GET", "/api/notes", s.boss, "").body, `"total":1`, "-whose")
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		body := ""
		if method == "PATCH" {
			body = `{"email":"stolen@shop.example"}`
		}
		if a := s.ask(method, "/api/users/1", s.ann, body); a.status != 403 && a.status != 404 {
			t.Errorf("Ann: %s /api/users/1: %d %s", method, a.status, a.body)
		}
	}
	s.want(403, "GET", "/api/customers/1", s.clerk, "")
	s.want(403, "GET", "/api/customers/2", s.clerk, "") // whose id is the same
	s.want(403, "PATCH", "/api/customers/2", s.clerk, `{"nick":"stolen"}`)
	s.want(200, "PATCH", "/api/customers/1", s.ann, `{"nick":"Anna"}`)
	s.want(200, "PATCH", "/api/customers/1", s.ann, `{"nick":"Ann"}`)
	s.want(404, "GET", "/api/customers/Customer%2F1", s.ann, "")
	has(t, "who writes", s.want(200, "GET", "/api/users/1", s.boss, "").body, `"email":"ann@shop.example"`)
}

func (s *twoKinds) graphql(t *testing.T) {
	ask := func(who, query string) string {
		t.Helper()
		return s.want(200, "POST", "/api/graphql", who, `{"query":"`+strings.ReplaceAll(query, `"`, `\"`)+`"}`).body
	}
	const both = `{ me { email } meCustomer { nick } }`
	has(t, "Ann", ask(s.ann, both), `"me":null`, `"nick":"Ann"`, "-errors")
	has(t, "the boss", ask(s.boss, both), `"meCustomer":null`, `"email":"ann@shop.example"`, "-errors")
	has(t, "nobody", ask("", both), `"me":null`, `"meCustomer":null`, "UNAUTHENTICATED")
	has(t, "notes of Ann", ask(s.ann, `{ notes { text } note(id: "1") { text } carts { text buyer { nick } } }`), `"notes":null`, `"note":null`, `"text":"cart of Ann"`)
	has(t, "carts of the boss", ask(s.boss, `{ carts { text } cart(id: "1") { text } lines { text } notes { text author { email } } }`), `"carts":null`, `"cart":null`, `"lines":null`, `"text":"note of the boss"`)
	has(t, "a login", ask("", fmt.Sprintf(`mutation { login(strategy: "local-customer", credentials: {login: "bob", secret: %q}) { accessToken } }`, customerSecret)), `"accessToken":"ey`)
	has(t, "a login", ask("", fmt.Sprintf(`mutation { login(strategy: "local-customer", credentials: {login: %q, secret: %q}) { accessToken } }`, s.admin.Email, s.admin.Password)), "-accessToken\":\"ey", "UNAUTHENTICATED")
}

// cookie logs a browser in and returns its cookie.
func (s *twoKinds) cookie(t *testing.T, body string) string {
	t.Helper()
	a := s.want(201, "POST", "/api/session", "", body)
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return cookie
}

// browse gets something with a cookie.
func (s *twoKinds) browse(t *testing.T, path, cookie string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", cookie)
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

func (s *twoKinds) sessions(t *testing.T) {
	ann := s.cookie(t, fmt.Sprintf(`{"strategy":"local-customer","login":%q,"secret":%q}`, s.admin.Email, customerSecret))
	boss := s.cookie(t, fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, s.admin.Email, s.admin.Password))
	_, me := s.browse(t, "/api/me", ann)
	has(t, "the cookie of Ann", me, `"nick":"Ann"`)
	_, me = s.browse(t, "/api/session", ann)
	has(t, "the session of Ann", me, `"customer":{`, `"nick":"Ann"`, `-"user"`)
	_, me = s.browse(t, "/api/me", boss)
	has(t, "the cookie of the boss", me, `"email":"ann@shop.example"`)
	_, notes := s.browse(t, "/api/notes", ann)
	has(t, "notes by the cookie of Ann", notes, `"code":403`)

	devices := func(who string) []any {
		list, _ := s.want(200, "GET", "/api/account/sessions", who, "").object(t)["sessions"].([]any)
		return list
	}
	if a, b := len(devices(s.ann)), len(devices(s.boss)); a != 2 || b != 2 {
		t.Errorf("Ann has %d sessions, the boss %d, want 2 each", a, b)
	}
	for _, device := range devices(s.ann) {
		id, _ := device.(map[string]any)["id"].(string)
		s.want(404, "DELETE", "/api/account/sessions/"+id, s.boss, "")
	}
	s.want(204, "DELETE", "/api/account/sessions", s.boss, "") // all but this one: those of the boss
	if status, _ := s.browse(t, "/api/me", boss); status != 401 {
		t.Errorf("the session of the boss: %d", status)
	}
	if status, _ := s.browse(t, "/api/me", ann); status != 200 {
		t.Errorf("the session of Ann: %d", status)
	}
}

func (s *twoKinds) renewal(t *testing.T) {
	renew := func(token any) (int, map[string]any) {
		a := s.ask("POST", "/api/authentication", "", fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, token))
		return a.status, a.object(t)
	}
	status, next := renew(s.asAnn["refreshToken"])
	if status != 201 || next["customer"] == nil || next["user"] != nil {
		t.Fatalf("renewed for Ann: %d %v", status, next)
	}
	token, _ := next["accessToken"].(string)
	has(t, "with the next token", s.want(200, "GET", "/api/me", "Bearer "+token, "").body, `"nick":"Ann"`)
	s.asAnn = next
	// Other rights end the refresh tokens of the one who got them.
	_, bob := s.customer("bob", customerSecret)
	_, clerk := s.login("clerk@shop.example", horse)
	s.want(200, "PATCH", "/api/customers/2", s.boss, `{"rights":["customer"]}`)
	if status, _ := renew(bob["refreshToken"]); status != 401 {
		t.Errorf("renewed for Bob: %d", status)
	}
	if status, _ := renew(clerk["refreshToken"]); status != 201 {
		t.Errorf("renewed for the clerk: %d", status)
	}
}

func (s *twoKinds) keys(t *testing.T) {
	s.ann, s.asAnn = s.customer(s.admin.Email, customerSecret) // a moment ago
	made := s.want(201, "POST", "/api/account/api-keys", s.ann, `{"name":"of Ann","scopes":["owner"]}`).object(t)
	key, _ := made["key"].(string)
	if key == "" {
		t.Fatalf("no key: %v", made)
	}
	id, _ := made["id"].(string)
	has(t, "carts by the key", s.send("GET", "/api/carts", "", "", "X-API-Key", key).body, `"text":"cart of Ann"`)
	has(t, "notes by the key", s.send("GET", "/api/notes", "", "", "X-API-Key", key).body, `"code":403`)
	if a := s.send("PATCH", "/api/users/1", "", `{"email":"stolen@shop.example"}`, "X-API-Key", key); a.status != 404 && a.status != 403 {
		t.Errorf("the account 1 by the key: %d %s", a.status, a.body)
	}
	has(t, "keys of the boss", s.want(200, "GET", "/api/account/api-keys", s.boss, "").body, "-of Ann")
	s.want(404, "DELETE", "/api/account/api-keys/"+id, s.boss, "")
	has(t, "keys of Ann", s.want(200, "GET", "/api/account/api-keys", s.ann, "").body, "of Ann")
}

func (s *twoKinds) events(t *testing.T) {
	s.want(403, "GET", "/api/events?entities=notes", s.ann, "")
	boss, ann := s.hear(t, s.boss, "notes"), s.hear(t, s.ann, "carts")
	s.want(201, "POST", "/api/notes", s.boss, `{"text":"first note"}`)
	s.want(201, "POST", "/api/carts", s.ann, `{"text":"next cart"}`)
	s.want(201, "POST", "/api/notes", s.boss, `{"text":"last note"}`)
	has(t, "what Ann hears", strings.Join(ann.until(t, "next cart"), "\n"), "-first note")
	has(t, "what the boss hears", strings.Join(boss.until(t, "last note"), "\n"), "first note", "-next cart")
}

func (s *twoKinds) idempotency(t *testing.T) {
	a := s.send("POST", "/api/notes", s.boss, `{"text":"twice"}`, "Idempotency-Key", "k")
	b := s.send("POST", "/api/notes", s.ann, `{"text":"twice"}`, "Idempotency-Key", "k")
	if a.status != 201 || b.status != 201 || b.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("%d %s; %d %s", a.status, a.body, b.status, b.body)
	}
	has(t, "what Ann is told", b.body, `-"authorId":1`)
}

func (s *twoKinds) throttle(t *testing.T) {
	guess := func(body string) int { return s.ask("POST", "/api/authentication", "", body).status }
	for range 10 {
		guess(`{"strategy":"local-customer","login":"clerk@shop.example","secret":"wrong horse battery"}`)
		guess(`{"strategy":"local-customer","login":"who@shop.example","secret":"wrong horse battery"}`)
	}
	if status := guess(`{"strategy":"local-customer","login":"who@shop.example","secret":"wrong horse battery"}`); status != 429 {
		t.Errorf("the name of no customer, again: %d", status)
	}
	for _, name := range []string{"clerk@shop.example", "who@shop.example"} { // of whom one is a user
		if status := guess(fmt.Sprintf(`{"strategy":"local","email":%q,"password":"wrong horse battery"}`, name)); status != 401 {
			t.Errorf("%s at the log-in of users: %d", name, status)
		}
	}
}

func (s *twoKinds) password(t *testing.T) {
	change := func(status int, who, now, next string) {
		t.Helper()
		s.want(status, "PUT", "/api/account/password", who, fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, now, next))
	}
	const next = "a third battery horse staple"
	change(401, s.ann, s.admin.Password, next) // which is right for the account 1
	change(401, s.boss, customerSecret, next)
	_, before := s.customer(s.admin.Email, customerSecret)
	other, _ := before["accessToken"].(string)
	change(204, s.ann, customerSecret, next)
	s.want(401, "GET", "/api/me", "Bearer "+other, "")
	s.want(200, "GET", "/api/me", s.ann, "")
	s.want(200, "GET", "/api/me", s.boss, "")
	s.login(s.admin.Email, s.admin.Password)
	s.want(401, "POST", "/api/authentication", "", fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, s.admin.Email, next))
	s.want(401, "POST", "/api/authentication", "", fmt.Sprintf(`{"strategy":"local-customer","login":%q,"secret":%q}`, s.admin.Email, customerSecret))
	s.customer(s.admin.Email, next)
}

func (s *twoKinds) end(t *testing.T) {
	s.want(200, "DELETE", "/api/users/2", s.boss, "")
	s.want(401, "GET", "/api/me", s.clerk, "")
	has(t, "Bob, whose id is the same", s.want(200, "GET", "/api/me", s.bob, "").body, `"nick":"Bob"`)
	s.want(200, "DELETE", "/api/customers/1", s.boss, "")
	s.want(401, "GET", "/api/me", s.ann, "")
	has(t, "the boss, whose id is the same", s.want(200, "GET", "/api/me", s.boss, "").body, `"email":"ann@shop.example"`)
}
