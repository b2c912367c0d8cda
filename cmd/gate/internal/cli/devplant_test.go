package cli

import (
	"bytes"
	"context"
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
	t.Setenv("AUTH0_ISSUER_URL", "")
	var out bytes.Buffer
	d := &dev{cmd: &devCmd{IDP: "localhost:0"}, talk: newTalk(&out, "never"), p: issued(t, "http://localhost:0/"), addr: "127.0.0.1:3000"}
	if err := d.p.prepare(); err != nil {
		t.Fatal(err)
	}
	if err := d.openLog(); err != nil {
		t.Fatal(err)
	}
	if err := d.openProvider(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer d.log.file.Close()
	defer d.provider.close()
	p := d.provider
	if p.role != "menu-admin" || p.roles != "every role" {
		t.Errorf("worth giving: %q; the administrator has %q", p.role, p.roles)
	}
	if client, err := p.in.Tenant().Clients.Get(t.Context(), p.client); err != nil || client.LogoutURLs[0] != p.issuer+"try" {
		t.Errorf("a log-out leads to %v, %v", client, err)
	}
	file := filepath.Join(d.p.dir, "gate.yaml")
	change := func(old, with string) []string {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.Replace(text, []byte(old), []byte(with), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		if d.p, err = open(d.p.dir); err != nil {
			t.Fatal(err)
		}
		told, err := p.follow(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return told
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
	if a := p.asks.Load(); !strings.Contains(a.scope, "create:orders") {
		t.Errorf("the page asks for %q", a.scope)
	}
	told = change("  waiter: {description: Carries., permissions: [\"create:orders\"]}\n", "")
	if len(told) != 1 || !strings.Contains(told[0], "keeps what gate.yaml says no more: role waiter, permission create:orders") {
		t.Errorf("told %q", told)
	}
	if got := rolesOf(t, p); !slices.Contains(got, "waiter") {
		t.Errorf("a role was taken away: %q", got)
	}
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
