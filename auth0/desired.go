package auth0

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gatewright/gate/internal/secret"
)

// A Secret is a text that prints as "[secret]" in every way; its method Reveal
// is the one way to its value.
type Secret = secret.String

// The defaults of what is desired.
const (
	// DefaultSigningAlg signs the access tokens of an API.
	DefaultSigningAlg = "RS256"
	// DefaultTrigger is when an action runs.
	DefaultTrigger = "post-login"
	// DefaultRuntime runs an action.
	DefaultRuntime = "node22"
	// DefaultActionName names the action that puts the profile of a user into
	// access tokens.
	DefaultActionName = "Add user details to access token"

	// otherActionName is what the action is called by tools that came before.
	otherActionName = "Add user details to user response"

	maxActionCode  = 100_000 // bytes
	maxSecretName  = 128
	maxSecretValue = 4096
)

// Desired is what a service needs of a tenant. What is nil or empty is not
// looked at. Only the API is required.
type Desired struct {
	API     API
	SPA     *SPA     // the client that people's browsers run
	Machine *Machine // the client of a program that acts for itself
	Roles   []Role
	Action  *Action
	// Connections are the names of existing connections that people who come
	// from the SPA may log in with: Username-Password-Authentication.
	Connections []string
}

// An API is a resource server: what access tokens are for.
type API struct {
	// Identifier is the audience of access tokens. It is the key of an API and
	// cannot be changed.
	Identifier string
	// Name is shown to administrators. Empty means the identifier. An API that is
	// there keeps the one it has.
	Name string
	// Scopes are the permissions that there are.
	Scopes []Scope
	// SigningAlg is RS256 or PS256. Empty means [DefaultSigningAlg].
	SigningAlg string
	// RBAC puts the permissions of the user into access tokens. False leaves
	// the API as it is.
	RBAC bool
	// AllowOfflineAccess lets clients have refresh tokens. False leaves the API
	// as it is.
	AllowOfflineAccess bool
	// SkipConsent asks users of first-party clients for no consent. False
	// leaves the API as it is.
	SkipConsent bool
	// TokenLifetime is how long access tokens are valid, in seconds. Zero leaves
	// the API as it is, and a new one with the tenant's default of a day.
	TokenLifetime int
}

// A Scope is one permission of an API.
type Scope struct {
	Value       string // read:items
	Description string // of a scope that has none
}

// An SPA is a single-page client: a public one that uses the authorization code
// with PKCE and refresh tokens that rotate and expire.
type SPA struct {
	Name       string   // the key
	Callbacks  []string // URLs that a login may return to, compared exactly
	LogoutURLs []string // URLs that a logout may return to
	WebOrigins []string // origins that silent renewal and pop-ups work from
	Guessed    bool     // the addresses are for a client that has none: nobody said where it is served
}

// A Machine is a confidential client that gets tokens for the API by its client
// secret.
type Machine struct {
	Name   string   // the key
	Scopes []string // of the API that it is granted
}

// A Role is a named set of permissions of the API.
type Role struct {
	Name        string   // the key
	Description string   // of a role that has none
	Permissions []string // among the scopes of the API
}

// An Action is JavaScript that the tenant runs at each login.
type Action struct {
	// Name is the key. The default name also finds the action under the other
	// name that it is known by. Empty means [DefaultActionName].
	Name string
	// Code is the whole text; [DefaultAction] returns one.
	Code string
	// Trigger is when it runs. Empty means [DefaultTrigger].
	Trigger string
	// Runtime runs it. Empty means [DefaultRuntime].
	Runtime string
	// Secrets are what the code finds in event.secrets. A tenant never returns
	// the values, so that only a name that is missing is noticed; all values are
	// sent again whenever the action changes.
	Secrets []ActionSecret
}

// An ActionSecret is one secret of an action.
type ActionSecret struct {
	Name  string
	Value Secret
}

// TokenScopes lists the scopes that a token of the Management API needs to plan
// and apply d, sorted. Deleting needs the delete: scope of each object as well,
// and roles read:users, for one that somebody has stays.
func (d Desired) TokenScopes() []string {
	objects := []string{"resource_servers"}
	if d.SPA != nil || d.Machine != nil {
		objects = append(objects, "clients")
	}
	if d.Machine != nil {
		objects = append(objects, "client_grants")
	}
	if len(d.Roles) > 0 {
		objects = append(objects, "roles")
	}
	if d.Action != nil {
		objects = append(objects, "actions")
	}
	var scopes []string
	for _, o := range objects {
		scopes = append(scopes, "read:"+o, "create:"+o, "update:"+o)
	}
	if d.Machine != nil {
		scopes = append(scopes, "read:client_keys") // to be told its secret
	}
	if len(d.Connections) > 0 {
		scopes = append(scopes, "read:connections", "update:connections")
	}
	slices.Sort(scopes)
	return scopes
}

// complete returns d with its defaults, sharing nothing that is changed, or all
// that is wrong with it.
func (d Desired) complete() (Desired, error) {
	d.API.Name = cmp.Or(d.API.Name, d.API.Identifier)
	d.API.SigningAlg = cmp.Or(d.API.SigningAlg, DefaultSigningAlg)
	if d.Action != nil {
		a := *d.Action
		a.Name = cmp.Or(a.Name, DefaultActionName)
		a.Trigger = cmp.Or(a.Trigger, DefaultTrigger)
		a.Runtime = cmp.Or(a.Runtime, DefaultRuntime)
		d.Action = &a
	}
	err := errors.Join(d.checkAPI(), d.checkClients(), d.checkRoles(), d.checkAction(), d.checkConnections())
	if err != nil {
		return Desired{}, fmt.Errorf("what is desired of the tenant: %w", err)
	}
	return d, nil
}

func (d Desired) checkAPI() error {
	var errs []error
	a := d.API
	switch {
	case a.Identifier == "":
		errs = append(errs, errors.New("the API has no identifier"))
	case !visible(a.Identifier) || strings.ContainsAny(a.Identifier, ` "'<>`):
		errs = append(errs, fmt.Errorf("the identifier %q of the API has characters that no audience has", a.Identifier))
	}
	if a.SigningAlg != "RS256" && a.SigningAlg != "PS256" {
		errs = append(errs, fmt.Errorf("access tokens of the API cannot be signed with %q: it has to be RS256 or PS256", a.SigningAlg))
	}
	if a.TokenLifetime < 0 {
		errs = append(errs, errors.New("the lifetime of access tokens is negative"))
	}
	values := d.scopeValues()
	for _, v := range values {
		if v == "" || !visible(v) || strings.ContainsAny(v, ` "\`) {
			errs = append(errs, fmt.Errorf("%q is not the value of a scope (RFC 6749 §3.3)", v))
		}
	}
	return errors.Join(append(errs, name("the API", a.Name), twice("scope", values))...)
}

func (d Desired) checkClients() error {
	var errs []error
	if s := d.SPA; s != nil {
		errs = append(errs, name("the single-page client", s.Name))
		for _, u := range slices.Concat(s.Callbacks, s.LogoutURLs, s.WebOrigins) {
			errs = append(errs, registrable(u))
		}
		errs = append(errs, twice("callback", s.Callbacks), twice("logout URL", s.LogoutURLs), twice("web origin", s.WebOrigins))
	}
	if m := d.Machine; m != nil {
		errs = append(errs, name("the machine client", m.Name), twice("scope of the machine client", m.Scopes),
			d.known("the machine client", m.Scopes))
		if d.SPA != nil && d.SPA.Name == m.Name {
			errs = append(errs, fmt.Errorf("both clients are called %q", m.Name))
		}
	}
	return errors.Join(errs...)
}

func (d Desired) checkRoles() error {
	var errs []error
	var names []string
	for _, r := range d.Roles {
		names = append(names, r.Name)
		errs = append(errs, name("a role", r.Name), twice(fmt.Sprintf("permission of the role %q", r.Name), r.Permissions),
			d.known(fmt.Sprintf("the role %q", r.Name), r.Permissions))
	}
	return errors.Join(append(errs, twice("role", names))...)
}

func (d Desired) checkAction() error {
	a := d.Action
	if a == nil {
		return nil
	}
	errs := []error{name("the action", a.Name), name("the trigger", a.Trigger), name("the runtime", a.Runtime)}
	switch {
	case strings.TrimSpace(a.Code) == "":
		errs = append(errs, errors.New("the action has no code"))
	case len(a.Code) > maxActionCode:
		errs = append(errs, fmt.Errorf("the code of the action has more than %d bytes", maxActionCode))
	}
	var names []string
	for _, s := range a.Secrets {
		names = append(names, s.Name)
		switch {
		case s.Name == "" || len(s.Name) > maxSecretName:
			errs = append(errs, fmt.Errorf("the name of a secret of the action has to have 1 to %d characters", maxSecretName))
		case s.Value == "" || len(s.Value) > maxSecretValue:
			errs = append(errs, fmt.Errorf("the secret %q of the action has to have 1 to %d characters", s.Name, maxSecretValue))
		}
	}
	return errors.Join(append(errs, twice("secret of the action", names))...)
}

func (d Desired) checkConnections() error {
	if len(d.Connections) > 0 && d.SPA == nil {
		return errors.New("connections without a single-page client to enable them for")
	}
	errs := []error{twice("connection", d.Connections)}
	for _, c := range d.Connections {
		errs = append(errs, name("a connection", c))
	}
	return errors.Join(errs...)
}

func (d Desired) scopeValues() []string {
	values := make([]string, 0, len(d.API.Scopes))
	for _, s := range d.API.Scopes {
		values = append(values, s.Value)
	}
	return values
}

// known reports permissions that the API does not have.
func (d Desired) known(whose string, permissions []string) error {
	var errs []error
	for _, p := range permissions {
		if !slices.Contains(d.scopeValues(), p) {
			errs = append(errs, fmt.Errorf("%s has the permission %q, which is no scope of the API", whose, p))
		}
	}
	return errors.Join(errs...)
}

// registrable refuses what no client should have registered.
func registrable(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || !u.IsAbs() || u.Host == "" || !visible(raw):
		return fmt.Errorf("%q is not an absolute URL", raw)
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%q is not http or https", raw)
	case u.User != nil || u.Fragment != "" || strings.Contains(raw, "#"):
		return fmt.Errorf("%q has credentials or a fragment", raw)
	case strings.Contains(raw, "*"):
		return fmt.Errorf("%q has a wildcard: list the URLs", raw)
	}
	return nil
}

func name(what, value string) error {
	if strings.TrimSpace(value) == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%s has no usable name: %q", what, value)
	}
	return nil
}

func twice(what string, values []string) error {
	seen := make(map[string]bool, len(values))
	for _, v := range values {
		if seen[v] {
			return fmt.Errorf("%s %q is there twice", what, v)
		}
		seen[v] = true
	}
	return nil
}

// visible reports whether s is printable ASCII.
func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
