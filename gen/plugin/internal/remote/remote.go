// Package remote is what the plugins share that take the access tokens of an
// issuer elsewhere: which account is made for whom it vouches for.
package remote

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

const authPackage = "github.com/gatewright/gate/runtime/auth"

// Sources are what fields of an account can be taken from, besides the path of a
// claim.
func Sources() []string {
	return []string{"email", "email_verified", "name", "nickname", "picture", "username", "sub", "permissions", "org_id"}
}

// Roles are the settings under "roles".
type Roles struct {
	Claim string            `yaml:"claim" doc:"The claim with the list of roles, or the path of one: realm_access.roles. Default: the claim roles in the namespace."`
	Map   map[string]string `yaml:"map" doc:"What in that claim stands for which role of this file; nothing else in it counts."`
}

// Settings are those about accounts, as a plugin has read them.
type Settings struct {
	// EmailField is the setting that names the field with the address, nil if it
	// was not written. So are Mapping and DefaultUser.
	EmailField, Mapping *design.Setting
	DefaultUser         *design.Setting
	Roles               *design.Setting
}

// Accounts is what [Resolve] found.
type Accounts struct {
	Email    string            // the field with the address
	Fields   map[string]string // field of the account: source
	Defaults string            // a JSON object
	Roles    []string          // those of DefaultUser
}

// resolver collects what is wrong.
type resolver struct {
	d    *design.Design
	e    *design.AuthEntity
	name string // of the plugin
	at   design.Position
	errs design.Errors
	out  Accounts
}

// Resolve checks the settings against the entity of the accounts: everything that
// a new account needs has to come from somewhere. It returns nil without an
// error when auth-core has no entity, which that says itself.
func Resolve(d *design.Design, place *design.Plugin, s Settings) (*Accounts, error) {
	e := Entity(d)
	if e == nil {
		return nil, nil //nolint:nilnil // the doc says so
	}
	r := &resolver{d: d, e: e, name: place.Name, at: place.Pos, out: Accounts{Fields: map[string]string{}}}
	r.mapping(s.Mapping)
	r.email(s.EmailField)
	r.defaults(s.DefaultUser)
	r.roles(s.Roles)
	if len(r.errs.Problems) == 0 {
		r.complete(s.DefaultUser)
	}
	return &r.out, r.errs.Err()
}

// Entity returns the entity of the accounts, nil when auth-core has none.
func Entity(d *design.Design) *design.AuthEntity {
	core := d.Plugin(design.AuthCore)
	if core == nil {
		return nil
	}
	name := core.Setting("entity")
	if name == nil {
		return nil
	}
	text, _ := name.Value.(string)
	e, err := d.AuthEntity(text, name.ValuePos)
	if err != nil {
		return nil
	}
	return e
}

func (r *resolver) bad(s *design.Setting, message, hint string) {
	if s == nil {
		r.errs.Add(r.at, "plugins."+r.name, "plugin "+r.name+": "+message, hint)
		return
	}
	r.errs.Add(s.ValuePos, s.Path, message, hint)
}

// field returns a field of the entity by its name in JSON.
func (r *resolver) field(key string) *design.Field {
	i := slices.IndexFunc(r.e.Fields, func(f *design.Field) bool { return f.Key == key })
	if i < 0 {
		return nil
	}
	return r.e.Fields[i]
}

func (r *resolver) keys() string {
	var list []string
	for _, f := range r.e.Fields {
		if !f.ReadOnly && f.Type != design.Password && f.Type != design.File {
			list = append(list, f.Key)
		}
	}
	return strings.Join(list, ", ")
}

// own returns the field that a setting names and that the issuer may fill.
func (r *resolver) own(s *design.Setting, what string) *design.Field {
	f := r.field(s.Key)
	switch {
	case f == nil:
		r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%s: %s has no field %q", what, r.e.Name, s.Key), "its fields are: "+r.keys())
		return nil
	case f.ReadOnly, f.Type == design.File:
		r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%s: the service itself sets the field %s of %s", what, f.Key, r.e.Name), "leave it out")
		return nil
	case f == r.e.Tenant:
		r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%s: no token and no default says in which tenant an account is, which the field %s of %s does", what, f.Key, r.e.Name),
			"leave it out: somebody above tenants says it, or code of yours by OnNewAccount")
		return nil
	case f.Type == design.Password:
		r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%s: the issuer keeps the passwords, and the field %s of %s stays empty", what, f.Key, r.e.Name), "leave it out")
		return nil
	}
	return f
}

// mapping reads which field is taken from what.
func (r *resolver) mapping(s *design.Setting) {
	if s == nil {
		return
	}
	for i := range s.Children {
		child := &s.Children[i]
		source, _ := child.Value.(string)
		f := r.own(child, s.Key)
		switch {
		case f == nil:
		case f.Type == design.Roles:
			r.errs.Add(child.Pos, child.Path, fmt.Sprintf("%s: roles come from the setting roles, through a list of those that count", s.Key),
				"for instance roles: {map: {menu-admin: menu-admin}}")
		case source == "" || strings.ContainsAny(source, " \t\n"):
			r.errs.Add(child.ValuePos, child.Path, fmt.Sprintf("%s: %s is taken from nothing", s.Key, f.Key),
				"one of: "+strings.Join(Sources(), ", ")+", or the path of a claim")
		case source == "email_verified" && f.Type != design.Boolean:
			r.errs.Add(child.ValuePos, child.Path, fmt.Sprintf("%s: email_verified is true or false, and %s is a field of type %s", s.Key, f.Key, f.Type), "")
		default:
			r.out.Fields[f.Key] = source
		}
	}
}

// email finds the field with the address: the one that the settings name, else
// the one that is mapped to it, else the first of that type.
func (r *resolver) email(s *design.Setting) {
	var f *design.Field
	at := s
	switch {
	case s != nil:
		name, _ := s.Value.(string)
		if f = r.field(name); f == nil {
			r.bad(s, fmt.Sprintf("emailFieldName: %s has no field %q", r.e.Name, name), "its fields are: "+r.keys())
			return
		}
	default:
		for _, key := range slices.Sorted(maps.Keys(r.out.Fields)) {
			if r.out.Fields[key] == "email" {
				f = r.field(key)
				break
			}
		}
		if f == nil {
			if i := slices.IndexFunc(r.e.Fields, func(f *design.Field) bool { return f.Type == design.Email }); i >= 0 {
				f = r.e.Fields[i]
			}
		}
		if f == nil {
			r.bad(nil, fmt.Sprintf("%s has no field for the e-mail address of an account", r.e.Name),
				"add: email: {type: email, required: true, unique: true, searchable: true}")
			return
		}
	}
	var lacks []string
	if f.Type != design.Email {
		lacks = append(lacks, "of type email")
	}
	if !f.Unique {
		lacks = append(lacks, "unique")
	}
	if !f.Searchable {
		lacks = append(lacks, "searchable")
	}
	if len(lacks) > 0 {
		message := fmt.Sprintf("the e-mail address of an account is the field %s of %s, which has to be %s", f.Key, r.e.Name, strings.Join(lacks, " and "))
		hint := f.Name + ": {type: email, required: true, unique: true, searchable: true}"
		if at == nil {
			r.errs.Add(f.Pos, "entities."+r.e.Name+".fields."+f.Name, message, hint)
		} else {
			r.bad(at, message, hint)
		}
		return
	}
	r.out.Email = f.Key
	delete(r.out.Fields, f.Key)
}

// defaults reads what new accounts have that no token says.
func (r *resolver) defaults(s *design.Setting) {
	if s == nil {
		return
	}
	if s.Kind != design.KindMapping {
		r.bad(s, "defaultUser has to be a mapping of fields to values", "for instance defaultUser: {plan: free}")
		return
	}
	values := map[string]any{}
	for i := range s.Children {
		child := &s.Children[i]
		f := r.own(child, "defaultUser")
		if f == nil {
			continue
		}
		if f.Type == design.Roles {
			r.defaultRoles(child)
			values[f.Key] = r.out.Roles
			continue
		}
		v := plain(child)
		if wants := mismatch(f, v); wants != "" {
			r.errs.Add(child.ValuePos, child.Path, fmt.Sprintf("defaultUser: %s of %s has to be %s", f.Key, r.e.Name, wants), "")
			continue
		}
		values[f.Key] = v
	}
	text, err := json.Marshal(values)
	if err != nil {
		r.bad(s, "defaultUser: "+err.Error(), "")
		return
	}
	if len(values) > 0 {
		r.out.Defaults = string(text)
	}
}

func (r *resolver) defaultRoles(s *design.Setting) {
	r.out.Roles = []string{}
	if s.Kind != design.KindList {
		r.bad(s, "defaultUser: roles has to be a list", "for instance roles: [customer]")
		return
	}
	for i := range s.Children {
		name, _ := s.Children[i].Value.(string)
		if !hasRole(r.d, name) {
			r.bad(&s.Children[i], fmt.Sprintf("defaultUser: there is no role %q", name), "the roles are: "+roleNames(r.d))
			continue
		}
		if slices.Contains(r.d.AboveTenants(), name) {
			r.bad(&s.Children[i], fmt.Sprintf("defaultUser: every new account would stand above tenants with the role %q", name), "leave it out")
			continue
		}
		r.out.Roles = append(r.out.Roles, name)
	}
}

func hasRole(d *design.Design, name string) bool {
	return slices.ContainsFunc(d.Roles, func(r *design.Role) bool { return r.Name == name })
}

func roleNames(d *design.Design) string {
	names := make([]string, len(d.Roles))
	for i, r := range d.Roles {
		names[i] = r.Name
	}
	return strings.Join(names, ", ")
}

// roles checks which roles tokens give.
func (r *resolver) roles(s *design.Setting) {
	if s == nil {
		return
	}
	list := s.Child("map")
	if list == nil || len(list.Children) == 0 {
		r.bad(s, "roles has no map, and nothing that is not in it counts", "for instance map: {menu-admin: menu-admin}")
		return
	}
	for i := range list.Children {
		role, _ := list.Children[i].Value.(string)
		if !hasRole(r.d, role) {
			r.bad(&list.Children[i], fmt.Sprintf("roles: there is no role %q", role), "the roles are: "+roleNames(r.d))
		}
	}
}

// complete refuses what would keep every account, or every second one, from
// being made.
func (r *resolver) complete(defaultUser *design.Setting) {
	for _, f := range r.e.Fields {
		switch {
		case f.ReadOnly, f.Key == r.out.Email, f.Type == design.Password, f.Type == design.Roles, r.out.Fields[f.Key] != "":
			continue
		}
		var given *design.Setting
		if defaultUser != nil {
			given = defaultUser.Child(f.Key)
		}
		at, path := f.Pos, "entities."+r.e.Name+".fields."+f.Name
		if given != nil {
			at, path = given.ValuePos, given.Path
		}
		hint := fmt.Sprintf("take it from the token: payloadFieldMapping: {%s: %s}", f.Key, suggest(f))
		switch {
		case f.Unique && given != nil:
			r.errs.Add(at, path, fmt.Sprintf("plugin %s: the field %s of %s is unique, so the second account could not have the same value", r.name, f.Key, r.e.Name), hint)
		case f.Required && given == nil && f.Default == nil:
			if !f.Unique {
				hint += fmt.Sprintf(", or give it a value: defaultUser: {%s: …}", f.Key)
			}
			r.errs.Add(at, path, fmt.Sprintf("plugin %s: the field %s of %s is required, and a new account would have none", r.name, f.Key, r.e.Name), hint)
		}
	}
}

// suggest returns what a field may be taken from.
func suggest(f *design.Field) string {
	switch {
	case f.Type == design.Boolean:
		return "email_verified"
	case f.Type == design.URL:
		return "picture"
	case f.Unique && f.Type != design.Username:
		return "sub"
	case slices.Contains(Sources(), f.Key):
		return f.Key
	case f.Type == design.Username:
		return "nickname"
	}
	return "name"
}

// Warnings says what the accounts are given that is dangerous.
func Warnings(d *design.Design, place *design.Plugin, a *Accounts, defaultUser *design.Setting) []design.Problem {
	e := Entity(d)
	if e == nil || a == nil {
		return nil
	}
	list := openAccounts(d, place, e)
	for _, role := range a.Roles {
		if !writesAccounts(d, e, role) {
			continue
		}
		at, path := place.Pos, "plugins."+place.Name
		if defaultUser != nil {
			at, path = defaultUser.Pos, defaultUser.Path
		}
		list = append(list, design.Problem{
			File: at.File, Line: at.Line, Column: at.Column, Path: path, Severity: design.Warning, Name: design.WarnDefaultUser,
			Message: fmt.Sprintf("defaultUser gives the role %q to everybody who signs up, and it may change the accounts of others", role),
			Hint:    "give it at the issuer: roles: {map: {" + role + ": " + role + "}}",
		})
	}
	return list
}

// openAccounts says that strangers may make accounts where the issuer alone says
// who somebody is. Nobody can log in to such an account, and it has the address of
// somebody else, who is refused unless the issuer calls it verified.
func openAccounts(d *design.Design, place *design.Plugin, e *design.AuthEntity) []design.Problem {
	i := slices.IndexFunc(e.Allow.Create, func(r design.Rule) bool { return r.Kind == design.Public })
	if i < 0 || slices.ContainsFunc(d.Plugins, logsIn) {
		return nil
	}
	at := e.Allow.Create[i].Pos
	return []design.Problem{{
		File: at.File, Line: at.Line, Column: at.Column, Path: "entities." + e.Name + ".allow.create", Severity: design.Warning, Name: design.WarnOpenAccounts,
		Message: fmt.Sprintf("everybody on the network may create %s, and people log in by %s alone: a stranger can take the address of somebody who has no account yet", e.Plural, place.Name),
		Hint:    "create: nobody, as accounts come from the issuer",
	}}
}

// logsIn reports whether a plugin lets people log in with a password.
func logsIn(p *design.Plugin) bool {
	return p.Enabled && slices.Contains([]string{"auth-jwt", "auth-basic", "auth-session"}, p.Name)
}

// writesAccounts reports whether a role makes, changes or deletes accounts.
func writesAccounts(d *design.Design, e *design.AuthEntity, name string) bool {
	held := holdings(d, name, nil)
	for _, rule := range slices.Concat(e.Allow.Create, e.Allow.Update, e.Allow.Delete) {
		for _, role := range held {
			if rule.Kind == design.HasRole && rule.Name == role.Name ||
				rule.Kind == design.HasPermission && slices.ContainsFunc(role.Permissions, func(p string) bool { return permits(p, rule.Name) }) {
				return true
			}
		}
	}
	return false
}

// holdings returns a role and those that it holds.
func holdings(d *design.Design, name string, held []*design.Role) []*design.Role {
	i := slices.IndexFunc(d.Roles, func(r *design.Role) bool { return r.Name == name })
	if i < 0 || slices.Contains(held, d.Roles[i]) {
		return held
	}
	held = append(held, d.Roles[i])
	for _, other := range d.Roles[i].Inherits {
		held = holdings(d, other, held)
	}
	return held
}

// permits reports whether a permission of a design, whose words may be "*", is
// the other one.
func permits(held, permission string) bool {
	verb, noun, _ := strings.Cut(held, ":")
	v, n, _ := strings.Cut(permission, ":")
	return held == "*" || (verb == "*" || verb == v) && (noun == "*" || noun == n)
}

// Options are what the settings say besides.
type Options struct {
	Create, VerifiedOnly, Update, Machines bool
	FirstAdmin                             string
}

// Users returns an auth.Users.
func (a *Accounts) Users(o Options) gen.Expr {
	members := []gen.Member{{Name: "Create", Value: gen.Bool(o.Create)}, {Name: "Email", Value: gen.Text(a.Email)}}
	if len(a.Fields) > 0 {
		members = append(members, gen.Member{Name: "Fields", Value: gen.TextMap(a.Fields)})
	}
	if a.Defaults != "" {
		members = append(members, gen.Member{Name: "Defaults", Value: gen.Text(a.Defaults)})
	}
	for _, m := range []struct {
		name string
		on   bool
	}{{"VerifiedOnly", o.VerifiedOnly}, {"Update", o.Update}, {"Machines", o.Machines}} {
		if m.on {
			members = append(members, gen.Member{Name: m.name, Value: gen.Bool(true)})
		}
	}
	if o.FirstAdmin != "" {
		members = append(members, gen.Member{Name: "FirstAdmin", Value: gen.Text(o.FirstAdmin)})
	}
	return gen.Struct(gen.Name(authPackage, "Users"), members...)
}

// FirstAdmin returns the variable that names the first administrator.
func FirstAdmin(designed string) gen.Variable {
	doc := "Address whose owner becomes administrator when they log in with it verified, once."
	if designed != "" {
		doc += " Default: " + strconv.Quote(designed) + "."
	}
	return gen.Variable{Name: "FIRST_ADMIN_EMAIL", Doc: doc}
}

// CheckRoles checks which roles tokens give, for callers without accounts.
func CheckRoles(d *design.Design, plugin string, s *design.Setting) error {
	r := &resolver{d: d, name: plugin}
	r.roles(s)
	return r.errs.Err()
}
