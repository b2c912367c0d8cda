package graphql

import (
	"slices"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// relations writes the relations that somebody may follow from a row. All of them
// are null for whom they are closed.
func (w *writer) relations(e *design.Entity) {
	for _, l := range e.Links {
		to := l.To
		switch {
		case !w.follows(l):
		case !l.Many:
			w.line("  ", l.Name, ": ", to.Name)
		default:
			w.used["SortOrder"] = true
			w.line("  ", l.Name, "(where: ", to.Name, "Where, ", search(to), "orderBy: [", to.Name, "OrderBy!], limit: Int, skip: Int): [", to.Name, "!]")
		}
	}
}

// follows reports whether somebody may follow a relation: neither the key nor what
// it leads to is closed to everybody.
func (w *writer) follows(l *design.Link) bool {
	if l.Field != nil && hidden(l.Field.Access.View) {
		return false
	}
	if l.Many {
		return w.open(l.To.Allow.List)
	}
	return w.open(l.To.Allow.View)
}

// compared reports whether rows of the entity are found by what is in them: in a
// list, or by way of a relation from rows that are.
func (w *writer) compared(e *design.Entity) bool {
	if w.open(e.Allow.List) {
		return true
	}
	return slices.ContainsFunc(w.design.Entities, func(from *design.Entity) bool {
		return from != e && slices.ContainsFunc(from.Links, func(l *design.Link) bool { return l.To == e && !l.Many && w.follows(l) })
	})
}

// related writes the members of a filter that are about other rows.
func (w *writer) related(e *design.Entity) {
	for _, l := range e.Links {
		switch {
		case !w.follows(l):
		case l.Many:
			w.line("  ", l.Name, ": ", l.To.Name, "ListWhere")
		default:
			w.line("  ", l.Name, ": ", l.To.Name, "Where")
		}
	}
}

// quantified writes the filter on rows of a relation to many.
func (w *writer) quantified(e *design.Entity) {
	if !slices.ContainsFunc(w.design.Entities, func(from *design.Entity) bool {
		return slices.ContainsFunc(from.Links, func(l *design.Link) bool { return l.To == e && l.Many && w.follows(l) })
	}) {
		return
	}
	w.line()
	w.doc("", "Of the rows that the caller may list, some, none or every one is like this.")
	w.line("input ", e.Name, "ListWhere {")
	for _, name := range []string{"some", "none", "every"} {
		w.line("  ", name, ": ", e.Name, "Where")
	}
	w.line("}")
}

// verbs lists what an input can do to the rows of a relation.
func (w *writer) verbs(l *design.Link, action string) []string {
	return slices.DeleteFunc(gen.LinkVerbs(l, action, w.open), func(verb string) bool {
		return verb == "create" && len(writable(l.To, "create")) == 0
	})
}

// linked writes the members of an input that are about other rows.
func (w *writer) linked(e *design.Entity, action string) {
	for _, l := range e.Links {
		if len(w.verbs(l, action)) > 0 {
			w.line("  ", l.Name, ": ", e.Name, l.GoName, "LinkInput")
		}
	}
}

// nested writes the inputs about other rows, which are the same for all that has
// them.
func (w *writer) nested(e *design.Entity, actions ...string) {
	for _, l := range e.Links {
		var verbs []string
		for _, action := range actions {
			if list := w.verbs(l, action); len(list) > len(verbs) {
				verbs = list
			}
		}
		if verbs == nil {
			continue
		}
		w.line()
		w.line("input ", e.Name, l.GoName, "LinkInput {")
		for _, verb := range verbs {
			typ := "IDInput"
			if verb == "create" {
				typ = "Create" + l.To.Name + "Input"
			} else {
				w.used["IDInput"] = true
			}
			if l.Many {
				typ = "[" + typ + "!]"
			}
			w.line("  ", verb, ": ", typ)
		}
		w.line("}")
	}
}
