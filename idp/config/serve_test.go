package config_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/localca"
)

// TestOPS08_clientAddress: a header that anybody can send says nothing, unless a
// trusted proxy sends it, and then only what that proxy itself has seen.
func TestOPS08_clientAddress(t *testing.T) {
	for name, tt := range map[string]struct {
		peer string
		xff  []string
		want string
	}{
		"direct":                       {"203.0.113.9:1", nil, "203.0.113.9"},
		"direct, pretends":             {"203.0.113.9:1", []string{"127.0.0.1"}, "203.0.113.9"},
		"proxy":                        {"10.1.2.3:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"proxy, client pretends":       {"10.1.2.3:1", []string{"127.0.0.1, 203.0.113.9"}, "203.0.113.9"},
		"proxy, two lines":             {"10.1.2.3:1", []string{"127.0.0.1", "203.0.113.9"}, "203.0.113.9"},
		"two proxies":                  {"10.1.2.3:1", []string{"1.1.1.1, 203.0.113.9, 10.9.9.9"}, "203.0.113.9"},
		"proxy says nothing":           {"10.1.2.3:1", nil, "10.1.2.3"},
		"proxy says rubbish":           {"10.1.2.3:1", []string{"203.0.113.9, unknown"}, "10.1.2.3"},
		"all proxies":                  {"10.1.2.3:1", []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
		"proxy by IPv6":                {"[fd00::1]:1", []string{"2001:db8::9"}, "2001:db8::9"},
		"mapped":                       {"[::ffff:10.1.2.3]:1", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"zone":                         {"[fe80::1%eth0]:1", []string{"127.0.0.1"}, "fe80::1"},
		"neighbour of a proxy's range": {"11.0.0.1:1", []string{"127.0.0.1"}, "11.0.0.1"},
	} {
		c, err := parse("issuer: https://id.example.com/\ntrustedProxies: [10.0.0.0/8, \"fd00::/8\"]\n")
		if err != nil {
			t.Fatal(err)
		}
		var got gate.Client
		h := c.WithClient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = gate.ClientFromContext(r.Context()) }))
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		req.RemoteAddr = tt.peer
		req.Header["X-Forwarded-For"] = tt.xff
		req.Header.Set("X-Real-IP", "127.0.0.1")
		req.Header.Set("Forwarded", "for=127.0.0.1")
		req.Header.Set("User-Agent", strings.Repeat("é", 200))
		h.ServeHTTP(httptest.NewRecorder(), req)
		if got.Address.String() != tt.want || len(got.UserAgent) > 256 {
			t.Errorf("%s: %s, want %s", name, got.Address, tt.want)
		}
	}
}

// writePair writes a certificate of the authority into the files of idp.yaml.
func writePair(t *testing.T, dir string, ca *localca.Authority, at time.Time) []byte {
	t.Helper()
	cert, err := ca.Issue()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, "tls.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return cert.Certificate[0]
}

// TestServeTLS_reload: a certificate that is renewed on disk is served without a
// restart, and one that is broken is not.
func TestServeTLS_reload(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	ca, err := localca.Open(filepath.Join(dir, "ca"), nil)
	if err != nil {
		t.Fatal(err)
	}
	first := writePair(t, dir, ca, now)
	c, err := config.Parse(filepath.Join(dir, "idp.yaml"), []byte("issuer: https://id.example.com/\ntls: {certificate: tls.crt, key: tls.key}\n"), lookup())
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	cfg, _, err := c.ServeTLS(config.TLSOptions{Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	if err != nil || cfg.MinVersion != tls.VersionTLS12 {
		t.Fatal(err)
	}
	served := func(want []byte, when string) {
		t.Helper()
		cert, err := cfg.GetCertificate(nil)
		if err != nil || !bytes.Equal(cert.Certificate[0], want) {
			t.Errorf("%s: another certificate, %v", when, err)
		}
	}
	served(first, "at first")
	second := writePair(t, dir, ca, now.Add(time.Second))
	served(first, "before it is looked at again")
	now = now.Add(11 * time.Second)
	served(second, "after it was renewed")
	if err := os.WriteFile(filepath.Join(dir, "tls.crt"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(11 * time.Second)
	served(second, "after it was broken")
	if !strings.Contains(logged.String(), "certificate cannot be read again") {
		t.Errorf("logged %q", &logged)
	}
	if _, _, err := c.ServeTLS(config.TLSOptions{}); err == nil {
		t.Error("starts with a broken certificate")
	}
}

func TestServeTLS_local(t *testing.T) {
	c, err := parse("issuer: https://login.localhost:3001/\ntls: local\n")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "ca")
	cfg, env, err := c.ServeTLS(config.TLSOptions{CADir: dir})
	if err != nil || len(env) != 2 {
		t.Fatal(env, err)
	}
	cert, err := cfg.GetCertificate(nil)
	if err != nil || cert.Leaf.VerifyHostname("login.localhost") != nil {
		t.Errorf("%v", err)
	}
	if cfg, env, err := mustParse(t, local).ServeTLS(config.TLSOptions{}); cfg != nil || env != nil || err != nil {
		t.Errorf("without tls: %v %v %v", cfg, env, err)
	}
}

func mustParse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
