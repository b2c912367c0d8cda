package oidc_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/oidc"
)

func TestDiscover(t *testing.T) {
	n := &network{pages: map[string]string{
		"https://full.test/.well-known/openid-configuration": `{"issuer":"https://full.test","jwks_uri":"https://keys.test/k?v=1",
			"authorization_endpoint":"https://full.test/a","token_endpoint":"https://full.test/t","userinfo_endpoint":"https://full.test/u",
			"end_session_endpoint":"https://full.test/e","revocation_endpoint":"https://full.test/r",
			"introspection_endpoint":"https://full.test/i","x":[1,{"y":null}],"token_endpoint_auth_methods_supported":["client_secret_post"],
			"authorization_response_iss_parameter_supported":true}`,
		"https://odd.test/.well-known/openid-configuration": `{"issuer":"https://odd.test","jwks_uri":"https://odd.test/k",
			"token_endpoint_auth_methods_supported":"none","authorization_response_iss_parameter_supported":"yes"}`,
		"https://as.test/.well-known/oauth-authorization-server/tenant/1": metadata("https://as.test/tenant/1/", "https://as.test/keys"),
	}}
	got, err := oidc.Discover(t.Context(), "https://full.test", oidc.Options{Transport: n})
	if err != nil {
		t.Fatal(err)
	}
	want := &oidc.Metadata{
		Issuer: "https://full.test", JWKSURL: "https://keys.test/k?v=1", AuthorizationURL: "https://full.test/a",
		TokenURL: "https://full.test/t", UserInfoURL: "https://full.test/u", EndSessionURL: "https://full.test/e",
		RevocationURL: "https://full.test/r", IntrospectionURL: "https://full.test/i",
		AuthMethods: []string{"client_secret_post"}, ResponseIssuer: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err = oidc.Discover(t.Context(), "https://odd.test", oidc.Options{Transport: n}); err != nil || got.AuthMethods != nil || got.ResponseIssuer {
		t.Errorf("members of another shape: %v, %v", got, err)
	}
	n.requests()
	if got, err = oidc.Discover(t.Context(), "https://as.test/tenant/1/", oidc.Options{Transport: n}); err != nil || got.JWKSURL != "https://as.test/keys" {
		t.Errorf("RFC 8414: %v, %v", got, err)
	}
	if asked := n.requests(); !slices.Equal(asked, []string{
		"https://as.test/tenant/1/.well-known/openid-configuration",
		"https://as.test/.well-known/oauth-authorization-server/tenant/1",
	}) {
		t.Errorf("asked for %v", asked)
	}
}

func TestJKS04_metadata(t *testing.T) {
	const issuer = "https://first.test/Tenant/"
	for name, page := range map[string]string{
		"another issuer":    metadata("https://evil.test", "https://first.test/keys"),
		"another case":      metadata("https://first.test/tenant/", "https://first.test/keys"),
		"missing slash":     metadata("https://first.test/Tenant", "https://first.test/keys"),
		"default port":      metadata("https://first.test:443/Tenant/", "https://first.test/keys"),
		"no issuer":         `{"jwks_uri":"https://first.test/keys"}`,
		"two issuers":       `{"issuer":"` + issuer + `","issuer":"` + issuer + `","jwks_uri":"https://first.test/keys"}`,
		"issuer in a list":  `{"issuer":["` + issuer + `"],"jwks_uri":"https://first.test/keys"}`,
		"no keys":           `{"issuer":"` + issuer + `"}`,
		"keys over http":    metadata(issuer, "http://first.test/keys"),
		"keys on loopback":  metadata(issuer, "http://127.0.0.1/keys"),
		"keys in a file":    metadata(issuer, "file:///etc/passwd"),
		"relative keys":     metadata(issuer, "/keys"),
		"keys are a number": `{"issuer":"` + issuer + `","jwks_uri":1}`,
		"token over http":   strings.Replace(metadata(issuer, "https://first.test/keys"), "https://first.test/token", "http://first.test/token", 1),
		"HTML":              "<!doctype html>",
		"two documents":     metadata(issuer, "https://first.test/keys") + "{}",
		"too long":          metadata(issuer, "https://first.test/keys") + strings.Repeat(" ", 1<<20),
		"redirect":          "302 https://first.test/tenant",
		"down":              "down",
	} {
		n := &network{pages: map[string]string{
			issuer + ".well-known/openid-configuration": page,
			"https://first.test/tenant":                 metadata(issuer, "https://first.test/keys"),
		}}
		if m, err := oidc.Discover(t.Context(), issuer, oidc.Options{Transport: n}); m != nil || err == nil {
			t.Errorf("%s: accepted", name)
		}
		if asked := n.requests(); len(asked) != 1 {
			t.Errorf("%s: asked for %v", name, asked)
		}
	}
}

func TestDiscover_issuer(t *testing.T) {
	n := new(network)
	for _, issuer := range []string{"", "first.test", "http://first.test", "https://", "https://first.test?x", "https://first.test#x", "https://a@first.test"} {
		if m, err := oidc.Discover(t.Context(), issuer, oidc.Options{Transport: n}); m != nil || err == nil {
			t.Errorf("%q: accepted", issuer)
		}
	}
	if asked := n.requests(); len(asked) != 0 {
		t.Errorf("asked for %v", asked)
	}
}

// A guarded client does not look into the own network.
func TestJKS03_discover(t *testing.T) {
	asked := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	for _, issuer := range []string{server.URL, "https://127.0.0.1", "https://localhost", "https://[::ffff:127.0.0.1]"} {
		m, err := oidc.Discover(t.Context(), issuer, oidc.Options{Guarded: true})
		if m != nil || err == nil || !strings.Contains(err.Error(), "is not allowed") {
			t.Errorf("%s: %v, %v", issuer, m, err)
		}
	}
	if asked {
		t.Error("a request got through")
	}
}

// In development an issuer is on this machine, without TLS.
func TestDiscover_loopback(t *testing.T) {
	var issuer string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, metadata(issuer, issuer+"/keys"))
	}))
	defer server.Close()
	issuer = server.URL
	m, err := oidc.Discover(t.Context(), issuer, oidc.Options{})
	if err != nil || m.JWKSURL != issuer+"/keys" {
		t.Errorf("%v, %v", m, err)
	}
}

// FuzzMetadata looks for documents that bring what nobody asked for.
func FuzzMetadata(f *testing.F) {
	f.Add(metadata(second, "https://second.test/keys"))
	f.Add(`{"issuer":"https://second.test","jwks_uri":"HTTPS://x","token_endpoint":"http://127.0.0.1"}`)
	f.Add(`{"issuer":"https://second.test","jwks_uri":"https://a:b@x#y"}`)
	f.Add(`{"Issuer":"https://second.test","issuer":"x"}`)
	f.Fuzz(func(t *testing.T, page string) {
		n := &network{pages: map[string]string{second + "/.well-known/openid-configuration": page}}
		m, err := oidc.Discover(t.Context(), second, oidc.Options{Transport: n})
		switch {
		case err != nil:
			if m != nil {
				t.Error("an error and metadata")
			}
		case m.Issuer != second || m.JWKSURL == "":
			t.Errorf("accepted %+v", m)
		default:
			for _, u := range []string{m.JWKSURL, m.TokenURL, m.UserInfoURL, m.AuthorizationURL, m.EndSessionURL, m.RevocationURL, m.IntrospectionURL} {
				if u != "" && !strings.HasPrefix(strings.ToLower(u), "https:") {
					t.Errorf("accepted %q", u)
				}
			}
		}
	})
}
