package config_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/config"
)

// zone is what names mean here; the machine is not asked.
func zone(_ context.Context, _, host string) ([]netip.Addr, error) {
	switch host {
	case "sso.corp":
		return []netip.Addr{netip.MustParseAddr("10.0.0.5")}, nil
	case "login.example.com":
		return []netip.Addr{netip.MustParseAddr("93.184.215.14")}, nil
	}
	return nil, errors.New("no such host")
}

// In production a connection that could not be connected to is refused when it is
// written, and one in a network that idp.yaml lists is taken.
func TestJKS03_privateConnections(t *testing.T) {
	body := func(name, issuer string) map[string]any {
		return map[string]any{"name": name, "strategy": "oidc", "options": map[string]any{"client_id": "menu", "client_secret": "qhGx41PzmNv8", "issuer": issuer}}
	}
	open := func(more string) *config.Instance {
		dir := t.TempDir()
		c, err := config.Parse(filepath.Join(dir, "idp.yaml"), []byte("issuer: https://id.example.com/\ntrustedProxies: [10.0.0.1]\n"+more), lookup("IDP_SECRET="+good))
		if err != nil {
			t.Fatal(err)
		}
		in, err := c.Open(t.Context(), config.Options{Administration: true, Lookup: zone, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := in.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
		return in
	}
	refused := func(in *config.Instance, method, path string, body any, want string) {
		t.Helper()
		if err := in.Admin.Do(t.Context(), method, path, body, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", body, err, want)
		}
	}
	in := open("")
	refused(in, http.MethodPost, "connections", body("a", "http://127.0.0.1:8080/realms/a"), "https")
	refused(in, http.MethodPost, "connections", body("a", "https://10.0.0.5/realms/a"), "lists 10.0.0.5 under privateUpstreams in idp.yaml")
	refused(in, http.MethodPost, "connections", body("a", "https://sso.corp/realms/a"), "sso.corp (10.0.0.5) is not on the internet")
	var made struct {
		ID string `json:"id"`
	}
	if err := in.Admin.Do(t.Context(), http.MethodPost, "connections", body("a", "https://login.example.com"), &made); err != nil {
		t.Fatal(err)
	}
	change := body("", "https://192.168.1.9")
	delete(change, "name")
	delete(change, "strategy")
	refused(in, http.MethodPatch, "connections/"+made.ID, change, "192.168.1.9 is not on the internet")
	change["options"].(map[string]any)["issuer"] = "https://sso.corp:8443"
	refused(in, http.MethodPatch, "connections/"+made.ID, change, "lists sso.corp under privateUpstreams")

	in = open("privateUpstreams: [10.0.0.0/24]\n")
	if err := in.Admin.Do(t.Context(), http.MethodPost, "connections", body("a", "https://10.0.0.5:8443/realms/a"), nil); err != nil {
		t.Error(err)
	}
	if err := in.Admin.Do(t.Context(), http.MethodPost, "connections", body("c", "https://sso.corp"), nil); err != nil {
		t.Error(err)
	}
	refused(in, http.MethodPost, "connections", body("b", "https://10.0.1.5/realms/a"), "10.0.1.5 is not on the internet")
	refused(in, http.MethodPost, "connections", body("b", "http://10.0.0.5/realms/a"), "https")
	_, err := parse("issuer: https://id.example.com/\ntrustedProxies: [10.0.0.1]\nprivateUpstreams: [10.0.0.5, 0.0.0.0/0]\n")
	if err == nil || !strings.Contains(err.Error(), "0.0.0.0/0 is every address") {
		t.Error(err)
	}
}
