package authcore

import (
	"slices"

	"github.com/gatewright/gate/gen"
)

// operation describes one thing that somebody who is logged in does.
func operation(tag, summary, id string, more ...gen.Property) gen.Object {
	return append(gen.Object{
		{Name: "tags", Value: []string{tag}},
		{Name: "summary", Value: summary},
		{Name: "operationId", Value: id},
	}, more...)
}

// responses are the answer that is hoped for, and refusals.
func responses(status string, answer gen.Object, refusals ...string) gen.Property {
	list := gen.Object{{Name: status, Value: answer}}
	names := map[string]string{"400": "BadRequest", "403": "Forbidden", "404": "NotFound", "429": "TooManyRequests"}
	for _, refusal := range refusals {
		list = append(list, gen.Property{Name: refusal, Value: gen.ResponseRef(names[refusal])})
	}
	return gen.Property{Name: "responses", Value: append(list, gen.Property{Name: "401", Value: gen.ResponseRef("NotAuthenticated")})}
}

func paths(a *gen.Authentication, passwords bool) []gen.Property {
	done := gen.Object{{Name: "description", Value: "Done."}}
	secret := gen.Object{{Name: "type", Value: "string"}, {Name: "format", Value: "password"}}
	id := gen.Object{
		{Name: "name", Value: "id"},
		{Name: "in", Value: "path"},
		{Name: "required", Value: true},
		{Name: "schema", Value: gen.Object{{Name: "type", Value: "string"}}},
	}
	sessions := gen.Object{{Name: "type", Value: "object"}, {Name: "properties", Value: gen.Object{
		{Name: "sessions", Value: gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.SchemaRef("auth.Device")}}},
	}}}
	account := gen.SchemaRef(a.Accounts.Name)
	if len(a.Also) > 0 {
		var any []any
		for _, e := range a.LogIns() {
			any = append(any, gen.SchemaRef(e.Name))
		}
		account = gen.Object{{Name: "anyOf", Value: any}}
	}
	list := []gen.Property{
		{Name: "/me", Value: gen.Object{{Name: "get", Value: operation("authentication", "The account that is calling", "me",
			responses("200", gen.JSONResponse("The account, with what it may read of itself.", account)))}}},
		{Name: "/me/permissions", Value: gen.Object{{Name: "get", Value: operation("authentication", "What the caller may do", "myPermissions",
			responses("200", gen.JSONResponse("The roles of the caller, the permissions that they hold, and what they may do with the rows of each entity.", gen.SchemaRef("auth.Permissions"))))}}},
		{Name: "/account/password", Value: gen.Object{{Name: "put", Value: operation("account", "Change the password; every other device is logged out", "changePassword",
			gen.Property{Name: "requestBody", Value: gen.JSONBody(gen.Object{
				{Name: "type", Value: "object"},
				{Name: "required", Value: []string{"currentPassword", "password"}},
				{Name: "properties", Value: gen.Object{{Name: "currentPassword", Value: secret}, {Name: "password", Value: secret}}},
			})}, responses("204", done, "400", "429"))}}},
		{Name: "/account/sessions", Value: gen.Object{
			{Name: "get", Value: operation("account", "The devices that are logged in", "sessions",
				responses("200", gen.JSONResponse("The devices, the latest first.", sessions)))},
			{Name: "delete", Value: operation("account", "Log out every other device", "endOtherSessions", responses("204", done))},
		}},
		{Name: "/account/sessions/{id}", Value: gen.Object{
			{Name: "parameters", Value: []any{id}},
			{Name: "delete", Value: operation("account", "Log out a device", "endSession", responses("204", done, "404"))},
		}},
	}
	return slices.DeleteFunc(list, func(p gen.Property) bool { return !passwords && p.Name == "/account/password" })
}

func schemas() []gen.Property {
	text := gen.Object{{Name: "type", Value: "string"}}
	moment := gen.Object{{Name: "type", Value: "string"}, {Name: "format", Value: "date-time"}}
	list := gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: text}}
	reach := append(slices.Clone(text), gen.Property{Name: "enum", Value: []string{"all", "some"}})
	return []gen.Property{
		{Name: "auth.Permissions", Value: gen.Object{
			{Name: "type", Value: "object"},
			{Name: "properties", Value: gen.Object{
				{Name: "roles", Value: list},
				{Name: "permissions", Value: list},
				{Name: "entities", Value: gen.Object{
					{Name: "type", Value: "object"},
					{Name: "description", Value: "By the path of the entity. Those with which the caller may do nothing are left out."},
					{Name: "additionalProperties", Value: gen.SchemaRef("auth.May")},
				}},
				{Name: "others", Value: gen.Object{
					{Name: "type", Value: "object"},
					{Name: "description", Value: "What the caller may do with the accounts of others."},
					{Name: "properties", Value: gen.Object{
						{Name: "sessions", Value: gen.Object{{Name: "type", Value: "boolean"}}},
						{Name: "keys", Value: gen.Object{{Name: "type", Value: "boolean"}}},
						{Name: "audit", Value: gen.Object{{Name: "type", Value: "boolean"}}},
					}},
				}},
			}},
		}},
		{Name: "auth.May", Value: gen.Object{
			{Name: "type", Value: "object"},
			{Name: "description", Value: "Which rows an action reaches, all or some. Without one the caller may not do that. Fields are those that they may read or write in some row at least."},
			{Name: "properties", Value: gen.Object{
				{Name: "view", Value: reach},
				{Name: "list", Value: reach},
				{Name: "create", Value: reach},
				{Name: "update", Value: reach},
				{Name: "delete", Value: reach},
				{Name: "fields", Value: gen.Object{
					{Name: "type", Value: "object"},
					{Name: "properties", Value: gen.Object{{Name: "view", Value: list}, {Name: "create", Value: list}, {Name: "update", Value: list}}},
					{Name: "required", Value: []string{"view", "create", "update"}},
				}},
			}},
			{Name: "required", Value: []string{"fields"}},
		}},
		{Name: "auth.Device", Value: gen.Object{
			{Name: "type", Value: "object"},
			{Name: "properties", Value: gen.Object{
				{Name: "id", Value: text},
				{Name: "current", Value: gen.Object{{Name: "type", Value: "boolean"}}},
				{Name: "strategy", Value: text},
				{Name: "userAgent", Value: text},
				{Name: "address", Value: text},
				{Name: "createdAt", Value: moment},
				{Name: "lastSeenAt", Value: moment},
				{Name: "expiresAt", Value: moment},
			}},
		}},
	}
}
