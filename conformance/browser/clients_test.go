package browser_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/trial"
	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/idp/upstream/fake"
)

const closed = `exports.onExecutePostLogin = async (event, api) => {
	if (event.request.query['ext-closed'] || event.user.email === 'closed@example.com') api.access.deny('The kitchen is closed')
	api.idToken.setCustomClaim('https://restaurant.example/roles', event.authorization?.roles ?? [])
}`

func TestSPARedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.action(t, closed)
	w.run(t, "spa-redirect.mjs", nil)
}

func TestSPAPopup(t *testing.T) {
	t.Parallel()
	newWorld(t).run(t, "spa-popup.mjs", nil)
}

func TestSPARefresh(t *testing.T) {
	t.Parallel()
	newWorld(t).run(t, "spa-refresh.mjs", nil)
}

func TestReact(t *testing.T) {
	t.Parallel()
	newWorld(t).run(t, "react.mjs", nil)
}

func TestReactAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.action(t, closed)
	ada := w.person("ada@example.com", "menu-admin")
	_, err := w.Tenant().UpdateUser(t.Context(), ada["sub"].(string), func(u *tenant.User) error {
		u.Name, u.Picture = "Ada Lovelace", "https://example.com/ada.png"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, "admin.mjs", stagetest.Facts{"ada": ada})
}

func TestSocial(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var server http.Handler
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { server.ServeHTTP(w, r) }))
	t.Cleanup(other.Close)
	imitation, err := fake.New(fake.Config{
		Development: true, Issuer: other.URL, Name: "GitHub", RedirectURIs: []string{w.URL + "/login/callback/github"},
	})
	if err != nil {
		t.Fatal(err)
	}
	server = imitation
	from := imitation.Connection("github", upstream.GitHub)
	if err := w.Tenant().Connections.Create(t.Context(), &tenant.Connection{
		ID: "con_github", Name: "github", Strategy: upstream.GitHub, EnabledClients: []string{app},
		Options: tenant.ConnectionOptions{
			ClientID: from.ClientID, ClientSecret: from.ClientSecret.Reveal(), AuthorizationURL: from.AuthorizationURL,
			TokenURL: from.TokenURL, UserInfoURL: from.UserInfoURL, Extra: tenant.Extra{"imitation": []byte("true")},
		},
	}); err != nil {
		t.Fatal(err)
	}
	w.run(t, "social.mjs", stagetest.Facts{"upstream": other.URL})
}

// TestTry: the page by which a developer tries a log-in, beside the provider as gate dev
// has it.
func TestTry(t *testing.T) {
	t.Parallel()
	stagetest.Installed(t)
	mux := http.NewServeMux()
	s := idptest.New(t, idptest.Config{Wrap: func(provider http.Handler) http.Handler {
		mux.Handle("/", provider)
		return mux
	}})
	w := &world{Server: s}
	w.create(t, &tenant.Client{
		ID: "tryClient00000000000000000000000a", Name: "Development", AppType: tenant.SPA, AuthMethod: tenant.AuthNone, FirstParty: true, OIDCConformant: true,
		GrantTypes: []string{"authorization_code"}, Callbacks: []string{s.URL + trial.CallbackPath}, LogoutURLs: []string{s.URL + trial.Path},
	})
	pages, err := trial.New(trial.Config{
		Issuer: s.Issuer(), ClientID: "tryClient00000000000000000000000a", Style: s.Style(), API: "http://localhost:3000/api/items",
		Asks: func(context.Context) (string, string, error) { return idptest.Audience, "openid profile email", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle(trial.Path, pages)
	mux.Handle(trial.Path+"/", pages)
	run(t, s, "try.mjs", stagetest.Facts{"ada": w.person("ada@example.com")})
}

func TestExpressOpenIDConnect(t *testing.T) {
	t.Parallel()
	stagetest.Installed(t)
	w := &world{Server: idptest.New(t, idptest.Config{TLS: true})}
	w.action(t, closed)
	implicit, code := "https://localhost:"+stagetest.FreePort(t), "https://localhost:"+stagetest.FreePort(t)
	w.create(t, &tenant.Client{
		ID: "expressClient0000000000000000000a", Name: "Kitchen", AppType: tenant.RegularWeb, FirstParty: true, OIDCConformant: true,
		AuthMethod: tenant.AuthBasic, Secret: idptest.Secret, GrantTypes: []string{"authorization_code", "implicit"},
		Callbacks: []string{implicit + "/callback", code + "/callback"}, LogoutURLs: []string{implicit, code},
	})
	key, cert := certificate(t)
	run(t, w.Server, "express.mjs", stagetest.Facts{
		"web": "expressClient0000000000000000000a", "implicit": implicit, "code": code, "key": key, "cert": cert,
		"flags": []string{"--ignore-certificate-errors"},
		"ada":   w.person("ada@example.com", "menu-admin"), "ben": w.person("ben@example.com"), "closed": w.person("closed@example.com"),
	})
}

// A probe is markup that would be noticed if a page took it for its own.
const probe = `"><img src=x onerror=alert(1)><script>alert(2)</script>`

func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.action(t, `exports.onExecutePostLogin = async (event, api) => {
		if (event.request.query['ext-onward']) api.redirect.sendUserTo(event.request.query['ext-onward'])
		if (event.request.query['ext-closed']) api.access.deny(event.request.query['ext-closed'])
	}`)
	w.create(t, &tenant.Client{
		ID: "probeClient000000000000000000000a", Name: probe, AppType: tenant.SPA, AuthMethod: tenant.AuthNone, OIDCConformant: true,
		GrantTypes: []string{"authorization_code"}, Callbacks: []string{w.app + "/callback"}, WebOrigins: []string{w.app},
	})
	w.run(t, "pages.mjs", stagetest.Facts{"probe": probe, "probeClient": "probeClient000000000000000000000a"})
}

func TestShots(t *testing.T) {
	t.Parallel()
	if os.Getenv("GATE_SHOTS") == "" {
		t.Skip("GATE_SHOTS names no folder for pictures")
	}
	newWorld(t).run(t, "shots.mjs", nil)
}

// certificate returns files with a key and a certificate for such a server.
func certificate(t *testing.T) (key, cert string) {
	t.Helper()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	pair := srv.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key, cert = filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	for name, block := range map[string]*pem.Block{
		key: {Type: "PRIVATE KEY", Bytes: private}, cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return key, cert
}
