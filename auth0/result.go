package auth0

import (
	"regexp"
	"strings"
)

// A Result is what a service has to know about its tenant.
type Result struct {
	Domain    string // host of the tenant
	IssuerURL string // with its slash at the end
	Audience  string // identifier of the API
	ClientID  string // of the single-page client; empty without one

	MachineClientID string // empty without a machine client
	// MachineClientSecret is there only when the machine client was made now, by
	// a token with the scope read:client_keys.
	MachineClientSecret Secret

	// Warnings are what somebody has to do by hand: a machine client is there
	// and nobody was told its secret.
	Warnings []string
}

// DotEnv returns the result as lines of an .env file, without what is empty. The
// secret is in it in full: it is for a file that only its owner reads.
func (r *Result) DotEnv() string {
	var b strings.Builder
	for _, v := range []struct{ name, value string }{
		{"AUTH0_DOMAIN", r.Domain},
		{"AUTH0_ISSUER_URL", r.IssuerURL},
		{"AUTH0_AUDIENCE", r.Audience},
		{"AUTH0_CLIENT_ID", r.ClientID},
		{"AUTH0_MACHINE_CLIENT_ID", r.MachineClientID},
		{"AUTH0_MACHINE_CLIENT_SECRET", r.MachineClientSecret.Reveal()},
	} {
		if v.value != "" {
			b.WriteString(v.name + "=" + quoted(v.value) + "\n")
		}
	}
	return b.String()
}

// quoted returns value as .env files have it. Characters that end a line or a
// quotation are left out: no value has them that this package lets in.
func quoted(value string) string {
	if plain := regexp.MustCompile(`^[\w.:/@%+~-]*$`); plain.MatchString(value) {
		return value
	}
	return "'" + strings.Map(func(r rune) rune {
		if r == '\n' || r == '\'' || hidden(r) {
			return -1
		}
		return r
	}, value) + "'"
}
