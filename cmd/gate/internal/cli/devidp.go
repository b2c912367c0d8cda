package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate/auth0"
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/trial"
	"github.com/gatewright/gate/idp/upstream/fake"
	"github.com/gatewright/gate/runtime/devpage"
)

// A devProvider is the identity provider that gate dev runs beside a service
// whose design hands its log-in to an issuer on this machine.
type devProvider struct {
	in       *config.Instance
	server   *http.Server
	social   *fake.Server
	origins  []string // where a front end is served
	asked    request  // what the database was brought to
	kept     madeUp   // what file holds
	site     atomic.Pointer[http.Handler]
	issuer   string
	audience string
	client   string // client_id of the single-page client
	machine  string // client_id of the machine client
	secret   string // its secret, when it was made now
	role     string // one that is worth giving, if there is any
	roles    string // what to say of those of the administrator
	admin    string // address of the first administrator
	password string // when they were made now
	file     string // with what was made up
	stop     context.CancelFunc
	done     chan struct{}
}

const (
	devAdmin   = "admin@example.com"
	devMachine = "machine"
	viteOrigin = "http://localhost:5173" // where a front end under development is served
)

// issuer is where people log in; empty when the design does not say auth-auth0.
func (d *dev) issuer() (string, error) {
	plugin := d.p.design.Plugin(auth0.Plugin)
	if plugin == nil || d.cmd.IDP == "" {
		return issuerOf(plugin), nil
	}
	host, port, err := net.SplitHostPort(d.cmd.IDP)
	if err != nil || host != "" && !thisMachine(host) {
		return "", failf("it is for this machine alone: --idp localhost:3001", "--idp %s: not HOST:PORT of this machine", d.cmd.IDP)
	}
	return "http://localhost:" + port + "/", nil
}

// issuerOf is the issuer of the environment, or else of a design.
func issuerOf(plugin *design.Plugin) string {
	if plugin == nil {
		return ""
	}
	return cmp.Or(os.Getenv("AUTH0_ISSUER_URL"), settingText(plugin, "issuerURL"))
}

// providerTaken reports whether somebody else listens where the provider is to be.
func (d *dev) providerTaken(ctx context.Context) bool {
	issuer, err := d.issuer()
	if err != nil {
		return false
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "http" || u.Hostname() != "localhost" {
		return false
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", u.Port()))
	if err == nil {
		_ = l.Close()
	}
	return err != nil
}

// openProvider starts the provider when the design's issuer is this machine.
// An issuer elsewhere, also one that the environment names, is left alone.
func (d *dev) openProvider(ctx context.Context) error {
	issuer, err := d.issuer()
	if issuer == "" || err != nil {
		return err
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "http" || u.Hostname() != "localhost" {
		if err == nil && thisMachine(u.Hostname()) {
			d.note("no provider is started: the issuer is "+issuer+", and that of gate dev is http://localhost:PORT/",
				"name such an address as issuerURL, or run one at yours: gate idp serve --dev, with tls: local in its idp.yaml for https")
		}
		return nil
	}
	s := d.talk.step("provider")
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", u.Port()))
	if err != nil {
		return failf("--idp localhost:0 picks a free port", "the identity provider cannot listen on %s: %w", u.Host, err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	p := &devProvider{issuer: "http://localhost:" + port + "/", done: make(chan struct{})}
	if err := p.open(ctx, d, listener); err != nil {
		_ = listener.Close()
		return err
	}
	d.provider = p
	s.done(p.issuer)
	return nil
}

// note tells what is not as somebody may think, and what to do about it.
func (d *dev) note(message, hint string) {
	d.talk.event(map[string]any{"event": "warning", "message": message, "hint": hint})
	d.talk.line("  " + d.talk.paint(yellow, "!") + " " + plain(message))
	if hint != "" {
		d.talk.line("    " + hint)
	}
}

// issuerMoved says that an issuer that the design names now is that of the next
// run: the provider stays where it was started.
func (d *dev) issuerMoved(old *project) {
	was, is := old.design.Plugin(auth0.Plugin), d.p.design.Plugin(auth0.Plugin)
	if is == nil || d.cmd.IDP != "" || os.Getenv("AUTH0_ISSUER_URL") != "" {
		return
	}
	if was == nil || settingText(was, "issuerURL") != settingText(is, "issuerURL") {
		d.note("the provider is not the one of the new issuerURL: it is chosen when gate dev starts", "end gate dev with Ctrl+C and start it again")
	}
}

func (p *devProvider) open(ctx context.Context, d *dev, listener net.Listener) error {
	p.origins = []string{d.url(), viteOrigin}
	if err := d.p.prepare(); err != nil {
		return err
	}
	dir, err := filepath.Abs(d.p.stateDir())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("issuer: %s\ndatabase: sqlite:idp.db\nsignup: open\nmail: {url: \"folder:outbox\"}\n", p.issuer)
	// gate idp in this folder finds it here.
	file := filepath.Join(dir, "idp.yaml")
	if err := os.WriteFile(file, []byte("# Written by gate dev.\n"+text), 0o600); err != nil {
		return err
	}
	cfg, err := config.Parse(file, []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		return err
	}
	if p.social, err = newFake(p.issuer); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(d.log.file, nil))
	if p.in, err = cfg.Open(ctx, config.Options{Development: true, Outbox: trial.OutboxPath, Logger: log}); err != nil {
		return err
	}
	p.file = filepath.Join(dir, "idp.json")
	p.kept = readMadeUp(p.file)
	told, err := p.start(ctx, d)
	if err != nil {
		return errors.Join(err, p.in.Close(ctx))
	}
	for _, line := range told {
		d.note(line, "")
	}
	p.serve(ctx, listener, log)
	return nil
}

// start brings the database to the design, and makes the pages.
func (p *devProvider) start(ctx context.Context, d *dev) ([]string, error) {
	ask, err := p.request(d)
	if err != nil {
		return nil, err
	}
	told, err := p.plant(ctx, ask)
	if err != nil {
		return nil, err
	}
	return told, p.show(d)
}

// show makes the pages for what the design is now.
func (p *devProvider) show(d *dev) error {
	if p == nil {
		return nil
	}
	audience, scope := p.audience, p.asked.scope()
	handler, err := devSite{provider: p.in, fake: p.social, pages: trial.Config{
		Issuer: p.issuer, ClientID: p.client, Style: p.in.Style(), Outbox: filepath.Join(filepath.Dir(p.file), "outbox"), API: d.url() + d.firstRoute(),
		Asks: func(context.Context) (string, string, error) { return audience, scope, nil },
	}}.handler()
	if err == nil {
		p.site.Store(&handler)
	}
	return err
}

// serve answers until the provider is closed.
func (p *devProvider) serve(ctx context.Context, listener net.Listener, log *slog.Logger) {
	p.server = newProviderServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*p.site.Load()).ServeHTTP(w, r)
	}), log)
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	go func() {
		defer close(p.done)
		p.in.Run(run)
	}()
	go func() { _ = p.server.Serve(listener) }() // ends with close
}

// close ends the provider.
func (p *devProvider) close() {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = p.server.Shutdown(ctx)
	p.stop()
	<-p.done
	_ = p.in.Close(ctx)
}

// clientID is the one that the design names.
func clientID(d *dev) string {
	plugin := d.p.design.Plugin(auth0.Plugin)
	return cmp.Or(settingText(plugin, "clientId"), settingText(plugin, "clientID"))
}

// settingText returns a setting that is a text, or "".
func settingText(p *design.Plugin, name string) string {
	s := p.Setting(name)
	if s == nil {
		return ""
	}
	text, _ := s.Value.(string)
	return text
}

// firstRoute is the path of an entity to try a token on: the first one besides
// the accounts.
func (d *dev) firstRoute() string {
	for _, e := range d.p.design.Entities {
		if !slices.ContainsFunc(e.Fields, func(f *design.Field) bool { return f.Type == design.Password }) {
			return "/api/" + e.Route
		}
	}
	return "/api"
}

func scopeValues(want auth0.Desired) []string {
	var out []string
	for _, s := range want.API.Scopes {
		out = append(out, s.Value)
	}
	return out
}

// seed is what the design asks of an Auth0 tenant, for our own.
func (p *devProvider) seed(want auth0.Desired, spaID string) config.Seed {
	api := config.API{Identifier: want.API.Identifier, Name: want.API.Name, RBAC: want.API.RBAC, OfflineAccess: want.API.AllowOfflineAccess}
	for _, s := range want.API.Scopes {
		api.Scopes = append(api.Scopes, config.Scope{Value: s.Value, Description: s.Description})
	}
	seed := config.Seed{
		APIs: []config.API{api},
		Clients: []config.Client{
			{
				Name: want.SPA.Name, Type: config.SPA, ID: spaID,
				Callbacks: append(slices.Clone(want.SPA.Callbacks), strings.TrimSuffix(p.issuer, "/")+trial.CallbackPath),
				// A log-out that names no address leads to the first: a page that is there.
				LogoutURLs: append([]string{p.issuer + "try"}, want.SPA.LogoutURLs...), WebOrigins: want.SPA.WebOrigins,
			},
			{
				Name: devMachine, Type: config.Machine,
				Grants: map[string][]string{want.API.Identifier: {"*"}, config.ManagementAPI: {"*"}},
			},
		},
		Users: []config.User{{Email: devAdmin, Name: "Administrator"}},
	}
	for _, r := range want.Roles {
		role := config.Role{Name: r.Name, Description: r.Description}
		if len(r.Permissions) > 0 {
			role.Permissions = map[string][]string{want.API.Identifier: r.Permissions}
		}
		seed.Users[0].Roles = append(seed.Users[0].Roles, r.Name)
		seed.Roles = append(seed.Roles, role)
	}
	if want.Action != nil {
		seed.Actions = []config.Action{{Name: want.Action.Name, Trigger: want.Action.Trigger, Code: want.Action.Code}}
	}
	return seed
}

// facts are what the start page of the service tells.
func (p *devProvider) facts() *devpage.Provider {
	if p == nil {
		return nil
	}
	return &devpage.Provider{Outbox: strings.TrimSuffix(p.issuer, "/") + trial.OutboxPath, Admin: p.admin, File: p.file, Role: p.role}
}

// environment points the service at the provider.
func (p *devProvider) environment() []string {
	if p == nil {
		return nil
	}
	return []string{
		"AUTH0_ISSUER_URL=" + p.issuer, "AUTH0_DOMAIN=" + strings.TrimSuffix(strings.TrimPrefix(p.issuer, "http://"), "/"),
		"AUTH0_AUDIENCE=" + p.audience, "AUTH0_CLIENT_ID=" + p.client, "FIRST_ADMIN_EMAIL=" + p.admin,
	}
}

// origins lets the pages of a front end under development call a service whose
// people log in at an issuer, wherever that is. It is asked at each start of the
// service, for .env may say something else by then.
func (p *project) origins() []string {
	if p.design.Plugin(auth0.Plugin) == nil && p.design.Plugin("auth-oidc") == nil || says(p.dir, "CORS_ORIGINS") {
		return nil
	}
	return []string{"CORS_ORIGINS=" + viteOrigin}
}

// says reports whether the environment of a service, or its file .env, has a value
// for that setting.
func says(dir, name string) bool {
	if strings.TrimSpace(os.Getenv(name)) != "" {
		return true
	}
	data, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if strings.TrimSpace(key) == name && strings.Trim(value, "\"' ") != "" {
			return true
		}
	}
	return false
}

// tellIssuer prints what is known of an issuer that gate dev does not run.
func (d *dev) tellIssuer() {
	plugin := cmp.Or(d.p.design.Plugin(auth0.Plugin), d.p.design.Plugin("auth-oidc"))
	if d.provider != nil || plugin == nil {
		return
	}
	for _, line := range []struct{ name, variable, value string }{
		{"Issuer", "AUTH0_ISSUER_URL", cmp.Or(settingText(plugin, "issuerURL"), settingText(plugin, "issuer"))},
		{"Audience", "AUTH0_AUDIENCE", settingText(plugin, "audience")},
		{"Web client", "AUTH0_CLIENT_ID", cmp.Or(settingText(plugin, "clientId"), settingText(plugin, "clientID"))},
	} {
		value := line.value
		if plugin.Name == auth0.Plugin {
			value = cmp.Or(os.Getenv(line.variable), value)
		}
		if value != "" {
			d.talk.named(line.name, value)
		}
	}
}

// tell prints what to open and what to paste.
func (p *devProvider) tell(t *talk) {
	if p == nil {
		return
	}
	base := strings.TrimSuffix(p.issuer, "/")
	t.named("Log-in", t.paint(cyan, base+trial.Path)+"   "+t.paint(dim, "outbox at /outbox"))
	t.named("Social", fakeShown+t.paint(dim, "   on the log-in page: no network, and nobody is asked for a password"))
	t.named("Issuer", p.issuer)
	t.named("Audience", p.audience)
	t.named("Web client", p.client)
	machine := p.machine
	if p.secret != "" && t.terminal {
		machine += "   " + t.paint(bold, p.secret)
	}
	t.named("Machine", machine)
	t.named("Roles", "gate idp role assign ROLE ADDRESS"+t.paint(dim, "   in the folder of the service"))
	password := "password in " + p.file
	if p.password != "" && t.terminal {
		password = t.paint(bold, p.password)
	}
	t.line("")
	t.named("Users", pad(p.admin, 27)+pad(p.roles, 13)+password)
}
