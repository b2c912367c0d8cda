package cli

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// issued is the service of an example, with another issuer.
func issued(t *testing.T, issuer string) *project {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile("../../../../examples/restaurant-auth0/gate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimSuffix(issuer[strings.Index(issuer, "//")+2:], "/")
	changed := strings.ReplaceAll(strings.ReplaceAll(string(text), "http://localhost:3001/", issuer), "domain: localhost:3001", "domain: "+host)
	if err := os.WriteFile(filepath.Join(dir, "gate.yaml"), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDev_origins: what .env says of the pages that may call the service counts
// from its next start on, not from that of gate dev.
func TestDev_origins(t *testing.T) {
	t.Setenv("CORS_ORIGINS", "")
	p := issued(t, "https://shop.eu.auth0.com/")
	ours := "CORS_ORIGINS=" + viteOrigin
	if got := p.origins(); !slices.Contains(got, ours) {
		t.Errorf("nothing said: %q", got)
	}
	if err := os.WriteFile(filepath.Join(p.dir, ".env"), []byte("CORS_ORIGINS=http://localhost:4040\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := p.origins(); slices.Contains(got, ours) {
		t.Errorf(".env says something, and it is overridden: %q", got)
	}
}

// TestDev_issuer: who names an issuer on this machine that gate dev does not run
// hears of it, at the start and when that changes.
func TestDev_issuer(t *testing.T) {
	t.Setenv("AUTH0_ISSUER_URL", "")
	write := func(issuer string) *project { return issued(t, issuer) }
	for issuer, told := range map[string]bool{
		"https://localhost:3001/": true, "http://127.0.0.1:3001/": true, "https://shop.eu.auth0.com/": false,
	} {
		var out bytes.Buffer
		d := &dev{cmd: new(devCmd), talk: newTalk(&out, "never"), p: write(issuer)}
		if err := d.openProvider(t.Context()); err != nil || d.provider != nil {
			t.Fatalf("%s: %v, %v", issuer, d.provider, err)
		}
		if got := strings.Contains(out.String(), "no provider is started: the issuer is "+issuer); got != told {
			t.Errorf("%s: %q", issuer, out.String())
		}
		// What a front end needs is there and told as if gate dev ran the provider.
		t.Setenv("CORS_ORIGINS", "")
		if env := d.environment(); !slices.Contains(env, "CORS_ORIGINS=http://localhost:5173") {
			t.Errorf("%s: pages of a front end may not call the service", issuer)
		}
		t.Setenv("CORS_ORIGINS", "https://app.example")
		if env := d.environment(); slices.Contains(env, "CORS_ORIGINS=http://localhost:5173") {
			t.Errorf("%s: CORS_ORIGINS is not what the environment says", issuer)
		}
		if d.tellIssuer(); !strings.Contains(out.String(), issuer) || !strings.Contains(out.String(), "Audience") {
			t.Errorf("%s: %q", issuer, out.String())
		}
	}
	first, second := write("http://localhost:3001/"), write("https://localhost:3001/")
	for _, now := range []*project{first, second} {
		var out bytes.Buffer
		d := &dev{cmd: new(devCmd), talk: newTalk(&out, "never"), p: now}
		d.issuerMoved(first)
		if got := strings.Contains(out.String(), "start it again"); got != (now == second) {
			t.Errorf("moved %v: %q", now == second, out.String())
		}
	}
}

// A command that does not know where it was built takes the checkout that the
// service lies in, and writes nothing where there is none.
func TestSource(t *testing.T) {
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		"": "", t.TempDir(): "", ".": root, "../../../../examples/restaurant": root, "../../../../conformance/go": root,
	} {
		if got := sourceAt(dir); got != want {
			t.Errorf("%q: %q, want %q", dir, got, want)
		}
	}
}

// TestDev_portsTaken: who cannot have the port of the service hears in the same breath
// that that of the provider is taken.
func TestDev_portsTaken(t *testing.T) {
	t.Setenv("AUTH0_ISSUER_URL", "")
	service, provider := takenPort(t), takenPort(t)
	for issuer, both := range map[string]bool{
		"http://localhost:" + provider + "/": true, "http://localhost:0/": false, "https://shop.eu.auth0.com/": false,
	} {
		d := &dev{cmd: &devCmd{Addr: "localhost:" + service}, p: issued(t, issuer)}
		f, ok := errors.AsType[*fault](d.chooseAddr(t.Context()))
		if !ok || strings.Contains(f.hint, "--idp localhost:0") != both {
			t.Errorf("%s: %v, %+v", issuer, ok, f)
		}
	}
}

// TestDev_addrOfEnvironment: gate dev listens where ADDR says, as the service alone does,
// unless --addr says otherwise.
func TestDev_addrOfEnvironment(t *testing.T) {
	t.Setenv("AUTH0_ISSUER_URL", "")
	t.Setenv("ADDR", "127.0.0.2:0")
	for flag, want := range map[string]string{"": "127.0.0.2:0", "localhost:0": "127.0.0.1:0"} {
		d := &dev{cmd: &devCmd{Addr: flag}, p: issued(t, "https://shop.eu.auth0.com/")}
		if err := d.chooseAddr(t.Context()); err != nil || d.addr != want {
			t.Errorf("--addr %q: %q, %v, want %q", flag, d.addr, err, want)
		}
	}
	t.Setenv("ADDR", "everywhere")
	d := &dev{cmd: &devCmd{}, p: issued(t, "https://shop.eu.auth0.com/")}
	if err := d.chooseAddr(t.Context()); err == nil || !strings.Contains(err.Error(), "ADDR everywhere: not HOST:PORT") {
		t.Errorf("no address: %v", err)
	}
}

// takenPort takes a port of this machine, which it returns.
func takenPort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestApplied: the line of the migrations fits in a terminal.
func TestApplied(t *testing.T) {
	for want, names := range map[string][]string{
		"nothing to apply":                       nil,
		"2 applied: init, sessions":              {"init", "sessions"},
		"5 applied: init, sessions, refresh, …":  {"init", "sessions", "refresh", "tokens", "init"},
		"3 applied: init, 20261121_search_items": {"init", "init", "20261121_search_items"},
	} {
		if got := applied(names); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
