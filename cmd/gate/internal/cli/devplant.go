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

// asked is what the page that logs in asks for.
type asked struct{ audience, scope string }

// desired is what the design asks of a tenant.
func (p *devProvider) desired(d *dev) (auth0.Desired, error) {
	want, err := auth0.FromDesign(d.p.design, auth0.DesignOptions{Origins: p.origins, Machine: true})
	if err == nil && want.SPA.Name == auth0.DefaultClientName {
		want.SPA.Name = d.p.design.Service.Name + " SPA" // people read it on the pages here
	}
	return want, err
}

// plant puts what is desired into the database, with a log-in by another provider.
// It adds, and takes nothing away.
func (p *devProvider) plant(ctx context.Context, d *dev, want auth0.Desired) (config.Report, error) {
	seed := p.seed(want, clientID(d))
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
	scope := strings.Join(append([]string{tryScope}, scopeValues(want)...), " ")
	p.asks.Store(&asked{want.API.Identifier, scope})
	p.want, p.audience, p.role = want, want.API.Identifier, worthGiving(d.p.design, want)
	return report, nil
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
	want, err := p.desired(d)
	if err != nil || reflect.DeepEqual(want, p.want) {
		return nil, err
	}
	was := p.want
	if _, err := p.plant(ctx, d, want); err != nil {
		return nil, err
	}
	var told []string
	if came := additions(was, want); len(came) > 0 {
		told = append(told, "the provider has now: "+strings.Join(came, ", "))
	}
	if gone := additions(want, was); len(gone) > 0 {
		told = append(told, "the provider keeps what gate.yaml says no more: "+strings.Join(gone, ", "))
	}
	return told, nil
}

// additions names the roles and permissions that are in one and were not before.
func additions(was, is auth0.Desired) []string {
	var list []string
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
