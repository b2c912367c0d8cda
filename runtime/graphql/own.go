package graphql

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// ownSource is what errors call the schema of own fields.
const ownSource = "app/schema.graphql"

// load reads the schema, with what extends it.
func load(cfg Config) (*ast.Schema, error) {
	sources := []*ast.Source{validator.Prelude, {Name: "schema.graphql", Input: cfg.SDL}}
	for line := range strings.Lines(cfg.Extension) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			sources = append(sources, &ast.Source{Name: ownSource, Input: cfg.Extension})
			break
		}
	}
	return validator.LoadSchema(sources...)
}

// isOwn reports whether a field is one that the extension adds.
func isOwn(f *ast.FieldDefinition) bool {
	return f.Position != nil && f.Position.Src != nil && f.Position.Src.Name == ownSource
}

// bindRoot binds a field of a root.
func (b *binder) bindRoot(root *ast.Definition, f *ast.FieldDefinition) (*call, error) {
	if !isOwn(f) {
		return b.bind(root == b.schema.Mutation, f)
	}
	act := b.take(root, f)
	if act == nil || act.RunOn != nil {
		return nil, unbound(root, f)
	}
	act.Changes = root == b.schema.Mutation
	return b.bindAction(act, f)
}

// bindOwn binds an own field of an entity.
func (b *binder) bindOwn(e *model.Entity, def *ast.Definition, f *ast.FieldDefinition) error {
	if def.Kind != ast.Object {
		return errors.New("what an entity is found and written by cannot be extended")
	}
	_, isField := e.Field(f.Name)
	if _, isLink := e.Link(f.Name); isField || isLink {
		return fmt.Errorf("%s has a field of that name, which its rules decide about", e.Name)
	}
	act := b.take(def, f)
	if act == nil || act.RunOn == nil {
		return unbound(def, f)
	}
	c, err := b.bindAction(act, f)
	if err != nil {
		return err
	}
	b.own[f] = c
	return nil
}

// take returns the function behind an own field, which is then accounted for.
func (b *binder) take(def *ast.Definition, f *ast.FieldDefinition) *action.Action {
	name := def.Name + "." + f.Name
	act := b.fields[name]
	delete(b.fields, name)
	return act
}

func unbound(def *ast.Definition, f *ast.FieldDefinition) error {
	use := "graph.RowField"
	if def.Name == "Query" || def.Name == "Mutation" {
		use = "graph.Field"
	}
	return fmt.Errorf("nothing answers %s.%s of %s: register it in app/hooks.go by %s", def.Name, f.Name, ownSource, use)
}

// checkOwn reports functions for fields that are not in the schema.
func (b *binder) checkOwn() error {
	if names := slices.Sorted(maps.Keys(b.fields)); len(names) > 0 {
		return fmt.Errorf("%s is not in %s, or in a type that no query reaches", strings.Join(names, ", "), ownSource)
	}
	return nil
}

// checkFlat compares the arguments of a field with the members of an input.
func (b *binder) checkFlat(act *action.Action, f *ast.FieldDefinition) error {
	n := 0
	if act.Input != nil {
		n = len(act.Input.Members)
	}
	if len(f.Arguments) != n {
		return fmt.Errorf("the function takes %d arguments", n)
	}
	for _, arg := range f.Arguments {
		m := memberOf(act.Input, arg.Name)
		if m == nil || listed(m) != (arg.Type.Elem != nil) {
			return fmt.Errorf("the function has no such argument %s", arg.Name)
		}
		if m.Record != nil {
			if err := b.checkRecord(m.Record, arg.Type.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownCall returns the own field of an entity, nil if there is none.
func (a *API) ownCall(entity, name string) *call {
	def := a.schema.Types[entity]
	if def == nil {
		return nil
	}
	return a.own[def.Fields.ForName(name)]
}

// ownField counts the rows that an own field leads to.
func (m *meter) ownField(below *inside, in inside, c *call) *refusal {
	if c.entity == nil {
		return nil
	}
	below.entity, below.rows, below.relations = c.entity, in.rows, in.relations+1
	if below.relations > query.MaxIncludeDepth {
		return tooMuch("relations inside each other", query.MaxIncludeDepth)
	}
	if c.act.List {
		below.rows *= query.MaxLimit
	}
	if m.nested += below.rows; m.nested > maxNested {
		return refuse(codeTooMuch, fmt.Sprintf("a document may ask for at most %d rows, with those inside of others", maxNested))
	}
	return nil
}

// ownField appends what own code answers for a row, or null with an error. The code
// gets the row as the caller may see it.
func (x *execution) ownField(dst []byte, p property, row crud.Row, path []any) []byte {
	start := len(dst)
	args, err := x.arguments(p.asked.Definition.Arguments, p.asked.Arguments)
	if err != nil {
		err = badInput(p.asked.Name, model.CodeType, err.Error())
	}
	var answer *action.Answer
	if err == nil {
		answer, err = p.own.act.DoOn(x.r.Context(), row.Copy(), func(r *action.Record, into any) error {
			return readArguments(p.own, args, r, into)
		})
	}
	if err == nil {
		dst, err = x.answer(x.r.Context(), dst, p.own, p.asked, answer, append(slices.Clip(path), p.key)...)
	}
	if err != nil {
		x.hide(err, path, p.key)
		return append(dst[:start], "null"...)
	}
	return dst
}

// allNames lists all fields that somebody may read.
func allNames(e *model.Entity) []string {
	var out []string
	for i := range e.Fields {
		if !e.Fields[i].Secret() {
			out = append(out, e.Fields[i].Name)
		}
	}
	return out
}
