// Package metrics is the plugin metrics: how many requests there are and how long
// they take, for Prometheus, on a listener of its own.
package metrics

import (
	"net"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

const metricsPackage = "github.com/gatewright/gate/runtime/server/metrics"

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "metrics",
		Summary: "requests and their durations for Prometheus: /metrics on an address of its own",
		New:     func() gen.Part { return &part{settings{Addr: "127.0.0.1:9464"}} },
	}
}

// settings are what gate.yaml says.
type settings struct {
	Addr string `yaml:"addr" doc:"Where Prometheus reads /metrics, host:port. METRICS_ADDR wins over it. Where others can reach it, METRICS_TOKEN has to be set."`
}

type part struct{ settings settings }

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Validate refuses what is no address.
func (p *part) Validate(_ *design.Design, place *design.Plugin) error {
	var errs design.Errors
	if _, port, err := net.SplitHostPort(p.settings.Addr); err != nil || port == "" {
		at := place.Pos
		if s := place.Setting("addr"); s != nil {
			at = s.ValuePos
		}
		errs.Add(at, "plugins.metrics.addr", "addr has to be host:port", "for instance 127.0.0.1:9464")
	}
	return errs.Err()
}

// Contribute counts the requests.
func (p *part) Contribute(b *gen.Build) error {
	b.Modules = append(b.Modules, "metrics")
	b.Extensions = append(b.Extensions, gen.Member{Name: "metrics", Value: gen.Call(gen.Name(metricsPackage, "Mount"), gen.Text(p.settings.Addr))})
	b.Environment = append(b.Environment,
		gen.Variable{Name: "METRICS_ADDR", Doc: "Where Prometheus reads /metrics, or off. Default: " + p.settings.Addr + "."},
		gen.Variable{Name: "METRICS_TOKEN", Doc: "What Prometheus sends as Authorization: Bearer, at least 32 bytes; required unless METRICS_ADDR is of this machine only."})
	return nil
}
