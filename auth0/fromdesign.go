package auth0

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
)

// Plugin is the name of the plugin whose settings [FromDesign] reads.
const Plugin = "auth-auth0"

// The names of settings.
const (
	settingAudience   = "audience"
	settingIssuer     = "issuerURL"
	settingDomain     = "domain"
	settingNamespace  = "namespace"
	settingManagement = "managementParams"
	settingIdentifier = "identifier"
	settingManaged    = "useManagementApi"

	defaultConnection = "Username-Password-Authentication"
)

// The names that a client and an API get where managementParams say none: those
// of Amplication's plugin, so that what it made is found.
const (
	DefaultClientName = "Amplication SPA"
	DefaultAPIName    = "Amplication API"
)

// Managed reports whether the tenant of a design may be set up from here: unless
// the setting useManagementApi is false.
func Managed(d *design.Design) bool {
	p := d.Plugin(Plugin)
	if p == nil {
		return false
	}
	at := p.Setting(settingManaged)
	return at == nil || at.Value != false
}

// DesignOptions say about [FromDesign] what no design does.
type DesignOptions struct {
	// Origins are those that the web client is served from. None means the
	// service itself, on localhost and its port.
	Origins []string
	// Machine wants a machine client with all permissions.
	Machine bool
}

// FromDesign returns what the service of a design needs of its tenant: the API
// with a scope for each permission, its roles, a single-page client with
// <origin>/auth-callback, <origin>/login and <origin>, the first two of the pages of
// the plugin admin, too, the action of [DefaultAction] and the connection Username-Password-Authentication.
//
// A tenant knows neither roles that hold others nor wildcards. So a role has the
// permissions of the roles that it inherits, too, and for a wildcard those of the
// design's permissions that it stands for. Wrong settings are [*design.Errors].
func FromDesign(d *design.Design, o DesignOptions) (Desired, error) {
	p, err := plugin(d)
	if err != nil {
		return Desired{}, err
	}
	s := settings{plugin: p, management: p.Setting(settingManagement)}
	s.refused()
	audience := s.text(settingAudience, "", true)
	want := Desired{
		API: API{
			Identifier: audience,
			Name:       s.managed("apiName", DefaultAPIName),
			Scopes:     scopesOf(d),
			RBAC:       true, AllowOfflineAccess: true, SkipConsent: true,
		},
		SPA: &SPA{Name: s.managed("clientName", DefaultClientName)},
		Action: &Action{
			Name: s.managed("actionName", DefaultActionName),
			Code: DefaultAction(s.namespace(audience), audience, len(d.Roles) > 0),
		},
		Connections: []string{defaultConnection},
	}
	if len(o.Origins) == 0 {
		want.SPA.Guessed = true
		o.Origins = []string{fmt.Sprintf("http://localhost:%d", d.Service.Port)}
	}
	for _, origin := range o.Origins {
		origin = strings.TrimSuffix(origin, "/")
		want.SPA.Callbacks = append(want.SPA.Callbacks, origin+"/auth-callback")
		want.SPA.LogoutURLs = append(want.SPA.LogoutURLs, origin+"/login")
		want.SPA.WebOrigins = append(want.SPA.WebOrigins, origin)
		if path := adminPath(d); path != "" {
			want.SPA.Callbacks = append(want.SPA.Callbacks, origin+path+"/auth-callback")
			want.SPA.LogoutURLs = append(want.SPA.LogoutURLs, origin+path+"/login")
		}
	}
	if o.Machine {
		want.Machine = &Machine{Name: d.Service.Name + " machine", Scopes: want.scopeValues()}
	}
	known := want.scopeValues()
	for _, r := range d.Roles {
		want.Roles = append(want.Roles, Role{r.Name, r.Description, held(d, r, known)})
	}
	if err := s.errs.Err(); err != nil {
		return Desired{}, err
	}
	return want.complete()
}

// adminPath is where the service has pages of the plugin admin on which people log in at the
// issuer, empty if nowhere.
func adminPath(d *design.Design) string {
	p := d.Plugin("admin")
	if p == nil || !p.Enabled {
		return ""
	}
	if by := p.Setting("login"); by != nil && by.Value != "issuer" {
		return ""
	}
	if path := p.Setting("path"); path != nil {
		text, _ := path.Value.(string)
		return text
	}
	return "/admin"
}

// Origin returns where the tenant of a design is, for [Config.BaseURL]: the
// origin of managementParams.identifier, else that of issuerURL, else the domain
// on https.
func Origin(d *design.Design) (string, error) {
	p, err := plugin(d)
	if err != nil {
		return "", err
	}
	s := settings{plugin: p}
	where := p.Setting(settingManagement)
	if where != nil {
		where = where.Child(settingIdentifier)
	}
	if where == nil {
		where = p.Setting(settingIssuer)
	}
	if where == nil {
		domain := s.text(settingDomain, "", true)
		if err := s.errs.Err(); err != nil {
			return "", err
		}
		return "https://" + domain, nil
	}
	u, err := url.Parse(s.value(where, true))
	if err == nil && (u.Scheme == "" || u.Host == "" || u.User != nil) {
		s.errs.Add(where.ValuePos, where.Path, "it has to be a URL with scheme and host", "https://tenant.eu.auth0.com/")
	} else if err != nil {
		s.errs.Add(where.ValuePos, where.Path, "it is not a URL", "")
	}
	if err := s.errs.Err(); err != nil {
		return "", err
	}
	return u.Scheme + "://" + u.Host, nil
}

func plugin(d *design.Design) (*design.Plugin, error) {
	p := d.Plugin(Plugin)
	if p == nil || !p.Enabled {
		return nil, fmt.Errorf("the design does not use the plugin %s", Plugin)
	}
	return p, nil
}

// settings reads those of the plugin that a tenant is about; the others are the
// generator's.
type settings struct {
	plugin     *design.Plugin
	management *design.Setting
	errs       design.Errors
}

// text returns a setting, of the managementParams when it is there.
func (s *settings) text(key, def string, required bool) string {
	at := s.plugin.Setting(key)
	if s.management != nil && s.management.Child(key) != nil {
		at = s.management.Child(key)
	}
	if at == nil {
		if required {
			s.errs.Add(s.plugin.Pos, s.plugin.Settings.Path+"."+key, key+" is missing", "")
		}
		return def
	}
	return s.value(at, required)
}

// refused refuses a token of the Management API where it would be kept, and
// connections, which are for the tenant to say.
func (s *settings) refused() {
	if s.management == nil {
		return
	}
	if at := s.management.Child("connections"); at != nil {
		s.errs.Add(at.Pos, at.Path, "there is no such setting", "turn further connections on for the application in the tenant")
	}
	if at := s.management.Child("accessToken"); at != nil {
		s.errs.Add(at.Pos, at.Path, "a token of the Management API has no place in a design", "remove it here and give it in the environment")
	}
}

// managed returns a name among the managementParams.
func (s *settings) managed(key, def string) string {
	if s.management == nil || s.management.Child(key) == nil {
		return def
	}
	return s.value(s.management.Child(key), true)
}

func (s *settings) value(at *design.Setting, required bool) string {
	v, ok := at.Value.(string)
	switch {
	case !ok:
		s.errs.Add(at.ValuePos, at.Path, "it has to be a text", "")
	case required && v == "":
		s.errs.Add(at.ValuePos, at.Path, "it is empty", "")
	case placeholder(v):
		s.errs.Add(at.ValuePos, at.Path, fmt.Sprintf("%q is a placeholder", v), "write the value of your tenant")
	}
	return v
}

// placeholder reports whether somebody has still to fill in a value.
func placeholder(v string) bool {
	return strings.HasPrefix(v, "AUTH0_") || strings.HasPrefix(v, "YOUR_") || strings.ContainsAny(v, "{}<>")
}

// namespace returns what the names of claims start with.
func (s *settings) namespace(audience string) string {
	v := s.text(settingNamespace, audience, false)
	u, err := url.Parse(v)
	if err != nil {
		return v
	}
	for _, taken := range []string{"auth0.com", "webtask.io", "webtask.run"} {
		if h := u.Hostname(); h == taken || strings.HasSuffix(h, "."+taken) {
			s.errs.Add(s.plugin.Pos, s.plugin.Settings.Path+"."+settingNamespace,
				fmt.Sprintf("claims that start with %q are left out of tokens by Auth0", v), "write a URL of your own as namespace")
		}
	}
	return v
}

// scopesOf returns a scope for each permission that the design names: those of
// roles that are no wildcards, and those that rules ask for.
func scopesOf(d *design.Design) []Scope {
	names := d.Permissions()
	rules := func(list []design.Rule) {
		for _, r := range list {
			if r.Kind == design.HasPermission {
				names = append(names, r.Name)
			}
		}
	}
	for _, e := range d.Entities {
		for _, action := range design.Actions() {
			rules(e.Allow.Rules(action))
		}
		for _, f := range e.Fields {
			for _, action := range design.Actions() {
				rules(f.Access.Rules(action))
			}
		}
	}
	slices.Sort(names)
	var scopes []Scope
	for _, n := range slices.Compact(names) {
		if !strings.Contains(n, "*") {
			// People read it on the page that asks for their consent.
			scopes = append(scopes, Scope{n, strings.ToUpper(n[:1]) + strings.Replace(n[1:], ":", " ", 1)})
		}
	}
	return scopes
}

// held returns those of the known permissions that a role holds, itself or
// through others.
func held(d *design.Design, role *design.Role, known []string) []string {
	seen := make(map[string]bool)
	var patterns []string
	var visit func(*design.Role)
	visit = func(r *design.Role) {
		if r == nil || seen[r.Name] {
			return
		}
		seen[r.Name] = true
		patterns = append(patterns, r.Permissions...)
		for _, name := range r.Inherits {
			visit(d.Role(name))
		}
	}
	visit(role)
	var permissions []string
	for _, k := range known {
		if slices.ContainsFunc(patterns, func(pattern string) bool { return stands(pattern, k) }) {
			permissions = append(permissions, k)
		}
	}
	return permissions
}

// stands reports whether a permission of a role is or stands for another; see
// [design.Role].
func stands(pattern, permission string) bool {
	if pattern == "*" || pattern == permission {
		return true
	}
	verb, noun, _ := strings.Cut(permission, ":")
	v, n, two := strings.Cut(pattern, ":")
	return two && (v == "*" || v == verb) && (n == "*" || n == noun)
}
