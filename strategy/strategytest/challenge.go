package strategytest

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewright/gate"
)

// checkChallenges asks a [gate.Challenger] for its challenge after everything
// that may have happened.
func checkChallenges(_ context.Context, r *report) {
	st, _ := r.suite.New()
	challenger, ok := st.(gate.Challenger)
	if !ok {
		return
	}
	for _, refusal := range []error{
		nil, gate.ErrNotAuthenticated, gate.ErrInvalidCredentials, gate.ErrBadRequest, gate.ErrForbidden,
		&gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "a \"quoted\" word\r\nX: y", Err: errors.New("\x00\xff")},
	} {
		challenge := challenger.Challenge(refusal)
		if problem := challengeProblem(challenge); problem != "" {
			r.errorf("after %v: the challenge %q %s (RFC 9110 §11.6.1)", refusal, challenge, problem)
		}
	}
}

const (
	token      = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
	token68    = `[A-Za-z0-9._~+/-]+=*`
	quoted     = `"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"`
	parameter  = token + `[ \t]*=[ \t]*(?:` + token + `|` + quoted + `)`
	parameters = parameter + `(?:[ \t]*,[ \t]*` + parameter + `)*`
)

// challengeProblem says what is wrong with a challenge (RFC 9110 §11.3, §11.5),
// "" when nothing is.
func challengeProblem(challenge string) string {
	if !regexp.MustCompile(`^(?s:` + token + `)(?: +(?:` + parameters + `|` + token68 + `))?$`).MatchString(challenge) {
		return "is not a scheme with parameters"
	}
	_, rest, _ := strings.Cut(challenge, " ")
	var names []string
	for _, p := range regexp.MustCompile(parameter).FindAllString(rest, -1) {
		name, value, _ := strings.Cut(p, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case slices.Contains(names, name):
			return "has a parameter twice"
		case name == "realm" && !strings.HasPrefix(strings.TrimSpace(value), `"`):
			return "has a realm without quotes"
		}
		names = append(names, name)
	}
	return ""
}
