package cli

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/tenant"
)

// TestDev_providerFollows: the provider of gate dev takes a changed design, gives
// the administrator what is new, and leaves what a person changed.
func TestDev_providerFollows(t *testing.T) {
	d, change := following(t)
	p := d.provider
	if p.role != "menu-admin" || p.roles != "every role" {
		t.Errorf("worth giving: %q; the administrator has %q", p.role, p.roles)
	}
	if client, err := p.in.Tenant().Clients.Get(t.Context(), p.client); err != nil || client.LogoutURLs[0] != p.issuer+"try" {
		t.Errorf("a log-out leads to %v, %v", client, err)
	}
	if told := change("  menu-admin:\n", "  menu-admin: # somebody wrote a word\n"); told != nil {
		t.Errorf("nothing changed: %q", told)
	}
	take(t, p, "admin") // by a person
	told := change("  admin:\n", "  waiter: {description: Carries., permissions: [\"create:orders\"]}\n  admin:\n")
	if want := []string{"the provider has now: role waiter, permission create:orders"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if got := rolesOf(t, p); !slices.Contains(got, "waiter") || slices.Contains(got, "admin") {
		t.Errorf("the administrator has %q: not what is new, or what was taken from them", got)
	}
	if p.roles != "" {
		t.Errorf("the administrator is said to have %s", p.roles)
	}
	if scope := p.asked.scope(); !strings.Contains(scope, "create:orders") {
		t.Errorf("the page asks for %q", scope)
	}
	told = change("  waiter: {description: Carries., permissions: [\"create:orders\"]}\n", "")
	if len(told) != 1 || !strings.Contains(told[0], "keeps what gate.yaml says no more: role waiter, permission create:orders") {
		t.Errorf("told %q", told)
	}
	if got := rolesOf(t, p); !slices.Contains(got, "waiter") {
		t.Errorf("a role was taken away: %q", got)
	}
}

// following is a provider as gate dev runs it, and what changes gate.yaml and returns
// what is told then.
func following(t *testing.T) (d *dev, change func(old, with string) []string) {
	t.Helper()
	t.Setenv("AUTH0_ISSUER_URL", "")
	d = &dev{cmd: &devCmd{IDP: "localhost:0"}, talk: newTalk(new(bytes.Buffer), "never"), p: issued(t, "http://localhost:0/"), addr: "127.0.0.1:3000"}
	if err := d.p.prepare(); err != nil {
		t.Fatal(err)
	}
	if err := d.openLog(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.log.file.Close() })
	restart(t, d)
	t.Cleanup(func() { d.provider.close() })
	return d, func(old, with string) []string {
		t.Helper()
		file := filepath.Join(d.p.dir, "gate.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(old)) {
			t.Fatalf("gate.yaml has no %q", old)
		}
		if err := os.WriteFile(file, bytes.Replace(text, []byte(old), []byte(with), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		if d.p, err = open(d.p.dir); err != nil {
			t.Fatal(err)
		}
		told, err := d.provider.follow(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return told
	}
}

// restart ends the provider, if there is one, and starts it; it returns what is told.
func restart(t *testing.T, d *dev) string {
	t.Helper()
	if d.provider != nil {
		d.provider.close()
	}
	var out bytes.Buffer
	d.talk = newTalk(&out, "never")
	if err := d.openProvider(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// action is that of the design, as the provider has it.
func action(t *testing.T, p *devProvider) *tenant.Action {
	t.Helper()
	act, err := p.in.Tenant().Actions.ByName(t.Context(), "Add user details to access token")
	if err != nil {
		t.Fatal(err)
	}
	return act
}

// TestDev_actionFollows: the action that the provider runs is that of gate.yaml, of
// this run and of one before; one that a person wrote stays, and what to do is told.
func TestDev_actionFollows(t *testing.T) {
	d, change := following(t)
	told := change("audience: https://restaurant.example/api", "audience: https://second.example/api")
	if act := action(t, d.provider); !strings.Contains(act.Deployed.Code, "https://second.example/api") || act.Code != act.Deployed.Code {
		t.Errorf("the action that runs is not that of the new audience:\n%s", act.Deployed.Code)
	}
	if want := []string{
		"the provider has now: API https://second.example/api",
		"the provider keeps what gate.yaml says no more: API https://restaurant.example/api",
		"the action Add user details to access token was deployed anew, as gate.yaml asks for it now",
	}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	write := func(from, to string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(d.p.dir, "gate.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte(from), []byte(to), 1)
		if err := os.WriteFile(filepath.Join(d.p.dir, "gate.yaml"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if d.p, err = open(d.p.dir); err != nil {
			t.Fatal(err)
		}
	}
	write("second.example", "third.example") // while gate dev was away
	if told := restart(t, d); !strings.Contains(told, "deployed anew") {
		t.Errorf("at the start is told %q", told)
	}
	act := action(t, d.provider)
	if !strings.Contains(act.Deployed.Code, "https://third.example/api") {
		t.Errorf("the next start leaves the action of the audience of before:\n%s", act.Deployed.Code)
	}

	in := map[string]any{"code": act.Code + "// mine\n", "deploy": true}
	if err := d.provider.in.Admin.Do(t.Context(), "PATCH", actionPath(act, ""), in, nil); err != nil {
		t.Fatal(err)
	}
	told = change("third.example", "fourth.example")
	if act := action(t, d.provider); !strings.Contains(act.Deployed.Code, "https://third.example/api") || !strings.HasSuffix(act.Deployed.Code, "// mine\n") {
		t.Errorf("what a person wrote is gone:\n%s", act.Deployed.Code)
	}
	if want := `has code of its own, which stays; that of gate.yaml takes, in the folder of the service: ` +
		`gate idp action deploy "Add user details to access token" --file .gate/action.js`; !strings.Contains(told[len(told)-1], want) {
		t.Errorf("told %q, want %q", told, want)
	}
	code, err := os.ReadFile(filepath.Join(d.p.stateDir(), "action.js"))
	if err != nil || !strings.Contains(string(code), "https://fourth.example/api") {
		t.Errorf("the code to deploy: %s, %v", code, err)
	}
	if told := restart(t, d); strings.Contains(told, "code of its own") {
		t.Errorf("told once more: %q", told)
	}
	// What the line says takes it, and from then on it is followed again.
	if err := d.provider.in.Admin.Do(t.Context(), "PATCH", actionPath(act, ""), map[string]any{"code": string(code), "deploy": true}, nil); err != nil {
		t.Fatal(err)
	}
	change("fourth.example", "fifth.example")
	if act := action(t, d.provider); !strings.Contains(act.Deployed.Code, "https://fifth.example/api") {
		t.Errorf("the action is followed no more:\n%s", act.Deployed.Code)
	}
}

// TestDev_firstRole: the first role of a design comes to tokens.
func TestDev_firstRole(t *testing.T) {
	d, change := following(t)
	file := filepath.Join(d.p.dir, "gate.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	change(string(text), `gate: 1
service: {name: restaurant, module: example.com/restaurant}
plugins:
  auth-core: {entity: User}
  auth-auth0: {domain: "localhost:0", clientId: wab-dashboard, issuerURL: "http://localhost:0/", audience: "https://restaurant.example/api", emailFieldName: email}
entities:
  User:
    fields: {email: {type: email, required: true, unique: true, searchable: true}, password: password, roles: roles}
    owner: id
    allow: {view: [owner]}
`)
	if act := action(t, d.provider); !strings.Contains(act.Deployed.Code, "const withRoles = false;") {
		t.Fatalf("without a role:\n%s", act.Deployed.Code)
	}
	change("plugins:", "roles: {waiter: {default: true}}\nplugins:")
	if act := action(t, d.provider); !strings.Contains(act.Deployed.Code, "const withRoles = true;") {
		t.Errorf("with the first role:\n%s", act.Deployed.Code)
	}
}

// TestDev_namesFollow: the client of gate.yaml is who logs in from then on, and the
// pages and the client have the name of the service, unless somebody gave them others.
func TestDev_namesFollow(t *testing.T) {
	d, change := following(t)
	p := d.provider
	names := func() string {
		t.Helper()
		set, err := p.in.Tenant().Settings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		client, err := p.in.Tenant().Clients.Get(t.Context(), p.client)
		if err != nil {
			t.Fatal(err)
		}
		return set.FriendlyName + ", " + client.Name + ", " + client.ID
	}
	if got, want := names(), "restaurant, restaurant SPA, wab-dashboard"; got != want {
		t.Errorf("at first: %s", got)
	}
	told := change("clientId: wab-dashboard", "clientId: dining-room")
	if got, want := names(), "restaurant, restaurant SPA, dining-room"; got != want {
		t.Errorf("another clientId: %s", got)
	}
	if want := []string{
		"the provider has now: web client dining-room", "the provider keeps what gate.yaml says no more: web client wab-dashboard",
	}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if env := d.environment(); !slices.Contains(env, "AUTH0_CLIENT_ID=dining-room") {
		t.Error("the service is told of the client of before")
	}
	if err := p.show(d); err != nil {
		t.Fatal(err)
	}
	if got := leadsTo(t, p.issuer+"try"); !strings.Contains(got, "client_id=dining-room") {
		t.Errorf("the page logs in by %s", got)
	}
	change("name: restaurant\n", "name: bistro\n")
	if got, want := names(), "bistro, bistro SPA, dining-room"; got != want {
		t.Errorf("another name: %s", got)
	}
	for path, in := range map[string]map[string]any{
		"tenants/settings": {"friendly_name": "Chez Ada"}, "clients/" + p.client: {"name": "Table"},
	} {
		if err := p.in.Admin.Do(t.Context(), "PATCH", path, in, nil); err != nil {
			t.Fatal(err)
		}
	}
	change("name: bistro\n", "name: canteen\n")
	if got, want := names(), "Chez Ada, Table, dining-room"; got != want {
		t.Errorf("names that somebody gave: %s", got)
	}
}

// leadsTo is where an address redirects to.
func leadsTo(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.Header.Get("Location")
}

func adminID(t *testing.T, p *devProvider) string {
	t.Helper()
	user, _, err := p.in.Tenant().UserByLogin(t.Context(), "Username-Password-Authentication", devAdmin)
	if err != nil {
		t.Fatal(err)
	}
	return user.ID
}

func rolesOf(t *testing.T, p *devProvider) []string {
	t.Helper()
	var held []tenant.Role
	if err := p.in.Admin.Do(context.Background(), "GET", "users/"+url.PathEscape(adminID(t, p))+"/roles", nil, &held); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range held {
		names = append(names, r.Name)
	}
	return names
}

// take takes a role from the administrator.
func take(t *testing.T, p *devProvider, role string) {
	t.Helper()
	r, err := p.in.Tenant().Roles.ByName(t.Context(), role)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]any{"roles": []string{r.ID}}
	if err := p.in.Admin.Do(t.Context(), "DELETE", "users/"+url.PathEscape(adminID(t, p))+"/roles", in, nil); err != nil {
		t.Fatal(err)
	}
}
