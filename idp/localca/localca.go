// Package localca is a certificate authority for one machine, for development:
// some clients of an identity provider speak to nothing but https.
//
// # What it may do
//
// Its certificate has name constraints (RFC 5280 §4.2.1.10): whoever trusts it
// trusts it for localhost, names below .localhost and loopback addresses, and
// for nothing else, even if its key is stolen. The key is in a file that only
// its owner may read; nothing is installed anywhere, so what is to trust the
// authority is told so by hand, see [Authority.Environment].
package localca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The lives of certificates.
const (
	// Life is that of the authority.
	Life = 5 * 365 * 24 * time.Hour
	// LeafLife is that of what it issues. A leaf is made anew when half of it is
	// over.
	LeafLife = 30 * 24 * time.Hour
)

const (
	certificateFile = "ca.pem"
	keyFile         = "ca-key.pem"
)

// An Error is a condition that callers act on; a target for errors.Is.
type Error string

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// The conditions.
const (
	// ErrReadable means that others may read the key: it is not secret, and not
	// used.
	ErrReadable Error = "others may read the key of the certificate authority"
	// ErrExpired means that the authority has to be made anew: remove its folder.
	ErrExpired Error = "the certificate authority has expired"
	// ErrHost means that a name is not one of this machine.
	ErrHost Error = "not a name of this machine"
)

// An Authority issues certificates for this machine. It is safe for concurrent
// use; [Open] makes one.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  func() time.Time
}

// DefaultDir returns the folder of this user's authority.
func DefaultDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("certificate authority: %w", err)
	}
	return filepath.Join(dir, "gate", "ca"), nil
}

// Open returns the authority in a folder, and makes it when there is none: the
// folder is for its owner alone then. A nil clock is time.Now.
func Open(dir string, now func() time.Time) (*Authority, error) {
	if now == nil {
		now = time.Now
	}
	a := &Authority{dir: dir, now: now}
	err := a.load()
	if errors.Is(err, fs.ErrNotExist) {
		if err = a.make(); err == nil {
			err = a.load() // what another process made may be there
		}
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority in %s: %w", dir, err)
	}
	return a, nil
}

// File returns the file of the certificate.
func (a *Authority) File() string {
	path, err := filepath.Abs(filepath.Join(a.dir, certificateFile))
	if err != nil {
		return filepath.Join(a.dir, certificateFile)
	}
	return path
}

// Certificate returns the certificate of the authority.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Environment returns the lines of an environment in which Node and programs
// with OpenSSL or Go trust the authority.
func (a *Authority) Environment() []string {
	return []string{"NODE_EXTRA_CA_CERTS=" + a.File(), "SSL_CERT_FILE=" + a.File()}
}

func (a *Authority) load() error {
	path := filepath.Join(a.dir, keyFile)
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s: %w: chmod 600 it, or remove the folder", path, ErrReadable)
	}
	key, err := os.ReadFile(path) //nolint:gosec // in the folder of the authority
	if err != nil {
		return err
	}
	cert, err := os.ReadFile(filepath.Join(a.dir, certificateFile))
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return err
	}
	var ok bool
	if a.key, ok = pair.PrivateKey.(*ecdsa.PrivateKey); !ok {
		return errors.New("the key is not one that this program made")
	}
	a.cert = pair.Leaf
	if !a.cert.IsCA || !a.cert.PermittedDNSDomainsCritical {
		return errors.New("the certificate is not one that this program made")
	}
	if now := a.now(); now.After(a.cert.NotAfter.Add(-LeafLife)) || now.Before(a.cert.NotBefore) {
		return fmt.Errorf("%w: remove %s", ErrExpired, a.dir)
	}
	return nil
}

func (a *Authority) make() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := a.now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "gate local authority", Organization: []string{"gate: this machine alone"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(Life), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:                    x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	// The key last: who finds it finds the certificate, too. A certificate without
	// a key is what is left of an interrupted start.
	if err := os.Remove(filepath.Join(a.dir, certificateFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeNew(filepath.Join(a.dir, certificateFile), "CERTIFICATE", cert, 0o644); err != nil {
		return err
	}
	return writeNew(filepath.Join(a.dir, keyFile), "PRIVATE KEY", der, 0o600)
}

// writeNew writes a file that was not there.
func writeNew(path, kind string, der []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode) //nolint:gosec // in the folder of the authority
	if err != nil {
		return err
	}
	err = pem.Encode(f, &pem.Block{Type: kind, Bytes: der})
	return errors.Join(err, f.Chmod(mode), f.Close())
}

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

// Issue returns a certificate for localhost, names below .localhost, 127.0.0.1,
// ::1 and the hosts. [ErrHost] means that a host is not this machine.
func (a *Authority) Issue(hosts ...string) (*tls.Certificate, error) {
	now := a.now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(LeafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", "*.localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, host := range hosts {
		ip := net.ParseIP(host)
		switch {
		case ip != nil && ip.IsLoopback():
			template.IPAddresses = append(template.IPAddresses, ip)
		case host == "localhost":
		case ip == nil && strings.HasSuffix(host, ".localhost"):
			template.DNSNames = append(template.DNSNames, host)
		default:
			return nil, fmt.Errorf("certificate for %s: %w", host, ErrHost)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// GetCertificate returns a function for [tls.Config] that issues a certificate
// for the hosts, and another when half of its life is over.
func (a *Authority) GetCertificate(hosts ...string) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	current, err := a.Issue(hosts...)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		if a.now().After(current.Leaf.NotAfter.Add(-LeafLife / 2)) {
			next, err := a.Issue(hosts...)
			if err != nil {
				return nil, err
			}
			current = next
		}
		return current, nil
	}, nil
}
