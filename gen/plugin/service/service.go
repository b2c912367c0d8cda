// Package service is the plugin that every service has: its program, its
// entities, and the files around them.
package service

import (
	"embed"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

//go:embed templates
var templates embed.FS

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "service",
		Summary: "the program, its entities and its database",
		Base:    true,
		New:     func() gen.Part { return part{} },
	}
}

// part is the plugin at work.
type part struct{}

// Settings returns nil: what there is to set is the section service itself.
func (part) Settings() any { return nil }

// Validate has nothing to check.
func (part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute adds the program.
func (part) Contribute(b *gen.Build) error {
	b.Environment = append(b.Environment, environment(b.Design)...)
	s := &service{Build: b, names: b.Design.Constants()}
	b.Template(gen.File{Path: "main.go", Owner: gen.Once, Needed: true}, templates, "templates/main.go.tmpl", s)
	b.Template(gen.File{Path: "app/app_gen.go", Owner: gen.Generated}, templates, "templates/app.go.tmpl", s)
	b.Template(gen.File{Path: "app/hooks.go", Owner: gen.Once, Needed: true}, templates, "templates/hooks.go.tmpl", s)
	b.Template(gen.File{Path: ".gitignore", Owner: gen.Once}, templates, "templates/gitignore.tmpl", s)
	b.Template(gen.File{Path: ".env.example", Owner: gen.Generated}, templates, "templates/env.example.tmpl", s)
	b.Template(gen.File{Path: "README.md", Owner: gen.Once}, templates, "templates/README.md.tmpl", s)
	if a := (&actions{b}); len(b.Design.Actions) > 0 {
		b.Template(gen.File{Path: "app/actions_gen.go", Owner: gen.Generated}, templates, "templates/actions.go.tmpl", a)
		b.Template(gen.File{Path: "app/actions.go", Owner: gen.Once, Needed: true}, templates, "templates/owncode.go.tmpl", a)
	}
	for _, e := range b.Design.Entities {
		b.Template(gen.File{Path: "app/" + fileName(e), Owner: gen.Generated}, templates, "templates/entity.go.tmpl", &entity{Entity: e, names: s.names, module: b.Design.Service.Module})
	}
	return nil
}

// environment lists what every service reads.
func environment(d *design.Design) []gen.Variable {
	database := gen.Variable{Name: "DATABASE_URL", Doc: "File of the database. Default: .gate/" + d.Service.Name + ".db."}
	if d.Service.Database == design.Postgres {
		database = gen.Variable{Name: "DATABASE_URL", Doc: "Where the database is: postgres://user:password@host/name.", Required: true}
	}
	list := []gen.Variable{
		{Name: "ADDR", Doc: fmt.Sprintf("Address to listen on. Default: 127.0.0.1:%d.", d.Service.Port)},
		database,
	}
	if d.Service.Database == design.Postgres {
		list = append(list, pool(d.Service.Pool)...)
	}
	return append(list, []gen.Variable{
		{Name: "PUBLIC_URL", Doc: "Where clients reach the service, if that is another address."},
		{Name: "CORS_ORIGINS", Doc: "Origins of web pages that may call the service, separated by commas. Default: none."},
		{Name: "TRUSTED_PROXIES", Doc: "Addresses of proxies whose X-Forwarded-For is believed. Default: none."},
		{Name: "MAX_BODIES_MB", Doc: "MiB of bodies that requests hold at once, thrice: their first 8 KiB, the rest, and the rest of those who are known. Default: 64."},
		{Name: "LOG_LEVEL", Doc: "debug, info, warn or error. Default: info."},
		{Name: "DOCS", Doc: "on or off: whether /api/docs and /api/openapi.json answer."},
	}...)
}

// pool lists what a service on a database server reads about it.
func pool(p design.Pool) []gen.Variable {
	conns, timeout := "four for each processor, at least 8", 5*time.Second
	if p.MaxConns > 0 {
		conns = strconv.Itoa(p.MaxConns)
	}
	if p.StatementTimeout > 0 {
		timeout = p.StatementTimeout
	}
	return []gen.Variable{
		{Name: "DATABASE_MAX_CONNS", Doc: "Connections of one process at most; all processes stay below max_connections of the server. Default: " + conns + "."},
		{Name: "DATABASE_STATEMENT_TIMEOUT", Doc: "When the database gives up on a statement, as 3s; the answer is 503 then. Default: " + timeout.String() + "."},
	}
}

// service is what the templates print.
type service struct {
	*gen.Build

	names map[*design.Field]string
}

// Imports returns the packages that app_gen.go needs.
func (s *service) Imports() []string {
	d := s.Design
	list := []string{
		"context", "embed:_",
		"github.com/gatewright/gate/runtime/server", "github.com/gatewright/gate/store",
		"github.com/gatewright/gate/store/" + string(d.Service.Database), d.Service.Module + "/migrations",
	}
	if d.Service.Pool.StatementTimeout > 0 {
		list = append(list, "time")
	}
	if len(d.Roles) > 0 {
		list = append(list, "github.com/gatewright/gate/authz")
	}
	if len(d.Entities) > 0 {
		list = append(list, "github.com/gatewright/gate/runtime/crud")
	}
	list = append(list, gen.Imports(s.Service)...)
	for _, e := range slices.Concat(s.Components, s.Commands) {
		list = append(list, gen.Imports([]gen.Member{{Value: e}})...)
	}
	return append(list, gen.Imports(s.Extensions)...)
}

// Addr is the address to listen on unless the environment says otherwise.
func (s *service) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.Design.Service.Port) }

// DefaultDatabase is the database unless the environment says otherwise.
func (s *service) DefaultDatabase() string {
	if s.Design.Service.Database == design.Postgres {
		return ""
	}
	return ".gate/" + s.Design.Service.Name + ".db"
}

// Server reports whether the database is a server.
func (s *service) Server() bool { return s.Design.Service.Database == design.Postgres }

// Pool is what gate.yaml says of the use of that server.
func (s *service) Pool() []gen.Member {
	var list []gen.Member
	if n := s.Design.Service.Pool.MaxConns; n > 0 {
		list = append(list, gen.Member{Name: "MaxConns", Value: gen.Int(int64(n))})
	}
	if d := s.Design.Service.Pool.StatementTimeout; d > 0 {
		list = append(list, gen.Member{Name: "StatementTimeout", Value: gen.Duration(d)})
	}
	return list
}

// Auth0 is the issuer of the plugin auth-auth0, empty unless that is on.
func (s *service) Auth0() string {
	p := s.Design.Plugin("auth-auth0")
	if p == nil || !p.Enabled || !s.Design.Authentication() {
		return ""
	}
	setting := p.Setting("issuerURL")
	if setting == nil {
		return ""
	}
	issuer, _ := setting.Value.(string)
	return issuer
}

// OwnProvider reports whether gate dev runs that issuer.
func (s *service) OwnProvider() bool {
	u, err := url.Parse(s.Auth0())
	return err == nil && u.Scheme == "http" && u.Hostname() == "localhost"
}

// First is the entity that examples are about, nil without entities.
func (s *service) First() *design.Entity {
	if len(s.Design.Entities) == 0 {
		return nil
	}
	return s.Design.Entities[0]
}

// fileName names the file of an entity. The names that start with auth belong to
// the plugins, seed to that one, graphql to the API of that name, and actions to
// these.
func fileName(e *design.Entity) string {
	name := gen.Snake(e.Name)
	if slices.Contains([]string{"auth", "graphql", "seed", "actions"}, name) || strings.HasPrefix(name, "auth_") {
		name = "entity_" + name
	}
	return name + "_gen.go"
}
