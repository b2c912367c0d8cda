package idp

import (
	"cmp"
	"errors"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/upstream"
)

// checkConnection refuses options that no log-in could be done with, and names the
// one that is wrong. The client may be written later, and addresses have been judged.
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
	cfg.AllowPrivate = true
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
	return conn.Close()
}
