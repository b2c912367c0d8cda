package crud

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// rules are the rules of an entity, compiled.
type rules struct {
	policy  *authz.Policy
	entity  *model.Entity
	actions [authz.Delete + 1]rule
	needs   [authz.Delete + 1]string     // what who is refused is told
	fields  [authz.Delete + 1]fieldRules // under View, Create and Update

	// Where rows are owned through another entity: that, and its owner. They are
	// known when the resources are linked.
	far      *model.Entity
	farOwner model.FieldID
	holder   *model.Entity // of whom rows are owned; nil when they are not, or not linked
	several  bool          // rows of several entities log in
}

// A rule admits callers to rows: to all of them, and, under conditions, to some.
type rule []alternative

// alternative is one way to be admitted. The first one of a rule is that without
// a condition, and is always there.
type alternative struct {
	rule authz.Rule
	rows query.Filter
}

// fieldRules say which fields an action reaches: those of free for all who may
// use the action, those of narrowed by their own rules.
type fieldRules struct {
	free     model.FieldSet
	narrowed []fieldRule
}

type fieldRule struct {
	field model.FieldID
	rule  rule
}

func compileRules(policy *authz.Policy, e *model.Entity) (rules, error) {
	r := rules{policy: policy, entity: e}
	for action, words := range map[authz.Action][]string{
		authz.View: e.Allow.View, authz.List: e.Allow.List,
		authz.Create: e.Allow.Create, authz.Update: e.Allow.Update, authz.Delete: e.Allow.Delete,
	} {
		rule, err := r.compile(action, "", words)
		if err != nil {
			return rules{}, fmt.Errorf("%s: %w", action, err)
		}
		r.actions[action], r.needs[action] = rule, needs(words)
	}
	for i := range e.Fields {
		if err := r.addField(model.FieldID(i), &e.Fields[i]); err != nil {
			return rules{}, fmt.Errorf("field %q: %w", e.Fields[i].Name, err)
		}
	}
	return r, nil
}

// needs names the permissions that would do, as RFC 6750 §3.1 does by scope. Roles
// are a matter of the service.
func needs(words []string) string {
	permissions := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.Contains(w, ":") })
	if len(permissions) == 0 {
		return ""
	}
	return "This needs the permission " + strings.Join(permissions, " or ")
}

func (r *rules) addField(id model.FieldID, f *model.Field) error {
	for action, words := range map[authz.Action][]string{authz.View: f.View, authz.Create: f.Create, authz.Update: f.Update} {
		rule, err := r.compile(action, f.Name, words)
		if err != nil {
			return err
		}
		set := &r.fields[action]
		switch {
		case action == authz.View && f.Secret(), action != authz.View && f.ReadOnly:
			// nobody, whatever the rules say
		case words != nil || len(rule) > 1:
			set.narrowed = append(set.narrowed, fieldRule{id, rule})
		case action != authz.View && (id == r.entity.OwnerField() || id == r.entity.TenantField()):
			// the service says whose row it is; a rule of its own opens the owner
		default:
			set.free.Add(id)
		}
	}
	return nil
}

// ruled reports whether a rule of its own says who may write the field.
func (r *rules) ruled(f model.FieldID) bool {
	is := func(n fieldRule) bool { return n.field == f }
	return slices.ContainsFunc(r.fields[authz.Create].narrowed, is) || slices.ContainsFunc(r.fields[authz.Update].narrowed, is)
}

// closed reports whether nobody but the service itself may write the field.
func (r *rules) closed(action authz.Action, f model.FieldID) bool {
	for _, n := range r.fields[action].narrowed {
		if n.field == f {
			return len(n.rule) == 1 && n.rule[0].rule.String() == "nobody"
		}
	}
	return false
}

// compile returns the rule of those words and of the conditions that go with
// them.
func (r *rules) compile(action authz.Action, field string, words []string) (rule, error) {
	always, err := r.parse(words)
	if err != nil {
		return nil, err
	}
	if err := r.checkFieldRule(field, words); err != nil {
		return nil, err
	}
	list := rule{{rule: always}}
	for _, c := range r.entity.Conditions {
		if c.Action != action.String() || c.Field != field {
			continue
		}
		parsed, err := r.parse(c.Rules)
		if err == nil {
			err = r.checkFieldRule(field, c.Rules)
		}
		if err != nil {
			return nil, err
		}
		rows, err := query.Holds(r.entity, c.Where)
		if err != nil {
			return nil, err
		}
		list = append(list, alternative{parsed, rows})
	}
	return list, nil
}

// checkFieldRule refuses a rule of a field that no row tells by itself.
func (r *rules) checkFieldRule(field string, words []string) error {
	if _, _, through := r.entity.OwnerThrough(); through && field != "" && slices.Contains(words, "owner") {
		return fmt.Errorf("the rule names the owner, which rows of %s have through another entity: only rules of rows can", r.entity.Name)
	}
	return nil
}

func (r *rules) parse(words []string) (authz.Rule, error) {
	rule, err := authz.ParseRule(words...)
	if err != nil {
		return authz.Rule{}, err
	}
	for _, word := range words {
		if _, _, through := r.entity.OwnerThrough(); word == "owner" && r.entity.OwnerField() == model.NoField && !through {
			return authz.Rule{}, fmt.Errorf("the rule names the owner, and %s has none", r.entity.Name)
		}
		if word == "tenant" || strings.HasSuffix(word, " within tenant") { // with which it would admit nobody
			return authz.Rule{}, fmt.Errorf("the rule says %q, which is for queries: where %s names its tenant, every rule holds within that", word, r.entity.Name)
		}
	}
	return rule, r.policy.CheckRule(rule)
}

// caller is who asks: nobody, a principal, or the service itself.
type caller struct {
	principal  *gate.Principal
	system     bool
	noPassword bool // the rows that the service makes may have none

	own    query.Filter // unlimited until somebody asks
	beside *string      // the tenant of a row that is being written; nil while nothing is
}

type noPasswordKey struct{}

// WithoutPassword returns a context in which the service itself makes accounts
// that nobody logs in to with a password, because somebody else vouches for them:
// no password fits what is stored.
func WithoutPassword(ctx context.Context) context.Context {
	return context.WithValue(ctx, noPasswordKey{}, true)
}

func callerFrom(ctx context.Context) caller {
	if authz.IsSystem(ctx) {
		return caller{system: true, noPassword: ctx.Value(noPasswordKey{}) != nil}
	}
	p, _ := gate.PrincipalFromContext(ctx)
	return caller{principal: p}
}

// subject is who owns the rows of the caller; empty for nobody.
func (c caller) subject() string {
	if c.principal == nil {
		return ""
	}
	return c.principal.Subject
}

// account is the id by which the caller owns rows, empty for who logged in as a row
// of another entity than their owners are.
func (r *rules) account(c *caller) string {
	if r.holder == nil {
		return ""
	}
	return r.holder.Account(c.subject())
}

// ownRows returns the rows that belong to the caller.
func (r *rules) ownRows(c *caller) query.Filter {
	if !c.own.Unlimited() {
		return c.own
	}
	relation, _, through := r.entity.OwnerThrough()
	switch {
	case !through:
		c.own = query.Equals(r.entity, r.entity.OwnerField(), r.account(c))
	case r.far == nil: // not linked
		c.own = query.Nothing()
	default:
		c.own = query.Through(relation, r.far, query.Equals(r.far, r.farOwner, r.account(c)))
	}
	return c.own
}

// link finds the entity through which rows are owned, and that of their owners.
func (r *rules) link(targets map[string]target) error {
	for _, t := range targets {
		r.several = r.several || t.Entity().LogsIn
	}
	relation, name, through := r.entity.OwnerThrough()
	if !through {
		r.holder = holder(r.entity, r.entity.OwnerField(), targets)
		return nil
	}
	far := targets[r.entity.Fields[relation].To].Entity()
	owner, ok := far.Field(name)
	if !ok || far.Fields[owner].Type != model.ID && far.Fields[owner].Type != model.Relation {
		return fmt.Errorf("owner %q: %s.%s is neither id nor relation", r.entity.Owner, far.Name, name)
	}
	r.far, r.farOwner = far, owner
	r.holder = holder(far, owner, targets)
	return nil
}

// holder returns the entity of the owners that a field names, nil without one.
func holder(e *model.Entity, owner model.FieldID, targets map[string]target) *model.Entity {
	if owner == model.NoField {
		return nil
	}
	if f := &e.Fields[owner]; f.Type == model.Relation {
		if t, found := targets[f.To]; found {
			return t.Entity()
		}
		return nil // Link says so
	}
	return e
}

// rows returns the rows to which a rule admits the caller, or the greatest
// decision of those that refuse.
func (r *rules) rows(c *caller, list rule) (query.Filter, authz.Decision) {
	if c.system {
		return query.Filter{}, authz.Allowed
	}
	reached, refused := query.Nothing(), authz.Unauthenticated
	admitted := false
	for i := range list {
		var who query.Filter
		switch d := r.policy.Decide(c.principal, list[i].rule); d {
		case authz.Allowed:
		case authz.OwnRows:
			if r.several && r.account(c) == "" { // whose rows are never these
				refused = authz.Forbidden
				continue
			}
			who = r.ownRows(c)
		case authz.Unauthenticated:
			continue
		default: // and every decision that is not known here
			refused = authz.Forbidden
			continue
		}
		admitted = true
		if len(list) == 1 {
			return who, authz.Allowed
		}
		if reached = query.Any(reached, query.Every(who, list[i].rows)); reached.Unlimited() {
			break
		}
	}
	if !admitted {
		return query.Nothing(), refused
	}
	return reached, authz.Allowed
}

// reach returns the rows that an action reaches, or 401 or 403.
func (r *rules) reach(c caller, action authz.Action) (query.Filter, error) {
	filter, err := r.admits(c, action)
	if err != nil {
		return filter, err
	}
	return r.within(&c, action, filter)
}

// admits is [rules.reach] in all tenants.
func (r *rules) admits(c caller, action authz.Action) (query.Filter, error) {
	switch filter, d := r.rows(&c, r.actions[action]); d {
	case authz.Allowed:
		return filter, nil
	case authz.Unauthenticated:
		return query.Nothing(), unauthenticated()
	default:
		return query.Nothing(), forbidden(r.needs[action])
	}
}

// visible returns the rows that get would show, which are none for those who
// may not get any.
func (r *rules) visible(c caller) query.Filter {
	filter, err := r.reach(c, authz.View)
	if err != nil {
		return query.Nothing()
	}
	return filter
}

// scope is which fields an action reaches in the rows that it reaches: some in
// all of them, more in those that pass the filter of a grant.
type scope struct {
	always model.FieldSet
	ever   model.FieldSet // in any row
	grants []grant
}

type grant struct {
	rows   query.Filter
	fields model.FieldSet
}

// fieldsFor returns the scope of an action. A rule for some rows holds in all
// those that the action reaches only if every row that passes the filter of the
// action is one of them.
func (r *rules) fieldsFor(c caller, action authz.Action, filter query.Filter) scope {
	if c.system {
		all := r.systemFields(action)
		return scope{always: all, ever: all}
	}
	set := &r.fields[action]
	s := scope{always: set.free}
	for _, n := range set.narrowed {
		rows, d := r.rows(&c, n.rule)
		switch {
		case d != authz.Allowed:
		case filter.Within(rows):
			s.always.Add(n.field)
		default:
			s.add(rows, n.field)
		}
	}
	if r.namesTenant(&c, action) {
		s.always.Add(r.tenantKey())
	}
	s.ever = s.always
	for i := range s.grants {
		s.ever = s.ever.Union(s.grants[i].fields)
	}
	return s
}

func (s *scope) add(rows query.Filter, f model.FieldID) {
	for i := range s.grants {
		if g := &s.grants[i]; g.rows.Within(rows) && rows.Within(g.rows) {
			g.fields.Add(f)
			return
		}
	}
	s.grants = append(s.grants, grant{rows, model.Fields(f)})
}

// judged returns the fields by which the grants tell rows apart.
func (s *scope) judged() model.FieldSet {
	var set model.FieldSet
	for i := range s.grants {
		set = set.Union(s.grants[i].rows.Fields())
	}
	return set
}

// in returns the fields that the action reaches in one row. What is not known of
// a row opens nothing.
func (s *scope) in(value func(model.FieldID) any) model.FieldSet {
	set := s.always
	for i := range s.grants {
		if holds, known := s.grants[i].rows.Match(value); holds && known {
			set = set.Union(s.grants[i].fields)
		}
	}
	return set
}

// systemFields returns what the service itself may use: everything, save that
// nobody reads a secret.
func (r *rules) systemFields(action authz.Action) model.FieldSet {
	all := r.entity.All()
	if secret := r.entity.Find(model.Password); action == authz.View && secret != model.NoField {
		all.Remove(secret)
	}
	if action != authz.View {
		all = all.Without(r.entity.Computed())
	}
	if gone := r.entity.SoftDeleteField(); action != authz.View && gone != model.NoField {
		all.Remove(gone) // rows are deleted and restored, not written so
	}
	return all
}

// is reports whether the caller logged in as that row of the entity, which is nil
// for none.
func (c caller) is(e *model.Entity, id any) bool {
	if e == nil {
		return false
	}
	own := e.Account(c.subject())
	return own != "" && text(id) == own && (c.principal.Scopes == nil || slices.Contains(c.principal.Scopes, gate.ScopeOwner))
}

// text returns the value of an id or relation as text; empty for null.
func text(id any) string {
	switch id := id.(type) {
	case string:
		return id
	case int64:
		return strconv.FormatInt(id, 10)
	}
	return ""
}
