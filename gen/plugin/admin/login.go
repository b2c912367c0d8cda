package admin

import (
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// The ways to log in, as the setting login has them.
const (
	Issuer = "issuer" // on the pages of an issuer elsewhere
	Cookie = "cookie"
	Token  = "token"
	Basic  = "basic"
	None   = "none" // the pages show what everybody may see
)

// provider returns the plugin that logs people in that way, empty if it takes none.
func provider(login string) string {
	switch login {
	case Issuer:
		return "auth-auth0"
	case Cookie:
		return "auth-session"
	case Token:
		return "auth-jwt"
	case Basic:
		return "auth-basic"
	}
	return ""
}

// LoginOf returns how people log in to the pages of a design that has them: as the
// setting says, else by the first provider that there is.
func LoginOf(d *design.Design) string {
	if s := d.Plugin("admin").Setting("login"); s != nil {
		if by, ok := s.Value.(string); ok {
			return by
		}
	}
	for _, by := range []string{Issuer, Cookie, Token, Basic} {
		if d.Enabled(provider(by)) {
			return by
		}
	}
	return None
}

// mount names the function that serves the pages.
func mount(a *app) string {
	if a.Issuer() {
		return "MountWithIssuer"
	}
	return "Mount"
}

// Login is how people log in.
func (a *app) Login() string { return LoginOf(a.Design) }

// Issuer reports whether they do that elsewhere.
func (a *app) Issuer() bool { return a.Login() == Issuer }

// People reports whether anybody logs in.
func (a *app) People() bool { return a.Login() != None }

// Popup reports whether the issuer has a window of its own.
func (a *app) Popup() bool { return a.settings.Popup }

// Stored reports whether tokens of the issuer outlive the page.
func (a *app) Stored() bool { return a.settings.CacheLocation != memory }

// Omit reports whether requests go without credentials of the browser: it would ask for
// a password itself when one is refused.
func (a *app) Omit() bool { return a.Login() != Cookie && a.Design.Enabled("auth-basic") }

// Everybody prints what everybody may do with the rows, as members of an object.
func (e entity) Everybody() []string {
	var actions, fields []string
	for _, action := range design.Actions() {
		if public(e.Allow.Rules(action)) {
			actions = append(actions, action+": 'all'")
		}
	}
	for _, action := range []string{"view", "create", "update"} {
		fields = append(fields, action+": ["+strings.Join(e.everybody(action), ", ")+"]")
	}
	return append(actions, "fields: { "+strings.Join(fields, ", ")+" }")
}

// everybody lists the fields that everybody may read or write, as texts.
func (e entity) everybody(action string) []string {
	values := e.Readable()
	if action != "view" {
		values = nil
		for _, s := range e.Sent(action) {
			values = append(values, s.Value)
		}
	}
	var keys []string
	for _, v := range values {
		rules := v.Access.Rules(action)
		if open := rules == nil || public(rules); open && (public(e.Allow.Rules(action)) || action == "view" && public(e.Allow.List)) {
			keys = append(keys, gen.Script(v.Key))
		}
	}
	return keys
}

// public reports whether rules let everybody in.
func public(rules []design.Rule) bool {
	return slices.ContainsFunc(rules, func(r design.Rule) bool { return r.Kind == design.Public })
}
