package permissions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
)

// Warnings lists what is legal in a design and dangerous, as far as it takes to
// know who may do what: everybody sees a field that is an e-mail address or is
// called like a secret; somebody may change or delete rows that get does not show
// to them. Everybody is who is not signed in, and, where strangers make accounts,
// who has a new one. They are in no order; [design.Design.Unaccepted] leaves out
// those that the file accepts.
func Warnings(d *design.Design) ([]design.Problem, error) {
	if d.Service.InsecureOpenToEveryone {
		return nil, nil // one warning says it all
	}
	policy, err := Policy(d)
	if err != nil {
		return nil, err
	}
	w := &warner{strangers: strangers(d, policy)}
	for _, c := range withRoles(d, policy) {
		w.callers = append(w.callers, c)
		w.judges = append(w.judges, newJudge(policy, c))
	}
	for _, e := range d.Entities {
		if err := w.shown(e); err != nil {
			return nil, err
		}
		if err := w.blind(e); err != nil {
			return nil, err
		}
	}
	return w.list, nil
}

// A stranger is somebody whom nobody has let in.
type stranger struct {
	who string
	*judge
}

func strangers(d *design.Design, policy *authz.Policy) []stranger {
	list := []stranger{{"everybody on the network", newJudge(policy, Caller{Kind: Anonymous})}}
	join := func(who, entity string) {
		j := newJudge(policy, Caller{Kind: Role, Entity: entity})
		j.principal.Roles = policy.Defaults(entity)
		list = append(list, stranger{who, j})
	}
	if signUp(d) {
		join("everybody who signs up", "")
	}
	for _, e := range d.Entities {
		if e.LogsIn && d.Authentication() && signsUp(e) {
			join("everybody who signs up as a "+e.Name, e.Name)
		}
	}
	return list
}

// signUp reports whether strangers make accounts.
func signUp(d *design.Design) bool {
	core := d.Plugin(design.AuthCore)
	if core == nil || !core.Enabled {
		return false
	}
	name := ""
	if s := core.Setting("entity"); s != nil {
		name, _ = s.Value.(string)
	}
	e := d.Entity(name)
	return e != nil && signsUp(e)
}

type warner struct {
	callers   []Caller
	judges    []*judge // of the callers
	strangers []stranger
	list      []design.Problem
}

func (w *warner) add(name string, at design.Position, path, message, hint string) {
	w.list = append(w.list, design.Problem{
		File: at.File, Line: at.Line, Column: at.Column, Path: path,
		Message: message, Hint: hint, Severity: design.Warning, Name: name,
	})
}

// shown warns of fields that strangers see in all rows.
func (w *warner) shown(e *design.Entity) error {
	if !slices.ContainsFunc(e.Fields, func(f *design.Field) bool { name, _ := sensitive(f); return name != "" }) {
		return nil
	}
	told := map[string]bool{}
	for _, s := range w.strangers {
		g, err := s.grant(e)
		if err != nil {
			return err
		}
		for i, f := range e.Fields {
			name, what := sensitive(f)
			view, list := g.Fields[i].View.Rows.some() == All, g.Fields[i].List.Rows.some() == All
			if name == "" || told[f.Name] || !view && !list {
				continue
			}
			told[f.Name] = true
			action, rules := "view", e.Allow.View
			switch {
			case view && list:
				action = "view and list"
			case list:
				action, rules = "list", e.Allow.List
			}
			rows := e.Plural
			if g.Fields[i].View.Rows != All && g.Fields[i].List.Rows != All {
				rows = "some " + rows
			}
			w.add(name, position(rules, e.Pos), "entities."+e.Name+".fields."+f.Name,
				fmt.Sprintf("%s may %s %s with their %s, %s", s.who, action, rows, f.Name, what),
				fmt.Sprintf("say who may see it by fieldRules: {%s: {view: nobody}}, or write accept: [%s]", f.Name, name))
		}
	}
	return nil
}

func position(rules []design.Rule, otherwise design.Position) design.Position {
	if len(rules) > 0 && rules[0].Pos.Line > 0 {
		return rules[0].Pos
	}
	return otherwise
}

// sensitive says what a field is by its type or its name; empty for harmless.
func sensitive(f *design.Field) (warning, what string) {
	switch f.Type {
	case design.Email:
		return design.WarnShowsEmail, "an e-mail address"
	case design.Text, design.LongText, design.Username, design.JSON:
	default:
		return "", ""
	}
	words := strings.ToLower(" " + spaced(strings.ToUpper(f.Name[:1])+f.Name[1:]) + " ")
	for _, w := range []string{
		"password", "passwd", "passcode", "passphrase", "pwd", "pin", "secret", "token", "otp", "totp", "credential", "credentials",
		"api key", "private key", "access key", "secret key", "recovery code", "recovery codes",
	} {
		if strings.Contains(words, " "+w+" ") {
			return design.WarnShowsSecret, "which is called like a secret"
		}
	}
	for _, w := range []string{"email", "e mail", "mail"} {
		if strings.Contains(words, " "+w+" ") {
			return design.WarnShowsEmail, "which is called like an e-mail address"
		}
	}
	return "", ""
}

// blind warns of actions whose rule reaches rows that the rule of view does not.
// Permissions are left out: who comes with one and not with those that belong to it
// is rare.
func (w *warner) blind(e *design.Entity) error {
	if slices.ContainsFunc(e.Allow.View, func(r design.Rule) bool { return r.Kind == design.Public && len(r.When) == 0 }) {
		return nil // nothing is wider
	}
	var update, remove []Caller
	for i, c := range w.callers {
		var cells [3]Cell
		for k, rules := range [][]design.Rule{e.Allow.View, e.Allow.Update, e.Allow.Delete} {
			var err error
			if cells[k], err = w.judges[i].decide(w.judges[i].meant(e, rules)); err != nil {
				return err
			}
		}
		if cells[1].Rows.Beyond(cells[0].Rows) {
			update = append(update, c)
		}
		if cells[2].Rows.Beyond(cells[0].Rows) {
			remove = append(remove, c)
		}
	}
	w.blindTo(e, "update", design.WarnBlindUpdate, update)
	w.blindTo(e, "delete", design.WarnBlindDelete, remove)
	return nil
}

func (w *warner) blindTo(e *design.Entity, action, name string, who []Caller) {
	if len(who) == 0 {
		return
	}
	w.add(name, position(e.Allow.Rules(action), e.Pos), "entities."+e.Name+".allow."+action,
		fmt.Sprintf("the rule of %s is wider than that of view: %s may %s %s that they may not view", action, listed(who), action, e.Plural),
		fmt.Sprintf("they are answered 404 there: widen view, narrow %s, or write accept: [%s]", action, name))
}
