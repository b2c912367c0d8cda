package cli

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/gatewright/gate/auth0"
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
)

// A request is what a design asks of the provider.
type request struct {
	auth0.Desired

	service  string
	clientID string // of the single-page client
	role     string // one that is worth giving, if there is any
}

// scope is what the page that logs in asks for.
func (r *request) scope() string {
	return strings.Join(append([]string{tryScope}, scopeValues(r.Desired)...), " ")
}

// request is what the design asks for now.
func (p *devProvider) request(d *dev) (request, error) {
	want, err := auth0.FromDesign(d.p.design, auth0.DesignOptions{Origins: p.origins, Machine: true})
	if err != nil {
		return request{}, err
	}
	name := d.p.design.Service.Name
	if want.SPA.Name == auth0.DefaultClientName {
		want.SPA.Name = name + " SPA" // people read it on the pages here
	}
	return request{Desired: want, service: name, clientID: clientID(d), role: worthGiving(d.p.design, want)}, nil
}

// plant brings the database to what is asked, with a log-in by another provider, and
// returns what is to be told. It adds, and takes nothing away; what it made before it
// changes where nobody else did.
func (p *devProvider) plant(ctx context.Context, ask request) (told []string, err error) {
	seed := p.seed(ask.Desired, ask.clientID)
	if err := seedFake(ctx, p.in, p.social, &seed); err != nil {
		return nil, err
	}
	report, err := p.in.Seed(ctx, seed)
	if err != nil {
		return nil, err
	}
	if err := moveFake(ctx, p.in, p.social); err != nil {
		return nil, err
	}
	if err := p.promote(ctx, report); err != nil {
		return nil, err
	}
	p.read(report, ask)
	if err := p.rename(ctx, ask); err != nil {
		return nil, err
	}
	line, err := p.redeploy(ctx, ask.Action)
	if err != nil {
		return nil, err
	}
	if line != "" {
		told = append(told, line)
	}
	p.asked, p.audience, p.role = ask, ask.API.Identifier, ask.role
	return told, p.keep(ask)
}

// promote gives the administrator of before the roles that were made now, and finds
// out whether they have every role.
func (p *devProvider) promote(ctx context.Context, report config.Report) error {
	admin, _ := report.Find(config.KindUser, devAdmin)
	p.roles = ""
	if admin.ID == "" { // somebody deleted them
		return nil
	}
	path := "users/" + url.PathEscape(admin.ID) + "/roles"
	var made []string
	for _, s := range report {
		if s.Kind == config.KindRole && s.Made {
			made = append(made, s.ID)
		}
	}
	if len(made) > 0 && !admin.Made {
		if err := p.in.Admin.Do(ctx, http.MethodPost, path, map[string]any{"roles": made}, nil); err != nil {
			return err
		}
	}
	var held []tenant.Role
	if err := p.in.Admin.Do(ctx, http.MethodGet, path+"?per_page=100", nil, &held); err != nil {
		return err
	}
	for _, s := range report {
		if s.Kind == config.KindRole && !slices.ContainsFunc(held, func(r tenant.Role) bool { return r.ID == s.ID }) {
			return nil
		}
	}
	p.roles = "every role"
	return nil
}

// worthGiving is the first role that lets somebody do what everybody may not.
func worthGiving(d *design.Design, want auth0.Desired) string {
	for _, r := range want.Roles {
		if is := d.Role(r.Name); len(r.Permissions) > 0 && (is == nil || !is.Default) {
			return r.Name
		}
	}
	return ""
}

// follow brings the database to a design that has changed, and returns what came to
// it, in words. What an administrator changed stays.
func (p *devProvider) follow(ctx context.Context, d *dev) ([]string, error) {
	if p == nil || d.p.design.Plugin(auth0.Plugin) == nil {
		return nil, nil
	}
	ask, err := p.request(d)
	if err != nil || reflect.DeepEqual(ask, p.asked) {
		return nil, err
	}
	was, client := p.asked, p.client
	told, err := p.plant(ctx, ask)
	if err != nil {
		return nil, err
	}
	came, gone := additions(was.Desired, ask.Desired), additions(ask.Desired, was.Desired)
	if p.client != client {
		came, gone = append(came, "web client "+p.client), append(gone, "web client "+client)
	}
	if len(gone) > 0 {
		told = append([]string{"the provider keeps what gate.yaml says no more: " + strings.Join(gone, ", ")}, told...)
	}
	if len(came) > 0 {
		told = append([]string{"the provider has now: " + strings.Join(came, ", ")}, told...)
	}
	return told, nil
}

// additions names what of API, action, roles and permissions is in one and was not
// before.
func additions(was, is auth0.Desired) []string {
	var list []string
	if was.API.Identifier != is.API.Identifier {
		list = append(list, "API "+is.API.Identifier)
	}
	if was.Action.Name != is.Action.Name {
		list = append(list, "action "+is.Action.Name)
	}
	before := scopeValues(was)
	for _, r := range is.Roles {
		i := slices.IndexFunc(was.Roles, func(w auth0.Role) bool { return w.Name == r.Name })
		if i < 0 {
			list = append(list, "role "+r.Name)
			continue
		}
		for _, permission := range r.Permissions {
			if !slices.Contains(was.Roles[i].Permissions, permission) {
				list = append(list, permission+" of "+r.Name)
			}
		}
	}
	for _, s := range scopeValues(is) {
		if !slices.Contains(before, s) {
			list = append(list, "permission "+s)
		}
	}
	return list
}
