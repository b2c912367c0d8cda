// Package admin is the plugin admin: pages on which people look after the rows of the
// service, as the source of an application that is the user's.
package admin

import (
	"embed"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/clientts"
)

//go:embed templates
var templates embed.FS

//go:embed files
var files embed.FS

const spaPackage = "github.com/gatewright/gate/runtime/server/spa"

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:     "admin",
		Summary:  "pages to look after rows: a react-admin application of your own in admin/, served by the service",
		Requires: []string{clientts.Name},
		New:      func() gen.Part { return &part{settings{Path: defaultPath, CacheLocation: memory}} },
	}
}

// settings are what gate.yaml says.
type settings struct {
	Path  string `yaml:"path" doc:"Where the service serves the pages."`
	Title string `yaml:"title" doc:"What people call them. Default: the name of the service."`

	Login         string `yaml:"login" doc:"How people log in: at the issuer of auth-auth0, with a cookie of auth-session, a token of auth-jwt in the memory of the page, by auth-basic, or not at all. Default: the first of these that the service has." enum:"issuer,cookie,token,basic,none"`
	Popup         bool   `yaml:"popup" doc:"Whether the issuer logs people in in a window of its own, instead of the page itself."`
	CacheLocation string `yaml:"cacheLocation" doc:"Where tokens of the issuer are: in the memory of the page, or in localstorage, where every script of the origin finds them." enum:"memory,localstorage"`
}

type part struct{ settings settings }

// PathOf returns where a design has the pages, false where it has none.
func PathOf(d *design.Design) (string, bool) {
	p := d.Plugin("admin")
	if p == nil || !p.Enabled {
		return "", false
	}
	if s := p.Setting("path"); s != nil {
		if path, ok := s.Value.(string); ok {
			return path, true
		}
	}
	return defaultPath, true
}

const defaultPath = "/admin"

// memory is where tokens are unless somebody says otherwise.
const memory = "memory"

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

var goodPath = regexp.MustCompile(`^(/[a-z0-9][a-z0-9-]*){1,4}$`)

// Validate refuses a path at which something else answers, and a way to log in that the
// service does not have.
func (p *part) Validate(d *design.Design, place *design.Plugin) error {
	var errs design.Errors
	bad := func(name, message, hint string) {
		at := place.Pos
		if s := place.Setting(name); s != nil {
			at = s.ValuePos
		}
		errs.Add(at, "plugins.admin."+name, message, hint)
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(p.settings.Path, "/"), "/")
	if taken := first == "api" || first == "health"; taken || !goodPath.MatchString(p.settings.Path) {
		bad("path", "path has to be a path of small letters and digits at which nothing else of the service is", "for instance /admin or /back-office")
	}
	by := LoginOf(d)
	if needs := provider(by); needs != "" && !d.Enabled(needs) {
		bad("login", "login: "+by+" needs the plugin "+needs, "add "+needs+", or leave login out for what the service has")
	}
	if by == None && place.Setting("login") == nil && d.Enabled("auth-oidc") {
		bad("login", "the pages cannot log people in at the issuer of auth-oidc",
			"add auth-session, take auth-auth0 for an issuer that Auth0's SDK can speak to, or say login: none")
	}
	for _, name := range []string{"popup", "cacheLocation"} {
		if place.Setting(name) != nil && by != Issuer {
			bad(name, name+" is for pages on which an issuer logs people in", "leave it out, or say login: issuer beside auth-auth0")
		}
	}
	return errs.Err()
}

// Contribute adds the application, and serves it.
func (p *part) Contribute(b *gen.Build) error {
	a := &app{b, p.settings}
	b.Ignore = append(b.Ignore, "./admin/node_modules")
	b.Extensions = append(b.Extensions, gen.Member{Name: "admin", Value: gen.Call(gen.Name(spaPackage, mount(a)),
		gen.Text(p.settings.Path), gen.Call(gen.Name(b.Design.Service.Module+"/admin", "Files")))})
	b.Template(gen.File{Path: "admin/embed_gen.go", Owner: gen.Generated}, templates, "templates/embed.go.tmpl", a)
	for _, name := range []string{
		"again.gen.ts", "authProvider.gen.ts", "dataProvider.gen.ts", "deletedRows.gen.tsx", "exporter.gen.ts", "fields.gen.tsx",
		"inputs.gen.tsx", "listRows.gen.tsx", "LogInAgain.gen.tsx", "pages.gen.tsx", "rowForm.gen.tsx", "sessions.gen.ts", "showRow.gen.tsx",
	} {
		if err := add(b, gen.Generated, "src/gen/"+name, "src/gen/"+name); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(b.Design.Entities, func(e *design.Entity) bool { return len(e.FileFields()) > 0 }) {
		if err := add(b, gen.Generated, "src/gen/files.gen.tsx", "src/gen/files.gen.tsx"); err != nil {
			return err
		}
	}
	if err := a.addAccount(); err != nil {
		return err
	}
	for path, name := range map[string]string{
		".gitignore": "gitignore", ".npmrc": "npmrc", "dist/.keep": "keep", "public/.keep": "keep", "public/favicon.svg": "public/favicon.svg",
		"eslint.config.js": "eslint.config.js", "index.html": "index.html", "tsconfig.json": "tsconfig.json", "vite.config.ts": "vite.config.ts",
		"src/App.tsx": "src/App.tsx", "src/Dashboard.tsx": "src/Dashboard.tsx", "src/i18n.ts": "src/i18n.ts", "src/Layout.tsx": "src/Layout.tsx",
		"src/LoginPage.tsx": "src/LoginPage.tsx", "src/main.tsx": "src/main.tsx", "src/theme.ts": "src/theme.ts",
	} {
		if err := add(b, gen.Once, path, name); err != nil {
			return err
		}
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		b.Template(gen.File{Path: "admin/" + name, Owner: gen.Once}, templates, "templates/"+name+".tmpl", a)
	}
	for _, name := range []string{"access.gen.ts", "service.gen.ts", "settings.gen.ts", "entities.gen.ts", "messages.gen.ts", "resources.gen.tsx"} {
		b.Template(gen.File{Path: "admin/src/gen/" + name, Owner: gen.Generated}, templates, "templates/"+name+".tmpl", a)
	}
	b.Template(gen.File{Path: "admin/src/gen/session.gen.ts", Owner: gen.Generated}, templates, "templates/session/"+a.Login()+".gen.ts.tmpl", a)
	for _, e := range a.Entities() {
		b.Template(gen.File{Path: "admin/src/gen/" + e.Name + ".gen.tsx", Owner: gen.Generated}, templates, "templates/entity.gen.tsx.tmpl", e)
	}
	return nil
}

// add adds a file that is the same for every service.
func add(b *gen.Build, owner gen.Owner, path, name string) error {
	data, err := files.ReadFile("files/" + name)
	b.Add(gen.File{Path: "admin/" + path, Data: data, Owner: owner, Needed: strings.HasPrefix(path, "dist/")})
	return err
}

// app is what the templates print.
type app struct {
	*gen.Build

	settings settings
}

// Path is where the service serves the pages.
func (a *app) Path() string { return a.settings.Path }

// Title is what people call them.
func (a *app) Title() string {
	if a.settings.Title != "" {
		return a.settings.Title
	}
	name := a.Design.Service.Name
	return strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "-", " ")
}

// Accounts is the entity whose rows log in, nil where nobody does.
func (a *app) Accounts() *design.AuthEntity {
	if a.Authentication == nil {
		return nil
	}
	return a.Authentication.Accounts
}

// Names are the fields that name an account, the best one first.
func (a *app) Names() []string {
	var names []string
	for _, f := range a.Accounts().Fields {
		if f.Type == design.Text && (f.Name == "name" || f.Name == "fullName" || f.Name == "displayName") {
			names = append(names, f.Key)
		}
	}
	return append(names, a.Accounts().Identity.Key)
}

// LoginLabel is what people know their login name by.
func (a *app) LoginLabel() string {
	if a.Accounts().Identity.Type == design.Email {
		return "E-mail address"
	}
	return "User name"
}

// LoginType is the type of the input for it.
func (a *app) LoginType() string {
	if a.Accounts().Identity.Type == design.Email {
		return "email"
	}
	return "text"
}

// Entities are those that have pages.
func (a *app) Entities() []entity {
	var out []entity
	for _, e := range clientts.Entities(a.Design) {
		out = append(out, entity{e})
	}
	return out
}
