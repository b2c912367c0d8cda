package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate"
)

// An Explanation says why a decision is what it is. It is for people who write
// rules and for logs; it names roles and permissions, so it is not for whoever
// was refused.
type Explanation struct {
	// Decision is that of [Policy.Decide].
	Decision Decision `json:"decision"`
	// Rule is the rule in its usual order.
	Rule string `json:"rule"`
	// Parts are the words of the rule, in the same order.
	Parts []Part `json:"parts"`
}

// A Part is one word of a rule.
type Part struct {
	// Word is the word as it is written in a rule.
	Word string `json:"word"`
	// Decision is what this word alone would decide.
	Decision Decision `json:"decision"`
	// Why says what of the principal decided.
	Why string `json:"why"`
}

// Explain says which words of the rule hold for the principal and why, or why
// none does. It takes longer than [Policy.Decide], whose decision it repeats.
func (p *Policy) Explain(principal *gate.Principal, rule Rule) Explanation {
	e := Explanation{Decision: p.Decide(principal, rule), Rule: rule.String(), Parts: []Part{}}
	for word := range strings.SplitSeq(e.Rule, ", ") {
		one, err := ParseRule(word)
		if err != nil {
			panic("authz: a rule that was parsed: " + err.Error())
		}
		e.Parts = append(e.Parts, Part{Word: word, Decision: p.Decide(principal, one), Why: p.why(principal, word)})
	}
	return e
}

// String returns the decision and what decided it: the words that hold, or all
// of them when none does.
func (e Explanation) String() string {
	parts := slices.Clone(e.Parts)
	if e.Decision > Forbidden {
		parts = slices.DeleteFunc(parts, func(part Part) bool { return part.Decision <= Forbidden })
	}
	reasons := make([]string, len(parts))
	for i, part := range parts {
		reasons[i] = part.Word + ": " + part.Why
	}
	return fmt.Sprintf("%s: %s", e.Decision, strings.Join(reasons, "; "))
}

// why says in words what [Policy.Decide] looks at for one word of a rule.
func (p *Policy) why(principal *gate.Principal, word string) string {
	base, narrowed := strings.CutSuffix(word, withinTenant)
	switch {
	case word == public:
		return "everybody is admitted"
	case word == nobody:
		return "nobody is admitted"
	case anonymous(principal):
		return "nobody is there"
	}
	if word == tenant {
		base, narrowed = signedIn, true
	}
	reason := p.whyHeld(principal, base)
	if !narrowed {
		return reason
	}
	if name := p.Tenant(principal); name != "" {
		return reason + fmt.Sprintf(", for rows of tenant %q", name)
	}
	return "the principal has no tenant"
}

func (p *Policy) whyHeld(principal *gate.Principal, word string) string {
	switch {
	case (word == signedIn || word == owner) && principal.Subject == "":
		return "nobody in particular is there"
	case word == signedIn:
		return scopedReason(isSignedIn(principal), "somebody is signed in", ScopeSignedIn)
	case word == owner:
		return scopedReason(owns(principal), "rows of its own", gate.ScopeOwner)
	case strings.Contains(word, ":"):
		return p.whyPermission(principal, word)
	}
	return p.whyRole(principal, word)
}

func scopedReason(holds bool, reason, scope string) string {
	if holds {
		return reason
	}
	return fmt.Sprintf("the credentials are limited, and %q is not among their scopes", scope)
}

func (p *Policy) whyRole(principal *gate.Principal, role string) string {
	switch i, known := p.index[role]; {
	case !known:
		return "there is no such role"
	case limited(principal):
		return "the credentials are limited to scopes, and so hold no role"
	case principal.HasRole(role):
		return "the role is held"
	default:
		for _, held := range principal.Roles {
			if j, known := p.index[held]; known && p.reach[j].has(i) {
				return "the role is inherited by " + held
			}
		}
		return "the role is not held"
	}
}

func (p *Policy) whyPermission(principal *gate.Principal, permission string) string {
	if limited(principal) {
		switch {
		case holdsScoped(principal, permission):
			return "the credentials carry it"
		case principal.HasPermission(permission):
			return "the credentials are limited, and no scope of theirs permits it"
		}
		return "the credentials do not carry it"
	}
	for _, name := range principal.Roles {
		i, known := p.index[name]
		if !known {
			continue
		}
		for j, role := range p.roles {
			if !p.reach[i].has(j) {
				continue
			}
			for _, held := range role.Permissions {
				if gate.Permits(held, permission) {
					return whence(name, role.Name, held, permission)
				}
			}
		}
	}
	if principal.HasPermission(permission) {
		return "the credentials carry it"
	}
	return "no role that is held gives it"
}

// whence says that a role that is held gives a permission by itself or by one
// that it inherits.
func whence(held, giver, as, permission string) string {
	text := "role " + held + " gives it"
	if as != permission {
		text += " as " + as
	}
	if giver != held {
		text += ", inherited from " + giver
	}
	return text
}
