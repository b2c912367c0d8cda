package idp

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/upstream"
)

// checkConnection refuses options that no log-in could be done with, and names the
// one that is wrong. The client may be written later. With an issuer on this machine
// any address will do, for commands do not know whether that provider is in development.
func (p *Provider) checkConnection(c *tenant.Connection) error {
	if c.Strategy == tenant.Database || c.Options.ClientID == "" {
		return nil
	}
	cfg, err := p.upstreamConfig(c)
	if errors.Is(err, errImitation) {
		return nil // it was made in development, and is refused at a log-in outside of it
	}
	if err != nil {
		return shape.Wrong("options", shape.Cut(err.Error(), 256))
	}
	cfg.AllowPrivate = cfg.AllowPrivate || local(p.host)
	if err = tryUpstream(cfg); err == nil {
		return nil
	}
	field := "options"
	for name, drop := range map[string]func(*upstream.Config){
		"customHeaders": func(cfg *upstream.Config) { cfg.Headers = nil },
		"gate_params":   func(cfg *upstream.Config) { cfg.Params = nil },
		"scope":         func(cfg *upstream.Config) { cfg.Scope = nil },
	} {
		without := cfg
		if drop(&without); tryUpstream(without) == nil {
			field = "options." + name
			break
		}
	}
	return shape.Wrong(field, shape.Cut(cmp.Or(errors.Unwrap(err), err).Error(), 256))
}

func tryUpstream(cfg upstream.Config) error {
	conn, err := upstream.New(cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Reachable(context.Background(), nil)
}

// findConnection refuses a connection to a host whose name leads nowhere that it may
// lead. It asks for the name, which takes time.
func (p *Provider) findConnection(ctx context.Context, c *tenant.Connection) error {
	if c.Strategy == tenant.Database || c.Options.ClientID == "" || local(p.host) {
		return nil
	}
	cfg, err := p.upstreamConfig(c)
	if err != nil {
		return nil // checkConnection says so
	}
	conn, err := upstream.New(cfg)
	if err != nil {
		return nil
	}
	defer conn.Close()
	lookup := p.cfg.Lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupNetIP
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := conn.Reachable(ctx, lookup); err != nil {
		return shape.Wrong("options", shape.Cut(cmp.Or(errors.Unwrap(err), err).Error(), 256))
	}
	return nil
}
