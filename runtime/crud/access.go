package crud

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// rules are the rules of an entity, compiled.
type rules struct {
	policy  *authz.Policy
	entity  *model.Entity
	actions [authz.Delete + 1]authz.Rule
	fields  [authz.Delete + 1]fieldRules // under View, Create and Update
}

// fieldRules say which fields an action reaches: those of free for all who may
// use the action, those of narrowed by their own rules.
type fieldRules struct {
	free     model.FieldSet
	narrowed []fieldRule
}

type fieldRule struct {
	field model.FieldID
	rule  authz.Rule
}

func compileRules(policy *authz.Policy, e *model.Entity) (rules, error) {
	r := rules{policy: policy, entity: e}
	for action, words := range map[authz.Action][]string{
		authz.View: e.Allow.View, authz.List: e.Allow.List,
		authz.Create: e.Allow.Create, authz.Update: e.Allow.Update, authz.Delete: e.Allow.Delete,
	} {
		rule, err := r.parse(words)
		if err != nil {
			return rules{}, fmt.Errorf("%s: %w", action, err)
		}
		r.actions[action] = rule
	}
	for i := range e.Fields {
		if err := r.addField(model.FieldID(i), &e.Fields[i]); err != nil {
			return rules{}, fmt.Errorf("field %q: %w", e.Fields[i].Name, err)
		}
	}
	return r, nil
}

func (r *rules) addField(id model.FieldID, f *model.Field) error {
	for action, words := range map[authz.Action][]string{authz.View: f.View, authz.Create: f.Create, authz.Update: f.Update} {
		set := &r.fields[action]
		switch {
		case action == authz.View && f.Secret(), action != authz.View && f.ReadOnly:
			// nobody, whatever the rules say
		case words != nil:
			rule, err := r.parse(words)
			if err != nil {
				return err
			}
			set.narrowed = append(set.narrowed, fieldRule{id, rule})
		case action != authz.View && id == r.entity.OwnerField():
			// the service says whose row it is; a rule of its own opens it
		default:
			set.free.Add(id)
		}
	}
	return nil
}

// closed reports whether nobody but the service itself may write the field.
func (r *rules) closed(action authz.Action, f model.FieldID) bool {
	for _, n := range r.fields[action].narrowed {
		if n.field == f {
			return n.rule.String() == "nobody"
		}
	}
	return false
}

func (r *rules) parse(words []string) (authz.Rule, error) {
	rule, err := authz.ParseRule(words...)
	if err != nil {
		return authz.Rule{}, err
	}
	for _, word := range words {
		if word == "owner" && r.entity.OwnerField() == model.NoField {
			return authz.Rule{}, fmt.Errorf("the rule names the owner, and %s has none", r.entity.Name)
		}
	}
	return rule, r.policy.CheckRule(rule)
}

// caller is who asks: nobody, a principal, or the service itself.
type caller struct {
	principal  *gate.Principal
	system     bool
	noPassword bool // the rows that the service makes may have none
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

func (r *rules) decide(c caller, rule authz.Rule) authz.Decision {
	if c.system {
		return authz.Allowed
	}
	return r.policy.Decide(c.principal, rule)
}

// reach returns the rows that an action reaches, or 401 or 403.
func (r *rules) reach(c caller, action authz.Action) (query.Filter, error) {
	switch r.decide(c, r.actions[action]) {
	case authz.Allowed:
		return query.Filter{}, nil
	case authz.OwnRows:
		return query.Equals(r.entity, r.entity.OwnerField(), c.subject()), nil
	case authz.Unauthenticated:
		return query.Nothing(), unauthenticated()
	default:
		return query.Nothing(), forbidden("")
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

// scope is which fields an action reaches: some in every row, more in the
// caller's own rows.
type scope struct {
	always, own model.FieldSet
}

// fieldsFor returns the scope of an action. Rows that pass a filter for the
// caller's own are all the caller's own.
func (r *rules) fieldsFor(c caller, action authz.Action, filter query.Filter) scope {
	if c.system {
		return scope{r.systemFields(action), r.systemFields(action)}
	}
	set := &r.fields[action]
	s := scope{set.free, set.free}
	for _, n := range set.narrowed {
		switch r.policy.Decide(c.principal, n.rule) {
		case authz.Allowed:
			s.always.Add(n.field)
			s.own.Add(n.field)
		case authz.OwnRows:
			s.own.Add(n.field)
		}
	}
	if !filter.Unlimited() {
		s.always = s.own
	}
	return s
}

// systemFields returns what the service itself may use: everything, save that
// nobody reads a secret.
func (r *rules) systemFields(action authz.Action) model.FieldSet {
	all := r.entity.All()
	if secret := r.entity.Find(model.Password); action == authz.View && secret != model.NoField {
		all.Remove(secret)
	}
	return all
}

// owns reports whether a row whose owner field holds that value belongs to the
// caller.
func (c caller) owns(owner any) bool {
	return c.subject() != "" && text(owner) == c.subject() && (c.principal.Scopes == nil || slices.Contains(c.principal.Scopes, gate.ScopeOwner))
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
