package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
)

// A Service is what generated code says of itself. Name, Migrations, Build, and
// one of Open and Connect are required.
type Service struct {
	// Name is the name of the service: restaurant.
	Name string
	// Module is the path of its Go module.
	Module string
	// Description is a sentence for people.
	Description string
	// Addr is where it listens unless ADDR says otherwise; empty means
	// 127.0.0.1:3000.
	Addr string
	// Database is the database unless DATABASE_URL says otherwise; empty makes
	// that setting necessary.
	Database string
	// Open opens a database that is a file.
	Open func(ctx context.Context, url string) (*store.DB, error)
	// Connect opens one that is a server, with what Pool and the settings say.
	Connect func(ctx context.Context, url string, pool Pool) (*store.DB, error)
	// Pool is how the server is used unless DATABASE_MAX_CONNS and
	// DATABASE_STATEMENT_TIMEOUT say otherwise.
	Pool Pool
	// Migrations are those of the service's own tables.
	Migrations func() ([]store.Migration, error)
	// Components are parts of the schema besides those tables and the ones of
	// authentication, with migrations of their own.
	Components []func(store.Dialect) store.Component
	// Commands are commands of the program besides its own.
	Commands []Command
	// Settings names the variables that it reads, for who asks the program for help.
	Settings []string
	// OpenAPI is the description of the routes as JSON; empty means that there
	// is none.
	OpenAPI []byte
	// Reference makes the page at /api/docs on which people read the description,
	// [swaggerui.New] for instance; nil means that only development builds have it.
	Reference func(title, path, document string) http.Handler
	// NoREST keeps the entities from being served over REST: another surface
	// serves them. What is about the caller stays, such as logging in.
	NoREST bool
	// Grammar is how queries, rows and routes of the entities are spelt over REST; nil
	// means [rest.Feathers]. Refusals of all routes follow it. With [rest.Amplication]
	// people log in at /api/login, too.
	Grammar rest.Grammar
	// Roles are the roles that accounts may have.
	Roles []authz.Role
	// Auth says how callers prove who they are; nil means that nobody can, and
	// what is not public is closed.
	Auth *auth.Config
	// Build makes the entities and hands them to [App.Serve].
	Build func(*App) error
}

// Pool says how a database server is used; what is zero is left to the package
// that opens it.
type Pool = config.Pool

func (s Service) check() error {
	if s.Name == "" || (s.Open == nil) == (s.Connect == nil) || s.Migrations == nil || s.Build == nil {
		return errors.New("the service lacks a name, a database, migrations or a build function")
	}
	return nil
}

// database opens the database.
func (s Service) database(ctx context.Context, cfg *config.Config) (*store.DB, error) {
	open := s.Open
	if s.Connect != nil {
		open = func(ctx context.Context, url string) (*store.DB, error) { return s.Connect(ctx, url, cfg.Pool) }
	}
	db, err := open(ctx, cfg.DatabaseURL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}

// An App is a service while it is being put together. Generated code and the
// service's own code get it in [Service.Build].
type App struct {
	// Name is the name of the service.
	Name string
	// Config holds the settings.
	Config *config.Config
	// DB is the database, migrated.
	DB *store.DB
	// Policy knows the roles.
	Policy *authz.Policy
	// Auth is the authentication; nil for a service without.
	Auth *auth.Auth
	// Logger is the service's log.
	Logger *slog.Logger

	service    Service
	mux        *http.ServeMux
	takes      map[string]int64 // bytes of a body, by the patterns of routes that say so
	errors     gate.ErrorWriter
	entities   []crud.Service
	routes     []rest.Route
	guarded    []guardedRoute
	actions    []*action.Action
	fields     []*action.Action // of the GraphQL schema
	own        []*action.Action // routes of the service's own code
	decorators []decorator
	middleware []func(http.Handler) http.Handler
	extend     []func(*App) error
	start      []func(context.Context) error
	stop       []func(context.Context) error
	observers  []Observer
	commands   map[string]func(context.Context, Call) error
	ownRoot    bool // the service has its own pattern for everything
	err        error
}

// guardedRoute is a handler that waits for the guards, which can be made only
// when all strategies are registered.
type guardedRoute struct {
	pattern string
	handler http.Handler
}

// prefix is before the paths of the API.
const prefix = "/api"

// Serve puts an entity under its routes. Call it once for each.
func (a *App) Serve(s crud.Service) {
	if e := s.Entity(); e.Find(model.Password) != model.NoField {
		if u, ok := s.(interface{ UsePasswords(crud.Hasher) }); ok {
			h, err := auth.NewHasher(a.Auth, a.Name, e.Fields[e.Find(model.Password)].Name)
			a.err = errors.Join(a.err, err)
			u.UsePasswords(h)
		}
	}
	a.entities = append(a.entities, s)
}

// Authenticate says which entity holds the accounts, and which log in beside it, see
// [auth.Config.Also]. Call it once, after the calls of Serve, in a service with
// [Service.Auth].
func (a *App) Authenticate(users auth.Entity, also ...auth.Entity) error {
	if a.Auth == nil {
		return errors.New("the service has no authentication")
	}
	return a.Auth.Use(users, also...)
}

// Handle serves an own handler on a pattern of [http.ServeMux]. Like the routes
// of entities it is asked by callers of whom it is known who they are and by
// nobody in particular: what a caller may do is for the handler to say, see
// [gate.PrincipalFromContext], and who it is is found out when the body is here,
// 1 MiB at most, see [auth.Auth.Protect]. A pattern that is malformed, or that would
// take requests from a route of the service, keeps the service from starting.
func (a *App) Handle(pattern string, h http.Handler) {
	if pattern == everything {
		a.ownRoot = true
	}
	a.guarded = append(a.guarded, guardedRoute{pattern, h})
}

// HandleFunc is [App.Handle] for a function.
func (a *App) HandleFunc(pattern string, h http.HandlerFunc) { a.Handle(pattern, h) }

// Extend has f called when all entities and strategies are known, before the
// service answers: to serve what rests on them. An error stops the service.
func (a *App) Extend(f func(*App) error) { a.extend = append(a.extend, f) }

// OnStop has f called once when the service begins to stop, the last one first:
// to end what would not end by itself.
func (a *App) OnStop(f func(context.Context) error) { a.stop = append(a.stop, f) }

// Entities returns what [App.Serve] was called with.
func (a *App) Entities() []crud.Service { return slices.Clone(a.entities) }

// Mount serves a handler that finds out by itself who calls, on a pattern of
// [http.ServeMux]. It panics like the mux does.
func (a *App) Mount(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

// protect returns h behind the strategies of the service.
func (a *App) protect(h http.Handler) http.Handler {
	if a.Auth == nil {
		return h
	}
	return a.Auth.Protect(h)
}

// finish registers everything on the mux.
func (a *App) finish() error {
	if a.err != nil {
		return a.err
	}
	if a.Auth != nil && a.Auth.Accounts() == nil {
		return errors.New("nobody said which entity holds the accounts")
	}
	if a.Auth != nil {
		if err := a.Auth.Setup(); err != nil {
			return err
		}
	}
	for _, e := range a.entities {
		if s, ok := e.(interface{ SealCursors(key []byte) }); ok {
			s.SealCursors(a.cursorKey())
		}
	}
	if err := crud.Link(a.entities...); err != nil {
		return fmt.Errorf("entities: %w", err)
	}
	if a.Auth != nil {
		if err := a.Auth.Tenants(a.entities...); err != nil {
			return fmt.Errorf("entities: %w", err)
		}
	}
	if err := errors.Join(a.decorate(), a.bindActions(a.actions), a.bindActions(a.own), a.bindActions(a.fields)); err != nil {
		return err
	}
	guarded := a.guarded // by the service's own code; what follows adds ours
	a.guarded = nil
	for _, f := range a.extend {
		if err := f(a); err != nil {
			return err
		}
	}
	if err := a.mountAll(guarded); err != nil {
		return err
	}
	a.devRoutes()
	if !a.ownRoot {
		a.mux.Handle(everything, &notFound{mux: a.mux, errors: a.errors})
	}
	return nil
}

// cursorKey returns the key of the cursors of pages. All processes of a service have
// the same. Where nobody can show who they are there is neither a secret nor anything
// that a cursor could tell one caller of another.
func (a *App) cursorKey() []byte {
	if a.Auth != nil {
		return a.Auth.CursorKey()
	}
	key := sha256.Sum256([]byte("gatewright: seal cursors of " + a.Name))
	return key[:]
}

// The paths of authentication.
const (
	pathLogin       = prefix + "/authentication"
	pathLoginByName = prefix + "/login"
	pathSession     = prefix + "/session"
	pathKeys        = "/.well-known/jwks.json"
	pathMe          = prefix + "/me"
	pathPermissions = prefix + "/me/permissions"
	pathPage        = prefix + "/auth-config.json"
)

func (a *App) authRoutes() error {
	if a.Auth.LogsIn() {
		login := a.Auth.Login()
		a.mux.Handle(pathLogin, login)
		a.mux.Handle(pathLogin+"/{token}", login)
		if _, ok := a.service.Grammar.(rest.Amplication); ok && !a.service.NoREST {
			a.mux.Handle("POST "+pathLoginByName, a.Auth.LoginByName(a.errors))
		}
	}
	account := a.Auth.Account()
	a.mux.Handle(auth.AccountPath, account)
	a.mux.Handle(auth.AccountPath+"/", account)
	if others := a.Auth.Others(a.errors); others != nil {
		a.mux.Handle(auth.OthersPath+"/", others)
	}
	session, err := a.Auth.Session()
	if err != nil {
		return err
	}
	if session != nil {
		a.mux.Handle(pathSession, session)
	}
	if keys := a.Auth.Keys(); keys != nil && !keys.Signing().Symmetric() {
		a.mux.Handle(pathKeys, keys.Handler(keysMaxAge))
	}
	if page := a.Auth.Page(); page != nil {
		a.mux.Handle("GET "+pathPage, page)
	}
	a.mux.Handle("GET "+pathMe, a.Auth.Protect(a.Auth.Me(a.errors)))
	a.mux.Handle("GET "+pathPermissions, a.Auth.Protect(a.Auth.MyPermissions(a.errors, a.may)))
	return nil
}

// may returns what a caller may do with the rows of each entity, by its path.
func (a *App) may(ctx context.Context) any {
	entities := map[string]crud.May{}
	for _, e := range a.entities {
		if may, any := e.May(ctx); any {
			entities[e.Entity().Path] = may
		}
	}
	return entities
}

// keysMaxAge is how long verifiers elsewhere may keep our keys without asking
// again: well below how long a key is published before it signs.
const keysMaxAge = 5 * time.Minute
