package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func isRuleWord(s string) bool { return slices.Contains(ruleWords(), s) }

func ruleWords() []string { return []string{rulePublic, ruleSignedIn, ruleOwner, ruleNobody} }

func (l *loader) access(e *Entity, n *node, path string) {
	if n.isNull() || !l.object(n, path, "allow of "+quote(e.Name), allowKeys()) {
		return
	}
	for _, action := range Actions() {
		v := n.get(action)
		if v == nil {
			continue
		}
		rules := l.rules(e, v, path+"."+action)
		*e.Allow.rules(action) = rules
		if action == "create" && e.Owner != nil && e.Owner.Type == ID {
			for _, r := range rules {
				if r.Kind == RowOwner {
					l.errs.Add(r.Pos, path+"."+action, "nobody owns an account before it is made", "write public for an open sign-up, or who may make accounts")
				}
			}
		}
	}
}

func (l *loader) fieldRules(e *Entity, n *node, path string) {
	if n.isNull() {
		return
	}
	if n.kind != KindMapping {
		l.errs.Add(n.pos, path, "fieldRules has to be a mapping from fields, not "+n.describe(), "")
		return
	}
	l.duplicates(n, path, foldName)
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	for _, en := range n.entries {
		at := join(path, en.key)
		f := e.Field(en.key)
		if link := e.Link(en.key); f == nil && link != nil {
			l.noRules(link, en.pos, at)
			continue
		}
		if f == nil {
			l.errs.Add(en.pos, at, fmt.Sprintf("unknown field %s%s", quote(en.key), l.didYouMean(en.key, names)), "")
			continue
		}
		if en.value.isNull() || !l.object(en.value, at, "rules of field "+quote(en.key), fieldRuleKeys()) {
			continue
		}
		for _, action := range []string{"view", "create", "update"} {
			if v := en.value.get(action); v != nil {
				l.fieldRule(e, f, action, v, at+"."+action)
			}
		}
	}
}

func (l *loader) fieldRule(e *Entity, f *Field, action string, n *node, path string) {
	rules := l.rules(e, n, path)
	if len(rules) == 0 {
		rules = []Rule{{Kind: Nobody, Pos: n.pos}}
	}
	*f.Access.rules(action) = rules
	for _, r := range rules {
		if r.Kind == RowOwner && e.OwnerThrough != nil {
			l.errs.Add(r.Pos, path, fmt.Sprintf("rows of %s have their owner through %s, which rules of fields cannot ask about yet", e.Name, quote(e.OwnerThrough.Relation.Name)),
				"name a role or a permission, or give "+e.Name+" an owner relation of its own")
		}
	}
	closed := rules[0].Kind == Nobody
	switch {
	case f == e.SoftDelete:
		l.errs.Add(n.pos, path, "nobody sees a deleted row, and in any other the field is empty", "remove this rule; who may delete a row may restore it")
	case f == e.Version:
		l.errs.Add(n.pos, path, "a version is for everybody who sees the row: it is in its ETag", "remove this rule")
	case closed:
	case f.Type == Password && action == "view":
		l.errs.Add(n.pos, path, "a password is never shown to anybody", "remove this rule")
	case f.ReadOnly && action != "view":
		l.errs.Add(n.pos, path, fmt.Sprintf("field %s is set by the service and cannot be written", quote(f.Name)), "remove this rule")
	case f.Type == File && action == "create":
		l.errs.Add(n.pos, path, fmt.Sprintf("the file %s is sent to a row that is there", quote(f.Name)), "say under update who may send it")
	case f.Type == Roles && action != "view":
		for _, r := range rules {
			if r.Kind == Public || r.Kind == SignedIn || r.Kind == RowOwner {
				l.errs.Add(r.Pos, path, fmt.Sprintf("%s may not write roles: everybody could become an administrator", quote(r.String())),
					"name a role or a permission")
			}
		}
	}
	if action == "create" && e.Owner != nil && e.Owner.Type == ID {
		for _, r := range rules {
			if r.Kind == RowOwner {
				l.errs.Add(r.Pos, path, "nobody owns an account before it is made", "name a role or a permission")
			}
		}
	}
}

// defaultFieldRules closes what must not be open because nobody thought of it.
func (l *loader) defaultFieldRules(e *Entity) {
	for _, f := range e.Fields {
		a := &f.Access
		if f.Type == Password {
			a.View = []Rule{{Kind: Nobody}}
		}
		if f.ReadOnly || f.Type == Roles || f.Type == Password && !l.d.Authentication() {
			for _, list := range []*[]Rule{&a.Create, &a.Update} {
				if *list == nil || !l.d.Authentication() {
					*list = []Rule{{Kind: Nobody}}
				}
			}
		}
	}
}

// rules reads one rule or a list of rules, with conditions or without.
func (l *loader) rules(e *Entity, n *node, path string) []Rule {
	if n.kind == KindMapping {
		return l.conditional(e, n, path)
	}
	return l.ruleList(e, n, path, l.conditional)
}

// words reads one rule or a list of rules that have no condition of their own.
func (l *loader) words(e *Entity, n *node, path string) []Rule {
	return l.ruleList(e, n, path, func(_ *Entity, n *node, path string) []Rule {
		l.errs.Add(n.pos, path, "a rule inside of a condition has to be text, not "+n.describe(), "")
		return nil
	})
}

// ruleList reads one rule or a list of rules, of which those that are mappings
// are read by other.
func (l *loader) ruleList(e *Entity, n *node, path string, other func(*Entity, *node, string) []Rule) []Rule {
	switch n.kind {
	case KindString:
		if r, ok := l.rule(e, n, path); ok {
			return []Rule{r}
		}
		return nil
	case KindList:
	default:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be a rule or a list of rules, not %s", last(path), n.describe()),
			"public, signed-in, owner, nobody, a role or a permission")
		return nil
	}
	var rules []Rule
	for i, item := range l.list(n, path) {
		at := path + "[" + strconv.Itoa(i) + "]"
		var found []Rule
		if item.kind == KindMapping {
			found = other(e, item, at)
		} else if r, ok := l.rule(e, item, at); ok {
			found = []Rule{r}
		}
		for _, r := range found {
			switch {
			case slices.ContainsFunc(rules, r.same):
				l.errs.Add(item.pos, at, fmt.Sprintf("rule %s is listed twice", quote(r.Words())), "")
			case r.Kind == Nobody && len(n.items) > 1:
				l.errs.Add(item.pos, at, "nobody cannot stand beside other rules", "remove one or the other")
			default:
				rules = append(rules, r)
			}
		}
	}
	return rules
}

func (l *loader) rule(e *Entity, n *node, path string) (Rule, bool) {
	s, ok := l.text(n, path, maxPermission)
	if !ok {
		return Rule{}, false
	}
	r := Rule{Pos: n.pos}
	switch {
	case s == rulePublic:
		r.Kind = Public
	case s == ruleSignedIn:
		r.Kind = SignedIn
	case s == ruleNobody:
		r.Kind = Nobody
	case s == ruleOwner:
		r.Kind = RowOwner
		if e.Owner == nil && e.OwnerThrough == nil {
			l.noOwner(e, n.pos, path)
			return Rule{}, false
		}
	case s == tenantWord || strings.HasSuffix(s, " within "+tenantWord):
		l.errs.Add(n.pos, path, fmt.Sprintf("%s is no rule: where rows belong to tenants every rule holds within that of the caller", quote(s)),
			"write tenant: with the name of a relation beside allow, and here who of the tenant may, such as signed-in")
		return Rule{}, false
	case strings.Contains(s, "*") && verbNounWild.check(s) == "":
		l.errs.Add(n.pos, path, fmt.Sprintf("a rule asks for one permission, not for %s", quote(s)), "roles hold wildcards; write it like "+verbNoun.example)
		return Rule{}, false
	case strings.Contains(s, ":"):
		r.Kind, r.Name = HasPermission, s
		if verbNoun.check(s) != "" || !l.isHeld(s) {
			l.unknownPermission(s, n.pos, path)
			return Rule{}, false
		}
	default:
		r.Kind, r.Name = HasRole, s
		if l.d.Role(s) == nil {
			l.unknownRule(s, n.pos, path)
			return Rule{}, false
		}
	}
	return r, true
}

func (l *loader) noOwner(e *Entity, at Position, path string) {
	hint := "add: owner: with the name of a field that is a relation to the entity of the accounts"
	for _, f := range e.Fields {
		if f.Type == ToOne && l.logsIn(f.Relation.To) {
			hint = "add: owner: " + f.Name
		} else if f.Type == ID && l.logsIn(e.Name) {
			hint = "add: owner: id"
		}
	}
	l.errs.Add(at, path, fmt.Sprintf("rule owner in %s, whose rows have no owner", quote(e.Name)), hint)
}

func (l *loader) unknownPermission(s string, at Position, path string) {
	near := l.didYouMean(s, l.exact)
	hint := ""
	if near == "" {
		hint = "no role holds it: add it to the permissions of a role"
	}
	if wrong := verbNoun.check(s); wrong != "" && near == "" {
		hint = "write it like " + verbNoun.example
	}
	l.errs.Add(at, path, fmt.Sprintf("unknown permission %s%s", quote(s), near), hint)
}

func (l *loader) unknownRule(s string, at Position, path string) {
	var candidates []string
	for _, r := range l.d.Roles {
		candidates = append(candidates, r.Name)
	}
	candidates = append(candidates, ruleWords()...)
	near := l.didYouMean(s, candidates)
	hint := "public, signed-in, owner, nobody, the name of a role, or a permission such as " + verbNoun.example
	if meant := synonym(strings.ToLower(s)); meant != "" {
		near = ", did you mean " + quote(meant) + "?"
	}
	if near != "" {
		hint = ""
	}
	l.errs.Add(at, path, fmt.Sprintf("unknown role %s%s", quote(s), near), hint)
}

// synonym returns the word of the rules that somebody may have meant.
func synonym(word string) string {
	switch word {
	case "all", "any", "anyone", "anybody", "anonymous", "everyone", "everybody", "guest", "*":
		return rulePublic
	case "authenticated", "auth", "user", "users", "logged-in", "signedin":
		return ruleSignedIn
	case "self", "me", "own", "owners":
		return ruleOwner
	case "none", "noone", "no-one", "never", "disabled":
		return ruleNobody
	}
	return ""
}
