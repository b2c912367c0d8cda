package authz

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Words of a rule that are neither role nor permission.
const (
	public       = "public"
	signedIn     = "signed-in"
	nobody       = "nobody"
	owner        = "owner"
	tenant       = "tenant"
	withinTenant = " within tenant" // behind another word
)

// Rule says who may do something; any one of its words is enough. The zero value
// admits nobody. Rules are immutable and safe for concurrent use.
type Rule struct {
	public bool
	all    grantees  // to every row
	within *grantees // to rows of their tenant; nil for nobody
}

// grantees are whom the words of a rule admit.
type grantees struct {
	signedIn, owner    bool
	roles, permissions []string
}

// ParseRule compiles the words of a rule:
//
//   - public: everybody, also without credentials, whatever other words say
//   - signed-in: everybody who is authenticated
//   - owner: everybody who is authenticated, for their own rows
//   - tenant: everybody who is authenticated, for the rows of their tenant
//   - a permission such as create:items: who holds it
//   - a role such as menu-admin: who holds it
//   - owner, a permission or a role with " within tenant" behind it: the same, for
//     rows of their tenant alone
//   - nobody, which must stand alone and is what no word at all means
//
// A rule asks for one permission and not for a wildcard; roles hold those. It
// does not know which roles there are, see [Policy.CheckRule].
func ParseRule(words ...string) (Rule, error) {
	var r Rule
	for _, word := range words {
		base, narrowed := strings.CutSuffix(word, withinTenant)
		switch word {
		case public:
			r.public = true
			continue
		case tenant:
			base, narrowed = signedIn, true
		case nobody:
			if len(words) > 1 {
				return Rule{}, errors.New("authz: nobody stands alone in a rule")
			}
			continue
		}
		g := &r.all
		if narrowed {
			if r.within == nil {
				r.within = &grantees{}
			}
			g = r.within
		}
		if err := g.admit(base); err != nil {
			return Rule{}, err
		}
	}
	return r, nil
}

func (g *grantees) admit(word string) error {
	switch {
	case word == signedIn:
		g.signedIn = true
	case word == owner:
		g.owner = true
	case strings.Contains(word, ":"):
		if !isPermission(word) {
			return fmt.Errorf("authz: %q is not a permission, which looks like create:items", word)
		}
		g.permissions = add(g.permissions, word)
	case isName(word) && !isReserved(word):
		g.roles = add(g.roles, word)
	default:
		return fmt.Errorf("authz: %q is not a word of a rule", word)
	}
	return nil
}

// MustRule is [ParseRule] for package variables: it panics on an error.
func MustRule(words ...string) Rule {
	r, err := ParseRule(words...)
	if err != nil {
		panic(err)
	}
	return r
}

// Public reports whether the rule admits everybody.
func (r Rule) Public() bool { return r.public }

// String returns the words, for people and for ParseRule after a split at ", ".
func (r Rule) String() string {
	words := r.words()
	if len(words) == 0 {
		return nobody
	}
	return strings.Join(words, ", ")
}

func (r Rule) words() []string {
	var words []string
	if r.public {
		words = append(words, public)
	}
	words = append(words, r.all.words()...)
	if r.within == nil {
		return words
	}
	for _, word := range r.within.words() {
		if word == signedIn {
			words = append(words, tenant)
			continue
		}
		words = append(words, word+withinTenant)
	}
	return words
}

func (g *grantees) words() []string {
	var words []string
	if g.signedIn {
		words = append(words, signedIn)
	}
	if g.owner {
		words = append(words, owner)
	}
	return slices.Concat(words, g.roles, g.permissions)
}

func add(words []string, word string) []string {
	if slices.Contains(words, word) {
		return words
	}
	return append(words, word)
}

// isPermission reports whether s is verb:noun, or longer with more colons.
func isPermission(s string) bool { return !strings.Contains(s, "*") && s != "" && isPattern(s) }

// isPattern reports whether s is a permission in which a part may be "*", or "*"
// alone.
func isPattern(s string) bool {
	parts := strings.Split(s, ":")
	for _, part := range parts {
		if part != "*" && !isName(part) {
			return false
		}
	}
	return (len(parts) > 1 || s == "*") && len(s) <= 128
}

// isName reports whether s begins with a letter and goes on with letters, digits,
// dots, dashes and underscores.
func isName(s string) bool {
	for i, r := range []byte(s) {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789._-", rune(r))) {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

func isReserved(word string) bool {
	switch word {
	case public, signedIn, owner, tenant, nobody:
		return true
	}
	return false
}
