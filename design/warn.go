package design

import (
	"fmt"
	"slices"
)

// Warnings lists what this package finds legal and dangerous, in the order of the
// file, accepted or not; see [Design.Unaccepted]. A warning does not stop anything.
func (d *Design) Warnings() []Problem { return slices.Clone(d.warnings) }

func warnings(d *Design) []Problem {
	w := &warner{d: d}
	if d.Service.InsecureOpenToEveryone {
		w.add(WarnOpen, d.Service.Pos, "service."+openKey, "every action is open to everybody: "+openKey+" is on",
			"let nothing but a gateway that authenticates reach this service")
	}
	for _, e := range d.Entities {
		w.entity(e)
	}
	sortProblems(w.list)
	return w.list
}

type warner struct {
	d    *Design
	list []Problem
}

func (w *warner) add(name string, at Position, path, message, hint string) {
	w.list = append(w.list, Problem{
		File: at.File, Line: at.Line, Column: at.Column,
		Path: path, Message: message, Hint: hint, Severity: Warning, Name: name,
	})
}

func (w *warner) entity(e *Entity) {
	path := "entities." + e.Name
	empty := true
	for _, action := range Actions() {
		rules := e.Allow.Rules(action)
		for _, r := range rules {
			empty = empty && r.Kind == Nobody
			w.rule(e, action, r, rules, path+".allow."+action)
		}
	}
	if empty && !w.d.Service.InsecureOpenToEveryone {
		w.add(WarnNobody, e.Pos, path+".allow", fmt.Sprintf("nobody may do anything with %s", e.Name), "add: allow:")
	}
	w.tenant(e)
}

func (w *warner) rule(e *Entity, action string, r Rule, all []Rule, path string) {
	switch {
	case w.d.Service.InsecureOpenToEveryone:
	case !w.d.Authentication() && r.Kind != Public && r.Kind != Nobody:
		w.add(WarnNeedsAuth, r.Pos, path, fmt.Sprintf("nobody may %s %s: the rule %s needs authentication, which is off", action, e.Plural, quote(r.String())),
			"turn auth-core on, write public, or see "+openKey)
	case len(r.When) > 0 && slices.ContainsFunc(all, Rule{Kind: r.Kind, Name: r.Name}.same):
		w.add(WarnNeedlessRule, r.Pos, path, fmt.Sprintf("%s may %s all %s: the rule with a condition adds nothing", r, action, e.Plural), "")
	case r.Kind == SignedIn && w.newcomers() != nil:
		w.add(WarnSignedIn, r.Pos, path, fmt.Sprintf("everybody who signs up as a %s may %s %s%s, as one who is signed in", w.newcomers().Name, action, e.Plural, onlyWhen(r)),
			"name a role of those who are meant")
	case r.Kind != Public:
	case len(r.When) == 0 && len(all) > 1:
		w.add(WarnNeedlessRule, r.Pos, path, "public lets everybody in: the rules beside it add nothing", "")
	case w.holdsAccounts(e) && action != "create":
		w.add(WarnPublicAccounts, r.Pos, path, fmt.Sprintf("everybody on the network may %s %s, the accounts%s", action, e.Plural, onlyWhen(r)), "owner and a role or permission are usual here")
	case w.d.Authentication() && (action == "update" || action == "delete"):
		w.add(WarnPublicWrites, r.Pos, path, fmt.Sprintf("everybody on the network may %s %s%s", action, e.Plural, onlyWhen(r)), "signed-in, owner, a role or a permission would narrow it")
	}
}

// newcomers returns an entity as a row of which strangers log in who make no account:
// signed-in is not whom the accounts are for then. It is nil where strangers make
// accounts, too.
func (w *warner) newcomers() *Entity {
	var found *Entity
	for _, e := range w.d.Entities {
		signsUp := slices.ContainsFunc(e.Allow.Create, func(r Rule) bool { return r.Kind == Public })
		switch {
		case !signsUp || !w.holdsAccounts(e):
		case !e.LogsIn:
			return nil
		case found == nil:
			found = e
		}
	}
	return found
}

func onlyWhen(r Rule) string {
	if len(r.When) == 0 {
		return ""
	}
	return ", when " + r.Condition()
}

func (w *warner) holdsAccounts(e *Entity) bool {
	return slices.ContainsFunc(e.Fields, func(f *Field) bool { return f.Type == Password || f.Type == Roles })
}
