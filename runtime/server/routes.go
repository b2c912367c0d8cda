package server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/rest"
)

// mountAll puts everything on the mux: the routes of the service, and then those of its
// own code, which guarded are some of.
func (a *App) mountAll(guarded []guardedRoute) error {
	api := rest.API{Prefix: prefix, Grammar: a.service.Grammar, Protect: a.protect, Policy: a.Policy, NoCredentials: a.Auth == nil, Transfers: new(rest.Transfers), Errors: a.errors}
	if a.Auth != nil {
		api.Once = a.Auth.Once()
	}
	if err := a.mountEntities(&api); err != nil {
		return err
	}
	if a.Auth != nil {
		if err := a.authRoutes(); err != nil {
			return err
		}
	}
	for _, g := range a.guarded {
		if err := a.mount(g.pattern, a.protect(g.handler)); err != nil {
			return err
		}
	}
	if a.Config.Docs && len(a.service.OpenAPI) > 0 {
		doc, err := describe(a.service.OpenAPI, a.own)
		if err != nil {
			return err
		}
		a.docs(doc)
	}
	if !a.service.NoREST {
		if err := a.mountActions(&api, a.actions); err != nil {
			return err
		}
	}
	return a.mountOwn(&api, guarded)
}

// mountEntities puts entities under their routes.
func (a *App) mountEntities(api *rest.API) error {
	if a.service.NoREST {
		return nil
	}
	for _, e := range a.entities {
		for _, route := range api.Routes(e) {
			a.routes = append(a.routes, route)
			pattern := route.Method + " " + route.Path
			if err := a.mount(pattern, route.Handler); err != nil {
				return err
			}
			if route.MaxBody > 0 {
				a.takes[pattern] = route.MaxBody
			}
		}
	}
	return nil
}

// mountOwn mounts what the service's own code serves, unless it would take requests
// from another route.
func (a *App) mountOwn(api *rest.API, guarded []guardedRoute) error {
	var patterns []string
	for _, g := range guarded {
		patterns = append(patterns, g.pattern)
	}
	for _, act := range a.own {
		patterns = append(patterns, act.Method+" "+act.Path)
	}
	var errs []error
	for _, pattern := range patterns {
		if taken := a.shadows(pattern); taken != "" {
			errs = append(errs, fmt.Errorf("route %q would take requests from %q of the service: choose another path", pattern, taken))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, g := range guarded {
		if err := a.mount(g.pattern, a.protect(g.handler)); err != nil {
			return err
		}
	}
	return a.mountActions(api, a.own)
}

// mountActions mounts the actions that have a route.
func (a *App) mountActions(api *rest.API, actions []*action.Action) error {
	for _, act := range actions {
		if act.Method == "" {
			continue
		}
		route := api.Action(act)
		a.routes = append(a.routes, route)
		if err := a.mount(route.Method+" "+route.Path, route.Handler); err != nil {
			return fmt.Errorf("action %s: %w", act.Name, err)
		}
	}
	return nil
}

// large returns how much of a body a route takes that says so itself, 0 of any other.
func (a *App) large(r *http.Request) int64 {
	_, pattern := a.mux.Handler(r)
	return a.takes[pattern]
}
