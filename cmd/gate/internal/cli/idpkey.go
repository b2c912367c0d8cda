package cli

import (
	"cmp"
	"errors"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store/keyring"
)

type idpKeyCmd struct {
	List   idpKeyListCmd   `cmd:"" help:"List the keys that sign tokens."`
	Rotate idpKeyRotateCmd `cmd:"" help:"Sign with the next key."`
	Revoke idpKeyRevokeCmd `cmd:"" help:"Remove a key that leaked: its tokens are refused."`
}

// Example is that of the most used of them.
func (idpKeyCmd) Example() string { return "gate idp key list" }

type idpKeyListCmd struct{}

// Example is what help ends with.
func (idpKeyListCmd) Example() string { return "gate idp key list" }

// shownKey is a key for programs.
type shownKey struct {
	KID       string `json:"kid"`
	Algorithm string `json:"alg"`
	State     string `json:"state"`
	SignsFrom string `json:"signs_from,omitempty"`
	GoneAt    string `json:"gone_at,omitempty"`
}

// Run lists keys.
func (idpKeyListCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		rings, err := a.Admin.Rings(out)
		if err != nil {
			return err
		}
		all := []shownKey{}
		var rows [][]string
		for _, ring := range rings {
			list, err := ring.List(out)
			if err != nil {
				return err
			}
			for _, k := range list {
				s := shownKey{k.ID, string(k.Algorithm), stateOf(k.State), dateOf(k.SignsFrom), dateOf(k.GoneAt)}
				all = append(all, s)
				rows = append(rows, []string{s.KID, s.Algorithm, s.State, s.SignsFrom, s.GoneAt})
			}
		}
		return a.print(all, []string{"kid", "algorithm", "state", "signs from", "gone at"}, rows)
	})
}

func stateOf(s keyring.State) string {
	switch s {
	case keyring.Next:
		return "next"
	case keyring.Signing:
		return "current"
	case keyring.Retired:
		return "previous"
	}
	return "unknown"
}

type idpKeyRotateCmd struct {
	Algorithm string `name:"alg" enum:"RS256,ES256" default:"RS256" help:"RS256 or ES256."`
	Now       bool   `help:"At once, also when APIs may not have seen the key yet: after a leak."`
}

// Example is what help ends with.
func (idpKeyRotateCmd) Example() string { return "gate idp key rotate" }

// Run rotates keys.
func (c *idpKeyRotateCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		ring, err := a.ring(c.Algorithm)
		if err != nil {
			return err
		}
		if c.Now {
			info, err := ring.Promote(out)
			if err != nil {
				return err
			}
			a.noteKey("rotated at once", info.ID)
			a.done("%s signs now", info.ID)
			return nil
		}
		kid, err := ring.Rotate(out)
		if err != nil {
			return err
		}
		a.noteKey("rotated", kid)
		list, err := ring.List(out)
		if err != nil {
			return err
		}
		for _, k := range list {
			if k.ID == kid {
				a.done("%s signs from %s", kid, cmp.Or(dateOf(k.SignsFrom), "now"))
			}
		}
		return nil
	})
}

func (a *admin) ring(algorithm string) (config.Ring, error) {
	rings, err := a.Admin.Rings(a.out)
	if err != nil {
		return config.Ring{}, err
	}
	for _, r := range rings {
		if r.Algorithm == jose.Algorithm(algorithm) {
			return r, nil
		}
	}
	return config.Ring{}, failf("", "there are no keys for %s", algorithm)
}

// noteKey leaves an entry in the log.
func (a *admin) noteKey(what, kid string) {
	a.Tenant().Record(a.out, tenant.Log{Type: "sapi", UserID: config.Administrator, ClientID: config.Administrator, Description: "signing key " + kid + " " + what + " by gate idp"})
}

type idpKeyRevokeCmd struct {
	KID string `arg:"" name:"kid" help:"Name of the key."`
	Yes bool   `help:"Do not ask."`
}

// Example is what help ends with.
func (idpKeyRevokeCmd) Example() string { return "gate idp key revoke 4Zq1" }

// Run removes a key.
func (c *idpKeyRevokeCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		rings, err := a.Admin.Rings(out)
		if err != nil {
			return err
		}
		for _, ring := range rings {
			list, err := ring.List(out)
			if err != nil {
				return err
			}
			for _, k := range list {
				if k.ID != c.KID {
					continue
				}
				if err := out.confirm(c.Yes, "remove the key %s, with all tokens that it signed", k.ID); err != nil {
					return err
				}
				if err := ring.Remove(out, k.ID); err != nil && !errors.Is(err, keyring.ErrNoKey) {
					return err
				}
				a.noteKey("revoked", k.ID)
				a.done("removed %s; running processes notice within a minute", k.ID)
				return nil
			}
		}
		return failf("gate idp key list shows those there are", "there is no key %q", c.KID)
	})
}
