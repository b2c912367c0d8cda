package password

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Policy judges new passwords: long enough, and not what an attacker tries first.
// It has no rules of composition. The zero value is the recommended one; it is safe
// for concurrent use.
type Policy struct {
	// MinLength is the least number of code points. 0 means MinRunes; it may go
	// down to MinRunesSecondFactor where a second factor is enforced, and no lower:
	// less counts as that.
	MinLength int
	// Words are guessed first at this service: its name, the company, the product.
	// Check takes what belongs to the user.
	Words []string
}

// PolicyError says why a password was refused.
type PolicyError struct {
	// Reasons are sentences for the one who chose the password. They hold no part
	// of it.
	Reasons []string
}

// Error joins the reasons.
func (e *PolicyError) Error() string {
	return "password refused: " + strings.Join(e.Reasons, "; ")
}

// Check judges a new password. The context is what is known of the user: name,
// user name, e-mail address. The error is a [*PolicyError] with every reason at
// once, or [ErrMalformed] for what is not text.
func (p Policy) Check(password string, context ...string) error {
	err := CheckText(password)
	if err == ErrMalformed { //nolint:errorlint // never wrapped
		return err
	}
	if err != nil { // judging what is too long is work for nothing
		return &PolicyError{Reasons: []string{fmt.Sprintf("must have at most %d characters", MaxRunes)}}
	}
	var reasons []string
	normal := norm.NFKC.String(password)
	least := p.Least()
	if min(utf8.RuneCountInString(password), utf8.RuneCountInString(normal)) < least {
		reasons = append(reasons, fmt.Sprintf("must have at least %d characters", least))
	}
	text := []rune(strings.ToLower(normal))
	switch {
	case guessable(text, nil):
		reasons = append(reasons, "is among the passwords that are tried first: common words, keys in a row, repetitions")
	case guessable(text, words(slices.Concat(p.Words, context))):
		reasons = append(reasons, "is made from your name, your e-mail address or the name of this service")
	}
	if reasons == nil {
		return nil
	}
	return &PolicyError{Reasons: reasons}
}

// Least returns the least number of code points that p asks for.
func (p Policy) Least() int {
	if p.MinLength == 0 {
		return MinRunes
	}
	return max(p.MinLength, MinRunesSecondFactor)
}

// words splits what is known of a user into what could be in the password: each
// value whole, and each of its parts of three letters or more.
func words(context []string) []string {
	var list []string
	add := func(word string) {
		if n := utf8.RuneCountInString(word); n >= 3 && n <= MaxRunes {
			list = append(list, word)
		}
	}
	for _, value := range context {
		if len(value) > MaxBytes || !utf8.ValidString(value) {
			continue
		}
		value = strings.ToLower(norm.NFKC.String(value))
		add(value)
		parts := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, part := range parts {
			add(part)
		}
		add(strings.Join(parts, ""))
	}
	return list
}
