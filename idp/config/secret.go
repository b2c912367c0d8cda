package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gatewright/gate/internal/secret"
)

// secretFile holds the secret of a provider on this machine, next to its
// configuration.
const secretFile = "idp.secret"

// ErrNoSecret means that nothing says what the secret of the provider is.
var ErrNoSecret = errors.New(EnvSecret + " is not set: it seals what is in the database; make one with openssl rand -base64 48")

// Secret returns the secret of the provider, from IDP_SECRET. Where that is not
// set, a provider whose issuer is this machine has one in a file next to its
// configuration that only its owner may read; with create it is made when it is
// not there. A secret that is short or was copied from an example is refused.
func (c *Config) Secret(create bool) (secret.String, error) {
	if text := c.variable(EnvSecret); text != "" {
		if why := weakSecret(text); why != "" {
			return "", fmt.Errorf("%s %s; make one with openssl rand -base64 48", EnvSecret, why)
		}
		return secret.String(text), nil
	}
	if !c.Local() {
		return "", ErrNoSecret
	}
	path := filepath.Join(c.dir, secretFile)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && create:
		return newSecret(path)
	case errors.Is(err, fs.ErrNotExist):
		return "", ErrNoSecret
	case err != nil:
		return "", err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("%s: not a file that only its owner may read, chmod 600 it", path)
	}
	data, err := os.ReadFile(path) //nolint:gosec // next to the configuration
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(data))
	if why := weakSecret(text); why != "" {
		return "", fmt.Errorf("%s: the secret %s; the database cannot be read without the one it was made with", path, why)
	}
	return secret.String(text), nil
}

// newSecret makes the file. Of two processes that make it at once one does; the
// other has an error, and finds the file when it is started again.
func newSecret(path string) (secret.String, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	text := secret.Text()
	tmp, err := os.CreateTemp(filepath.Dir(path), ".idp-secret-*") // 0600
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(text.Reveal() + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// weakSecret says what is wrong with a secret, "" if nothing is. It judges what
// was typed or copied; that a secret is random it cannot see.
func weakSecret(s string) string {
	folded := strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-. !<>{}", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
	distinct := map[rune]bool{}
	for _, r := range s {
		distinct[r] = true
	}
	switch {
	case strings.TrimSpace(s) != s:
		return "begins or ends with a blank"
	case slices.ContainsFunc([]string{
		"changeme", "changethis", "replaceme", "replacethis", "placeholder", "example", "secret", "password", "passw0rd",
		"default", "insecure", "yourkey", "development", "qwerty", "letmein",
	}, func(p string) bool { return strings.Contains(folded, p) }):
		return "was copied from an example"
	case len(s) < 32:
		return "is shorter than 32 bytes"
	case len(distinct) < 8 || repeats(s):
		return "repeats itself"
	case strings.HasPrefix(s, "-----BEGIN"):
		return "is a key in PEM, not a secret"
	}
	return ""
}

// repeats reports whether s is a piece of it, again and again.
func repeats(s string) bool {
	for n := 1; n <= len(s)/2; n++ {
		if strings.HasPrefix(s, s[n:]) {
			return true
		}
	}
	return false
}
