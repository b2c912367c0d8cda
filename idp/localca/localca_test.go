package localca_test

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
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/localca"
)

func open(t *testing.T, dir string, now time.Time) *localca.Authority {
	t.Helper()
	ca, err := localca.Open(dir, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func verify(ca *localca.Authority, leaf *x509.Certificate, host string, now time.Time) error {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate())
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool, CurrentTime: now})
	return err
}

func TestIssue(t *testing.T) {
	now := time.Now()
	ca := open(t, t.TempDir(), now)
	cert, err := ca.Issue("login.localhost", "127.0.0.2", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "a.localhost", "login.localhost", "127.0.0.1", "127.0.0.2", "::1"} {
		if err := verify(ca, cert.Leaf, host, now); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"example.com", "localhost.example.com", "192.0.2.1", "127.0.0.3"} {
		if err := verify(ca, cert.Leaf, host, now); err == nil {
			t.Errorf("%s is let pass", host)
		}
	}
	if err := verify(ca, cert.Leaf, "localhost", now.Add(localca.LeafLife+time.Hour)); err == nil {
		t.Error("it never ends")
	}
	for _, host := range []string{"example.com", "192.0.2.1", "localhost.example.com", "notlocalhost"} {
		if _, err := ca.Issue(host); !errors.Is(err, localca.ErrHost) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// TestConstraints forges a certificate for another host with the stolen key of
// the authority: nobody who trusts the authority takes it.
func TestConstraints(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	ca := open(t, dir, now)
	pair, err := tls.LoadX509KeyPair(ca.File(), filepath.Join(dir, "ca-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for host, template := range map[string]*x509.Certificate{
		"bank.example": {DNSNames: []string{"bank.example"}}, "192.0.2.1": {IPAddresses: []net.IP{net.ParseIP("192.0.2.1")}},
	} {
		template.SerialNumber, template.Subject = big.NewInt(1), pkix.Name{CommonName: host}
		template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, ca.Certificate(), &key.PublicKey, pair.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(ca, leaf, host, now); err == nil {
			t.Errorf("a stolen key makes a certificate for %s", host)
		}
	}
	// Nor does it make another authority.
	if ca.Certificate().MaxPathLen != 0 || !ca.Certificate().MaxPathLenZero {
		t.Error("the authority may have authorities below it")
	}
}

func TestOpen_files(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gate", "ca")
	now := time.Now()
	first := open(t, dir, now)
	for name, want := range map[string]fs.FileMode{".": 0o700, "ca-key.pem": 0o600, "ca.pem": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", name, info.Mode().Perm(), err, want)
		}
	}
	if again := open(t, dir, now); !again.Certificate().Equal(first.Certificate()) {
		t.Error("another authority at the second start")
	}
	env := first.Environment()
	if len(env) != 2 || env[0] != "NODE_EXTRA_CA_CERTS="+first.File() || !filepath.IsAbs(first.File()) {
		t.Errorf("environment %q", env)
	}
	if err := os.Chmod(filepath.Join(dir, "ca-key.pem"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := localca.Open(dir, nil); !errors.Is(err, localca.ErrReadable) {
		t.Errorf("a key that others read: %v", err)
	}
	// A start that was interrupted before the key was written.
	if err := os.Remove(filepath.Join(dir, "ca-key.pem")); err != nil {
		t.Fatal(err)
	}
	if again := open(t, dir, now); again.Certificate().Equal(first.Certificate()) {
		t.Error("a certificate whose key is lost is used")
	}
}

func TestOpen_expired(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	open(t, dir, now)
	_, err := localca.Open(dir, func() time.Time { return now.Add(localca.Life) })
	if !errors.Is(err, localca.ErrExpired) || !strings.Contains(err.Error(), "remove "+dir) {
		t.Errorf("got %v", err)
	}
}

func TestOpen_foreign(t *testing.T) {
	dir := t.TempDir()
	ca := open(t, dir, time.Now())
	cert, err := ca.Issue()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, "ca-key.pem": {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := localca.Open(dir, nil); err == nil || !strings.Contains(err.Error(), "not one that this program made") {
		t.Errorf("a leaf as authority: %v", err)
	}
}

// TestGetCertificate serves over TLS, and renews what is half over.
func TestGetCertificate(t *testing.T) {
	now := time.Now()
	clock := now
	ca, err := localca.Open(t.TempDir(), func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	get, err := ca.GetCertificate()
	if err != nil {
		t.Fatal(err)
	}
	first, err := get(nil)
	if err != nil {
		t.Fatal(err)
	}
	clock = now.Add(localca.LeafLife/2 - time.Minute)
	if again, err := get(nil); err != nil || again != first {
		t.Errorf("renewed too early: %v", err)
	}
	clock = now.Add(localca.LeafLife/2 + time.Minute)
	renewed, err := get(nil)
	if err != nil || renewed == first || !renewed.Leaf.NotAfter.After(first.Leaf.NotAfter) {
		t.Errorf("not renewed: %v", err)
	}
	clock = now
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.TLS = &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return first, nil }, MinVersion: tls.VersionTLS12}
	srv.TLS.Certificates = []tls.Certificate{*first}
	srv.StartTLS()
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

func Example() {
	dir, err := os.MkdirTemp("", "ca")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ca, err := localca.Open(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	cert, err := ca.Issue()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cert.Leaf.DNSNames, cert.Leaf.IPAddresses)
	_, err = ca.Issue("example.com")
	fmt.Println(err)
	// Output:
	// [localhost *.localhost] [127.0.0.1 ::1]
	// certificate for example.com: not a name of this machine
}
