package graphql

import "github.com/gatewright/gate/design"

// relations writes the relations that somebody may follow from a row: neither the
// key nor what they lead to is closed to everybody. All of them are null for whom
// they are closed.
func (w *writer) relations(e *design.Entity) {
	for _, l := range e.Links {
		if l.Field != nil && hidden(l.Field.Access.View) {
			continue
		}
		to := l.To
		switch {
		case !l.Many && w.open(to.Allow.View):
			w.line("  ", l.Name, ": ", to.Name)
		case l.Many && w.open(to.Allow.List):
			w.used["SortOrder"] = true
			w.line("  ", l.Name, "(where: ", to.Name, "Where, ", search(to), "orderBy: [", to.Name, "OrderBy!], limit: Int, skip: Int): [", to.Name, "!]")
		}
	}
}
