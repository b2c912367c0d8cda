// Package idptest has an identity provider for tests: on a free port of this
// machine, over an empty database, with a few objects in it.
//
// The package is for tests only.
package idptest

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// What New puts into a provider.
const (
	Audience   = "https://restaurant.example/api"
	SPA        = "spaClient0000000000000000000000a"  // a single-page client
	Web        = "webClient0000000000000000000000a"  // a confidential client
	Machine    = "machineClient000000000000000000a"  // a client that acts for itself
	Management = "managerClient000000000000000000a"  // one that may call the Management API
	Secret     = "Xq3vB7nM1kT9wZ5yR2uP8sL4jH6gF0dCa" // the secret of the three
	Callback   = "http://localhost:3000/callback"
	LogoutURL  = "http://localhost:3000/"
	Connection = "Username-Password-Authentication"
	Password   = "Tin-Otter-Marsh-41" // of users made by AddUser
)

// Config changes what New makes; each field may be left out.
type Config struct {
	// DB is the database; nil means an empty SQLite file.
	DB *store.DB
	// Edit changes the configuration of the provider before it is opened.
	Edit func(*idp.Config)
	// TLS serves https.
	TLS bool
	// Handler is asked for what the provider does not serve? Unset is normal.
	Wrap func(http.Handler) http.Handler
}

// A Server is a provider that runs.
type Server struct {
	*idp.Provider
	// DB is the database of the provider.
	DB *store.DB
	// URL is the issuer without its slash.
	URL string
	// Outbox is the folder of the letters.
	Outbox string
	// HTTP trusts the certificate of the server and follows no redirect.
	HTTP *http.Client
	// CA is the file of the certificate to trust, with TLS.
	CA string
	t  testing.TB

	letters *outbox
}

// An outbox tells when a letter has been written.
type outbox struct {
	mail.Sender

	mu   sync.Mutex
	next chan struct{}
}

// Send implements [mail.Sender].
func (o *outbox) Send(ctx context.Context, m mail.Message) error {
	err := o.Sender.Send(ctx, m)
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.next)
	o.next = make(chan struct{})
	return err
}

// NextLetter returns a channel that is closed when the next letter has been
// written. Whoever waits for one asks for the channel first and looks then.
func (s *Server) NextLetter() <-chan struct{} {
	s.letters.mu.Lock()
	defer s.letters.mu.Unlock()
	return s.letters.next
}

// New starts a provider that ends with the test.
func New(t testing.TB, cfg Config) *Server {
	t.Helper()
	if cfg.DB == nil {
		cfg.DB = storetest.SQLite(t)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	scheme := "http"
	if cfg.TLS {
		scheme = "https"
	}
	s := &Server{
		t: t, DB: cfg.DB, Outbox: filepath.Join(t.TempDir(), "outbox"),
		URL: scheme + "://localhost:" + portOf(listener),
	}
	folder, err := mail.Folder(s.Outbox)
	if err != nil {
		t.Fatal(err)
	}
	s.letters = &outbox{Sender: folder, next: make(chan struct{})}
	runner, err := actions.New(actions.Config{InProcess: true, AllowPrivate: true, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	c := idp.Config{
		Issuer: s.URL + "/", Secret: bytes.Repeat([]byte("s"), 32), Mail: s.letters, Signup: idp.SignupOpen, Development: true,
		Actions: runner, Logger: quiet(),
	}
	if cfg.Edit != nil {
		cfg.Edit(&c)
	}
	if s.Provider, err = open(t, cfg.DB, c); err != nil {
		t.Fatal(err)
	}
	handler := http.Handler(s.Provider)
	if cfg.Wrap != nil {
		handler = cfg.Wrap(handler)
	}
	srv := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}
	s.start(srv, cfg.TLS)
	t.Cleanup(func() {
		srv.Close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		_ = runner.Close()
	})
	s.seed()
	return s
}

func quiet() *slog.Logger {
	if os.Getenv("GATE_TEST_LOG") != "" {
		return slog.Default()
	}
	return slog.New(slog.DiscardHandler)
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// start serves, and makes the client.
func (s *Server) start(srv *httptest.Server, tls bool) {
	if tls {
		s.startTLS(srv)
		return
	}
	srv.Start()
	s.HTTP = s.client(http.DefaultTransport)
}

func (s *Server) client(transport http.RoundTripper) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{
		Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Browser returns a client with cookies of its own.
func (s *Server) Browser() *http.Client { return s.client(s.HTTP.Transport) }

// seed makes the objects.
func (s *Server) seed() {
	s.t.Helper()
	ctx := s.t.Context()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	k := s.Tenant()
	must(k.APIs.Create(ctx, &tenant.API{
		ID: tenant.NewSubject(), Name: "Restaurant", Identifier: Audience, AllowOfflineAccess: true, SkipConsent: true,
		EnforcePolicies: true, TokenDialect: "access_token_authz",
		Scopes: []tenant.APIScope{
			{Value: "create:items", Description: "Add dishes"},
			{Value: "update:items", Description: "Change dishes"},
			{Value: "delete:items", Description: "Remove dishes"},
		},
	}))
	must(k.Clients.Create(ctx, &tenant.Client{
		ID: SPA, Name: "Menu", AppType: tenant.SPA, FirstParty: true, AuthMethod: tenant.AuthNone, OIDCConformant: true,
		GrantTypes: []string{"authorization_code", "refresh_token"}, Callbacks: []string{Callback},
		LogoutURLs: []string{LogoutURL}, WebOrigins: []string{"http://localhost:3000"},
	}))
	for _, c := range []*tenant.Client{
		{
			ID: Web, Name: "Kitchen", AppType: tenant.RegularWeb, GrantTypes: []string{"authorization_code", "refresh_token", "implicit", "password", "http://auth0.com/oauth/grant-type/password-realm"},
			Callbacks: []string{Callback}, LogoutURLs: []string{LogoutURL}, AuthMethod: tenant.AuthPost,
		},
		{ID: Machine, Name: "Cron", AppType: tenant.NonInteractive, GrantTypes: []string{"client_credentials"}, AuthMethod: tenant.AuthPost},
		{ID: Management, Name: "Manager", AppType: tenant.NonInteractive, GrantTypes: []string{"client_credentials"}, AuthMethod: tenant.AuthPost},
	} {
		c.Secret, c.FirstParty, c.OIDCConformant = Secret, true, true
		must(k.Clients.Create(ctx, c))
	}
	must(k.Grants.Create(ctx, &tenant.ClientGrant{ID: "cgr_machine000000001", ClientID: Machine, Audience: Audience, Scope: []string{"create:items"}}))
	api, err := k.APIs.ByName(ctx, s.Issuer()+"api/v2/")
	must(err)
	all := []string{}
	for _, scope := range api.Scopes {
		all = append(all, scope.Value)
	}
	must(k.Grants.Create(ctx, &tenant.ClientGrant{ID: "cgr_manager000000001", ClientID: Management, Audience: api.Identifier, Scope: all}))
	must(k.Roles.Create(ctx, &tenant.Role{ID: "rol_menuadmin0000001", Name: "menu-admin", Description: "Keeps the menu"}))
	must(k.AddRolePermissions(ctx, "rol_menuadmin0000001",
		tenant.Permission{API: Audience, Name: "create:items"}, tenant.Permission{API: Audience, Name: "update:items"},
		tenant.Permission{API: Audience, Name: "delete:items"}))
	must(k.Connections.Create(ctx, &tenant.Connection{
		ID: "con_database00000001", Name: Connection, Strategy: tenant.Database, EnabledClients: []string{SPA, Web},
		Options: tenant.ConnectionOptions{PasswordPolicy: "good"},
	}))
}

// hashed is the hash of [Password]: one for all users of a process, as it takes
// as long as the rest of a test.
var hashed = sync.OnceValues(func() (string, error) {
	hasher, err := password.New(password.Config{})
	if err != nil {
		return "", err
	}
	return hasher.Hash(context.Background(), Password)
})

// AddUser makes a user with [Password] and a confirmed address.
func (s *Server) AddUser(email string, roles ...string) *tenant.User {
	s.t.Helper()
	hash, err := hashed()
	if err != nil {
		s.t.Fatal(err)
	}
	u := &tenant.User{
		Email: email, EmailVerified: true, Name: email,
		Identities: []tenant.Identity{{
			Connection: Connection, Provider: tenant.Database, UserID: tenant.NewSubject(), Email: email, PasswordHash: hash,
		}},
	}
	if err := s.Tenant().CreateUser(s.t.Context(), u); err != nil {
		s.t.Fatal(err)
	}
	for _, name := range roles {
		role, err := s.Tenant().Roles.ByName(s.t.Context(), name)
		if err == nil {
			err = s.Tenant().AddRoles(s.t.Context(), u.ID, role.ID)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return u
}

// Do sends a request and returns the answer with its body.
func (s *Server) Do(c *http.Client, method, target string, form url.Values, header ...string) (*http.Response, string) {
	s.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = s.URL + target
	}
	var body io.Reader
	if form != nil && method != http.MethodGet {
		body = strings.NewReader(form.Encode())
	} else if form != nil {
		target += "?" + form.Encode()
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, target, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, string(data)
}

// JSON reads an object.
func (s *Server) JSON(text string) map[string]any {
	s.t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		s.t.Fatalf("%v: %s", err, text)
	}
	return out
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// Hidden returns the hidden fields of a page.
func Hidden(page string) url.Values {
	out := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		out.Set(m[1], html.UnescapeString(m[2]))
	}
	return out
}

// Fill returns the fields of the form of a page with what a person types and
// presses: pairs of name and value. A page without such a field fails the test,
// since nobody could have typed there.
func (s *Server) Fill(page string, typed ...string) url.Values {
	s.t.Helper()
	out := Hidden(page)
	for i := 0; i+1 < len(typed); i += 2 {
		if !strings.Contains(page, ` name="`+typed[i]+`"`) || out.Has(typed[i]) {
			s.t.Fatalf("the page has no field %s to fill: %.3000s", typed[i], page)
		}
		out.Set(typed[i], typed[i+1])
	}
	return out
}

// Login posts the log-in page that an authorization request leads to, and
// returns the answer to it.
func (s *Server) Login(c *http.Client, authorize url.Values, email, password string) (*http.Response, string) {
	s.t.Helper()
	res, body := s.Do(c, http.MethodGet, "/authorize", authorize)
	if res.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("authorize: %d %s %s", res.StatusCode, res.Header.Get("Location"), body)
	}
	res, body = s.Do(c, http.MethodGet, res.Header.Get("Location"), nil)
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("log-in page: %d %s", res.StatusCode, body)
	}
	form := s.Fill(body, "username", email, "password", password)
	return s.Do(c, http.MethodPost, "/u/login", form, "Origin", s.URL, "Sec-Fetch-Site", "same-origin")
}
