package design

import (
	"fmt"
	"slices"
)

// Warnings lists what this package finds legal and dangerous, in the order of the
// file, accepted or not; see [Design.Unaccepted]. A warning does not stop anything.
func (d *Design) Warnings() []Problem { return slices.Clone(d.warnings) }

func warnings(d *Design, held map[*Role][]*node) []Problem {
	w := &warner{d: d}
	w.beside = w.others()
	if d.Service.InsecureOpenToEveryone {
		w.add(WarnOpen, d.Service.Pos, "service."+openKey, "every action is open to everybody: "+openKey+" is on",
			"let nothing but a gateway that authenticates reach this service")
	}
	for _, e := range d.Entities {
		w.entity(e)
	}
	for _, a := range d.Actions {
		for _, r := range a.Allow {
			w.signedIn(r, "actions."+a.Name+".allow", "call "+a.Name)
		}
	}
	w.unasked(held)
	sortProblems(w.list)
	return w.list
}

type warner struct {
	d      *Design
	beside *Entity // see others
	list   []Problem
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
	for _, f := range e.Fields {
		for _, action := range []string{"view", "create", "update"} {
			for _, r := range f.Access.Rules(action) {
				if r.Pos.Line > 0 { // it is written
					w.signedIn(r, path+".fieldRules."+f.Name+"."+action, action+" "+f.Name+" of "+e.Plural)
				}
			}
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
	case r.Kind == SignedIn:
		w.signedIn(r, path, action+" "+e.Plural)
	case r.Kind != Public:
	case len(r.When) == 0 && len(all) > 1:
		w.add(WarnNeedlessRule, r.Pos, path, "public lets everybody in: the rules beside it add nothing", "")
	case w.holdsAccounts(e) && action != "create":
		w.add(WarnPublicAccounts, r.Pos, path, fmt.Sprintf("everybody on the network may %s %s, the accounts%s", action, e.Plural, onlyWhen(r)), "owner and a role or permission are usual here")
	case w.d.Authentication() && (action == "update" || action == "delete"):
		w.add(WarnPublicWrites, r.Pos, path, fmt.Sprintf("everybody on the network may %s %s%s", action, e.Plural, onlyWhen(r)), "signed-in, owner, a role or a permission would narrow it")
	}
}

// signedIn warns of a rule that was for the accounts, and is not any more.
func (w *warner) signedIn(r Rule, path, what string) {
	if r.Kind == SignedIn && w.beside != nil && w.d.Authentication() && !w.d.Service.InsecureOpenToEveryone {
		w.add(WarnSignedIn, r.Pos, path, fmt.Sprintf("everybody who logs in as a row of %s may %s%s, as one who is signed in", w.beside.Name, what, onlyWhen(r)),
			"name a role of those who are meant")
	}
}

// others returns an entity whose rows log in beside the accounts: signed-in is not whom
// the accounts are for then, whoever makes those rows. It is nil where strangers make
// accounts, and signed-in is everybody anyway.
func (w *warner) others() *Entity {
	var found *Entity
	for _, e := range w.d.Entities {
		switch {
		case found == nil && e.LogsIn:
			found = e
		case !e.LogsIn && w.holdsAccounts(e) && slices.ContainsFunc(e.Allow.Create, func(r Rule) bool { return r.Kind == Public }):
			return nil
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
