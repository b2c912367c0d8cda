package graphql

import (
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
)

// actionFields writes the fields of actions at one of the roots.
func (w *writer) actionFields(root design.Root) {
	for _, a := range w.served(root) {
		w.doc("  ", a.Description)
		var args []string
		if a.Row != nil {
			args = append(args, "id: ID!"+w.versionOf(a))
		}
		if a.Input != nil {
			args = append(args, "input: "+inputName(a.Input)+"!")
		}
		list := strings.Join(args, ", ")
		if list != "" {
			list = "(" + list + ")"
		}
		w.line("  ", a.Name, list, ": ", answered(a.Output))
	}
}

// versionOf is the argument that says on which version of its row an action is called.
func (w *writer) versionOf(a *design.Action) string {
	if a.GraphQL != design.Mutation {
		return ""
	}
	return w.version(a.Row)
}

// served lists the actions at a root that anybody may call.
func (w *writer) served(root design.Root) []*design.Action {
	var out []*design.Action
	for _, a := range w.design.Actions {
		if a.GraphQL == root && w.open(a.Allow) {
			out = append(out, a)
		}
	}
	return out
}

// answers reports whether an action answers rows of the entity.
func (w *writer) answers(e *design.Entity) bool {
	return slices.ContainsFunc(slices.Concat(w.served(design.Query), w.served(design.Mutation)), func(a *design.Action) bool { return a.Output.Entity == e })
}

// answered returns the type of an answer. It may be null, so that an error takes no
// other answer away; nothing is true.
func answered(out design.Output) string {
	name := "Boolean"
	switch {
	case out.Entity != nil:
		name = out.Entity.Name
	case out.Record != nil:
		name = out.Record.Name
	}
	if out.List {
		return "[" + name + "!]"
	}
	return name
}

// inputName is what a record is called where it is sent.
func inputName(r *design.Record) string {
	return strings.TrimSuffix(r.Name, "Input") + "Input"
}

// records writes the types that actions take and answer.
func (w *writer) records() {
	done := map[string]bool{}
	for _, root := range []design.Root{design.Query, design.Mutation} {
		for _, a := range w.served(root) {
			w.record(a.Input, "input", done)
			w.record(a.Output.Record, "type", done)
		}
	}
}

func (w *writer) record(r *design.Record, kind string, done map[string]bool) {
	if r == nil {
		return
	}
	name := r.Name
	if kind == "input" {
		name = inputName(r)
	}
	if done[kind+name] {
		return
	}
	done[kind+name] = true
	w.line()
	w.doc("", r.Description)
	w.line(kind, " ", name, " {")
	for _, m := range r.Members {
		w.doc("  ", m.Description)
		typ := ""
		switch {
		case m.Record != nil && kind == "input":
			typ = inputName(m.Record)
		case m.Record != nil:
			typ = m.Record.Name
		default:
			typ = w.use(&design.Entity{Name: r.Name}, m.Field)
		}
		if m.List {
			typ = "[" + typ + "!]"
		}
		w.line("  ", m.Key, ": ", typ, bang(m.Required))
	}
	w.line("}")
	for _, m := range r.Members {
		if len(m.Values) > 0 && !done["enum"+r.Name+m.GoName] {
			done["enum"+r.Name+m.GoName] = true
			w.line()
			w.line("enum ", r.Name, m.GoName, " {")
			for _, v := range m.Values {
				w.line("  ", strings.ReplaceAll(v.Name, "-", "_"))
			}
			w.line("}")
		}
		w.record(m.Record, kind, done)
	}
}
