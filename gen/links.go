package gen

import (
	"slices"

	"github.com/gatewright/gate/design"
)

// LinkVerbs lists what a body that creates or updates a row can do to the rows that
// a relation leads to: those of "create", "connect" and "disconnect" that somebody
// may do, whom open says of rules whether they let in. Action is create or update.
func LinkVerbs(l *design.Link, action string, open func([]design.Rule) bool) []string {
	var verbs []string
	add := func(verb string, may bool) {
		if may {
			verbs = append(verbs, verb)
		}
	}
	to, key := l.To, l.Field
	creates := open(to.Allow.Create) && !slices.ContainsFunc(to.Fields, func(f *design.Field) bool { return f.Type == design.Password })
	switch {
	case key == nil:
		ties := open(to.Allow.View) && (!l.Far() || open(to.Allow.Update)) // pairs are of the rows at the end that is written
		add("create", creates && open(to.Allow.View))
		add("connect", ties)
		add("disconnect", ties)
	case l.HasKey():
		sent := sendable(l.From, key, action)
		add("create", sent && creates && open(to.Allow.View))
		add("connect", sent && open(to.Allow.View))
	default:
		changes := open(to.Allow.Update) && sendable(to, key, "update") && open(l.From.Allow.View)
		add("create", creates && (sendable(to, key, "create") || key == to.Owner) && open(l.From.Allow.View))
		add("connect", changes)
		add("disconnect", changes && !key.Required)
	}
	return verbs
}

// sendable reports whether rules let somebody send a field.
func sendable(e *design.Entity, f *design.Field, action string) bool {
	rules := f.Access.Rules(action)
	closed := rules != nil && !slices.ContainsFunc(rules, func(r design.Rule) bool { return r.Kind != design.Nobody })
	return !f.ReadOnly && !closed && (f != e.Owner || rules != nil)
}

// KeyElsewhere reports whether a create may leave a required key out of its body:
// the relation says it, or the row that the body stands inside of.
func KeyElsewhere(e *design.Entity, f *design.Field, open func([]design.Rule) bool) bool {
	return slices.ContainsFunc(e.Links, func(l *design.Link) bool {
		return l.Field == f && l.HasKey() && (l.Inverse != nil || len(LinkVerbs(l, "create", open)) > 0)
	})
}
