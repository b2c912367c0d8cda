package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/gatewright/gate/runtime/action"
)

// A Route says where a function of the service's own code answers, and whom.
type Route struct {
	// Pattern is one of [http.ServeMux] with a method: "POST /api/quotes". What stands
	// in braces is a field of the input. It has no host.
	Pattern string
	// Allow lists the words of a rule: public, signed-in, a role, a permission. None
	// lets nobody in.
	Allow []string
	// Doc says in the OpenAPI document what the route does.
	Doc string
}

// Handle serves a function: who may call it, what is wrong with what was sent and how
// errors are answered is what it is for an action of gate.yaml, see package action. In
// and Out are structs, or Out is a slice of one, as [action.RecordOf] describes them;
// one without fields takes or answers nothing. What has no body, GET and DELETE, is
// sent in the query string. The schema is in the OpenAPI document that the service
// answers. There is no transaction: [crud.InTx] makes one.
//
// A mistake in the route keeps the service from starting, and so does one that stands
// where another route of the service does.
func Handle[In, Out any](a *App, route Route, fn func(ctx context.Context, in In) (Out, error)) {
	act, err := own(route, reflect.TypeFor[In](), reflect.TypeFor[Out]())
	if err != nil {
		a.err = errors.Join(a.err, fmt.Errorf("route %q: %w", route.Pattern, err))
		return
	}
	act.New = func() any { return new(In) }
	act.Run = func(ctx context.Context, _ string, in any) (any, error) {
		if act.Input == nil {
			return fn(ctx, *new(In))
		}
		return fn(ctx, action.In[In](in))
	}
	act.Code, act.Place = fn, "the function of the route "+route.Pattern
	a.own = append(a.own, act)
}

// own describes a route as an action.
func own(route Route, in, out reflect.Type) (*action.Action, error) {
	method, path, ok := strings.Cut(route.Pattern, " ")
	if !ok || !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || strings.Contains(path, "...}") {
		return nil, errors.New(`it is no method and a path, such as "POST /api/quotes"`)
	}
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return nil, fmt.Errorf("%s is no method that a route can have", method)
	}
	act := &action.Action{Name: route.Pattern, Description: route.Doc, Method: method, Path: path, Rules: route.Allow}
	var err error
	if in != reflect.TypeFor[struct{}]() {
		if act.Input, err = action.RecordOf(in); err != nil {
			return nil, err
		}
	}
	if out.Kind() == reflect.Slice {
		act.List, out = true, out.Elem()
	}
	if out != reflect.TypeFor[struct{}]() || act.List {
		if act.Output, err = action.RecordOf(out); err != nil {
			return nil, err
		}
	}
	return act, checkInput(act)
}

// checkInput looks for what has no place in a query string or a path.
func checkInput(act *action.Action) error {
	members := map[string]action.Member{}
	if act.Input != nil {
		for _, m := range act.Input.Members {
			members[m.Name] = m
		}
	}
	for _, name := range braced(act.Path) {
		if m, ok := members[name]; !ok || m.List || m.Record != nil || !m.Required {
			return fmt.Errorf("{%s} is no field of the input that is one value and always there", name)
		}
		delete(members, name)
	}
	for name, m := range members {
		if m.Record != nil && (act.Method == http.MethodGet || act.Method == http.MethodDelete) {
			return fmt.Errorf("%s has no place in a query string, and %s has no body", name, act.Method)
		}
	}
	return nil
}

// braced returns what stands in braces in a path.
func braced(path string) []string {
	var names []string
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// shadows returns the route of the service whose requests a pattern of its own code
// would take; empty if there is none. It is asked before that pattern is there.
func (a *App) shadows(pattern string) string {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "", pattern
	}
	host, path, ok := strings.Cut(strings.TrimLeft(path, " \t"), "/")
	if !ok || path == "" { // what nobody else takes
		return ""
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = "x"
		}
	}
	methods := []string{method}
	if method == "" {
		methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	}
	for _, m := range methods {
		r, err := http.NewRequest(m, "http://"+host+"/"+strings.Join(segments, "/"), http.NoBody) //nolint:noctx // it is never sent
		if err != nil {
			return "" // and the mux says what is wrong with the pattern
		}
		if _, taken := a.mux.Handler(r); taken != "" {
			return taken
		}
	}
	return ""
}
