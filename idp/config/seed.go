package config

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// DefaultConnection is the connection of a seed that names none.
const DefaultConnection = "Username-Password-Authentication"

// Kinds of what a seed makes.
const (
	KindAPI        = "API"
	KindRole       = "role"
	KindClient     = "client"
	KindConnection = "connection"
	KindUser       = "user"
	KindAction     = "action"
)

// A Seeded is one thing of a seed, as it is in the database now.
type Seeded struct {
	Kind string
	Name string // of an API its identifier, of a user the address
	ID   string // empty of what was deleted by an administrator and stays so
	Made bool   // by this call
	// Secret is the client secret, or the password that was made up: of what
	// was made by this call, and else empty.
	Secret secret.String
}

// A Report says what [Instance.Seed] found and made, in the order of the seed.
type Report []Seeded

// Find returns what has this kind and name.
func (r Report) Find(kind, name string) (Seeded, bool) {
	i := slices.IndexFunc(r, func(s Seeded) bool { return s.Kind == kind && s.Name == name })
	if i < 0 {
		return Seeded{}, false
	}
	return r[i], true
}

// Seed puts a seed into the database. It may be done at each start and by several
// processes:
//
//   - An API, role, client or connection that is not there is made; an API is
//     found by its identifier, everything else by its name.
//   - Of one that is there, no setting is changed. Scopes, permissions, grants,
//     addresses of clients and enabled clients are added once: what an
//     administrator took away does not come back.
//   - Users and actions are made once. One that was deleted stays so. What a start
//     that was killed left half made the next one finishes; a password that it
//     made up is lost then: gate idp user reset-password.
//   - What a variable or a file is missing for is told before anything is made.
//
// Passwords and client secrets that were made up are in the report, and nowhere
// else.
func (i *Instance) Seed(ctx context.Context, s Seed) (Report, error) {
	var all Report
	for try := 1; ; try++ {
		report, err := i.plant(ctx, s)
		all = all.with(report)
		refused, ok := errors.AsType[*Refusal](err)
		if err == nil {
			return all, nil
		}
		if !ok || refused.Status != http.StatusConflict || try == seedTries {
			return all, fmt.Errorf("seed: %w", err)
		}
		// Another process made the same, and what it made is seen in a second.
		select {
		case <-ctx.Done():
			return all, fmt.Errorf("seed: %w", ctx.Err())
		case <-time.After(seedWait):
		}
	}
}

// How often a seed is tried when other processes are at it, too, and how long
// after each other.
const (
	seedTries = 5
	seedWait  = 1100 * time.Millisecond
)

// with returns what another try reports, with what was made by this one.
func (r Report) with(next Report) Report {
	for i, n := range next {
		if was, ok := r.Find(n.Kind, n.Name); ok && was.Made && was.ID == n.ID {
			next[i] = was
		}
	}
	if len(next) < len(r) {
		return r
	}
	return next
}

func (i *Instance) plant(ctx context.Context, s Seed) (Report, error) {
	p := &planter{Instance: i, ctx: ctx, done: map[string]bool{}, clients: map[string]string{}}
	if err := p.read(); err != nil {
		return nil, err
	}
	if err := p.ready(s); err != nil {
		return nil, err
	}
	err := p.plant(s)
	// What is there now is remembered also when the rest failed.
	return p.report, errors.Join(err, p.remember())
}

// A planter puts a seed into a database.
type planter struct {
	*Instance

	ctx     context.Context //nolint:containedctx // of the one call that this is
	done    map[string]bool // what was ever added
	news    []string        // of done, by this call
	clients map[string]string
	people  []string // IDs of the clients that people log in to
	report  Report
}

func (p *planter) plant(s Seed) error {
	for _, a := range s.APIs {
		if err := p.api(a); err != nil {
			return fmt.Errorf("API %s: %w", a.Identifier, err)
		}
	}
	for _, r := range s.Roles {
		if err := p.role(r); err != nil {
			return fmt.Errorf("role %s: %w", r.Name, err)
		}
	}
	for _, c := range s.Clients {
		if err := p.client(c); err != nil {
			return fmt.Errorf("client %s: %w", c.Name, err)
		}
	}
	connections := s.Connections
	if len(connections) == 0 && (len(p.people) > 0 || len(s.Users) > 0) {
		connections = []Connection{{Name: DefaultConnection}}
	}
	for _, c := range connections {
		if err := p.connection(c); err != nil {
			return fmt.Errorf("connection %s: %w", c.Name, err)
		}
	}
	for _, u := range s.Users {
		u.Connection = s.connectionOf(u)
		if err := p.user(u); err != nil {
			return fmt.Errorf("user %s: %w", u.Email, err)
		}
	}
	for _, a := range s.Actions {
		if err := p.action(a); err != nil {
			return fmt.Errorf("action %s: %w", a.Name, err)
		}
	}
	return nil
}

func (p *planter) post(path string, in, out any) error {
	return p.Admin.Do(p.ctx, http.MethodPost, path, in, out)
}

func (p *planter) patch(path string, in any) error {
	return p.Admin.Do(p.ctx, http.MethodPatch, path, in, nil)
}

func (p *planter) tell(kind, name, id string, made bool, text secret.String) {
	p.report = append(p.report, Seeded{Kind: kind, Name: name, ID: id, Made: made, Secret: text})
}

func (p *planter) api(a API) error {
	api, err := p.Tenant().APIs.ByName(p.ctx, a.Identifier)
	made := errors.Is(err, tenant.ErrNotFound)
	var scopes []tenant.APIScope
	var values []string
	for _, s := range a.Scopes {
		scopes, values = append(scopes, tenant.APIScope{Value: s.Value, Description: s.Description}), append(values, s.Value)
	}
	if made {
		api, err = p.newAPI(a, scopes)
	}
	if err != nil {
		return err
	}
	p.tell(KindAPI, a.Identifier, api.ID, made, "")
	if missing := p.fresh(made, values, KindAPI, a.Identifier); !made && len(missing) > 0 {
		all := slices.Clone(api.Scopes)
		for _, s := range scopes {
			if slices.Contains(missing, s.Value) && !api.Defines(s.Value) {
				all = append(all, s)
			}
		}
		if len(all) > len(api.Scopes) {
			if err := p.patch("resource-servers/"+api.ID, map[string]any{"scopes": all}); err != nil {
				return err
			}
		}
	}
	p.noteAll(values, KindAPI, a.Identifier)
	return nil
}

func (p *planter) newAPI(a API, scopes []tenant.APIScope) (*tenant.API, error) {
	in := map[string]any{
		"identifier": a.Identifier, "name": a.Name, "scopes": scopes, "allow_offline_access": a.OfflineAccess,
		"skip_consent_for_verifiable_first_party_clients": !a.RequireConsent,
	}
	if a.Name == "" {
		in["name"] = a.Identifier
	}
	if a.RBAC {
		in["enforce_policies"], in["token_dialect"] = true, "access_token_authz"
	}
	if seconds := int(a.TokenLifetime.Seconds()); seconds > 0 {
		in["token_lifetime"], in["token_lifetime_for_web"] = seconds, min(seconds, 7200)
	}
	api := new(tenant.API)
	return api, p.post("resource-servers", in, api)
}

func (p *planter) role(r Role) error {
	role, err := p.Tenant().Roles.ByName(p.ctx, r.Name)
	made := errors.Is(err, tenant.ErrNotFound)
	if made {
		role = new(tenant.Role)
		err = p.post("roles", map[string]any{"name": r.Name, "description": r.Description}, role)
	}
	if err != nil {
		return err
	}
	p.tell(KindRole, r.Name, role.ID, made, "")
	for api, scopes := range r.Permissions {
		var list []tenant.Permission
		for _, s := range p.fresh(made, scopes, KindRole, r.Name, api) {
			list = append(list, tenant.Permission{API: api, Name: s})
		}
		if len(list) > 0 {
			if err := p.post("roles/"+role.ID+"/permissions", map[string]any{"permissions": list}, nil); err != nil {
				return err
			}
		}
		p.noteAll(scopes, KindRole, r.Name, api)
	}
	return nil
}

func (p *planter) user(u User) error {
	if p.was(KindUser, u.Connection, u.Email) {
		id := ""
		found, _, err := p.Tenant().UserByLogin(p.ctx, u.Connection, strings.ToLower(u.Email))
		switch {
		case err == nil:
			id = found.ID
		case !errors.Is(err, tenant.ErrNotFound):
			return err
		}
		p.tell(KindUser, u.Email, id, false, "")
		return nil
	}
	id, err := p.begin(KindUser, u.Connection, u.Email)
	if err != nil {
		return err
	}
	user, text, err := p.newUser(u, id)
	made := err == nil
	if refused, is := errors.AsType[*Refusal](err); is && refused.Status == http.StatusConflict {
		user, err = p.Tenant().User(p.ctx, tenant.Database+"|"+id)
		if errors.Is(err, tenant.ErrNotFound) {
			// Somebody has this address already, and it is not known that it is who
			// is meant: they get no role by this.
			p.note(KindUser, u.Connection, u.Email)
			return p.user(u)
		}
	}
	if err != nil {
		return err
	}
	if len(u.Roles) > 0 {
		var ids []string
		for _, name := range u.Roles {
			role, err := p.Tenant().Roles.ByName(p.ctx, name)
			if err != nil {
				return fmt.Errorf("role %s: %w", name, err)
			}
			ids = append(ids, role.ID)
		}
		if err := p.post("users/"+url.PathEscape(user.ID)+"/roles", map[string]any{"roles": ids}, nil); err != nil {
			return err
		}
	}
	p.note(KindUser, u.Connection, u.Email)
	p.tell(KindUser, u.Email, user.ID, made, text)
	return nil
}

// newUser makes a user, and returns the password if it was made up.
func (p *planter) newUser(u User, id string) (*tenant.User, secret.String, error) {
	text, shown := NewPassword(), secret.String("")
	if u.PasswordEnv == "" {
		shown = text
	} else if text = p.cfg.secretOf(u.PasswordEnv); text == "" {
		return nil, "", fmt.Errorf("the variable %s is not set", u.PasswordEnv)
	}
	name := u.Name
	if name == "" {
		name = u.Email
	}
	made := new(tenant.User)
	err := p.post("users", map[string]any{
		"connection": u.Connection, "email": u.Email, "name": name, "email_verified": true, "password": text.Reveal(),
		"user_id": id,
	}, made)
	if err != nil {
		return nil, "", err
	}
	return made, shown, nil
}

// NewPassword returns a password that a person can type: 20 letters and digits in
// groups of five, 100 random bits. Every policy of a connection takes it.
func NewPassword() secret.String {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789" // 32, none that looks like another
	for {
		var b strings.Builder
		for i, r := range secret.Bytes(20) {
			if i > 0 && i%5 == 0 {
				b.WriteByte('-')
			}
			b.WriteByte(letters[r%32])
		}
		// One of 300 has no digit, which would be a kind of characters too few.
		if text := b.String(); strings.ContainsAny(text, "23456789") {
			return secret.String(text)
		}
	}
}

func (p *planter) action(a Action) error {
	act, err := p.Tenant().Actions.ByName(p.ctx, a.Name)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return err
	}
	there := err == nil
	if p.was(KindAction, a.Name) || there && !p.half(KindAction, a.Name) {
		id := ""
		if there {
			id = act.ID
		}
		p.note(KindAction, a.Name)
		p.tell(KindAction, a.Name, id, false, "")
		return nil
	}
	if !there {
		if act, err = p.newAction(a); err != nil {
			return err
		}
	}
	bind := map[string]any{"bindings": []any{map[string]any{"ref": map[string]any{"type": "action_id", "value": act.ID}, "display_name": a.Name}}}
	if err := p.post("actions/triggers/"+a.Trigger+"/bindings", bind, nil); err != nil {
		return err
	}
	p.note(KindAction, a.Name)
	p.tell(KindAction, a.Name, act.ID, !there, "")
	return nil
}

func (p *planter) newAction(a Action) (*tenant.Action, error) {
	code := a.Code
	if code == "" {
		data, err := os.ReadFile(p.cfg.path(a.File))
		if err != nil {
			return nil, err
		}
		code = string(data)
	}
	secrets := []map[string]string{}
	for name, variable := range a.Secrets {
		value := p.cfg.secretOf(variable)
		if value == "" {
			return nil, fmt.Errorf("the variable %s is not set", variable)
		}
		secrets = append(secrets, map[string]string{"name": name, "value": value.Reveal()})
	}
	if _, err := p.begin(KindAction, a.Name); err != nil {
		return nil, err
	}
	act := new(tenant.Action)
	return act, p.post("actions/actions", map[string]any{
		"name": a.Name, "code": code, "runtime": "node22", "secrets": secrets, "deploy": true,
		"supported_triggers": []any{map[string]string{"id": a.Trigger}},
	}, act)
}
