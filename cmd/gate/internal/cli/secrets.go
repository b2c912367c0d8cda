package cli

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatewright/gate/internal/secret"
)

// prepare makes the folder for development state, and what the service wants
// from its environment: random, for this folder only, in .env.
func (p *project) prepare() error {
	env := filepath.Join(p.dir, ".env")
	for _, path := range []string{p.stateDir(), env} {
		switch info, err := os.Lstat(path); {
		case err != nil:
		case info.Mode()&os.ModeSymlink != 0:
			return failf("put a folder or file of its own there", "%s is a link, and gate follows none", path)
		case path == env && !info.Mode().IsRegular(): // a pipe to which nobody writes would be waited for
			return failf("put a file there", "%s is not a file", path)
		}
	}
	if err := os.MkdirAll(p.stateDir(), 0o700); err != nil {
		return err
	}
	if !p.design.Authentication() {
		return nil
	}
	if err := setOnce(env, "AUTH_SECRET", secret.Text().Reveal()+secret.Text().Reveal()); err != nil {
		return err
	}
	jwt := p.design.Plugin("auth-jwt")
	if jwt == nil || !jwt.Enabled {
		return nil
	}
	algorithm := "HS256"
	for _, s := range jwt.Settings.Children {
		if name, ok := s.Value.(string); ok && s.Key == "algorithm" {
			algorithm = name
		}
	}
	if strings.HasPrefix(algorithm, "HS") || jwt.Setting("rotateKeys") != nil {
		return nil // the secret signs, or the service makes its keys
	}
	name := "signing-" + strings.ToLower(algorithm) + ".pem"
	if err := makeKey(filepath.Join(p.stateDir(), name), algorithm); err != nil {
		return err
	}
	return setOnce(env, "AUTH_KEY_FILE", ".gate/"+name)
}

// setOnce appends name=value to the file unless it sets name already.
func setOnce(path, name, value string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for line := range strings.Lines(string(old)) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		if key, _, ok := strings.Cut(line, "="); ok && strings.TrimSpace(key) == name {
			return nil
		}
	}
	text := ""
	switch {
	case len(old) == 0:
		text = "# The secrets of this folder alone. Not for git, not for production.\n"
	case old[len(old)-1] != '\n':
		text = "\n"
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + name + "=" + value + "\n")
	return errors.Join(err, f.Chmod(0o600), f.Close())
}

// makeKey writes a new private key for the algorithm, unless there is one.
func makeKey(path, algorithm string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = func() error {
		key, err := newKey(algorithm)
		if err != nil {
			return err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		return pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}()
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func newKey(algorithm string) (crypto.PrivateKey, error) {
	switch algorithm {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("no key can be made for the algorithm %s", algorithm)
}
