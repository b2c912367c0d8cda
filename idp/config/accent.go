package config

import "github.com/gatewright/gate/idp/login"

// accent checks the colours where they stand, and takes them out of what the
// pages are checked with.
func (c *checker) accent(cfg *login.Config) {
	for _, scheme := range []struct {
		name, colour string
		dark         bool
	}{{"light", cfg.Accent.Light, false}, {"dark", cfg.Accent.Dark, true}} {
		if scheme.colour == "" {
			continue
		}
		if _, err := login.NewPalette(scheme.colour, scheme.dark); err != nil {
			path := "looks.accent." + scheme.name
			if _, written := c.at[path]; !written {
				path = "looks.accent"
			}
			c.problem(path, "write it as #1f6feb", "%s", err)
		}
	}
	cfg.Accent = login.Accent{}
}
