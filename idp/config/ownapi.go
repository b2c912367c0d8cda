package config

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/gatewright/gate/idp"
)

// maxOwnBody bounds what a script sends to the token endpoint.
const maxOwnBody = 64 << 10

// ownAPI is the provider as its scripts reach it. They are there before it is:
// until serve it answers 503.
type ownAPI struct{ provider atomic.Pointer[idp.Provider] }

func (a *ownAPI) serve(p *idp.Provider) { a.provider.Store(p) }

// ServeHTTP implements [http.Handler].
func (a *ownAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := a.provider.Load()
	if p == nil {
		http.Error(w, "the provider is not open yet", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path == "/oauth/token" && strings.HasPrefix(p.Issuer(), "http:") {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOwnBody))
		if err != nil {
			http.Error(w, "the request cannot be read", http.StatusBadRequest)
			return
		}
		r = r.Clone(r.Context())
		body = plainAudience(body, p.Issuer())
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	p.ServeHTTP(w, r)
}

// plainAudience has a request for a token name the audience of a provider on this
// machine that has no TLS: clients make it of the host, always with https.
func plainAudience(body []byte, issuer string) []byte {
	plain := issuer + "api/v2/"
	return bytes.ReplaceAll(body, []byte(`"https`+strings.TrimPrefix(plain, "http")+`"`), []byte(`"`+plain+`"`))
}

// host returns the host of the issuer, with its port.
func (c *Config) host() string {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return ""
	}
	return u.Host
}
