package config

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/gatewright/gate/idp/localca"
)

// TLSOptions say how [Config.ServeTLS] finds certificates. The zero value is
// ready for use.
type TLSOptions struct {
	// CADir is the folder of the certificate authority of tls: local; empty means
	// that of the user.
	CADir string
	// Logger is told of a certificate that cannot be read again; nil means
	// slog.Default().
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// ServeTLS returns how connections are encrypted, nil when they are not, and with
// tls: local the lines of an environment in which the certificate is trusted.
// Files are read again when they have changed, at most once in ten seconds; when
// what is new cannot be used the old one stays.
func (c *Config) ServeTLS(o TLSOptions) (cfg *tls.Config, environment []string, err error) {
	if !c.TLS.On() {
		return nil, nil, nil
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	cfg = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if c.TLS.Local {
		cfg.GetCertificate, environment, err = c.localCertificate(o)
		return cfg, environment, err
	}
	k := &keptPair{certificate: c.path(c.TLS.Certificate), key: c.path(c.TLS.Key), log: o.Logger, now: o.Now}
	if err := k.load(); err != nil {
		return nil, nil, fmt.Errorf("certificate: %w", err)
	}
	cfg.GetCertificate = k.get
	return cfg, nil, nil
}

func (c *Config) localCertificate(o TLSOptions) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), []string, error) {
	dir := o.CADir
	if dir == "" {
		var err error
		if dir, err = localca.DefaultDir(); err != nil {
			return nil, nil, err
		}
	}
	ca, err := localca.Open(dir, o.Now)
	if err != nil {
		return nil, nil, err
	}
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, nil, err
	}
	get, err := ca.GetCertificate(u.Hostname())
	return get, ca.Environment(), err
}

// lookEvery is how often files of certificates are looked at.
const lookEvery = 10 * time.Second

// A keptPair is a certificate in files.
type keptPair struct {
	certificate, key string
	log              *slog.Logger
	now              func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	changed [2]time.Time
	looked  time.Time
}

func (k *keptPair) load() error {
	changed, err := k.times()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(k.certificate, k.key)
	if err != nil {
		return err
	}
	k.current, k.changed, k.looked = &pair, changed, k.now()
	return nil
}

func (k *keptPair) times() (t [2]time.Time, err error) {
	for i, name := range []string{k.certificate, k.key} {
		info, err := os.Stat(name)
		if err != nil {
			return t, err
		}
		t[i] = info.ModTime()
	}
	return t, nil
}

func (k *keptPair) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now().Sub(k.looked) < lookEvery {
		return k.current, nil
	}
	k.looked = k.now()
	if changed, err := k.times(); err == nil && changed == k.changed {
		return k.current, nil
	}
	if err := k.load(); err != nil {
		ctx := context.Background()
		if hello != nil {
			ctx = hello.Context()
		}
		k.log.ErrorContext(ctx, "certificate cannot be read again", "error", err)
	}
	return k.current, nil
}
