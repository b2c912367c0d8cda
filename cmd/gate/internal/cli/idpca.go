package cli

import (
	"encoding/pem"
	"fmt"
	"os"

	"github.com/gatewright/gate/idp/localca"
)

type idpCACmd struct {
	Dir string `name:"ca-dir" placeholder:"DIR" help:"Folder of the authority; one of this user's configuration unless said."`
	PEM bool   `name:"pem" help:"Print the certificate itself."`
}

// Help says what it is for.
func (idpCACmd) Help() string {
	return "It is made when there is none. Whoever trusts it trusts it for localhost alone. The lines go into the environment of the programs that speak to the provider."
}

// Example is what help ends with.
func (idpCACmd) Example() string { return `export $(gate idp ca)` }

// Run prints the lines of the environment, or the certificate.
func (c *idpCACmd) Run(out *console) error {
	ca, err := authority(c.Dir)
	if err != nil {
		return err
	}
	if c.PEM {
		return pem.Encode(out.stdout, &pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate().Raw})
	}
	for _, line := range ca.Environment() {
		if _, err := fmt.Fprintln(out.stdout, line); err != nil {
			return err
		}
	}
	return nil
}

// authority opens the certificate authority in a folder.
func authority(dir string) (*localca.Authority, error) {
	if dir == "" {
		var err error
		if dir, err = localca.DefaultDir(); err != nil {
			return nil, err
		}
	}
	if info, err := os.Lstat(dir); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return nil, failf("put a folder of its own there", "%s is a link, and gate follows none", dir)
	}
	return localca.Open(dir, nil)
}
