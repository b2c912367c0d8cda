package permissions

import (
	"slices"
	"strings"
	"unicode"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
)

// text says a change in words.
func (c *comparison) text(change *Change) string {
	who := c.who(change)
	verb, object := c.what(change)
	from, to, instead := object(change.from()), object(change.to()), short(change.from())
	switch {
	case change.From == None:
		return who + " can now " + verb + " " + to + except(change.Except)
	case change.To == None:
		return who + " could " + verb + " " + from + " and cannot any more" + except(change.Except)
	case !change.Narrower:
		return who + " can now " + verb + " " + to + ", not only " + instead + except(change.Except)
	case !change.Wider:
		return who + " can now " + verb + " only " + to + ", no longer " + instead + except(change.Except)
	}
	return who + " can now " + verb + " " + to + " instead of " + instead + except(change.Except)
}

func except(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return " (this is not so for " + enumerate(fields, "and") + ")"
}

// what returns the verb, and what it is done to when it reaches those rows.
func (c *comparison) what(change *Change) (verb string, object func(*Cell) string) {
	verb = enumerate(change.Actions, "and")
	plural, of := spaced(c.plural(change.Entity)), ""
	if len(change.Fields) > 0 {
		verb, of = fieldVerb(change.Actions), "the "+enumerate(change.Fields, "and")+" of "
	}
	own := "their own " + plural
	if c.ownThemselves(change.Entity) {
		own = "their own account"
	}
	partial := change.From != None && change.To != None
	set := func(r Reach) string {
		switch {
		case r == All && partial && (change.From.whole() == Tenant || change.To.whole() == Tenant):
			return of + "the " + plural + " of all tenants"
		case r == All && partial:
			return of + "all " + plural
		case r == Own:
			return of + own
		case r == Tenant:
			return of + "the " + plural + " of their tenant"
		case r == OwnOrTenant:
			return of + own + " and those of their tenant"
		case r == OwnWithinTenant:
			return of + own + " within their tenant"
		}
		if change.Along != "" {
			return plural + " along with " + spaced(c.plural(change.Along))
		}
		return of + plural
	}
	return verb, func(c *Cell) string {
		var list []string
		if whole := c.Rows.whole(); whole != None {
			list = append(list, set(whole))
		}
		for _, p := range c.Parts {
			rows := set(p.Rows)
			if p.Rows == All {
				rows = of + plural
			}
			list = append(list, rows+" where "+p.When)
		}
		return enumerate(list, "and")
	}
}

func (c *comparison) ownThemselves(entity string) bool {
	e := c.after.Entity(entity)
	if e == nil {
		e = c.before.Entity(entity)
	}
	return e.Owner == "id"
}

// short names rows of which it is known what they are.
func short(c *Cell) string {
	var list []string
	if whole := c.Rows.whole(); whole != None {
		list = append(list, shortSet(whole))
	}
	for _, p := range c.Parts {
		rows := "those"
		if p.Rows != All {
			rows = shortSet(p.Rows)
		}
		list = append(list, rows+" where "+p.When)
	}
	return enumerate(list, "and")
}

func shortSet(r Reach) string {
	switch r {
	case All:
		return "all"
	case Own:
		return "their own"
	case Tenant:
		return "those of their tenant"
	case OwnOrTenant:
		return "their own and those of their tenant"
	}
	return "their own within their tenant"
}

func fieldVerb(actions []string) string {
	verbs := make([]string, len(actions))
	sees := slices.Contains(actions, "view") && slices.Contains(actions, "list")
	for i, action := range actions {
		switch action {
		case "view":
			verbs[i] = "see"
		case "create":
			verbs[i] = "set"
		case "update":
			verbs[i] = "change"
		default:
			verbs[i] = action
		}
	}
	if sees {
		verbs = slices.DeleteFunc(verbs, func(v string) bool { return v == "list" })
	}
	return enumerate(verbs, "and")
}

// who names the callers of a change. When it is all who are signed in, those count
// as well that could do it before, or that still can.
func (c *comparison) who(change *Change) string {
	in := func(caller Caller) bool {
		return slices.ContainsFunc(change.Callers, func(o Caller) bool { return sameCaller(o, caller) })
	}
	wider := change.to().beyond(change.from())
	var rest []Caller // who is neither among them nor as good as
	for _, caller := range c.callers {
		already := wider && caller.Kind != Anonymous && c.could(change, caller)
		if !in(caller) && !already {
			rest = append(rest, caller)
		}
	}
	anonymous, signedIn := in(Caller{Kind: Anonymous}), in(Caller{Kind: SignedIn})
	onlyAnonymous := len(rest) == 1 && rest[0].Kind == Anonymous
	switch {
	case anonymous && len(rest) == 0:
		return "everybody"
	case anonymous && len(change.Callers) == 1:
		return "whoever is not signed in"
	case signedIn && onlyAnonymous:
		return "everybody signed in"
	case signedIn && roles(rest) != "" && len(rest) < len(c.callers)/2+1:
		if anonymous {
			return "everybody but " + roles(rest)
		}
		return "everybody signed in but " + roles(rest)
	}
	return listed(change.Callers)
}

// could reports whether the caller already had what others get by a change.
func (c *comparison) could(change *Change, caller Caller) bool {
	a, err := authz.ParseAction(change.Actions[0])
	if err != nil {
		return false
	}
	fields := change.Fields
	if len(fields) == 0 {
		fields = []string{""}
	}
	return !slices.ContainsFunc(fields, func(f string) bool {
		was, is := c.before.grant(change.Entity, caller).cell(a, f), c.after.grant(change.Entity, caller).cell(a, f)
		return change.to().beyond(&was) || change.to().beyond(&is)
	})
}

// roles names the roles of a list that holds besides them nobody but permissions
// that they give, and who is not signed in; empty when it holds others.
func roles(list []Caller) string {
	var kept []Caller
	for _, caller := range list {
		switch caller.Kind {
		case Role:
			kept = append(kept, caller)
		case SignedIn:
			return ""
		}
	}
	if len(kept) == 0 {
		return ""
	}
	for _, caller := range list {
		if caller.Kind == Permission && !givenByOne(kept, caller.Name) {
			return ""
		}
	}
	return listed(kept)
}

func givenByOne(roles []Caller, permission string) bool {
	return slices.ContainsFunc(roles, func(r Caller) bool {
		return r.Kind == Role && slices.ContainsFunc(r.Permissions, func(held string) bool { return gate.Permits(held, permission) })
	})
}

// listed names callers one by one. A permission that one of the roles gives goes
// without saying.
func listed(callers []Caller) string {
	var who, carried []string
	for _, caller := range callers {
		switch caller.Kind {
		case Anonymous:
			who = append(who, "whoever is not signed in")
		case SignedIn:
			who = append(who, "whoever has no role")
		case Role:
			who = append(who, people(caller.Name))
		case Permission:
			if !givenByOne(callers, caller.Name) {
				carried = append(carried, caller.Name)
			}
		}
	}
	if len(carried) > 0 {
		who = append(who, "whoever carries "+enumerate(carried, "or"))
	}
	return enumerate(who, "and")
}

// people is the plural of a role.
func people(role string) string {
	for _, collective := range []string{"staff", "crew", "support", "sales", "team", "management", "personnel", "people"} {
		if role == collective || strings.HasSuffix(role, "-"+collective) {
			return role
		}
	}
	return design.Plural(role)
}

// spaced is a PascalCase name in small words: OrderItems → order items.
func spaced(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		follows := i > 0 && !unicode.IsUpper(runes[i-1])
		leads := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		abbreviation := i+1 < len(runes) && unicode.IsUpper(runes[i+1]) || i > 0 && unicode.IsUpper(runes[i-1]) && !leads
		if upper && i > 0 && (follows || leads) {
			b.WriteByte(' ')
		}
		if upper && !abbreviation {
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// enumerate joins words: a, b and c.
func enumerate(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}
