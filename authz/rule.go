package authz

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Words of a rule that are neither role nor permission.
const (
	public   = "public"
	signedIn = "signed-in"
	nobody   = "nobody"
	owner    = "owner"
)

// Rule says who may do something; any one of its words is enough. The zero value
// admits nobody. Rules are immutable and safe for concurrent use.
type Rule struct {
	public, signedIn, owner bool
	roles, permissions      []string
}

// ParseRule compiles the words of a rule:
//
//   - public: everybody, also without credentials, whatever other words say
//   - signed-in: everybody who is authenticated
//   - owner: everybody who is authenticated, for their own rows
//   - a permission such as create:items: who holds it
//   - a role such as menu-admin: who holds it
//   - nobody, which must stand alone and is what no word at all means
//
// It does not know which roles there are, see [Policy.CheckRule].
func ParseRule(words ...string) (Rule, error) {
	var r Rule
	for _, word := range words {
		switch {
		case word == public:
			r.public = true
		case word == signedIn:
			r.signedIn = true
		case word == owner:
			r.owner = true
		case word == nobody:
			if len(words) > 1 {
				return Rule{}, errors.New("authz: nobody stands alone in a rule")
			}
		case strings.Contains(word, ":"):
			if !isPermission(word) {
				return Rule{}, fmt.Errorf("authz: %q is not a permission, which looks like create:items", word)
			}
			r.permissions = add(r.permissions, word)
		case isName(word):
			r.roles = add(r.roles, word)
		default:
			return Rule{}, fmt.Errorf("authz: %q is not a word of a rule", word)
		}
	}
	return r, nil
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
	var words []string
	if r.public {
		words = append(words, public)
	}
	if r.signedIn {
		words = append(words, signedIn)
	}
	if r.owner {
		words = append(words, owner)
	}
	words = slices.Concat(words, r.roles, r.permissions)
	if len(words) == 0 {
		return nobody
	}
	return strings.Join(words, ", ")
}

func add(words []string, word string) []string {
	if slices.Contains(words, word) {
		return words
	}
	return append(words, word)
}

// isPermission reports whether s is verb:noun, or longer with more colons.
func isPermission(s string) bool {
	parts := strings.Split(s, ":")
	for _, part := range parts {
		if !isName(part) {
			return false
		}
	}
	return len(parts) > 1 && len(s) <= 128
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
	return word == public || word == signedIn || word == owner || word == nobody
}
