package authjwt

import (
	"github.com/gatewright/gate/gen"
)

// path describes logging in and out.
func path() gen.Object {
	login := gen.Object{
		{Name: "tags", Value: []string{"authentication"}},
		{Name: "summary", Value: "Log in"},
		{Name: "description", Value: "With a login name and a password, or with an access token that is still good."},
		{Name: "operationId", Value: "login"},
		{Name: "security", Value: []any{}},
		{Name: "requestBody", Value: gen.JSONBody(gen.SchemaRef("auth.Credentials"))},
		{Name: "responses", Value: gen.Object{
			{Name: "201", Value: gen.JSONResponse("Logged in.", gen.SchemaRef("auth.Result"))},
			{Name: "400", Value: gen.ResponseRef("BadRequest")},
			{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
			{Name: "429", Value: gen.ResponseRef("TooManyRequests")},
			{Name: "503", Value: gen.ResponseRef("Unavailable")},
		}},
	}
	logout := gen.Object{
		{Name: "tags", Value: []string{"authentication"}},
		{Name: "summary", Value: "Log out: the token is dead from then on"},
		{Name: "operationId", Value: "logout"},
		{Name: "security", Value: []any{gen.Object{{Name: "bearer", Value: []string{}}}}},
		{Name: "responses", Value: gen.Object{
			{Name: "200", Value: gen.JSONResponse("Logged out.", gen.SchemaRef("auth.Result"))},
			{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
		}},
	}
	return gen.Object{{Name: "post", Value: login}, {Name: "delete", Value: logout}}
}

func schemas(a *gen.Authentication, refresh bool) []gen.Property {
	text := gen.Object{{Name: "type", Value: "string"}}
	token := gen.Object{
		{Name: "type", Value: "object"},
		{Name: "required", Value: []string{"strategy", "accessToken"}},
		{Name: "properties", Value: gen.Object{
			{Name: "strategy", Value: gen.Object{{Name: "const", Value: "jwt"}}},
			{Name: "accessToken", Value: text},
		}},
	}
	credentials := append(a.Credentials(), token)
	answer := gen.Object{{Name: "accessToken", Value: text}}
	if refresh {
		credentials = append(credentials, gen.Object{
			{Name: "type", Value: "object"},
			{Name: "required", Value: []string{"strategy", "refreshToken"}},
			{Name: "properties", Value: gen.Object{
				{Name: "strategy", Value: gen.Object{{Name: "const", Value: "refresh"}}},
				{Name: "refreshToken", Value: text},
			}},
		})
		answer = append(answer, gen.Property{Name: "refreshToken", Value: gen.Object{
			{Name: "type", Value: "string"},
			{Name: "description", Value: "Good for one use: POST it as {strategy: refresh, refreshToken}, and keep the one that is answered."},
		}})
	}
	result := gen.Object{
		{Name: "type", Value: "object"},
		{Name: "required", Value: []string{"accessToken", "authentication"}},
		{Name: "properties", Value: append(append(answer, gen.Object{
			{Name: "authentication", Value: gen.Object{
				{Name: "type", Value: "object"},
				{Name: "properties", Value: gen.Object{
					{Name: "strategy", Value: text},
					{Name: "payload", Value: gen.Object{{Name: "type", Value: "object"}, {Name: "description", Value: "The claims of the token."}}},
				}},
			}},
		}...), a.Shown()...)},
	}
	return []gen.Property{
		{Name: "auth.Credentials", Value: gen.Object{{Name: "oneOf", Value: credentials}}},
		{Name: "auth.Result", Value: result},
	}
}
