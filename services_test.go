package gate_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
)

func TestServices(t *testing.T) {
	var all gate.Services
	if all.Get("") != nil || all.Get("users") != nil {
		t.Error("there is a service")
	}
	users := newWorld(t)
	staff := newWorld(t, func(c *gate.Config) { c.Issuer, c.Entity = "https://staff.test", "staff" })
	if err := all.Add("users", users.Service); err != nil {
		t.Fatal(err)
	}
	if err := all.Add("staff", staff.Service); err != nil {
		t.Fatal(err)
	}
	if all.Get("") != users.Service || all.Get("staff") != staff.Service || all.Get("Staff") != nil || !slices.Equal(all.Names(), []string{"users", "staff"}) {
		t.Error("services are mixed up")
	}
	all.SetDefault("staff")
	if all.Get("") != staff.Service {
		t.Error("the default stayed")
	}
	// JKS-05: a token of one is nothing to the other, though the keys are the same.
	token := users.token(t)
	if _, err := staff.Authenticate(t.Context(), bearer(token)); err == nil {
		t.Error("a token of users was taken by staff")
	}
	if err := all.Add("twins", newWorld(t).Service); err == nil || !strings.Contains(err.Error(), `"users"`) {
		t.Errorf("a service that takes the tokens of another: %v", err)
	}
	for name, f := range map[string]func(){
		"twice":      func() { _ = all.Add("users", users.Service) },
		"no name":    func() { _ = all.Add("", users.Service) },
		"no service": func() { _ = all.Add("x", nil) },
		"no default": func() { all.SetDefault("x") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestReadConfig(t *testing.T) {
	const secret = "vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"
	t.Setenv("TEST_SECRET", secret)
	t.Setenv("TEST_SHORT", "short")
	read := func(t *testing.T, src string) (gate.Config, error) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "auth.json")
		if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		return gate.ReadConfig(file)
	}
	c, err := read(t, `{"authentication": {"entity": null, "authStrategies": ["jwt", "local"], "secretEnv": "TEST_SECRET",
		"jwtOptions": {"algorithm": "HS256", "issuer": "https://a.test", "audience": ["x", "y"], "expiresIn": "1d"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Keys == nil || c.Keys.Signing() == nil {
		t.Error("no key")
	}
	c.Keys = nil
	want := gate.Config{Entity: gate.EntityNone, AuthStrategies: []string{"jwt", "local"}, Issuer: "https://a.test", Audience: []string{"x", "y"}, ExpiresIn: 24 * time.Hour}
	if got := []any{c.Entity, c.AuthStrategies, c.ParseStrategies, c.Issuer, c.Audience, c.ExpiresIn}; !cmp.Equal(got,
		[]any{want.Entity, want.AuthStrategies, want.ParseStrategies, want.Issuer, want.Audience, want.ExpiresIn}) {
		t.Errorf("configuration %+v", got)
	}
	for src, want := range map[string]string{
		``:                               "auth.json",
		`[]`:                             "must be a JSON object",
		`{"secret": "` + secret + `"}`:   "secretEnv",
		`{"authStrategy": ["jwt"]}`:      "authStrategy: not known",
		`{"authStrategies": "jwt"}`:      "authStrategies: must be a list",
		`{"authStrategies": ["jwt", 1]}`: "authStrategies[1]: must be a string",
		`{"entity": 1}`:                  "entity: must be a string",
		`{"jwtOptions": {"header": {"typ": "access"}}}`:                     "jwtOptions.header",
		`{"jwtOptions": {"expiresIn": "soon"}}`:                             "jwtOptions.expiresIn",
		`{"jwtOptions": {"expiresIn": -5}}`:                                 "jwtOptions.expiresIn",
		`{"jwtOptions": {"algorithm": "none"}, "secretEnv": "TEST_SECRET"}`: "secretEnv",
		`{"jwtOptions": 1}`:                                                 "jwtOptions: must be an object",
		`{"secretEnv": "TEST_NOT_SET"}`:                                     "TEST_NOT_SET is not set",
		`{"secretEnv": "TEST_SHORT"}`:                                       "TEST_SHORT",
		`{"secretEnv": "TEST_SECRET", "keyFile": "k"}`:                      "one key",
		`{"keyFile": "not-there.pem"}`:                                      "not-there.pem",
		`{"entity": "a", "entity": "b"}`:                                    "entity",
		`{"entity": "a"} x`:                                                 "auth.json",
	} {
		_, err := read(t, src)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", src, err)
		}
	}
	if _, err := gate.ReadConfig(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a file that is not there was read")
	}
	if _, err := read(t, `{"entity": "`+strings.Repeat("x", 300<<10)+`"}`); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("a large file: %v", err)
	}
}
