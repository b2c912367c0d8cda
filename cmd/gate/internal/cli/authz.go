package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/permissions"
)

type authzCmd struct {
	Explain authzExplainCmd `cmd:"" help:"Say whether somebody may do something, and which rule says so."`
}

// Example is that of the only one.
func (authzCmd) Example() string { return authzExplainCmd{}.Example() }

type authzExplainCmd struct {
	Dir       string   `arg:"" default:"." help:"Folder of the service, with its gate.yaml."`
	Role      []string `xor:"as" placeholder:"ROLE" help:"Role that the caller holds; may be given more than once. Without one somebody is signed in and holds none."`
	Anonymous bool     `xor:"as,who" help:"Nobody is signed in."`
	Action    string   `required:"" enum:"view,list,create,update,delete" placeholder:"ACTION" help:"view, list, create, update or delete."`
	Entity    string   `required:"" placeholder:"ENTITY" help:"Entity, as gate.yaml names it."`
	Field     string   `placeholder:"FIELD" help:"Ask about one field of it, too."`
	Owner     bool     `xor:"who" help:"The row is the caller's own."`
	When      bool     `help:"The row is as the conditions of the rules say."`
	JSON      bool     `help:"Answer as JSON."`
}

func (authzExplainCmd) Help() string {
	return "Exits with 0 when it is allowed, with 1 when it is refused, and with 2 when there is no such role, entity or field. Reads gate.yaml and nothing else: " +
		"what hooks add is not known here."
}

func (authzExplainCmd) Example() string {
	return "gate authz explain examples/restaurant --role menu-admin --action update --entity Item"
}

// verdict is the answer of authz explain.
type verdict struct {
	Allowed  bool     `json:"allowed"`
	Question string   `json:"question"`
	File     string   `json:"file"`
	Line     int      `json:"line"`   // of the rule that decided; 0 when it is not written
	Column   int      `json:"column"` // in characters
	Why      string   `json:"why"`
	Checks   []*check `json:"checks"`

	decided design.Position
}

// check is one list of rules: those of the entity, or of the field.
type check struct {
	About    string         `json:"about"`
	Decision authz.Decision `json:"decision"`
	Words    []word         `json:"words"`

	at   design.Position // where the list is, or what has none
	open bool            // a field without rules: whom the entity lets in
}

type word struct {
	authz.Part

	Line   int `json:"line"`
	Column int `json:"column"`
	pos    design.Position
	when   string // the condition of the rule, which Word has, too
}

// Run explains.
func (c *authzExplainCmd) Run(out *console) error {
	p, err := open(c.Dir)
	if err != nil {
		return err
	}
	v, err := c.explain(p.design)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(out.stdout, v)
	} else {
		_, err = fmt.Fprint(out.stdout, v.text(newTalk(out.stdout, out.talk.mode)))
	}
	if err == nil && !v.Allowed {
		return errReported
	}
	return err
}

func (c *authzExplainCmd) explain(d *design.Design) (*verdict, error) {
	policy, err := permissions.Policy(d)
	if err != nil {
		return nil, err
	}
	for _, role := range c.Role {
		if d.Role(role) == nil {
			return nil, misused("the roles are: "+strings.Join(roleNames(d), ", "), "%s: there is no role %q", d.File, role)
		}
	}
	e := d.Entity(c.Entity)
	if e == nil {
		return nil, noEntity(d, c.Entity)
	}
	caller := c.caller(d)
	v := &verdict{File: d.File, Question: c.question(d)}
	v.Checks = append(v.Checks, newCheck(policy, caller, e.Name+", "+c.Action, e.Allow.Rules(c.Action), e.Pos))
	if c.Field != "" {
		fieldCheck, err := c.checkField(policy, caller, e)
		if err != nil {
			return nil, err
		}
		v.Checks = append(v.Checks, fieldCheck)
	}
	v.whoSignsIn(d)
	c.whoOwns(v, d, e)
	c.decide(v)
	if v.Allowed && e.Tenant != nil && !policy.AcrossTenants(caller) {
		c.withinTenant(v, e)
	}
	return v, nil
}

// whoSignsIn says of the word for everybody who is signed in who that is, where it
// is not the accounts alone.
func (v *verdict) whoSignsIn(d *design.Design) {
	who := permissions.WhoSignsIn(d)
	for _, k := range v.Checks {
		for i := range k.Words {
			w := &k.Words[i]
			if rule, _, _ := strings.Cut(w.Word, " "); rule == string(permissions.SignedIn) && w.Decision == authz.Allowed && who != "" {
				w.Why += ": " + who
			}
		}
	}
}

// whoOwns says of the word for owners whom it meets, where others than the accounts sign in.
func (c *authzExplainCmd) whoOwns(v *verdict, d *design.Design, e *design.Entity) {
	owner := permissions.OwnerOf(e)
	if owner == nil || permissions.WhoSignsIn(d) == "" {
		return
	}
	meets := len(c.Role) == 0 || slices.ContainsFunc(c.Role, func(role string) bool { return permissions.Owns(d.Role(role).Entity, e) })
	for _, k := range v.Checks {
		rest := authz.Forbidden // without the owner
		for i := range k.Words {
			w := &k.Words[i]
			rule, _, _ := strings.Cut(w.Word, " ")
			switch {
			case rule == "owner" && w.Decision == authz.OwnRows && meets:
				w.Why += ": the owner is a " + owner.Name
			case rule == "owner" && w.Decision == authz.OwnRows:
				w.Decision, w.Why = authz.Forbidden, "the owner is a "+owner.Name+", which does not hold "+strings.Join(c.Role, " or ")
			case w.when == "":
				rest = max(rest, w.Decision)
			}
		}
		if !meets {
			k.Decision = min(k.Decision, rest)
		}
	}
}

// withinTenant says what the tenant of the caller leaves of an answer.
func (c *authzExplainCmd) withinTenant(v *verdict, e *design.Entity) {
	if c.Action == "create" && e.Tenant.Type == design.ID {
		v.Allowed = false
		v.Why += ", and only who stands above tenants makes one"
		return
	}
	v.Why += ", within their tenant"
}

func noEntity(d *design.Design, name string) error {
	var names []string
	for _, e := range d.Entities {
		if e.RenamedFrom == name {
			return misused("write --entity "+e.Name, "%s: %s is called %s now", d.File, name, e.Name)
		}
		names = append(names, e.Name)
	}
	return misused("the entities are: "+strings.Join(names, ", "), "%s: there is no entity %q", d.File, name)
}

func roleNames(d *design.Design) []string {
	var names []string
	for _, r := range d.Roles {
		names = append(names, r.Name)
	}
	return names
}

// caller is who asks, nil for nobody. Where authentication is off everybody is.
func (c *authzExplainCmd) caller(d *design.Design) *gate.Principal {
	if c.Anonymous || !d.Authentication() {
		return nil
	}
	return &gate.Principal{Subject: "somebody", Strategy: "explain", Roles: c.Role}
}

func (c *authzExplainCmd) question(d *design.Design) string {
	who := "somebody without a role"
	switch {
	case !d.Authentication():
		who = "nobody (authentication is off)"
	case c.Anonymous:
		who = "nobody"
	case len(c.Role) > 0:
		who = strings.Join(c.Role, " and ")
	}
	what := c.Entity
	if c.Field != "" {
		what = c.Field + " of " + what
	}
	if c.Owner {
		what = "its own " + what
	}
	if c.When {
		what += ", where the conditions hold"
	}
	return who + ", " + c.Action + " " + what
}

// checkField explains the rules of a field as package crud applies them.
func (c *authzExplainCmd) checkField(policy *authz.Policy, caller *gate.Principal, e *design.Entity) (*check, error) {
	f := e.Field(c.Field)
	if f == nil {
		var names []string
		for _, f := range e.Fields {
			names = append(names, f.Name)
		}
		return nil, misused("the fields are: "+strings.Join(names, ", "), "%s: %s has no field %q", e.Pos.File, e.Name, c.Field)
	}
	action := c.Action
	switch action {
	case "list":
		action = "view"
	case "delete":
		return nil, misused("leave --field out", "rows are deleted, not fields")
	}
	about, rules := e.Name+"."+f.Name+", "+action, f.Access.Rules(action)
	closed := ""
	switch {
	case action == "view" && f.Type == design.Password:
		closed = "a password is never shown to anybody"
	case action != "view" && f.ReadOnly:
		closed = "the service sets it"
	case action != "view" && f == e.Tenant && (!e.NamesTenant(action) || !policy.AcrossTenants(caller)):
		closed = "the service says to which tenant a row belongs, or who stands above tenants"
	case rules == nil && action != "view" && f == e.Owner && f.Relation != nil:
		closed = "the service says whose row it is; a rule of its own would open the field"
	case rules == nil:
		open := word{Part: authz.Part{Word: "no rule", Decision: authz.Allowed, Why: "the field is open to whom the entity lets in"}, pos: f.Pos}
		if action == "update" && f.Type == design.Password {
			open.Why += ", and to its owner under /api/account"
		}
		return &check{About: about, Decision: authz.Allowed, Words: []word{open.placed()}, open: true}, nil
	}
	if closed == "" {
		return newCheck(policy, caller, about, rules, f.Pos), nil
	}
	shut := newCheck(policy, caller, about, nil, f.Pos)
	shut.Words[0].Why = closed
	return shut, nil
}

func newCheck(policy *authz.Policy, caller *gate.Principal, about string, rules []design.Rule, at design.Position) *check {
	var words []string
	places := make(map[string]design.Position, len(rules))
	for _, r := range rules {
		if len(r.When) == 0 {
			words = append(words, r.String())
			places[r.String()] = r.Pos
		}
	}
	rule := authz.MustRule(words...) // gate.yaml was checked
	why := policy.Explain(caller, rule)
	k := &check{About: about, Decision: why.Decision, at: at}
	if len(rules) > 0 && rules[0].Pos.Line > 0 {
		k.at = rules[0].Pos
	}
	if len(words) > 0 || len(rules) == 0 {
		for _, part := range why.Parts {
			w := word{Part: part, pos: places[part.Word]}
			if len(rules) == 0 {
				w.Why = "nothing is allowed unless a rule says so"
			}
			if w.pos.Line == 0 {
				w.pos = k.at
			}
			k.Words = append(k.Words, w.placed())
		}
	}
	for _, r := range rules {
		if len(r.When) > 0 {
			w := word{Part: policy.Explain(caller, authz.MustRule(r.String())).Parts[0], pos: r.Pos, when: r.Condition()}
			w.Word = r.Words()
			k.Words = append(k.Words, w.placed())
		}
	}
	return k
}

func (w word) placed() word {
	w.Line, w.Column = w.pos.Line, w.pos.Column
	return w
}

// decide finds what decided: the first list of rules that refuses, or else the
// word that allows most in the last.
func (c *authzExplainCmd) decide(v *verdict) {
	v.Allowed = true
	for _, k := range v.Checks {
		if k.open {
			continue
		}
		if v.Allowed = c.allows(v, k); !v.Allowed {
			break
		}
	}
	v.Line, v.Column = v.decided.Line, v.decided.Column
	if v.decided.File != "" { // of a plugin, if it added the rule
		v.File = v.decided.File
	}
}

// allows reports whether a list of rules admits the caller, and says why. Rules
// with a condition count for rows that are so, and where rows are looked for.
func (c *authzExplainCmd) allows(v *verdict, k *check) bool {
	counts := func(w word) bool { return w.when == "" || c.When || c.Action == "list" }
	most := func(a, b word) int { return int(a.Decision) - int(b.Decision) }
	counted := slices.DeleteFunc(slices.Clone(k.Words), func(w word) bool { return !counts(w) })
	best := word{}
	if len(counted) > 0 {
		best = slices.MaxFunc(counted, most)
	}
	perhaps := slices.MaxFunc(k.Words, most)
	own := best.Decision == authz.OwnRows
	v.decided, v.Why = best.pos, best.Word+": "+best.Why
	switch {
	case best.Decision == authz.Allowed, own && c.Owner:
		k.Decision = best.Decision
		if best.when != "" && c.Action == "list" {
			v.Why += ", for such rows and no others"
		}
		return true
	case own && c.Action == "list":
		v.Why += ", and no others"
		return true
	case perhaps.Decision > authz.Forbidden && !counts(perhaps):
		v.decided, v.Why = perhaps.pos, perhaps.Word+": "+perhaps.Why+", and this one may not be so; --when asks about such rows"
	case own:
		v.Why += ", and this one is somebody else's; --owner asks about their own"
	case len(k.Words) > 1:
		v.decided, v.Why = k.at, "none of the rules admits the caller"
	case len(counted) == 0:
		v.decided, v.Why = perhaps.pos, perhaps.Word+": "+perhaps.Why
	}
	return false
}

// text is the answer for people: what was asked, each word with its place, and
// what decided.
func (v *verdict) text(t *talk) string {
	var b strings.Builder
	mark, answer := "✓", "allowed"
	if !v.Allowed {
		mark, answer = "!", "refused"
	}
	if t.ascii && v.Allowed {
		mark = "ok"
	}
	line := func(format string, args ...any) { b.WriteString(t.shown(fmt.Sprintf(format, args...)) + "\n") }
	line("  %s %s%s", mark, pad(answer, detailColumn-nameColumn), v.Question)
	for _, k := range v.Checks {
		b.WriteString("\n")
		line("  %s: %s", k.About, strings.ReplaceAll(k.Decision.String(), "_", " "))
		for _, w := range k.Words {
			place := fmt.Sprintf("%d:%d", w.Line, w.Column)
			if w.pos.File != v.File && w.pos.File != "" {
				place = fmt.Sprintf("%s:%s ", w.pos.File, place)
			}
			line("  %s%s: %s", pad(place, detailColumn-2), w.Word, w.Why)
		}
	}
	b.WriteString("\n")
	line("  %s%s:%d:%d: %s", pad("Decided by", detailColumn-2), v.File, v.Line, v.Column, v.Why)
	return b.String()
}
