package idp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// BenchmarkCodeFlow measures the two requests of a code flow in a session, called
// directly; bench/idp compares it with its signatures alone.
func BenchmarkCodeFlow(b *testing.B) {
	s := idptest.New(b, idptest.Config{})
	s.AddUser("ada@example.com", "menu-admin")
	browser := s.Browser()
	in := authorization("scope", "openid profile email create:items")
	s.Login(browser, in, "ada@example.com", idptest.Password)
	home, err := url.Parse(s.URL)
	if err != nil {
		b.Fatal(err)
	}
	target := "/authorize?" + in.Encode()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		for _, c := range browser.Jar.Cookies(home) {
			r.AddCookie(c)
		}
		w := sink{header: http.Header{}}
		s.ServeHTTP(&w, r)
		back, err := url.Parse(w.header.Get("Location"))
		if err != nil || !back.Query().Has("code") {
			b.Fatal(w.status, back)
		}
		form := url.Values{
			"grant_type": {"authorization_code"}, "client_id": {idptest.SPA}, "code": {back.Query().Get("code")},
			"redirect_uri": {idptest.Callback}, "code_verifier": {verifier},
		}.Encode()
		r = &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: "/oauth/token"}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "localhost",
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: io.NopCloser(strings.NewReader(form)),
			RemoteAddr: "127.0.0.1:1234",
		}
		w = sink{header: http.Header{}}
		if s.ServeHTTP(&w, r); w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}
