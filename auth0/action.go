package auth0

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"
)

//go:embed action.js
var actionCode string

// DefaultAction returns the code of an action for the trigger post-login. In
// access tokens it sets <namespace>/user to what of sub, email, email_verified,
// name, nickname, picture and username the user has, and nothing else of them, and
// <namespace>/auth_time to when they last proved who they are, in seconds. With
// roles it also sets <namespace>/roles, in access and ID tokens, to the names of
// the user's roles. A slash at the end of the namespace is left out.
//
// A client of somebody else, which event.client.is_first_party or its metadata
// third_party says, gets no roles, the profile with the scopes "email" and
// "profile" alone, and the claim third_party, by which a service knows that its
// token does no more than its scope says.
//
// Tokens for another API than audience are left as they are; an empty audience
// means tokens for every API.
func DefaultAction(namespace, audience string, roles bool) string {
	return strings.NewReplacer(
		"NAMESPACE", literal(strings.TrimSuffix(namespace, "/")),
		"AUDIENCE", literal(audience),
		"ROLES", strconv.FormatBool(roles),
	).Replace(actionCode)
}

// literal returns s as JavaScript writes it: encoding/json escapes what JSON
// allows and JavaScript does not.
func literal(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("auth0: a string that is no JSON: " + err.Error()) // cannot be
	}
	return string(b)
}
