// Guard is a net/http program with a login, without anything generated: accounts
// in memory, access tokens, sessions that end, and routes for everybody, for
// whoever is signed in, by permission and by role.
//
//	go run ./examples/guard
//
// It speaks the wire of Feathers' AuthenticationService: the official Feathers
// REST client works against it as it is.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/throttle"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, "127.0.0.1:3000"); err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. Everybody's password is made anew at each start:
// an example must not teach anybody a password that works elsewhere.
func run(ctx context.Context, addr string) error {
	secret := strings.ToLower(rand.Text())
	app, err := newApp(ctx, secret)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: addr, Handler: app, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Printf("http://%s\nada@kitchen.example (chef) and bob@kitchen.example (waiter), password %s\n", addr, secret)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// roles say who may do what. A chef is a cook who may do more.
func roles() []authz.Role {
	return []authz.Role{
		{Name: "waiter", Permissions: []string{"create:orders"}},
		{Name: "cook", Permissions: []string{"read:orders"}},
		{Name: "chef", Permissions: []string{"*:orders"}, Inherits: []string{"cook"}},
	}
}

// newApp puts the service together: where tokens come from, who may log in and
// how, and what each route asks for.
func newApp(ctx context.Context, secret string) (http.Handler, error) {
	key, err := jose.GenerateKey("1", jose.ES256) // lives as long as the process
	if err != nil {
		return nil, err
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		return nil, err
	}
	policy, err := authz.NewPolicy(roles())
	if err != nil {
		return nil, err
	}
	hasher, err := password.New(password.Config{})
	if err != nil {
		return nil, err
	}
	hash, err := hasher.Hash(ctx, secret)
	if err != nil {
		return nil, err
	}
	people := &accounts{byID: map[string]*gate.Account{
		"ada@kitchen.example": {Subject: "ada@kitchen.example", PasswordHash: hash, Roles: []string{"chef"}},
		"bob@kitchen.example": {Subject: "bob@kitchen.example", PasswordHash: hash, Roles: []string{"waiter"}},
	}}
	svc, err := gate.New(gate.Config{
		Keys: keys, Issuer: "guard", Audience: []string{"guard"},
		AuthStrategies: []string{"jwt", "local"},
		Permissions:    policy.Permissions,
		LoadEntity:     people.load,
		Sessions:       &sessions{live: map[string]gate.Session{}},
	})
	if err != nil {
		return nil, err
	}
	slow, err := throttle.New(throttle.Config{}) // guessing, in this process
	if err != nil {
		return nil, err
	}
	if err := errors.Join(
		svc.Register("jwt", jwt.New(svc, people, jwt.Config{})),
		svc.Register("local", local.New(people, hasher, local.Config{Throttle: slow})),
		svc.Setup(),
	); err != nil {
		return nil, err
	}
	return routes(svc), nil
}

// routes is the table of routes. A guard hangs on a handler, so no spelling of a
// path goes around it.
func routes(svc *gate.Service) http.Handler {
	kitchen := &orders{}
	signedIn := svc.Guard("jwt")
	reads, creates, chef := signedIn.Require("read:orders"), signedIn.Require("create:orders"), signedIn.RequireRole("chef")

	mux := http.NewServeMux()
	mux.Handle("/authentication", svc.Handler())  // POST logs in, DELETE logs out
	mux.Handle("/authentication/", svc.Handler()) // DELETE /authentication/{token}, too

	mux.HandleFunc("GET /menu", menu)                                     // for everybody
	mux.Handle("GET /hello", signedIn.Optional().Protect(handler(hello))) // for everybody, by name if known
	mux.Handle("GET /me", signedIn.Protect(handler(me)))                  // for whoever is signed in
	mux.Handle("GET /orders", reads.Protect(handler(kitchen.find)))       // by permission
	mux.Handle("GET /orders/{id}", reads.Protect(handler(kitchen.get)))   //
	mux.Handle("POST /orders", creates.Protect(handler(kitchen.create)))  //
	mux.Handle("DELETE /orders", chef.Protect(handler(kitchen.clear)))    // by role
	return mux
}

// handler answers what a function returns, or its error, as JSON.
func handler(f func(r *http.Request) (status int, body any, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body, err := f(r)
		if err != nil {
			gate.WriteError(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // nobody is left to be told
	})
}

func menu(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "figs with honey") }

func hello(r *http.Request) (int, any, error) {
	p, known := gate.PrincipalFromContext(r.Context())
	if !known {
		return http.StatusOK, map[string]string{"hello": "stranger"}, nil
	}
	return http.StatusOK, map[string]string{"hello": p.Subject}, nil
}

func me(r *http.Request) (int, any, error) {
	p, _ := gate.PrincipalFromContext(r.Context())
	return http.StatusOK, map[string]any{"id": p.Subject, "roles": p.Roles, "permissions": p.Permissions}, nil
}

// An order is what the guarded routes are about.
type order struct {
	ID   string `json:"id"`
	Dish string `json:"dish"`
	By   string `json:"by"`
}

type orders struct {
	mu   sync.Mutex
	rows []order
}

func (o *orders) find(*http.Request) (int, any, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return http.StatusOK, append([]order{}, o.rows...), nil
}

func (o *orders) get(r *http.Request) (int, any, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, row := range o.rows {
		if row.ID == r.PathValue("id") {
			return http.StatusOK, row, nil
		}
	}
	return 0, nil, &gate.Error{Status: http.StatusNotFound}
}

// create takes the dish from the request and the rest from the guard.
func (o *orders) create(r *http.Request) (int, any, error) {
	var row order
	body := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<10))
	if err := body.Decode(&row); err != nil || row.Dish == "" {
		return 0, nil, &gate.Error{Status: http.StatusBadRequest, Message: "An order needs a dish", Err: err}
	}
	p, _ := gate.PrincipalFromContext(r.Context())
	row.ID, row.By = rand.Text(), p.Subject
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows = append(o.rows, row)
	return http.StatusCreated, row, nil
}

func (o *orders) clear(*http.Request) (int, any, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows = nil
	return http.StatusOK, map[string]bool{"cleared": true}, nil
}

// accounts keeps people in memory; package store/accounts keeps them in a
// database. It is what the strategies ask for accounts. It is safe for concurrent
// use, and only its hashes change.
type accounts struct {
	mu   sync.Mutex
	byID map[string]*gate.Account // by e-mail address, which is the subject, too
}

// ByLogin implements [local.Users].
func (a *accounts) ByLogin(_ context.Context, name string) (*gate.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, ok := a.byID[strings.ToLower(name)]
	if !ok {
		return nil, gate.ErrNotAuthenticated
	}
	account := *found
	return &account, nil
}

// ReplaceHash implements [local.Users].
func (a *accounts) ReplaceHash(_ context.Context, subject, old, next string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if found := a.byID[subject]; found != nil && found.PasswordHash == old {
		found.PasswordHash = next
	}
	return nil
}

// Subject implements [jwt.Subjects]: it runs for every request with a token, so
// that a role that was taken away is gone at once.
func (a *accounts) Subject(ctx context.Context, id string) (*gate.Principal, error) {
	account, err := a.ByLogin(ctx, id)
	if err != nil || account.Disabled {
		return nil, gate.ErrNotAuthenticated
	}
	return &gate.Principal{Subject: account.Subject, Roles: account.Roles}, nil
}

// load is the account as its owner may see it, in the answer to a login.
func (a *accounts) load(_ context.Context, p *gate.Principal) (any, error) {
	return map[string]any{"id": p.Subject, "email": p.Subject, "roles": p.Roles}, nil
}

// sessions keeps logins in memory: a token works as long as its session does.
// Package store/accounts keeps them in a database.
type sessions struct {
	mu   sync.Mutex
	live map[string]gate.Session
}

// Create implements [gate.Sessions]. It forgets what has expired.
func (s *sessions) Create(_ context.Context, session gate.Session) (string, error) {
	session.ID = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.live, func(_ string, old gate.Session) bool { return !time.Now().Before(old.ExpiresAt) })
	s.live[session.ID] = session
	return session.ID, nil
}

// Active implements [gate.Sessions].
func (s *sessions) Active(_ context.Context, id, subject string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.live[id]
	return ok && session.Subject == subject && time.Now().Before(session.ExpiresAt), nil
}

// End implements [gate.Sessions].
func (s *sessions) End(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, id)
	return nil
}
