package cli

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
)

type idpAPICmd struct {
	List   idpAPIListCmd   `cmd:"" help:"List APIs."`
	Show   idpAPIShowCmd   `cmd:"" help:"Show an API."`
	Create idpAPICreateCmd `cmd:"" help:"Make an API."`
	Update idpAPIUpdateCmd `cmd:"" help:"Change an API."`
	Delete idpAPIDeleteCmd `cmd:"" help:"Delete an API, with the permissions for it."`
}

// Example is that of the most used of them.
func (idpAPICmd) Example() string { return idpAPICreateCmd{}.Example() }

// api returns the API of this identifier, ID or name. The provider's own is also
// called what a seed calls it.
func (a *admin) api(name string) (*tenant.API, error) {
	all, err := a.Tenant().APIs.List(a.out)
	if err != nil {
		return nil, err
	}
	for _, is := range []func(*tenant.API) string{
		func(p *tenant.API) string { return p.Identifier }, func(p *tenant.API) string { return p.ID }, func(p *tenant.API) string { return p.Name },
	} {
		if i := slices.IndexFunc(all, func(p *tenant.API) bool { return is(p) == name }); i >= 0 {
			return all[i], nil
		}
	}
	if name == config.ManagementAPI {
		return a.Tenant().APIs.ByName(a.out, a.managementAPI())
	}
	return nil, failf("gate idp api list shows those there are", "there is no API %q", name)
}

// managementAPI returns the identifier of the provider's own API.
func (a *admin) managementAPI() string { return a.Issuer() + "api/v2/" }

// adviseGrant says, once an API has further scopes, that roles there are do not
// have them.
func (a *admin) adviseGrant(identifier string, added []string) error {
	roles, err := a.Tenant().Roles.List(a.out)
	if err != nil || a.json || len(roles) == 0 || len(added) == 0 {
		return err
	}
	a.out.talk.line("  " + plain("no role has the new scopes: gate idp role grant ROLE "+strings.Join(added, " ")+" --api "+identifier))
	return nil
}

type idpAPIListCmd struct{}

// Example is what help ends with.
func (idpAPIListCmd) Example() string { return "gate idp api list" }

// Run lists APIs.
func (idpAPIListCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		raw, err := a.Admin.All(out, "resource-servers", "resource_servers")
		if err != nil {
			return err
		}
		all, err := decodeAll[tenant.API](raw)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, p := range all {
			name := p.Name
			if p.System {
				name += " (the provider's own)" // as SDKs and Auth0's tools know it
			}
			rows = append(rows, []string{p.Identifier, name, count(len(p.Scopes), "scope", "scopes"), yesNo(p.EnforcePolicies)})
		}
		return a.print(raw, []string{"identifier", "name", "scopes", "roles decide"}, rows)
	})
}

type idpAPIShowCmd struct {
	API string `arg:"" name:"api" help:"Identifier, ID or name; management is the provider's own."`
}

// Example is what help ends with.
func (idpAPIShowCmd) Example() string { return "gate idp api show https://restaurant.example/api" }

// Run shows an API.
func (c *idpAPIShowCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		p, err := a.api(c.API)
		if err != nil {
			return err
		}
		raw, err := a.get("resource-servers/" + p.ID)
		if err != nil {
			return err
		}
		return a.show(raw, apiLines(p)...)
	})
}

func apiLines(p *tenant.API) [][2]string {
	lines := [][2]string{
		{"identifier", p.Identifier},
		{"name", p.Name},
		{"id", p.ID},
		{"signed with", p.SigningAlg},
		{"token lifetime", (time.Duration(p.TokenLifetime) * time.Second).String()},
		{"roles decide", yesNo(p.EnforcePolicies)},
		{"refresh tokens", yesNo(p.AllowOfflineAccess)},
	}
	for _, s := range p.Scopes {
		lines = append(lines, [2]string{"scope", strings.TrimSpace(s.Value + "  " + s.Description)})
	}
	return lines
}

// apiFlags are the settings of an API.
type apiFlags struct {
	Scope         []string       `placeholder:"SCOPE[=TEXT]" help:"Permission, with what it allows; may be given more than once."`
	RBAC          *bool          `name:"rbac" negatable:"" help:"Whether people get only what their roles permit; the claim permissions lists it."`
	Offline       *bool          `negatable:"" help:"Whether clients may have refresh tokens for it."`
	Consent       *bool          `negatable:"" help:"Whether your own applications ask people for consent, too."`
	TokenLifetime *time.Duration `placeholder:"TIME" help:"Lifetime of access tokens."`
	SigningAlg    string         `placeholder:"ALG" help:"RS256, PS256, ES256 or HS256."`
}

// check refuses what no API takes, in the words of the flags.
func (f apiFlags) check() error {
	const most = 720 * time.Hour
	if life := f.TokenLifetime; life != nil && (*life < time.Second || *life > most) {
		return misused("--token-lifetime is 720h at most, such as 90m or 24h", "a lifetime of %s is too long or too short", *life)
	}
	if known := []string{"RS256", "PS256", "ES256", "HS256"}; f.SigningAlg != "" && !slices.Contains(known, f.SigningAlg) {
		return misused("--signing-alg is one of "+strings.Join(known, ", "), "tokens are not signed with %q", f.SigningAlg)
	}
	return nil
}

func (f apiFlags) body() map[string]any {
	in := map[string]any{}
	if f.RBAC != nil {
		in["enforce_policies"] = *f.RBAC
		in["token_dialect"] = map[bool]string{true: "access_token_authz", false: "access_token"}[*f.RBAC]
	}
	if f.Offline != nil {
		in["allow_offline_access"] = *f.Offline
	}
	if f.Consent != nil {
		in["skip_consent_for_verifiable_first_party_clients"] = !*f.Consent
	}
	if f.TokenLifetime != nil {
		seconds := int(f.TokenLifetime.Seconds())
		in["token_lifetime"], in["token_lifetime_for_web"] = seconds, min(seconds, 7200)
	}
	if f.SigningAlg != "" {
		in["signing_alg"] = f.SigningAlg
	}
	return in
}

// scopes adds those of the flags to what is there.
func (f apiFlags) scopes(list []tenant.APIScope) []tenant.APIScope {
	list = slices.Clone(list)
	for _, text := range f.Scope {
		value, about, _ := strings.Cut(text, "=")
		i := slices.IndexFunc(list, func(s tenant.APIScope) bool { return s.Value == value })
		switch {
		case i < 0:
			list = append(list, tenant.APIScope{Value: value, Description: about})
		case about != "":
			list[i].Description = about
		}
	}
	return list
}

type idpAPICreateCmd struct {
	Identifier string `arg:"" help:"Audience of its access tokens; it cannot be changed later."`
	Name       string `placeholder:"NAME" help:"Name."`
	apiFlags
}

// Example is what help ends with.
func (idpAPICreateCmd) Example() string {
	return `gate idp api create https://restaurant.example/api --rbac --scope "create:items=Add dishes"`
}

// Run makes an API.
func (c *idpAPICreateCmd) Run(out *console, idp *idpCmd) error {
	if err := c.check(); err != nil {
		return err
	}
	return idp.administer(out, func(a *admin) error {
		in := c.body()
		in["identifier"] = c.Identifier
		if c.Name != "" {
			in["name"] = c.Name
		}
		if len(c.Scope) > 0 {
			in["scopes"] = c.scopes(nil)
		}
		var raw json.RawMessage
		if err := a.send(http.MethodPost, "resource-servers", in, &raw); err != nil {
			return err
		}
		p := new(tenant.API)
		if err := json.Unmarshal(raw, p); err != nil {
			return err
		}
		if err := a.show(raw, apiLines(p)...); err != nil {
			return err
		}
		return a.adviseGrant(p.Identifier, newScopes(nil, p.Scopes))
	})
}

// newScopes returns the names that were not there before.
func newScopes(before, after []tenant.APIScope) []string {
	var names []string
	for _, s := range after {
		if !slices.ContainsFunc(before, func(old tenant.APIScope) bool { return old.Value == s.Value }) {
			names = append(names, s.Value)
		}
	}
	return names
}

type idpAPIUpdateCmd struct {
	API         string   `arg:"" name:"api" help:"Identifier, ID or name."`
	Name        *string  `placeholder:"NAME" help:"Another name."`
	RemoveScope []string `placeholder:"SCOPE" help:"Take this permission from it; may be given more than once."`
	apiFlags
}

// Example is what help ends with.
func (idpAPIUpdateCmd) Example() string {
	return "gate idp api update https://restaurant.example/api --scope delete:items"
}

// Help says that scopes are added.
func (idpAPIUpdateCmd) Help() string {
	return "Scopes are added to those that are there; --remove-scope takes one."
}

// Run changes an API.
func (c *idpAPIUpdateCmd) Run(out *console, idp *idpCmd) error {
	if err := c.check(); err != nil {
		return err
	}
	return idp.administer(out, func(a *admin) error {
		p, err := a.api(c.API)
		if err != nil {
			return err
		}
		in := c.body()
		if c.Name != nil {
			in["name"] = *c.Name
		}
		next := slices.DeleteFunc(c.scopes(p.Scopes), func(s tenant.APIScope) bool { return slices.Contains(c.RemoveScope, s.Value) })
		for _, s := range c.RemoveScope {
			if !p.Defines(s) {
				return failf("gate idp api show "+p.ID, "the API has no scope %q", s)
			}
		}
		if !slices.Equal(next, p.Scopes) {
			in["scopes"] = next
		}
		if len(in) > 0 {
			if err := a.send(http.MethodPatch, "resource-servers/"+p.ID, in, nil); err != nil {
				return err
			}
		}
		a.done("changed %s", p.Identifier)
		return a.adviseGrant(p.Identifier, newScopes(p.Scopes, next))
	})
}

type idpAPIDeleteCmd struct {
	API string `arg:"" name:"api" help:"Identifier, ID or name."`
	Yes bool   `help:"Do not ask."`
}

// Example is what help ends with.
func (idpAPIDeleteCmd) Example() string { return "gate idp api delete https://restaurant.example/api" }

// Run deletes an API.
func (c *idpAPIDeleteCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		p, err := a.api(c.API)
		if err != nil {
			return err
		}
		if err := out.confirm(c.Yes, "delete the API %s, with the permissions for it", p.Identifier); err != nil {
			return err
		}
		if err := a.send(http.MethodDelete, "resource-servers/"+p.ID, nil, nil); err != nil {
			return err
		}
		a.done("deleted %s", p.Identifier)
		return nil
	})
}
