package remote

import (
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// plain returns what a setting holds, as JSON has it.
func plain(s *design.Setting) any {
	switch s.Kind {
	case design.KindList:
		list := make([]any, len(s.Children))
		for i := range s.Children {
			list[i] = plain(&s.Children[i])
		}
		return list
	case design.KindMapping:
		object := make(map[string]any, len(s.Children))
		for i := range s.Children {
			object[s.Children[i].Key] = plain(&s.Children[i])
		}
		return object
	}
	return s.Value
}

// mismatch says what a field wants that cannot hold v; empty when it can. What
// else the field asks for, the service says.
func mismatch(f *design.Field, v any) string {
	text, isText := v.(string)
	switch f.Type {
	case design.Boolean:
		if _, ok := v.(bool); !ok {
			return "true or false"
		}
	case design.Int:
		if _, ok := v.(int64); !ok {
			return "a whole number"
		}
	case design.Decimal, design.Float:
		switch v.(type) {
		case int64, float64:
		default:
			return "a number"
		}
	case design.Enum:
		if !isText || !slices.ContainsFunc(f.Values, func(value design.Value) bool { return value.Name == text }) {
			names := make([]string, len(f.Values))
			for i, value := range f.Values {
				names[i] = value.Name
			}
			return "one of " + strings.Join(names, ", ")
		}
	case design.MultiEnum:
		list, ok := v.([]any)
		for _, value := range list {
			ok = ok && mismatch(&design.Field{Type: design.Enum, Values: f.Values}, value) == ""
		}
		if !ok {
			return "a list of its values"
		}
	case design.Geo:
		place, ok := v.(map[string]any)
		number := &design.Field{Type: design.Float}
		if !ok || len(place) != 2 || mismatch(number, place["lat"]) != "" || mismatch(number, place["lng"]) != "" {
			return "{lat, lng}"
		}
	case design.JSON:
	default:
		if !isText {
			return "text"
		}
	}
	return ""
}

// Foreign says in the API document that whoever calls need not have an account
// here: a program, or somebody whom nobody made one for.
func Foreign(b *gen.Build) {
	me := gen.Object{{Name: "anyOf", Value: []any{gen.SchemaRef(b.Authentication.Accounts.Name), gen.SchemaRef("auth.Foreign")}}}
	for i := range b.API.Paths {
		if b.API.Paths[i].Name != "/me" {
			continue
		}
		path, ok := b.API.Paths[i].Value.(gen.Object)
		if !ok {
			continue
		}
		b.API.Paths[i].Value = withAnswer(path, gen.JSONResponse("The account, with what it may read of itself, or what is known of a caller who has none.", me))
	}
	text := gen.Object{{Name: "type", Value: "string"}}
	b.API.Schemas = append(b.API.Schemas, gen.Property{Name: "auth.Foreign", Value: gen.Object{
		{Name: "type", Value: "object"},
		{Name: "description", Value: "A caller whom an issuer vouches for and who has no account here."},
		{Name: "required", Value: []string{"id", "roles"}},
		{Name: "properties", Value: gen.Object{
			{Name: "id", Value: gen.Object{{Name: "type", Value: "string"}, {Name: "description", Value: "Issuer and subject, with a bar between them."}}},
			{Name: "roles", Value: gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: text}}},
		}},
	}})
}

// withAnswer returns a path item whose GET answers 200 with that response.
func withAnswer(path gen.Object, answer gen.Object) gen.Object {
	replace := func(o gen.Object, name string, f func(any) any) gen.Object {
		o = slices.Clone(o)
		for i := range o {
			if o[i].Name == name {
				o[i].Value = f(o[i].Value)
			}
		}
		return o
	}
	inside := func(name string, f func(any) any) func(any) any {
		return func(v any) any {
			if o, ok := v.(gen.Object); ok {
				return replace(o, name, f)
			}
			return v
		}
	}
	return replace(path, "get", inside("responses", inside("200", func(any) any { return answer })))
}
