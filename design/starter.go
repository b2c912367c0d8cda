package design

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
)

//go:embed starters
var starterFS embed.FS

// An Authentication says how callers of a new service prove who they are.
type Authentication string

// What a starter can begin with. More is a matter of plugins.
const (
	AuthJWT   Authentication = "jwt"
	AuthBasic Authentication = "basic"
	AuthBoth  Authentication = "both"
	AuthAuth0 Authentication = "auth0" // at an issuer: Auth0, or the one of gate dev
	AuthNone  Authentication = "none"
)

// StarterConfig fills in a starter.
type StarterConfig struct {
	Name           string         // of the service, kebab-case
	Module         string         // Go module path; "" means example.com/ and the name
	Description    string         // may be empty
	Database       Database       // "" means SQLite
	Authentication Authentication // "" means AuthJWT
}

// Starters lists the names that [Starter] knows.
func Starters() []string { return []string{"restaurant", "blog", "empty"} }

// Starter returns the text of a design to begin with: "restaurant", a menu and
// its staff; "blog", posts and comments that have owners; "empty", accounts only.
// Without authentication there are no accounts, and what accounts would be needed
// for is closed. The result is a valid design, or there is an error.
func Starter(name string, c StarterConfig) ([]byte, error) {
	if !slices.Contains(Starters(), name) {
		return nil, fmt.Errorf("unknown starter %s%s; there are %s", quote(name), didYouMean(name, Starters()), strings.Join(Starters(), ", "))
	}
	data := struct {
		StarterConfig
		Auth, JWT, Basic, Auth0 bool
		Audience                string
	}{StarterConfig: c, Audience: "https://" + c.Name + ".example/api"}
	switch c.Authentication {
	case AuthJWT, "":
		data.JWT = true
	case AuthBasic:
		data.Basic = true
	case AuthBoth:
		data.JWT, data.Basic = true, true
	case AuthAuth0:
		data.Auth0 = true
	case AuthNone:
	default:
		return nil, fmt.Errorf("unknown authentication %s: jwt, basic, both, auth0 or none", quote(string(c.Authentication)))
	}
	data.Auth = data.JWT || data.Basic || data.Auth0
	if data.Module == "" {
		data.Module = "example.com/" + data.Name
	}
	if data.Database == "" {
		data.Database = SQLite
	}
	src, err := renderStarter(name, data)
	if err != nil {
		return nil, fmt.Errorf("starter %s: %w", name, err)
	}
	if _, err := Parse("gate.yaml", src); err != nil {
		return nil, fmt.Errorf("starter %s: %w", name, err)
	}
	return src, nil
}

func renderStarter(name string, data any) ([]byte, error) {
	t, err := template.New(name).Funcs(template.FuncMap{
		"yaml": func(v any) string { return scalarText(fmt.Sprint(v)) },
	}).ParseFS(starterFS, "starters/head.yaml.tmpl", "starters/"+name+".yaml.tmpl")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name+".yaml.tmpl", data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
