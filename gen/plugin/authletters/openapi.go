package authletters

import (
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

func paths(a *design.AuthEntity) []gen.Property {
	text := gen.Object{{Name: "type", Value: "string"}}
	secret := gen.Object{{Name: "type", Value: "string"}, {Name: "format", Value: "password"}}
	done := gen.Object{{Name: "description", Value: "Done."}}
	coming := gen.Object{{Name: "description", Value: "If there is such an account, a letter is on its way."}}
	operation := func(method, summary, id, status string, answer gen.Object, open bool, members ...gen.Property) gen.Object {
		required := make([]string, len(members))
		for i, m := range members {
			required[i] = m.Name
		}
		o := gen.Object{
			{Name: "tags", Value: []string{"account"}},
			{Name: "summary", Value: summary},
			{Name: "operationId", Value: id},
		}
		if open {
			o = append(o, gen.Property{Name: "security", Value: []any{}})
		}
		return gen.Object{{Name: method, Value: append(o,
			gen.Property{Name: "requestBody", Value: gen.JSONBody(gen.Object{
				{Name: "type", Value: "object"}, {Name: "required", Value: required}, {Name: "properties", Value: gen.Object(members)},
			})},
			gen.Property{Name: "responses", Value: gen.Object{
				{Name: status, Value: answer},
				{Name: "400", Value: gen.ResponseRef("BadRequest")},
				{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
				{Name: "429", Value: gen.ResponseRef("TooManyRequests")},
			}},
		)}}
	}
	login := gen.Property{Name: a.Identity.Key, Value: text}
	token := gen.Property{Name: "token", Value: text}
	return []gen.Property{
		{Name: "/account/password/forgot", Value: operation("post", "Ask for a letter to set a new password", "forgotPassword", "202", coming, true, login)},
		{Name: "/account/password/reset", Value: operation("post", "Set a new password with the token of a letter", "resetPassword", "204", done, true,
			token, gen.Property{Name: "password", Value: secret})},
		{Name: "/account/email/verification", Value: operation("post", "Ask for a letter to confirm the address", "verifyEmail", "202", coming, true, login)},
		{Name: "/account/email/confirm", Value: operation("post", "Confirm an address with the token of a letter", "confirmEmail", "204", done, true, token)},
		{Name: "/account/email", Value: operation("put", "Change the address; the new one counts once it is confirmed", "changeEmail", "202", coming, false,
			gen.Property{Name: "email", Value: text}, gen.Property{Name: "currentPassword", Value: secret})},
	}
}
