package main

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A visitor is a browser at the identity provider.
type visitor struct {
	t      *testing.T
	http   *http.Client
	issuer string
	at     string // where the last page was
}

func newVisitor(t *testing.T, issuer string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, http: &http.Client{Jar: jar}, issuer: strings.TrimSuffix(issuer, "/")}
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
	fakeButton  = regexp.MustCompile(`href="(/u/with\?connection=github[^"]*)"`)
	shownToken  = regexp.MustCompile(`TOKEN=([\w.\-]+)`)
)

// page gets a page, or posts a form of the page before it.
func (g *visitor) page(path string, before string, fields ...string) string {
	g.t.Helper()
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if before != "" {
		form := url.Values{}
		for _, m := range hiddenField.FindAllStringSubmatch(before, -1) {
			form.Set(m[1], html.UnescapeString(m[2]))
		}
		for i := 0; i+1 < len(fields); i += 2 {
			form.Set(fields[i], fields[i+1])
		}
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, g.issuer+path, body)
	if err != nil {
		g.t.Fatal(err)
	}
	if before != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", g.issuer)
	}
	res, err := g.http.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	g.at = res.Request.URL.String()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		g.t.Fatalf("%s %s: %s %.2000s", method, path, res.Status, data)
	}
	return string(data)
}

// choose chooses a person on the page that the visitor is at.
func (g *visitor) choose(person string) string {
	g.t.Helper()
	res, err := g.http.PostForm(g.at, url.Values{"person": {person}})
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		g.t.Fatalf("%s, %v: %.2000s", res.Status, err, data)
	}
	return string(data)
}

// token returns the access token that the page for trying shows.
func (g *visitor) token(page string) string {
	g.t.Helper()
	m := shownToken.FindStringSubmatch(page)
	if m == nil {
		g.t.Fatalf("no token on the page: %.3000s", page)
	}
	return "Bearer " + m[1]
}

// TestAuth0Story is the story of the tutorials, offline: somebody signs up on
// the hosted page, reads, may not write, is given a role by the Management API,
// and writes.
func TestAuth0Story(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "gate.yaml"), read(t, "../../examples/restaurant-auth0/gate.yaml"))
	gate := gateBinary(t)
	r := dev(t, gate, dir, "--idp", "localhost:0")
	if r.idp == nil {
		t.Fatal("no identity provider was started")
	}
	issuer := r.idp["issuer"].(string)
	mia := newVisitor(t, issuer)
	shown := mia.page("/u/signup", mia.page("/try?screen_hint=signup", ""), "email", "mia@example.com", "password", "Tin-Otter-Marsh-41")
	bearer := mia.token(shown)
	r.want(200, "GET", "/api/items", bearer, "")
	soup := `{"name":"Soup","price":4.5}`
	r.want(403, "POST", "/api/items", bearer, soup)
	r.want(401, "POST", "/api/items", "", soup)
	if me := r.want(200, "GET", "/api/me", bearer, "").object(t); me["email"] != "mia@example.com" {
		t.Errorf("me is %v", me)
	}

	// The administrator's program gives the role.
	api := &running{t: t, url: strings.TrimSuffix(issuer, "/")}
	ask, err := json.Marshal(map[string]any{
		"grant_type": "client_credentials", "client_id": r.idp["machine_client_id"], "client_secret": r.idp["machine_client_secret"],
		"audience": issuer + "api/v2/",
	})
	if err != nil {
		t.Fatal(err)
	}
	manager := "Bearer " + api.want(200, "POST", "/oauth/token", "", string(ask)).object(t)["access_token"].(string)
	var users, roles []map[string]any
	for path, into := range map[string]*[]map[string]any{"/api/v2/users-by-email?email=mia@example.com": &users, "/api/v2/roles?name_filter=menu-admin": &roles} {
		if err := json.Unmarshal([]byte(api.want(200, "GET", path, manager, "").body), into); err != nil || len(*into) != 1 {
			t.Fatalf("%s: %d of them, %v", path, len(*into), err)
		}
	}
	path := "/api/v2/users/" + url.PathEscape(users[0]["user_id"].(string)) + "/roles"
	api.want(204, "POST", path, manager, `{"roles":["`+roles[0]["id"].(string)+`"]}`)

	r.want(403, "POST", "/api/items", bearer, soup) // the old token is what it was
	bearer = mia.token(mia.page("/try", ""))        // silently: the session goes on
	r.want(201, "POST", "/api/items", bearer, soup)

	// The administrator gives it to somebody else by the command.
	ben := newVisitor(t, issuer)
	ben.page("/u/signup", ben.page("/try?screen_hint=signup", ""), "email", "ben@example.com", "password", "Oak-Lantern-Reed-07")
	assign := exec.Command(gate, "idp", "role", "assign", "menu-admin", "ben@example.com")
	assign.Dir = dir
	if out, err := assign.CombinedOutput(); err != nil {
		t.Fatalf("gate idp role assign: %v\n%s", err, out)
	}
	r.want(201, "POST", "/api/items", ben.token(ben.page("/try", "")), soup)

	// The letter that asks to confirm the address is in the outbox.
	if !strings.Contains(mia.page("/outbox", ""), "mia@example.com") {
		t.Error("no letter in the outbox")
	}
	// Without a network somebody comes in by another provider, and is a stranger.
	ada := newVisitor(t, issuer)
	way := fakeButton.FindStringSubmatch(ada.page("/try", ""))
	if way == nil {
		t.Fatal("the page has no way by another provider")
	}
	people := ada.page(html.UnescapeString(way[1]), "")
	if !strings.Contains(people, "imitation") || strings.Contains(people, `type="password"`) {
		t.Errorf("the page does not say what it is: %s", people)
	}
	shown = ada.choose("1000000000001")
	bearer = ada.token(shown)
	if me := r.want(200, "GET", "/api/me", bearer, "").object(t); me["email"] != "ada@example.com" || !strings.Contains(shown, "github|1000000000001") {
		t.Errorf("ada is %v, %s", me, shown)
	}
	r.want(403, "POST", "/api/items", bearer, soup)

	// Whoever starts gate dev again finds the same people.
	data, err := os.ReadFile(filepath.Join(dir, ".gate", "idp.json"))
	if err != nil || !strings.Contains(string(data), `"password"`) {
		t.Errorf("the administrator's password was not kept: %v", err)
	}
	admin := newVisitor(t, issuer)
	var kept struct{ Admin, Password string }
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	shown = admin.page("/u/login", admin.page("/try?prompt=login", ""), "username", kept.Admin, "password", kept.Password)
	if me := r.want(200, "GET", "/api/me", admin.token(shown), "").object(t); !strings.Contains(strings.Join(texts(me["roles"]), " "), "admin") {
		t.Errorf("the first administrator is %v", me)
	}
}

// TestNewAuth0 makes a service of each starter, whose people log in at an issuer,
// and runs the one that says most: gate dev has the issuer at once.
func TestNewAuth0(t *testing.T) {
	gate := gateBinary(t)
	folder := t.TempDir()
	for _, starter := range []string{"empty", "blog", "restaurant"} {
		dir := filepath.Join(folder, starter)
		if out, err := exec.Command(gate, "new", "shop", "--dir", dir, "--starter", starter, "--auth", "auth0").CombinedOutput(); err != nil {
			t.Fatalf("gate new: %v\n%s", err, out)
		}
		if out, err := exec.Command(gate, "design", "check", dir).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", starter, err, out)
		}
	}
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := filepath.Join(folder, "restaurant")
	r := dev(t, gate, dir, "--idp", "localhost:0")
	if r.idp == nil {
		t.Fatal("no identity provider was started")
	}
	mia := newVisitor(t, r.idp["issuer"].(string))
	bearer := mia.token(mia.page("/u/signup", mia.page("/try?screen_hint=signup", ""), "email", "mia@example.com", "password", "Tin-Otter-Marsh-41"))
	r.want(200, "GET", "/api/items", "", "")
	r.want(403, "POST", "/api/items", bearer, `{"name":"Soup","price":4.5}`)
	if me := r.want(200, "GET", "/api/me", bearer, "").object(t); me["email"] != "mia@example.com" {
		t.Errorf("me is %v", me)
	}
	assign := exec.Command(gate, "idp", "role", "assign", "menu-admin", "mia@example.com")
	assign.Dir = dir
	if out, err := assign.CombinedOutput(); err != nil {
		t.Fatalf("gate idp role assign: %v\n%s", err, out)
	}
	r.want(201, "POST", "/api/items", mia.token(mia.page("/try", "")), `{"name":"Soup","price":4.5}`)
}

func texts(list any) []string {
	var out []string
	items, _ := list.([]any)
	for _, item := range items {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
