package cli

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"time"
)

// certificates prepares TLS, if the provider itself speaks it.
func (s *idpServer) certificates(caDir string) error {
	files := s.cfg.CertificateFiles()
	switch {
	case s.cfg.TLS.Local:
		ca, err := authority(caDir)
		if err != nil {
			return err
		}
		u, err := url.Parse(s.cfg.Issuer)
		if err != nil {
			return err
		}
		get, err := ca.GetCertificate(u.Hostname())
		if err != nil {
			return err
		}
		s.tls, s.trust = &tls.Config{GetCertificate: get, MinVersion: tls.VersionTLS12}, ca.Environment()
	case s.cfg.TLS.On():
		k := &keptPair{certificate: files[0], key: files[1], log: s.log, now: time.Now}
		if err := k.load(); err != nil {
			return failf("tls in "+s.cfg.File()+" names the PEM files", "certificate: %w", err)
		}
		s.tls = &tls.Config{GetCertificate: k.get, MinVersion: tls.VersionTLS12}
	}
	if s.tls != nil {
		s.tls.NextProtos = []string{"http/1.1"}
	}
	return nil
}

// lookEvery is how often files of certificates are looked at.
const lookEvery = 10 * time.Second

// A keptPair is a certificate in files, read again when they change. When what
// is new cannot be read the old one stays.
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
		var ctx context.Context = context.Background()
		if hello != nil {
			ctx = hello.Context()
		}
		k.log.ErrorContext(ctx, "certificate cannot be read again", "error", err)
	}
	return k.current, nil
}
