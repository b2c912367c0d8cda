package idp_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// A sink is a ResponseWriter that keeps the status alone.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkToken measures the token endpoint for clients that act for
// themselves, called directly; bench/idp compares it with signatures alone.
func BenchmarkToken(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256", "HS256"} {
		b.Run(alg, func(b *testing.B) {
			s := idptest.New(b, idptest.Config{})
			if _, err := s.Tenant().APIs.Update(b.Context(), apiOfAudience(b, s), func(a *tenant.API) error {
				a.SigningAlg, a.SigningSecret = alg, "an-api-secret-of-at-least-32-bytes!!"
				return nil
			}); err != nil {
				b.Fatal(err)
			}
			form := url.Values{
				"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience},
			}.Encode()
			b.ReportAllocs()
			for b.Loop() {
				r := &http.Request{
					Method: http.MethodPost, URL: &url.URL{Path: "/oauth/token"}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "localhost",
					Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: io.NopCloser(strings.NewReader(form)),
					RemoteAddr: "127.0.0.1:1234",
				}
				w := sink{header: http.Header{}}
				if s.ServeHTTP(&w, r); w.status != http.StatusOK {
					b.Fatal(w.status)
				}
			}
		})
	}
}

func apiOfAudience(b *testing.B, s *idptest.Server) string {
	b.Helper()
	api, err := s.Tenant().APIs.ByName(b.Context(), idptest.Audience)
	if err != nil {
		b.Fatal(err)
	}
	return api.ID
}
