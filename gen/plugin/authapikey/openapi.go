package authapikey

import "github.com/gatewright/gate/gen"

func paths() []gen.Property {
	id := gen.Object{
		{Name: "name", Value: "id"},
		{Name: "in", Value: "path"},
		{Name: "required", Value: true},
		{Name: "schema", Value: gen.Object{{Name: "type", Value: "string"}}},
	}
	operation := func(summary, operationID string, more ...gen.Property) gen.Object {
		return append(gen.Object{
			{Name: "tags", Value: []string{"account"}},
			{Name: "summary", Value: summary},
			{Name: "operationId", Value: operationID},
		}, more...)
	}
	responses := func(status string, answer gen.Object) gen.Property {
		return gen.Property{Name: "responses", Value: gen.Object{
			{Name: status, Value: answer},
			{Name: "400", Value: gen.ResponseRef("BadRequest")},
			{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
			{Name: "404", Value: gen.ResponseRef("NotFound")},
		}}
	}
	keys := gen.Object{{Name: "type", Value: "object"}, {Name: "properties", Value: gen.Object{
		{Name: "keys", Value: gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.SchemaRef("auth.APIKey")}}},
	}}}
	made := gen.JSONResponse("The key, shown this once.", gen.SchemaRef("auth.NewAPIKey"))
	return []gen.Property{
		{Name: "/account/api-keys", Value: gen.Object{
			{Name: "get", Value: operation("The keys of the account that is calling", "apiKeys",
				responses("200", gen.JSONResponse("The keys.", keys)))},
			{Name: "post", Value: operation("Make a key; needs a login of the last five minutes", "createApiKey",
				gen.Property{Name: "requestBody", Value: gen.JSONBody(gen.SchemaRef("auth.APIKeyRequest"))},
				responses("201", made))},
		}},
		{Name: "/account/api-keys/{id}/rotate", Value: gen.Object{
			{Name: "parameters", Value: []any{id}},
			{Name: "post", Value: operation("Replace a key; the old one works for another day", "rotateApiKey",
				responses("201", made))},
		}},
		{Name: "/account/api-keys/{id}", Value: gen.Object{
			{Name: "parameters", Value: []any{id}},
			{Name: "delete", Value: operation("Revoke a key", "revokeApiKey",
				responses("204", gen.Object{{Name: "description", Value: "Revoked."}}))},
		}},
	}
}

func schemas() []gen.Property {
	text := gen.Object{{Name: "type", Value: "string"}}
	moment := gen.Object{{Name: "type", Value: "string"}, {Name: "format", Value: "date-time"}}
	scopes := gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: text}}
	properties := gen.Object{
		{Name: "id", Value: text},
		{Name: "name", Value: text},
		{Name: "scopes", Value: scopes},
		{Name: "createdAt", Value: moment},
		{Name: "expiresAt", Value: moment},
		{Name: "lastUsedAt", Value: moment},
	}
	object := func(required []string, properties gen.Object) gen.Object {
		return gen.Object{
			{Name: "type", Value: "object"}, {Name: "required", Value: required}, {Name: "properties", Value: properties},
		}
	}
	return []gen.Property{
		{Name: "auth.APIKey", Value: object([]string{"id", "name", "scopes"}, properties)},
		{Name: "auth.NewAPIKey", Value: object([]string{"id", "name", "scopes", "key"},
			append(gen.Object{{Name: "key", Value: text}}, properties...))},
		{Name: "auth.APIKeyRequest", Value: object([]string{"name", "scopes"}, gen.Object{
			{Name: "name", Value: text},
			{Name: "scopes", Value: scopes},
			{Name: "expiresInDays", Value: gen.Object{{Name: "type", Value: "integer"}, {Name: "minimum", Value: 1}, {Name: "maximum", Value: 365}}},
		})},
	}
}
