// Package otel is the plugin otel: a span of each request for a collector of
// OpenTelemetry.
package otel

import (
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

const tracingPackage = "github.com/gatewright/gate/runtime/server/tracing"

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "otel",
		Summary: "a span of each request for a collector of OpenTelemetry, by OTLP over HTTP",
		New:     func() gen.Part { return part{} },
	}
}

type part struct{}

// Settings returns nil: the settings are the variables that OpenTelemetry gives
// every program.
func (part) Settings() any { return nil }

// Validate has nothing to check.
func (part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute traces the requests.
func (part) Contribute(b *gen.Build) error {
	b.Modules = append(b.Modules, "otel")
	b.Extensions = append(b.Extensions, gen.Member{Name: "otel", Value: gen.Name(tracingPackage, "Mount")})
	b.Environment = append(b.Environment,
		gen.Variable{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Doc: "The collector that traces are sent to, such as http://127.0.0.1:4318. Default: traces are off."},
		gen.Variable{Name: "OTEL_EXPORTER_OTLP_HEADERS", Doc: "What the collector wants to be sent, such as api-key=…; a secret."},
		gen.Variable{Name: "OTEL_SERVICE_NAME", Doc: "What traces call the service. Default: " + b.Design.Service.Name + "."},
		gen.Variable{Name: "OTEL_TRACES_SAMPLER", Doc: "Which traces are kept, such as traceidratio with OTEL_TRACES_SAMPLER_ARG=0.1. Default: parentbased_always_on."})
	return nil
}
