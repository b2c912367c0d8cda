package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/gatewright/gate/design"
)

// A Build is the service as it comes together. Plugins add to it; what they add
// is rendered when all of them have, so that a plugin may read what a later one
// put in.
type Build struct {
	Design *design.Design

	// Service is further members of the server.Service in app_gen.go.
	Service []Member

	// Extensions are what the service does besides its entities, each a
	// func(*server.App) error that app_gen.go calls when these are known.
	Extensions []Member

	// SetUp names functions in the package app, func(*App) error, that app_gen.go
	// calls when the entities are made, before hooks.go has its say.
	SetUp []string

	// Commands are commands of the program besides its own, each a server.Command.
	Commands []Expr

	// Components are parts of the schema besides the entities, with migrations of
	// their own: each a func(store.Dialect) store.Component.
	Components []Expr

	// Authentication is nil without authentication.
	Authentication *Authentication

	// Environment lists the variables that the service reads.
	Environment []Variable

	// Modules names lists of modules that the service builds besides those that
	// every service does: files of the folder gomod, without ".txt". They are for what
	// gate itself imports; modules of a plugin are for [Build.Require].
	Modules []string

	// Ignore names folders that the go command leaves alone, such as ./web/node_modules.
	Ignore []string

	// API is what the OpenAPI document says besides the entities.
	API API

	// Former is how things are called now that had another name when the service was
	// generated last, for what plugins read of the user's.
	Former Former

	plugin   string // that contributes
	steps    []steps
	required []requirement
	inputs   map[string][]byte
	outputs  []output
	parsed   map[parsedTemplate]*template.Template
}

// parsedTemplate names a template that was parsed.
type parsedTemplate struct {
	templates fs.FS
	name      string
}

// Authentication is how a service finds out who is calling.
type Authentication struct {
	Accounts *design.AuthEntity
	// Also are the entities beside it whose rows log in.
	Also []*design.AuthEntity

	// Config is the members of the auth.Config of the service.
	Config []Member

	// Register names functions in the package app, func(*auth.Auth) error, that
	// register strategies, in the order in which these are tried.
	Register []string
}

// LogIns returns the entities whose rows log in, that of the accounts first.
func (a *Authentication) LogIns() []*design.AuthEntity {
	return append([]*design.AuthEntity{a.Accounts}, a.Also...)
}

// Credentials describes what each of them logs in with, a password.
func (a *Authentication) Credentials() []any {
	var list []any
	for _, e := range a.LogIns() {
		list = append(list, Object{
			{Name: "type", Value: "object"},
			{Name: "required", Value: []string{"strategy", e.Identity.Key, e.Password.Key}},
			{Name: "properties", Value: Object{
				{Name: "strategy", Value: Object{{Name: "const", Value: e.Strategy}}},
				{Name: e.Identity.Key, Value: Object{{Name: "type", Value: "string"}}},
				{Name: e.Password.Key, Value: Object{{Name: "type", Value: "string"}, {Name: "format", Value: "password"}}},
			}},
		})
	}
	return list
}

// Shown describes the members of an answer that show who logged in: one of them is
// there.
func (a *Authentication) Shown() []Property {
	var list []Property
	for _, e := range a.LogIns() {
		list = append(list, Property{Name: Lower(e.Name), Value: SchemaRef(e.Name)})
	}
	return list
}

// A Variable is an environment variable that the service reads.
type Variable struct {
	Name     string
	Doc      string // one sentence
	Required bool
}

// API is the part of the OpenAPI document that plugins contribute.
type API struct {
	// Security names the ways to authenticate, in order.
	Security []SecurityScheme
	// Paths are further paths below /api, such as /me, each an OpenAPI path item.
	Paths []Property
	// Schemas are further schemas.
	Schemas []Property
	// Tags say what the tags of those paths stand for, each a sentence.
	Tags []Property
}

// A SecurityScheme is a way to authenticate, as OpenAPI describes it.
type SecurityScheme struct {
	Name   string
	Scheme Object
}

// An output is a file that is rendered at the end.
type output struct {
	file   File
	render func() ([]byte, error)
}

// An Input is a file of the user's that a plugin reads.
type Input struct {
	Path string // as positions of errors name it: beside gate.yaml
	Data []byte
}

// Input returns a file that the plugin says it reads, see [Plugin.Reads]; false
// when there is none. What is wrong with it is a [*design.Errors] that Contribute
// returns as it is.
func (b *Build) Input(name string) (Input, bool) {
	data, ok := b.inputs[name]
	return Input{Path: filepath.Join(filepath.Dir(b.Design.File), filepath.FromSlash(name)), Data: data}, ok
}

// Add adds a file as it is.
func (b *Build) Add(f File) {
	b.outputs = append(b.outputs, output{file: f, render: func() ([]byte, error) { return f.Data, nil }})
}

// Render adds a file whose content is made after all plugins contributed. Several
// files are made at a time: render only reads what it shares with others.
func (b *Build) Render(f File, render func() ([]byte, error)) {
	b.outputs = append(b.outputs, output{file: f, render: render})
}

// Template adds a file that is made from the template of that name in templates,
// after all plugins contributed. Go files are formatted, and start with the
// header when they are generated.
func (b *Build) Template(f File, templates fs.FS, name string, data any) {
	t, err := b.parse(templates, name)
	b.Render(f, func() ([]byte, error) {
		if err != nil {
			return nil, err
		}
		return render(f, t, data)
	})
}

// parse reads a template, once if it can.
func (b *Build) parse(templates fs.FS, name string) (*template.Template, error) {
	if !reflect.TypeOf(templates).Comparable() {
		return parseTemplate(templates, name)
	}
	key := parsedTemplate{templates, name}
	if t, ok := b.parsed[key]; ok {
		return t, nil
	}
	t, err := parseTemplate(templates, name)
	b.parsed[key] = t
	return t, err
}

// files renders everything, several files at a time, and sorts it.
func (b *Build) files() (Files, error) {
	files := make(Files, len(b.outputs))
	errs := make([]error, len(b.outputs))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(len(b.outputs), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				o := b.outputs[i]
				files[i] = o.file
				if files[i].Data, errs[i] = o.render(); errs[i] != nil {
					errs[i] = fmt.Errorf("%s: %w", o.file.Path, errs[i])
				}
			}
		})
	}
	for i := range b.outputs {
		next <- i
	}
	close(next)
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, checkFiles(files)
}
