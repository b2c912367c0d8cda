package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/gatewright/gate/design"
)

// Missing looks for what the configuration names and is not here: the variables
// of the seed that are not set, sorted, and the files that cannot be read, as a
// [*design.Errors]. A variable is needed only until what it is for has been made.
func (c *Config) Missing() (variables []string, err error) {
	k := &checker{Config: c, errs: new(design.Errors)}
	return k.missing(), k.errs.Err()
}

// missing adds the files to what is wrong, and returns the variables.
func (c *checker) missing() (variables []string) {
	c.readable("tls.certificate", c.TLS.Certificate)
	c.readable("tls.key", c.TLS.Key)
	c.readable("looks.logo", c.Looks.Logo)
	for i, a := range c.Seed.Actions {
		c.readable(fmt.Sprintf("seed.actions[%d].file", i), a.File)
	}
	for _, name := range c.Seed.variables() {
		if c.variable(name) == "" {
			variables = append(variables, name)
		}
	}
	slices.Sort(variables)
	return slices.Compact(variables)
}

// readable checks that a file can be read.
func (c *checker) readable(path, name string) {
	if name == "" {
		return
	}
	f, err := os.Open(c.path(name))
	switch {
	case err == nil:
		_ = f.Close() // nothing was written
	case errors.Is(err, fs.ErrNotExist):
		c.problem(path, "paths are relative to this file", "%s: there is no file %s", path, quote(name))
	default:
		c.problem(path, "", "%s: the file %s cannot be read", path, quote(name))
	}
}

// variables returns those that hold secrets.
func (s Seed) variables() []string {
	var names []string
	for _, c := range s.Clients {
		names = append(names, c.SecretEnv)
	}
	for _, c := range s.Connections {
		names = append(names, c.ClientSecretEnv)
	}
	for _, u := range s.Users {
		names = append(names, u.PasswordEnv)
	}
	for _, a := range s.Actions {
		for _, name := range a.Secrets {
			names = append(names, name)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}
