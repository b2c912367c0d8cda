package permissions

import (
	"slices"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
)

// An Action is something that the service does beside reading and writing rows, and
// who may call it.
type Action struct {
	Name    string   `json:"name"`
	Row     string   `json:"row,omitempty"` // entity of the row on which it is called
	Words   []string `json:"words"`
	Callers []string `json:"callers"` // those that may call it, in their order
}

// actions fills in who may call what.
func (m *Matrix) actions(d *design.Design, policy *authz.Policy) error {
	for _, a := range d.Actions {
		rule, err := authz.ParseRule(wordsOf(a.Allow)...)
		if err != nil {
			return err
		}
		action := Action{Name: a.Name, Words: wordsOf(a.Allow), Callers: []string{}}
		if a.Row != nil {
			action.Row = a.Row.Name
		}
		for _, c := range m.Callers {
			if policy.Decide(c.principal(), rule) == authz.Allowed {
				action.Callers = append(action.Callers, c.String())
			}
		}
		m.Actions = append(m.Actions, action)
	}
	return nil
}

// callersOf returns who may call the action of that name.
func (m *Matrix) callersOf(name string) []string {
	for _, a := range m.Actions {
		if a.Name == name {
			return a.Callers
		}
	}
	return nil
}

// actions compares who may call what.
func (c *comparison) actions() []Change {
	var changes []Change
	name := func(a Action) string { return a.Name }
	all := union(each(c.after.Actions, name), each(c.before.Actions, name), func(a, b string) bool { return a == b })
	for _, action := range all {
		was, is := c.before.callersOf(action), c.after.callersOf(action)
		var more, less []Caller
		for _, caller := range c.callers {
			could, can := slices.Contains(was, caller.String()), slices.Contains(is, caller.String())
			switch {
			case can && !could:
				more = append(more, caller)
			case could && !can:
				less = append(less, caller)
			}
		}
		if more != nil {
			changes = append(changes, Change{Text: listed(more) + " can now call the action " + action, Wider: true, Callers: more})
		}
		if less != nil {
			changes = append(changes, Change{Text: listed(less) + " could call the action " + action + " and cannot any more", Narrower: true, Callers: less})
		}
	}
	return changes
}

func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}

// actions prints who may call what.
func (p *page) actions() {
	if len(p.m.Actions) == 0 {
		return
	}
	p.line("  " + p.paint(strong, "Actions"))
	p.line("")
	width := 12
	for _, a := range p.m.Actions {
		width = max(width, len(a.Name))
	}
	for _, a := range p.m.Actions {
		who := "nobody"
		if len(a.Callers) > 0 {
			who = joined(a.Callers)
		}
		p.pair(a.Name, who, min(width, p.Width/3)+1)
		p.pair("", "by rule "+alternatives(a.Words), min(width, p.Width/3)+1)
	}
	p.line("")
}
