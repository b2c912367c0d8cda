package idp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/internal/bucket"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/internal/seal"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/keyring"
	"github.com/gatewright/gate/store/throttle"
)

// Config configures [Open].
type Config struct {
	// Issuer is the one name of the provider: its origin with a slash at the
	// end, https except on this machine, for instance "https://id.example.com/"
	// or "http://localhost:3001/". Required. It is never taken from a request.
	Issuer string
	// Secret seals keys, secrets and log-ins under way, and makes refresh
	// tokens: at least 32 bytes, the same in each process; required. Without it
	// what is in the database cannot be used.
	Secret []byte
	// Mail sends letters; required. [mail.Folder] and [mail.Console] are for
	// development.
	Mail mail.Sender
	// MailFrom is shown to people as where letters come from; empty leaves it
	// out.
	MailFrom string
	// Looks are those of the pages. What they leave out is as the settings of the
	// tenant say; without a name anywhere it is the host.
	Looks login.Config
	// MailWords replaces the words of letters, also those of the settings.
	MailWords map[string]map[login.MailKind]login.MailTemplate
	// Actions runs the scripts of the tenant. Nil refuses whatever a script is
	// bound to: a rule that does not run must not open a door.
	Actions *actions.Runner
	// Breach tells leaked passwords; nil asks nobody.
	Breach interface {
		Leaked(ctx context.Context, password string) bool
	}
	// PasswordCost is that of new hashes; the zero value is the recommended one.
	PasswordCost password.Config
	// Signup says whether strangers may make accounts, in connections that do
	// not say that they may not; empty means that they may not.
	Signup Signup
	// Development spares first-party clients on this machine the consent page,
	// explains errors, and lets connections lead to this machine. It is refused
	// unless the issuer is on this machine.
	Development bool
	// PrivateUpstreams lists hosts, addresses and networks that are not on the
	// internet and that connections may lead to all the same, with https; see
	// [upstream.ParsePrivate].
	PrivateUpstreams []string
	// Lookup finds the addresses of the hosts that a connection leads to, when it is
	// written; nil means net.DefaultResolver.
	Lookup upstream.Lookup
	// Outbox is the path of a page of this host that shows letters, to which the
	// pages lead that say that one was sent. It is refused without Development;
	// empty means that there is none.
	Outbox string
	// ManagementLimit is how many requests a second one client may send to the
	// Management API; zero means no limit.
	ManagementLimit int
	// RequestLimit is how many requests a second one network, an IPv4 address or
	// the /64 of an IPv6 address, may send to a process for authorization and
	// tokens, five times as many at once; zero means 100, in development no limit,
	// and a negative number means none. What is behind a proxy that does not say
	// for whom it asks is one network.
	RequestLimit int
	// RotateEvery is how long a signing key signs; zero means 90 days.
	RotateEvery time.Duration
	// Logger gets faults; nil means slog.Default().
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// A Provider is an OpenID provider over one database. It is an [http.Handler]
// for all of its origin, and safe for concurrent use. [Open] makes one; somebody
// calls [Provider.Run] once, and [Provider.Close] at the end.
type Provider struct {
	cfg    Config
	issuer string // with the slash
	base   string // without
	host   string
	secure bool

	tenant   *tenant.Store
	keys     *keyring.Keyring
	ec       *keyring.Keyring
	pss      *pssKeys
	verifier *jose.Verifier
	hasher   *password.Hasher
	throttle *throttle.Throttle
	letters  *throttle.Limiter
	notices  *throttle.Limiter // what an owner has to know
	asked    *throttle.Limiter // letters that administrators ask for
	closed   *throttle.Limiter // letters about closed accounts
	closures closures
	limits   throttle.Config
	requests *bucket.Limit[netip.Prefix]
	// What is counted when there is too much of it for the log.
	refused    refusals // clients that did not prove who they are
	turnedAway refusals // requests for a log-in
	shutOut    refusals // attempts at what is closed
	flooding   refusals // requests of a network that sent too many
	askedFor   refusals // letters and accounts, which anybody may ask for
	mails      *mail.Queue
	settled    settled
	seal       box
	csrfKey    []byte
	markKey    []byte // for the marks of clients in tokens
	certs      *certificates
	log        *slog.Logger
	now        func() time.Time
	handler    http.Handler
	cross      *http.CrossOriginProtection

	api       *management.API
	upstreams upstreams
	private   upstream.Private
	origins   atomic.Pointer[originSet]
	behind    behind
}

// Open returns the provider in a database, whose schema it brings up to date.
// The database stays the caller's.
func Open(ctx context.Context, db *store.DB, cfg Config) (*Provider, error) {
	p, err := configure(cfg)
	if err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	if err := p.open(ctx, db); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return nil, fmt.Errorf("identity provider: %w", errors.Join(err, p.stop(ctx)))
	}
	return p, nil
}

func configure(cfg Config) (*Provider, error) {
	base, host, err := checkIssuer(cfg.Issuer)
	if err != nil {
		return nil, err
	}
	switch {
	case len(cfg.Secret) < 32:
		return nil, fmt.Errorf("a secret of %d bytes is shorter than 32", len(cfg.Secret))
	case cfg.Mail == nil:
		return nil, errors.New("nothing that sends letters is given")
	case cfg.Signup != "" && cfg.Signup != SignupConfirm && cfg.Signup != SignupOpen:
		return nil, fmt.Errorf("sign-up is %q or %q or empty, not %q", SignupConfirm, SignupOpen, cfg.Signup)
	case cfg.Outbox != "" && !cfg.Development:
		return nil, errors.New("a page with the letters of everybody is for development alone")
	case cfg.Development && !local(host):
		return nil, fmt.Errorf("development is for this machine alone, and the issuer is %s", cfg.Issuer)
	}
	private, err := upstream.ParsePrivate(cfg.PrivateUpstreams)
	if err != nil {
		return nil, fmt.Errorf("private upstreams: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Provider{
		cfg: cfg, issuer: cfg.Issuer, base: base, host: host, secure: strings.HasPrefix(base, "https:"),
		log: cfg.Logger, now: cfg.Now, cross: http.NewCrossOriginProtection(), private: private,
	}
	if err := p.cross.AddTrustedOrigin(base); err != nil {
		return nil, err
	}
	return p, nil
}

// checkIssuer returns an issuer's base address and host.
func checkIssuer(issuer string) (base, host string, err error) {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", "", fmt.Errorf("issuer %q is not an address like https://id.example.com/", issuer)
	case u.Path != "/":
		return "", "", fmt.Errorf("issuer %q has to end with a slash, and has no other path: SDKs put paths behind it", issuer)
	case u.Scheme != "https" && (u.Scheme != "http" || !local(u.Host)):
		return "", "", fmt.Errorf("issuer %q is not https, which is only for this machine", issuer)
	}
	return strings.TrimSuffix(issuer, "/"), u.Host, nil
}

// local reports whether a host, which may have a port, is this machine.
func local(host string) bool {
	u := url.URL{Host: host}
	return loopback.Site(u.Hostname())
}

func (p *Provider) open(ctx context.Context, db *store.DB) (err error) {
	for _, part := range []struct {
		name string
		all  []store.Migration
	}{
		{tenant.Component, tenant.Migrations(db.Dialect())},
		{keyring.Component, keyring.Migrations(db.Dialect())},
		{throttle.Component, throttle.Migrations(db.Dialect())},
	} {
		if _, err := db.Migrate(ctx, part.name, part.all); err != nil {
			return err
		}
	}
	if p.tenant, err = tenant.Open(ctx, db, tenant.Config{Secret: p.cfg.Secret, Logger: p.log, Now: p.now}); err != nil {
		return err
	}
	if err := p.openKeys(ctx, db); err != nil {
		return err
	}
	p.limits = throttle.Config{DB: db, Secret: p.cfg.Secret, Logger: p.log, Now: p.now}
	if p.throttle, err = throttle.New(p.limits); err != nil {
		return err
	}
	if p.notices, err = throttle.NewLimiter(p.limits, "idp-notices", throttle.Limit{N: 5, Per: time.Hour}); err != nil {
		return err
	}
	if p.letters, err = throttle.NewLimiter(p.limits, "idp-letters", throttle.MailLimits()...); err != nil {
		return err
	}
	if p.asked, err = throttle.NewLimiter(p.limits, "idp-asked", throttle.Limit{N: 5, Per: time.Hour}); err != nil {
		return err
	}
	if p.closed, err = throttle.NewLimiter(p.limits, "idp-closed", throttle.Limit{N: 1, Per: 24 * time.Hour}); err != nil {
		return err
	}
	p.requests = newRequestLimit(p.cfg.RequestLimit, p.cfg.Development, p.now)
	if p.hasher, err = password.New(p.cfg.PasswordCost); err != nil {
		return err
	}
	if p.seal.Box, err = seal.New(p.cfg.Secret, "gate idp transaction"); err != nil {
		return err
	}
	if p.csrfKey, err = seal.Key(p.cfg.Secret, "gate idp csrf"); err != nil {
		return err
	}
	if p.markKey, err = seal.Key(p.cfg.Secret, "gate idp client"); err != nil {
		return err
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	if p.mails, err = mail.NewQueue(p.cfg.Mail, mail.QueueConfig{Logger: p.log}); err != nil {
		return err
	}
	if err := p.ensureSystem(ctx); err != nil {
		return err
	}
	p.handler, err = p.routes()
	return err
}

// Tenant returns what the provider knows, for administration.
func (p *Provider) Tenant() *tenant.Store { return p.tenant }

// Issuer returns the issuer.
func (p *Provider) Issuer() string { return p.issuer }

// Run keeps signing keys in step, deletes what has expired, and tells clients of
// log-outs that were left over, until ctx ends.
func (p *Provider) Run(ctx context.Context) {
	var beside sync.WaitGroup
	beside.Go(func() { p.keys.Run(ctx) })
	beside.Go(func() { p.ec.Run(ctx) })
	beside.Go(func() { p.tellLogouts(ctx) })
	defer beside.Wait()
	tick := time.NewTicker(5 * time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := p.tenant.Sweep(ctx); err != nil {
				p.log.WarnContext(ctx, "expired rows could not be deleted", "err", err)
			}
			if _, err := p.throttle.Sweep(ctx); err != nil {
				p.log.WarnContext(ctx, "expired counters could not be deleted", "err", err)
			}
		}
	}
}

// Close sends the letters and writes the log entries that wait, until ctx ends.
func (p *Provider) Close(ctx context.Context) error {
	p.behind.close(ctx)
	p.upstreams.close()
	return p.stop(ctx)
}

// stop ends what works in the background, of a provider that was opened in part
// what there is.
func (p *Provider) stop(ctx context.Context) error {
	var errs []error
	if p.api != nil {
		errs = append(errs, p.api.Close(ctx))
	}
	if p.mails != nil {
		errs = append(errs, p.mails.Close(ctx))
	}
	if p.tenant != nil {
		errs = append(errs, p.tenant.Close(ctx))
	}
	return errors.Join(errs...)
}

// ServeHTTP implements [http.Handler]. The address of the client comes from
// [gate.ClientFromContext] when somebody before put it there, as behind a proxy,
// and else from the connection.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if p.secure && !local(p.host) { // it would count for all ports of this machine
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if len(r.Header.Values("Authorization")) > 1 { // nobody can say which one counts
		p.fail(w, r, refuse("invalid_request", "There is more than one Authorization header"))
		return
	}
	ctx := r.Context()
	if !strings.HasPrefix(r.URL.Path, "/api/v2/jobs/") { // an export of all users takes as long as it takes
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
	}
	if _, ok := gate.ClientFromContext(ctx); !ok {
		ctx = gate.ContextWithClient(ctx, connectionClient(r))
	}
	r = r.WithContext(throttle.ContextWithDevice(ctx, throttle.DeviceCookie(r)))
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
				panic(v)
			}
			reference := newReference()
			p.log.ErrorContext(ctx, "panic", "reference", reference, "method", r.Method, "path", r.URL.Path,
				"value", fmt.Sprint(v), "stack", string(debug.Stack()))
			writeJSON(w, http.StatusInternalServerError, map[string]any{
				"error": "server_error", "reference": reference,
				"error_description": "Something is wrong on our side; it was logged.",
			})
		}
	}()
	p.handler.ServeHTTP(w, r)
}

func (p *Provider) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", public(p.discovery))
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", public(p.discovery))
	mux.HandleFunc("GET /.well-known/jwks.json", public(p.jwks))
	mux.HandleFunc("OPTIONS /.well-known/", public(p.discovery))
	mux.HandleFunc("GET /pem", p.pem)
	mux.HandleFunc("GET /cer", p.cer)

	mux.HandleFunc("GET /authorize", p.limited(p.authorize))
	mux.HandleFunc("POST /authorize", p.limited(p.authorize))
	mux.HandleFunc("GET /continue", p.limited(p.continueRedirect))
	mux.HandleFunc("POST /continue", p.limited(p.continueRedirect))
	for path, handler := range map[string]http.HandlerFunc{
		"/oauth/token":                   p.token,
		"/oauth/revoke":                  p.revoke,
		"/oauth/introspect":              p.introspect,
		"/dbconnections/signup":          p.apiSignup,
		"/dbconnections/change_password": p.apiChangePassword,
	} {
		mux.HandleFunc("POST "+path, p.cors(p.limited(handler)))
		mux.HandleFunc("OPTIONS "+path, p.cors(handler))
	}
	for _, method := range []string{"GET", "POST", "OPTIONS"} {
		mux.HandleFunc(method+" /userinfo", p.cors(p.limited(p.userinfo)))
	}
	mux.HandleFunc("GET /v2/logout", p.limited(p.auth0Logout))
	mux.HandleFunc("GET /oidc/logout", p.limited(p.oidcLogout))
	mux.HandleFunc("POST /oidc/logout", p.limited(p.oidcLogout))
	mux.HandleFunc("GET /login/callback/{connection}", p.limited(p.upstreamCallback))
	mux.HandleFunc("POST /login/callback/{connection}", p.limited(p.upstreamCallback))

	p.pageRoutes(mux)
	mux.HandleFunc("GET "+login.AssetPath, p.assets)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { p.pages(r).Favicon().ServeHTTP(w, r) })
	var err error
	if p.api, err = p.managementAPI(); err != nil {
		return nil, err
	}
	mux.Handle("/api/v2/", p.api)
	mux.HandleFunc("GET /{$}", p.root)
	mux.HandleFunc("GET /healthz", p.health)
	mux.HandleFunc("/", p.notFound)
	return mux, nil
}

// root sends whoever opens the bare address to where the tenant says.
func (p *Provider) root(w http.ResponseWriter, r *http.Request) {
	set, err := p.tenant.Settings(r.Context())
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	if set.DefaultRedirectionURI != "" {
		http.Redirect(w, r, set.DefaultRedirectionURI, http.StatusFound)
		return
	}
	p.notFound(w, r)
}

func (p *Provider) health(w http.ResponseWriter, r *http.Request) {
	if err := p.tenant.Ping(r.Context()); err != nil {
		p.fail(w, r, fmt.Errorf("health: %w", errors.Join(err, store.ErrUnavailable)))
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ensureSystem makes the objects that every tenant has: the Management API.
func (p *Provider) ensureSystem(ctx context.Context) error {
	identifier := p.base + "/api/v2/"
	scopes := management.Scopes()
	existing, err := p.tenant.APIs.ByName(ctx, identifier)
	switch {
	case err == nil:
		if slices.Equal(existing.Scopes, scopes) {
			return nil
		}
		_, err = p.tenant.APIs.Update(ctx, existing.ID, func(a *tenant.API) error {
			a.Scopes, a.System = scopes, true
			return nil
		})
		return err
	case !errors.Is(err, tenant.ErrNotFound):
		return err
	}
	err = p.tenant.APIs.Create(ctx, &tenant.API{
		ID: tenant.NewSubject(), Name: "Auth0 Management API", Identifier: identifier, Scopes: scopes, System: true,
		SigningAlg: string(jose.RS256), TokenLifetime: 86400, TokenLifetimeForWeb: 7200, SkipConsent: true,
	})
	if errors.Is(err, tenant.ErrExists) {
		return nil // another process was faster
	}
	return err
}
