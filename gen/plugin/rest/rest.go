// Package rest is the plugin that describes a service to its clients: it writes
// the OpenAPI document that the service embeds and answers. How requests are
// served is the runtime's business.
package rest

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "rest",
		Summary: "the REST surface and its OpenAPI document",
		Base:    true,
		New:     func() gen.Part { return part{} },
	}
}

type part struct{}

// Settings returns nil: there is nothing to set yet.
func (part) Settings() any { return nil }

// Validate has nothing to check.
func (part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute adds the document, and how the API is spelt.
func (part) Contribute(b *gen.Build) error {
	if amplication(b.Design) {
		b.Service = append(b.Service, gen.Member{Name: "Grammar", Value: gen.Value(gen.Name("github.com/gatewright/gate/runtime/rest", "Amplication"))})
	}
	b.Render(gen.File{Path: "app/openapi_gen.json", Owner: gen.Generated}, func() ([]byte, error) {
		whole, err := document(b)
		if err != nil {
			return nil, err
		}
		doc, err := whole.MarshalJSON()
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		err = json.Indent(&out, append(doc, '\n'), "", "  ")
		return out.Bytes(), err
	})
	return nil
}

// document is the OpenAPI 3.1 document of the service.
func document(b *gen.Build) (gen.Object, error) {
	d := b.Design
	info := gen.Object{{Name: "title", Value: d.Service.Name}}
	if d.Service.Description != "" {
		info = append(info, gen.Property{Name: "description", Value: d.Service.Description})
	}
	info = append(info, gen.Property{Name: "version", Value: "1.0.0"})

	tags := []any{}
	paths := gen.Object{}
	schemas := gen.Object{}
	for _, e := range d.Entities {
		w := writer{design: d, entity: e, security: b.API.Security}
		if slices.Contains(d.Service.APIs, design.REST) {
			tags = append(tags, w.tag())
			paths = append(paths, w.paths()...)
		}
		schemas = append(schemas, w.schemas()...)
	}
	if slices.Contains(d.Service.APIs, design.REST) {
		tags = append(tags, actionTag(b)...)
		paths = append(paths, actionPaths(b)...)
		schemas = append(schemas, recordSchemas(d)...)
	}
	for _, p := range b.API.Paths {
		paths = append(paths, gen.Property{Name: "/api" + p.Name, Value: p.Value})
	}
	paths = append(paths, loginByName(d)...)
	schemas = append(schemas, b.API.Schemas...)
	schemas = append(append(schemas, filters(d)...), plainFilters(d)...)
	schemas = append(schemas, errorSchemas()...)

	common, err := shared(paths, parameters())
	if err != nil {
		return nil, err
	}
	components := used(paths, gen.Object{{Name: "schemas", Value: schemas}, {Name: "responses", Value: responses(d)}, {Name: "parameters", Value: common}})
	for _, t := range b.API.Tags {
		tags = append(tags, gen.Object{{Name: "name", Value: t.Name}, {Name: "description", Value: t.Value}})
	}
	if len(b.API.Security) > 0 {
		schemes := gen.Object{}
		for _, s := range b.API.Security {
			schemes = append(schemes, gen.Property{Name: s.Name, Value: s.Scheme})
		}
		components = append(components, gen.Property{Name: "securitySchemes", Value: schemes})
	}
	return gen.Object{
		{Name: "openapi", Value: "3.1.0"},
		{Name: "info", Value: info},
		{Name: "servers", Value: []any{gen.Object{{Name: "url", Value: "/"}}}},
		{Name: "tags", Value: tags},
		{Name: "paths", Value: paths},
		{Name: "components", Value: components},
		{Name: "security", Value: requirements(b.API.Security)},
	}, nil
}

func requirements(schemes []gen.SecurityScheme) []any {
	out := []any{}
	for _, s := range schemes {
		out = append(out, gen.Object{{Name: s.Name, Value: []string{}}})
	}
	return out
}
