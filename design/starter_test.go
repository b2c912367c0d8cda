package design_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
)

func TestStarter(t *testing.T) {
	for _, name := range design.Starters() {
		for auth, plugins := range map[design.Authentication]string{
			"":               "auth-core auth-jwt",
			design.AuthJWT:   "auth-core auth-jwt",
			design.AuthBasic: "auth-core auth-basic",
			design.AuthBoth:  "auth-core auth-jwt auth-basic",
			design.AuthAuth0: "auth-core auth-auth0",
			design.AuthNone:  "",
		} {
			t.Run(name+"/"+string(auth), func(t *testing.T) {
				src, err := design.Starter(name, design.StarterConfig{Name: "my-shop", Database: design.Postgres, Authentication: auth})
				if err != nil {
					t.Fatal(err)
				}
				d := parse(t, string(src))
				var got []string
				for _, p := range d.Plugins {
					got = append(got, p.Name)
				}
				if s := strings.Join(got, " "); s != plugins {
					t.Errorf("plugins %q, want %q", s, plugins)
				}
				if s := d.Service; s.Name != "my-shop" || s.Module != "example.com/my-shop" || s.Database != design.Postgres {
					t.Errorf("service %+v", s)
				}
				if w := d.Warnings(); len(w) > 0 {
					t.Errorf("warnings %v", w)
				}
				if plugins == "" {
					return
				}
				if _, err := d.AuthEntity("User", design.Position{}); err != nil {
					t.Error(err)
				}
				if a := field(t, d, "User", "roles").Access; rules(a.Create) != "update:users" || rules(a.Update) != "update:users" {
					t.Errorf("roles can be written by %+v", a)
				}
			})
		}
	}
}

// TestGEN02_starter hands over texts that would be something else if they were
// printed as they are.
func TestGEN02_starter(t *testing.T) {
	for _, text := range []string{"a: b # c", "x\nroles: {admin: {default: true}}", `"`, "'", "{{.Name}}", "- a", "&a", "\u202e", "no"} {
		src, err := design.Starter("empty", design.StarterConfig{Name: "shop", Description: text})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		d := parse(t, string(src))
		if d.Service.Description != text || len(d.Roles) != 2 {
			t.Errorf("got %q and %d roles, want %q; file:\n%s", d.Service.Description, len(d.Roles), text, src)
		}
	}
	for _, c := range []design.StarterConfig{
		{},
		{Name: "My Shop"},
		{Name: "shop\nroles: {}"},
		{Name: "shop", Module: "no-domain"},
		{Name: "shop", Module: "example.com/a\n  port: 1"},
		{Name: "shop", Database: "sqlite\n  port: 1"},
		{Name: "shop", Authentication: "magic"},
	} {
		if src, err := design.Starter("empty", c); err == nil {
			t.Errorf("%+v: got\n%s", c, src)
		}
	}
	if _, err := design.Starter("../starters/blog", design.StarterConfig{Name: "shop"}); err == nil {
		t.Error("an unknown starter was found")
	}
}

// TestRestaurant holds the example to what its guide promises.
func TestRestaurant(t *testing.T) {
	d, err := design.Load("../examples/restaurant/gate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if w := d.Warnings(); len(w) > 0 {
		t.Errorf("warnings %v", w)
	}
	item, user := d.Entity("Item").Allow, d.Entity("User").Allow
	got := fmt.Sprint(item, user, d.Role("menu-admin").Permissions, d.Role("customer").Permissions, d.Role("customer").Default)
	for action, want := range map[string]string{"view": "public", "list": "public", "create": "create:items", "update": "update:items", "delete": "delete:items"} {
		if s := rules(item.Rules(action)); s != want {
			t.Errorf("%s items: %s, want %s", action, s, want)
		}
	}
	for action, want := range map[string]string{
		"view": "owner view:users", "list": "list:users", "create": "public", "update": "owner update:users", "delete": "owner delete:users",
	} {
		if s := rules(user.Rules(action)); s != want {
			t.Errorf("%s users: %s, want %s", action, s, want)
		}
	}
	if !strings.HasSuffix(got, "[create:items update:items delete:items] [] true") {
		t.Errorf("roles: %s", got)
	}
	if a := field(t, d, "User", "roles").Access; rules(a.Create) != "update:users" || rules(a.Update) != "update:users" {
		t.Errorf("roles can be written by %+v", a)
	}
}
