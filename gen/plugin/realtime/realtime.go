// Package realtime is the plugin realtime: callers are told what happens to the
// rows that they may see, over WebSockets and server-sent events.
package realtime

import (
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

const livePackage = "github.com/gatewright/gate/runtime/server/live"

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "realtime",
		Summary: "events of rows as they change: /api/socket and /api/events",
		Routes:  []string{"events", "socket"},
		New:     func() gen.Part { return part{} },
	}
}

type part struct{}

// Settings returns nil: there are none to make.
func (part) Settings() any { return nil }

// Validate has nothing to check.
func (part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute serves the entities in real time.
func (part) Contribute(b *gen.Build) error {
	b.Extensions = append(b.Extensions, gen.Member{Name: "realtime", Value: gen.Name(livePackage, "Mount")})
	b.API.Tags = append(b.API.Tags, gen.Property{Name: "real time", Value: "What happens to rows, as it happens."})
	text := gen.Object{{Name: "type", Value: "string"}}
	b.API.Paths = append(b.API.Paths,
		gen.Property{Name: "/socket", Value: gen.Object{{Name: "get", Value: gen.Object{
			{Name: "tags", Value: []string{"real time"}},
			{Name: "summary", Value: "A WebSocket for calls and events"},
			{Name: "operationId", Value: "socket"},
			{Name: "responses", Value: gen.Object{
				{Name: "101", Value: gen.Object{{Name: "description", Value: "The connection is a WebSocket now; messages are JSON."}}},
				{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
			}},
		}}}},
		gen.Property{Name: "/events", Value: gen.Object{{Name: "get", Value: gen.Object{
			{Name: "tags", Value: []string{"real time"}},
			{Name: "summary", Value: "Events as they happen (server-sent events)"},
			{Name: "operationId", Value: "events"},
			{Name: "parameters", Value: []any{gen.Object{
				{Name: "name", Value: "entities"},
				{Name: "in", Value: "query"},
				{Name: "description", Value: "Paths of entities, separated by commas."},
				{Name: "schema", Value: text},
			}}},
			{Name: "responses", Value: gen.Object{
				{Name: "200", Value: gen.Object{
					{Name: "description", Value: "A stream without end."},
					{Name: "content", Value: gen.Object{{Name: "text/event-stream", Value: gen.Object{{Name: "schema", Value: text}}}}},
				}},
				{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
			}},
		}}}},
	)
	return nil
}
