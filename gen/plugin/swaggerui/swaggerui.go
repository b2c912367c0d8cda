// Package swaggerui is the plugin swagger-ui: the page at /api/docs on which people read
// and try the API, in every build. Development builds have it without being told.
package swaggerui

import (
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "swagger-ui",
		Summary: "the page at /api/docs in builds for production, too (half a megabyte)",
		New:     func() gen.Part { return part{} },
	}
}

type part struct{}

// Settings returns nil: there is nothing to set.
func (part) Settings() any { return nil }

// Validate has nothing to check.
func (part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute adds the page to the service.
func (part) Contribute(b *gen.Build) error {
	b.Service = append(b.Service, gen.Member{Name: "Reference", Value: gen.Value(gen.Name("github.com/gatewright/gate/runtime/swaggerui", "New"))})
	return nil
}
