package admin

import (
	"slices"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// addAccount adds what people do with their own accounts, and with those of others.
func (a *app) addAccount() error {
	list, err := files.ReadDir("files/src/gen/account")
	if err != nil {
		return err
	}
	for _, f := range list {
		name := "src/gen/account/" + f.Name()
		if err := add(a.Build, gen.Generated, name, name); err != nil {
			return err
		}
	}
	return nil
}

// Passwords reports whether people log in with a password of this service.
func (a *app) Passwords() bool {
	return slices.ContainsFunc([]string{"auth-jwt", "auth-session", "auth-basic"}, a.Design.Enabled)
}

// LogInRoutes are those of the entities whose rows log in.
func (a *app) LogInRoutes() []string {
	var routes []string
	if a.Accounts() != nil {
		for _, e := range a.Authentication.LogIns() {
			routes = append(routes, e.Route)
		}
	}
	return routes
}

// Keys reports whether people make keys for programs.
func (a *app) Keys() bool { return a.Design.Enabled("auth-apikey") }

// Email is the field with the address of an account that letters go to, empty without
// letters.
func (a *app) Email() string {
	if !a.Design.Enabled("auth-letters") {
		return ""
	}
	if a.Accounts().Identity.Type == design.Email {
		return a.Accounts().Identity.Key
	}
	for _, f := range a.Accounts().Fields {
		if f.Type == design.Email {
			return f.Key
		}
	}
	return ""
}
