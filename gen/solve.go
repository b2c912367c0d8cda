package gen

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/permissions"
	"github.com/gatewright/gate/internal/typo"
)

// active is a plugin that is on.
type active struct {
	Plugin

	place *design.Plugin // nil for base plugins
	part  Part
}

// Check reports what is wrong with the plugins of d and their settings, without
// generating anything. The error is a [*design.Errors].
func Check(d *design.Design, plugins ...Plugin) error {
	_, _, err := solve(d, plugins)
	return err
}

// Extend is [Check] that returns the design with what its plugins add to it: what the
// service is made from. Generate and the others take either of the two.
func Extend(d *design.Design, plugins ...Plugin) (*design.Design, error) {
	d, _, err := solve(d, plugins)
	return d, err
}

// A Warner is a [Part] that knows of things that are legal and dangerous.
type Warner interface {
	// Warnings lists them. It is called after Validate found nothing wrong. The file can
	// accept those that have a Name which package design knows.
	Warnings(d *design.Design, p *design.Plugin) []design.Problem
}

// Warnings lists what is legal and dangerous in d: what the design itself knows,
// what follows from who may do what, and what its plugins know. What the file
// accepts is left out, and acceptances that nothing needs are told, see
// [design.Design.Unaccepted]. Plugins that have errors say nothing, see [Check].
func Warnings(d *design.Design, plugins ...Plugin) []design.Problem {
	extended, on, wrong := solve(d, plugins)
	if wrong == nil {
		d = extended
	}
	list := d.Warnings()
	dangers, err := permissions.Warnings(d)
	if err != nil {
		dangers = []design.Problem{{File: d.File, Path: "roles", Message: err.Error(), Severity: design.Warning}}
	}
	list = append(list, dangers...)
	if wrong != nil {
		return d.Unaccepted(list)
	}
	for _, a := range on {
		if w, ok := a.part.(Warner); ok {
			list = append(list, w.Warnings(d, a.place)...)
		}
	}
	return d.Unaccepted(list)
}

// solve returns the plugins that are on, in the order in which they contribute,
// with their settings read and validated, and the design with what they add.
func solve(d *design.Design, plugins []Plugin) (*design.Design, []*active, error) {
	var errs design.Errors
	on := enabled(d, plugins, &errs)
	for _, a := range on {
		requirements(d, a, on, &errs)
	}
	if err := errs.Err(); err != nil {
		return nil, nil, err
	}
	on, err := order(on)
	if err != nil {
		return nil, nil, err
	}
	var set []*active // with settings that are right
	for _, a := range on {
		a.part = a.New()
		if err := readSettings(a.place, a.part.Settings()); err != nil {
			errs.Join(err)
			continue
		}
		set = append(set, a)
	}
	extended, err := extend(d.Written(), set)
	if err != nil {
		errs.Join(err)
		return nil, nil, errs.Err()
	}
	for _, a := range set {
		routes(extended, a, &errs)
		errs.Join(a.part.Validate(extended, a.place))
	}
	return extended, on, errs.Err()
}

// extend adds to the design what plugins add.
func extend(d *design.Design, on []*active) (*design.Design, error) {
	var list []design.Addition
	for _, a := range on {
		e, ok := a.part.(Extender)
		if !ok {
			continue
		}
		yaml, err := e.Extend(d)
		if wrong, ok := errors.AsType[*design.Errors](err); ok {
			return nil, wrong // it says where
		}
		if err != nil {
			return nil, fmt.Errorf("plugin %s: %w", a.Name, err)
		}
		list = append(list, design.Addition{Plugin: a.Name, YAML: yaml})
	}
	if len(list) == 0 {
		return d, nil
	}
	return d.With(list...)
}

// routes reports the entities and actions that stand where a plugin answers.
func routes(d *design.Design, a *active, errs *design.Errors) {
	for _, e := range d.Entities {
		if slices.Contains(a.Routes, e.Route) {
			errs.Add(e.Pos, "entities."+e.Name+".route", fmt.Sprintf("route %q belongs to plugin %s", e.Route, a.Name),
				"write another, such as route: "+e.Route+"-list")
		}
	}
	for _, x := range d.Actions {
		if first, _, _ := strings.Cut(strings.TrimPrefix(x.Path, "/"), "/"); slices.Contains(a.Routes, first) {
			errs.Add(x.Pos, "actions."+x.Name+".path", fmt.Sprintf("path %q belongs to plugin %s", x.Path, a.Name), "begin it with another word")
		}
	}
}

// enabled lists the plugins that d turns on and those that are always on, in the
// order of plugins, and reports the names that nobody knows.
func enabled(d *design.Design, plugins []Plugin, errs *design.Errors) []*active {
	for _, place := range d.Plugins {
		if !slices.Contains(names(plugins), place.Name) {
			near := typo.Nearest(place.Name, names(plugins))
			if near != "" {
				near = fmt.Sprintf(", did you mean %q?", near)
			}
			errs.Add(place.Pos, "plugins."+place.Name, fmt.Sprintf("unknown plugin %q%s", place.Name, near), "the plugins are: "+strings.Join(names(plugins), ", "))
		}
	}
	var on []*active
	for _, p := range plugins {
		place := d.Plugin(p.Name)
		switch {
		case p.Base && p.When != nil && !p.When(d):
		case p.Base:
			on = append(on, &active{Plugin: p})
		case place != nil && place.Enabled:
			on = append(on, &active{Plugin: p, place: place})
		}
	}
	return on
}

func names(plugins []Plugin) []string {
	var names []string
	for _, p := range plugins {
		if !p.Base {
			names = append(names, p.Name)
		}
	}
	return names
}

// requirements reports what a needs and does not find, and what it cannot stand.
func requirements(d *design.Design, a *active, on []*active, errs *design.Errors) {
	var at design.Position
	if a.place != nil {
		at = a.place.Pos
	}
	path := "plugins." + a.Name
	isOn := func(name string) bool {
		return slices.ContainsFunc(on, func(o *active) bool { return o.Name == name })
	}
	for _, name := range a.Requires {
		if isOn(name) {
			continue
		}
		hint := fmt.Sprintf("add %s under plugins, or turn %s off with enabled: false", name, a.Name)
		message := fmt.Sprintf("plugin %s requires %s", a.Name, name)
		if d.Plugin(name) != nil {
			message += ", which is turned off"
			hint = fmt.Sprintf("remove enabled: false from %s, or turn %s off as well", name, a.Name)
		}
		errs.Add(at, path, message, hint)
	}
	for _, name := range a.Conflicts {
		if isOn(name) {
			errs.Add(at, path, fmt.Sprintf("plugin %s cannot be on together with %s", a.Name, name), "turn one of them off with enabled: false")
		}
	}
	if a.Needs != "" && !slices.ContainsFunc(on, func(o *active) bool { return o.Provides == a.Needs }) {
		errs.Add(at, path, fmt.Sprintf("plugin %s needs %s, and no plugin that is on brings one", a.Name, a.Needs),
			fmt.Sprintf("add auth-jwt or auth-basic under plugins, or turn %s off with enabled: false", a.Name))
	}
}

// order sorts plugins so that each comes after those it requires. Otherwise the
// order of the list stays: that of gate.yaml says nothing, so moving a line there
// changes nothing that is generated.
func order(on []*active) ([]*active, error) {
	var sorted []*active
	var visit func(a *active, trail []string) error
	visit = func(a *active, trail []string) error {
		if slices.Contains(trail, a.Name) {
			return fmt.Errorf("plugins require each other in a circle: %s", strings.Join(append(trail, a.Name), " → "))
		}
		if slices.Contains(sorted, a) {
			return nil
		}
		for _, name := range a.Requires {
			i := slices.IndexFunc(on, func(o *active) bool { return o.Name == name })
			if err := visit(on[i], append(trail, a.Name)); err != nil {
				return err
			}
		}
		sorted = append(sorted, a)
		return nil
	}
	for _, a := range on {
		if err := visit(a, nil); err != nil {
			return nil, err
		}
	}
	return sorted, nil
}
