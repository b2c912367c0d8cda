package server

import (
	"fmt"
	"net/http"

	"github.com/gatewright/gate/runtime/action"
)

// ServeActions puts actions under their routes, and on the other surfaces that the
// service has. It is for [Service.Build]; generated code calls it when the code behind
// the actions is known. One without code keeps the service from starting.
func (a *App) ServeActions(actions ...*action.Action) { a.actions = append(a.actions, actions...) }

// Actions returns what [App.ServeActions] was called with. They are bound when the
// functions given to [App.Extend] are called.
func (a *App) Actions() []*action.Action { return a.actions }

// ServeFields adds fields to the GraphQL schema. Package graph makes them of functions.
func (a *App) ServeFields(fields ...*action.Action) { a.fields = append(a.fields, fields...) }

// Fields returns what [App.ServeFields] was called with, bound as [App.Actions] are.
func (a *App) Fields() []*action.Action { return a.fields }

// bindActions makes the actions ready.
func (a *App) bindActions(actions []*action.Action) error {
	env := action.Config{DB: a.DB, Policy: a.Policy, Entities: a.entities, NoCredentials: a.Auth == nil}
	for _, act := range actions {
		if err := act.Bind(env); err != nil {
			return err
		}
	}
	return nil
}

// mount puts a handler on the mux. Two patterns of which none goes before the other
// are an error.
func (a *App) mount(pattern string, h http.Handler) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("route %q: %v", pattern, fault)
		}
	}()
	a.mux.Handle(pattern, h)
	return nil
}
