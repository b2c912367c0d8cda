package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/gatewright/gate/auth0"
)

type auth0Cmd struct {
	Plan    auth0PlanCmd    `cmd:"" help:"Say how the tenant differs from what the service needs."`
	Apply   auth0ApplyCmd   `cmd:"" help:"Bring the tenant to what the service needs."`
	Destroy auth0DestroyCmd `cmd:"" help:"Delete from the tenant what the service needs."`
}

// Example is that of the command that comes first.
func (auth0Cmd) Example() string { return auth0PlanCmd{}.Example() }

// The variables of the environment that prove who asks.
const (
	envMgmtToken    = "AUTH0_MGMT_TOKEN"
	envMgmtID       = "AUTH0_MGMT_CLIENT_ID"
	envMgmtSecret   = "AUTH0_MGMT_CLIENT_SECRET"
	envClientID     = "AUTH0_CLIENT_ID" // of the web client, to a service
	envClientSecret = "AUTH0_CLIENT_SECRET"
)

// manager returns the client that asks the Management API, and the variables that
// name it. The older names are those of Auth0's documentation; they count when
// neither of the others is there.
func manager() (id string, secret auth0.Secret, names string) {
	first, second := envMgmtID, envMgmtSecret
	if os.Getenv(first) == "" && os.Getenv(second) == "" && os.Getenv(envClientID) != "" && os.Getenv(envClientSecret) != "" {
		first, second = envClientID, envClientSecret
	}
	return os.Getenv(first), auth0.Secret(os.Getenv(second)), first + " or " + second
}

// auth0Target says which tenant, and which service.
type auth0Target struct {
	Dir     string   `arg:"" default:"." help:"Folder of the service, with its gate.yaml."`
	Domain  string   `xor:"where" placeholder:"HOST" help:"Tenant, such as shop.eu.auth0.com; that of gate.yaml unless said."`
	URL     string   `name:"url" xor:"where" placeholder:"URL" help:"Origin of the tenant, for one elsewhere, such as http://localhost:3001."`
	Origin  []string `placeholder:"ORIGIN" help:"Where the web client is served from; may be given more than once. Unless said, localhost and the port of the service, and where a client that is there is served already."`
	Machine bool     `help:"A machine client with all permissions, too."`
}

const auth0Help = "The token of the Management API is in AUTH0_MGMT_TOKEN, or AUTH0_MGMT_CLIENT_ID and AUTH0_MGMT_CLIENT_SECRET are of a client that may have one. It is never stored."

// open returns the tenant, and what the service needs of it. Who is going to
// change it has to be allowed to by the design.
func (c *auth0Target) open(out *console, change bool) (*auth0.Tenant, auth0.Desired, error) {
	p, err := open(c.Dir)
	if err != nil {
		return nil, auth0.Desired{}, err
	}
	if change && !auth0.Managed(p.design) {
		return nil, auth0.Desired{}, failf("set it to true, or take it out",
			"gate.yaml says useManagementApi: false, so the tenant is left alone")
	}
	want, err := auth0.FromDesign(p.design, auth0.DesignOptions{Origins: c.Origin, Machine: c.Machine})
	if err != nil {
		return nil, want, err
	}
	cfg := auth0.Config{
		Domain: c.Domain, BaseURL: c.URL, Token: auth0.Secret(os.Getenv(envMgmtToken)),
		Logger: slog.New(slog.NewTextHandler(out.talk.w, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if c.Domain == "" && c.URL == "" {
		if cfg.BaseURL, err = auth0.Origin(p.design); err != nil {
			return nil, want, err
		}
	}
	if cfg.Token == "" {
		cfg.ClientID, cfg.ClientSecret, _ = manager()
		if cfg.ClientID == "" || cfg.ClientSecret == "" {
			return nil, want, failf("set "+envMgmtToken+", or "+envMgmtID+" and "+envMgmtSecret+"; it needs the scopes "+strings.Join(want.TokenScopes(), " "),
				"nothing says who asks the tenant")
		}
	}
	t, err := auth0.New(cfg)
	return t, want, err
}

// advice gives an error of the tenant its hint.
func advice(err error) error {
	e, ok := errors.AsType[*auth0.Error](err)
	switch {
	case ok && len(e.Scopes) > 0:
		return &fault{err: err, hint: "the token needs one of the scopes " + strings.Join(e.Scopes, ", ")}
	case ok && e.Status == http.StatusUnauthorized && os.Getenv(envMgmtToken) != "":
		return &fault{err: err, hint: envMgmtToken + " has expired, or is for another tenant"}
	case ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden):
		_, _, names := manager()
		return &fault{err: err, hint: names + " is not that of a client of this tenant that may use its Management API"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &fault{err: err, hint: "nothing listens there: start the provider, or name the tenant with --url or --domain"}
	case untrusted(err):
		return &fault{err: err, hint: "its certificate is of an authority that this machine does not trust: SSL_CERT_FILE names one; gate idp ca says where that of tls: local is"}
	case errors.Is(err, auth0.ErrConflict):
		return &fault{err: err, hint: "rename it there, or choose another name in managementParams of gate.yaml"}
	}
	return err
}

// untrusted reports whether a certificate is what is wrong.
func untrusted(err error) bool {
	var bad *tls.CertificateVerificationError
	return errors.As(err, &bad)
}

// errDrift ends plan with 2 after the differences were told.
var errDrift = &fault{err: errReported, usage: true}

type auth0PlanCmd struct{ auth0Target }

// Help says what the exit codes are.
func (auth0PlanCmd) Help() string {
	return auth0Help + " It changes nothing, and exits with 0 when there is nothing to do, and with 2 when there is."
}

// Example is what help ends with.
func (auth0PlanCmd) Example() string { return "gate auth0 plan examples/restaurant-auth0" }

// Run prints the plan.
func (c *auth0PlanCmd) Run(out *console) error {
	t, want, err := c.open(out, false)
	if err != nil {
		return err
	}
	p, err := t.Plan(out, want)
	if err != nil {
		return advice(err)
	}
	if _, err := io.WriteString(out.stdout, p.String()); err != nil {
		return err
	}
	if !p.Empty() {
		return errDrift
	}
	return nil
}

type auth0ApplyCmd struct {
	auth0Target
	Yes     bool   `help:"Do not ask."`
	EnvFile string `placeholder:"FILE" help:"Write what the service has to know into this file, for its owner alone, instead of printing it; over one that apply wrote."`
}

// Help says where the token comes from.
func (auth0ApplyCmd) Help() string {
	return auth0Help + " It shows the plan first. An API that is there keeps its name, and what is said of scopes and roles stays. Nothing is written to disk but the file that --env-file names."
}

// Example is what help ends with.
func (auth0ApplyCmd) Example() string {
	return "gate auth0 apply examples/restaurant-auth0 --env-file .env.auth0"
}

// Run applies the plan.
func (c *auth0ApplyCmd) Run(out *console) error {
	t, want, err := c.open(out, true)
	if err != nil {
		return err
	}
	p, err := t.Plan(out, want)
	if err != nil {
		return advice(err)
	}
	out.talk.line(strings.TrimRight(p.String(), "\n"))
	if !p.Empty() {
		if err := out.confirm(c.Yes, "apply %s", count(len(p.Changes), "change", "changes")); err != nil {
			return err
		}
	}
	write, discard := func(r *auth0.Result) error {
		_, err := io.WriteString(out.stdout, r.DotEnv())
		return err
	}, func() error { return nil }
	if c.toFile() {
		f, err := openEnv(c.EnvFile, t.Domain())
		if err != nil {
			return err
		}
		write, discard = f.write, f.discard
	}
	result, err := t.Apply(out, p)
	if result == nil || err != nil && result.MachineClientSecret == "" {
		return errors.Join(advice(err), discard())
	}
	if err := errors.Join(advice(err), write(result)); err != nil {
		return err
	}
	if !p.Empty() { // which was told
		out.talk.line("  " + out.talk.paint(green, tick(out.talk)) + " applied to " + plain(result.Domain))
	}
	c.tell(out.talk, result)
	return nil
}

// toFile reports whether the result goes into a file.
func (c *auth0ApplyCmd) toFile() bool { return c.EnvFile != "" && c.EnvFile != "-" }

// tell says where what the service has to know is.
func (c *auth0ApplyCmd) tell(t *talk, r *auth0.Result) {
	if !c.toFile() {
		return
	}
	if r.ClientID != "" {
		t.named("Client ID", plain(r.ClientID))
	}
	t.line("  " + t.paint(green, tick(t)) + " wrote " + plain(c.EnvFile))
	t.named("The service", "reads it with: set -a; . "+sourced(c.EnvFile)+"; set +a")
}

type auth0DestroyCmd struct {
	auth0Target
	Yes bool `help:"Do not ask."`
}

// Help says what stays.
func (auth0DestroyCmd) Help() string {
	return auth0Help + " Users, connections and what others made stay: clients that apply did not make, an API with another name or further scopes, an action with other code, and roles that somebody has or that are not as apply makes them. With a role that somebody has stays the API, by which it is known again: take it from them, and destroy again. The machine client of apply --machine goes with destroy --machine."
}

// Example is what help ends with.
func (auth0DestroyCmd) Example() string { return "gate auth0 destroy examples/restaurant-auth0" }

// Run deletes.
func (c *auth0DestroyCmd) Run(out *console) error {
	t, want, err := c.open(out, true)
	if err != nil {
		return err
	}
	p, err := t.PlanDestroy(out, want)
	if err != nil {
		return advice(err)
	}
	out.talk.line(strings.TrimRight(p.String(), "\n"))
	if p.Empty() {
		return nil
	}
	if err := out.confirm(c.Yes, "delete %s", count(len(p.Changes), "thing", "things")); err != nil {
		return err
	}
	if _, err := t.Apply(out, p); err != nil {
		return advice(err)
	}
	_, err = fmt.Fprintf(out.talk.w, "  %s deleted\n", tick(out.talk))
	return err
}
