package graphql

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// Config says what an [API] serves. SDL and Entities are required.
type Config struct {
	// SDL is the schema, as the generator writes it: a type, inputs and fields of
	// the root for each entity.
	SDL string
	// Entities are what the fields of the root ask. Entities that the schema does
	// not name are not served.
	Entities []crud.Service
	// Prefix is that of the routes by which files are fetched, see [rest.API]; empty means
	// "/api".
	Prefix string
	// Actions are bound; a field of a root that has the name of one calls it.
	Actions []*action.Action
	// Extension is a schema that extends SDL by own fields, of the roots and of
	// entities, and the types that these answer. Fields answer them, each under the name
	// of its type and its own: Item.rating. Every field has to be in both.
	Extension string
	Fields    []*action.Action
	// Operations are documents by the names of their files. They are known by the hash
	// of their text from the start on, and never forgotten.
	Operations map[string]string
	// Only refuses all documents that are not among Operations. With Introspection,
	// which is for development, they are answered, and each time logged.
	Only bool
	// Introspection answers __schema and __type. It is for development: without
	// it they are refused, as the schema of a service is nobody's business.
	Introspection bool
	// NoCredentials says that there is no way to show who one is. What asks for
	// somebody is then FORBIDDEN for everybody.
	NoCredentials bool
	// Login answers a POST of credentials by {accessToken, refreshToken}, as over
	// REST, see [gate.Service.Handler]. It is what the mutation login asks; a schema
	// without that does not need it.
	Login http.Handler
	// Errors writes refusals that come before GraphQL, and logs faults.
	Errors gate.ErrorWriter
}

// An API answers requests. It is made by [New] and safe for concurrent use.
type API struct {
	schema        *ast.Schema
	calls         map[*ast.FieldDefinition]*call
	own           map[*ast.FieldDefinition]*call // of entities
	limits        limits
	documents     *documents
	listed        map[digest]*ast.QueryDocument // by the operations of the service
	only          bool                          // those
	noCredentials bool
	prefix        string
	patience      time.Duration // maxTime
	login         http.Handler
	errors        gate.ErrorWriter
	logger        *slog.Logger
}

var _ http.Handler = (*API)(nil)

// verb is what a field of the root does.
type verb uint8

const (
	one verb = iota + 1
	page
	count
	create
	update
	remove
	me
	login
	perform
	paged
	restore
	updateMany
	removeMany
)

// A call is a field of the root: what it does, and to which entity.
type call struct {
	action  verb
	service crud.Service
	entity  *model.Entity
	act     *action.Action // of perform
}

// New returns the API of a schema. A schema that is not valid, or that says
// something else than the entities, is an error.
func New(cfg Config) (*API, error) {
	schema, err := load(cfg)
	if err != nil {
		return nil, fmt.Errorf("graphql: %w", err)
	}
	if schema.Query == nil {
		return nil, errors.New("graphql: the schema has no queries")
	}
	a := &API{
		patience: maxTime,
		schema:   schema, calls: map[*ast.FieldDefinition]*call{}, own: map[*ast.FieldDefinition]*call{}, limits: limits{introspection: cfg.Introspection},
		documents: newDocuments(), only: cfg.Only, noCredentials: cfg.NoCredentials, prefix: cmp.Or(cfg.Prefix, "/api"), login: cfg.Login, errors: cfg.Errors, logger: cmp.Or(cfg.Errors.Logger, slog.Default()),
	}
	b := binder{schema: schema, logsIn: cfg.Login != nil, services: map[string]crud.Service{}, actions: byName(cfg.Actions), fields: byName(cfg.Fields), own: a.own, checked: map[[2]string]bool{}}
	a.limits.entities = make(entities, len(cfg.Entities))
	for _, s := range cfg.Entities {
		b.services[s.Entity().Name], a.limits.entities[s.Entity().Name] = s, s.Entity()
	}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		if root == nil {
			continue
		}
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			c, err := b.bindRoot(root, f)
			if err != nil {
				return nil, fmt.Errorf("graphql: %s: %w", f.Name, err)
			}
			a.calls[f] = c
		}
	}
	if err := b.checkOwn(); err != nil {
		return nil, fmt.Errorf("graphql: %w", err)
	}
	a.limits.root, a.limits.own = a.call, a.ownCall
	if a.listed, err = readOperations(schema, cfg.Operations); err != nil {
		return nil, fmt.Errorf("graphql: %w", err)
	}
	return a, nil
}

// call returns the call that a field of a root stands for, nil for none.
func (a *API) call(op ast.Operation, name string) *call {
	root := a.schema.Query
	if op == ast.Mutation {
		root = a.schema.Mutation
	}
	if root == nil {
		return nil
	}
	return a.calls[root.Fields.ForName(name)]
}

// binder finds out what the fields of the root stand for. Their types tell; what
// they are called is the generator's choice, but for me.
type binder struct {
	schema   *ast.Schema
	logsIn   bool
	services map[string]crud.Service
	actions  map[string]*action.Action
	fields   map[string]*action.Action // own ones
	own      map[*ast.FieldDefinition]*call
	checked  map[[2]string]bool // entity and type
}

func (b *binder) bind(mutation bool, f *ast.FieldDefinition) (*call, error) {
	if act := b.actions[f.Name]; act != nil {
		return b.bindAction(act, f)
	}
	entity, what := f.Type.Name(), one
	input := f.Arguments.ForName("input")
	if mutation && entity == loginType {
		return &call{action: login}, b.checkLogin(f)
	}
	switch {
	case mutation && f.Type.Elem != nil:
		var err error
		if what, err = manyOf(f); err != nil {
			return nil, err
		}
	case mutation && f.Name == "restore"+entity:
		what = restore
	case mutation && input != nil && f.Arguments.ForName("id") == nil:
		what = create
	case mutation && input != nil:
		what = update
	case mutation:
		what = remove
	case f.Type.Elem != nil:
		what = page
	case b.pageOf(entity) != "":
		what, entity = paged, b.pageOf(entity)
		if err := b.checkPage(f, entity); err != nil {
			return nil, err
		}
	case f.Name == "me" && len(f.Arguments) == 0, f.Name == "me"+entity && len(f.Arguments) == 0:
		what = me
	case entity == "Int":
		what = count
		where := f.Arguments.ForName("where")
		if where == nil {
			return nil, errors.New("a number, and nothing says of what")
		}
		entity = strings.TrimSuffix(where.Type.Name(), "Where")
	}
	s, ok := b.services[entity]
	if !ok {
		return nil, fmt.Errorf("there is no entity %q", entity)
	}
	if f.Type.NonNull {
		return nil, errors.New("an error here would take away all other answers: the type has to be nullable")
	}
	if (what == one || what == update || what == remove || what == restore) && f.Arguments.ForName("id") == nil {
		return nil, errors.New("the argument id is missing")
	}
	c := &call{action: what, service: s, entity: s.Entity()}
	return c, b.check(c, f)
}

// check compares the types that a call uses with its entity.
func (b *binder) check(c *call, f *ast.FieldDefinition) error {
	if err := b.checkType(c.entity, c.entity.Name); err != nil {
		return err
	}
	return b.checkInputs(c.entity, f)
}

// checkInputs compares the types of arguments with the entity that they are about.
func (b *binder) checkInputs(e *model.Entity, f *ast.FieldDefinition) error {
	for _, arg := range f.Arguments {
		if def := b.schema.Types[arg.Type.Name()]; def != nil && def.Kind == ast.InputObject {
			if err := b.checkType(e, def.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkType compares the members of a type with the fields and relations of the
// entity, and those of types that these lead to.
func (b *binder) checkType(e *model.Entity, name string) error {
	def := b.schema.Types[name]
	if def == nil {
		return fmt.Errorf("there is no type %s", name)
	}
	if b.checked[[2]string{e.Name, name}] {
		return nil
	}
	b.checked[[2]string{e.Name, name}] = true
	for _, member := range def.Fields {
		if isGroup(member.Name) || strings.HasPrefix(member.Name, "__") {
			continue
		}
		if isOwn(member) {
			if err := b.bindOwn(e, def, member); err != nil {
				return fmt.Errorf("%s.%s: %w", name, member.Name, err)
			}
			continue
		}
		if l, ok := e.Link(member.Name); ok {
			if err := b.checkLink(def, l, member); err != nil {
				return fmt.Errorf("%s.%s: %w", name, member.Name, err)
			}
			continue
		}
		id, ok := e.Field(member.Name)
		if !ok {
			return fmt.Errorf("%s.%s: the entity %s has no such field", name, member.Name, e.Name)
		}
		if def.Kind == ast.Object && e.Fields[id].Secret() {
			return fmt.Errorf("%s.%s: nobody may read it", name, member.Name)
		}
	}
	return nil
}

// checkLink compares a relation with its type and arguments.
func (b *binder) checkLink(def *ast.Definition, l *model.Link, f *ast.FieldDefinition) error {
	s, ok := b.services[l.To]
	if ok && def.Kind == ast.InputObject {
		return b.checkNested(s.Entity(), f.Type.Name())
	}
	switch {
	case !ok || f.Type.Name() != l.To || l.Many != (f.Type.Elem != nil):
		return fmt.Errorf("the relation leads to %s", l.To)
	case f.Type.NonNull:
		return errors.New("who may not follow the relation gets null: the type has to be nullable")
	case !l.Many && len(f.Arguments) > 0:
		return errors.New("there is nothing to choose of one row")
	}
	if err := b.checkType(s.Entity(), l.To); err != nil {
		return err
	}
	return b.checkInputs(s.Entity(), f)
}

// checkNested compares the type of a filter or an input inside of another with the
// entity that it is about: it may be one of that entity, or have members that are.
func (b *binder) checkNested(e *model.Entity, name string) error {
	def := b.schema.Types[name]
	if def == nil {
		return fmt.Errorf("there is no type %s", name)
	}
	for _, member := range def.Fields {
		_, counts := quantifier(member.Name)
		switch {
		case member.Name == "connect" || member.Name == "disconnect":
		case counts || member.Name == "create":
			if err := b.checkType(e, member.Type.Name()); err != nil {
				return err
			}
		default:
			return b.checkType(e, name)
		}
	}
	return nil
}
