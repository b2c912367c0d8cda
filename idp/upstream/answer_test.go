package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate/idp/upstream"
)

func TestErrors_callback(t *testing.T) {
	o := newOP(t)
	c := connect(t, o, nil)
	long := strings.Repeat("x", 5000)
	for name, tt := range map[string]struct {
		code, description string
		reason            upstream.Reason
		shown             string
	}{
		"declined":       {"access_denied", "The user said no", upstream.ErrDenied, "access_denied"},
		"Apple":          {"user_cancelled_authorize", "", upstream.ErrDenied, "user_cancelled_authorize"},
		"set up wrong":   {"unauthorized_client", "", upstream.ErrRefused, "unauthorized_client"},
		"login required": {"login_required", "", upstream.ErrRefused, "login_required"},
		"away":           {"temporarily_unavailable", "", upstream.ErrUnavailable, "temporarily_unavailable"},
		"CLI-11 script":  {"<script>alert(1)</script>", "a\r\nSet-Cookie: x\u202eevil", upstream.ErrRefused, ""},
		"CLI-11 long":    {long, long, upstream.ErrRefused, ""},
		"empty":          {"", "", upstream.ErrRefused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, p := start(t, c, upstream.StartRequest{})
			_, err := c.Finish(t.Context(), p, url.Values{"state": {p.State}, "error": {tt.code}, "error_description": {tt.description}, "code": {"c"}})
			wants(t, err, tt.reason)
			if e, ok := errors.AsType[*upstream.Error](err); !ok || e.Code != tt.shown {
				t.Errorf("the code is %v", err)
			}
			if text := err.Error(); len(text) > 500 || strings.ContainsAny(text, "\r\n\u202e<") {
				t.Errorf("the text is %q", text)
			}
		})
	}
	if n := o.count("POST " + issuer + "/token"); n != 0 {
		t.Errorf("%d codes were redeemed", n)
	}
}

func TestCLI11_tokenAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		page   http.HandlerFunc
		reason upstream.Reason
	}{
		"500":             {says(500, "<html>oops</html>"), upstream.ErrUnavailable},
		"502 with JSON":   {says(502, `{"message":"bad gateway"}`), upstream.ErrUnavailable},
		"500 in words":    {says(500, `{"error":"invalid_grant"}`), upstream.ErrUnavailable},
		"429":             {says(429, ""), upstream.ErrUnavailable},
		"200 HTML":        {says(200, "<!doctype html>"), upstream.ErrUnavailable},
		"200 form":        {says(200, "access_token=at&token_type=bearer"), upstream.ErrUnavailable},
		"200 empty":       {says(200, ""), upstream.ErrUnavailable},
		"200 null":        {says(200, "null"), upstream.ErrUnavailable},
		"no access token": {says(200, `{"token_type":"Bearer"}`), upstream.ErrUnavailable},
		"line in token":   {says(200, `{"access_token":"a\r\nHost: x","token_type":"Bearer","id_token":"x"}`), upstream.ErrUnavailable},
		"mac":             {says(200, `{"access_token":"a","token_type":"mac","id_token":"x"}`), upstream.ErrUnavailable},
		"two tokens":      {says(200, `{"access_token":"a","access_token":"b","id_token":"x"}`), upstream.ErrUnavailable},
		"invalid client":  {says(401, `{"error":"invalid_client"}`), upstream.ErrRefused},
		"401 alone":       {says(401, ""), upstream.ErrRefused},
		"200 with error":  {says(200, `{"error":"invalid_grant"}`), upstream.ErrInvalid},
		"10 MB":           {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, io.LimitReader(blanks{}, 10<<20)) }, upstream.ErrUnavailable},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.test/token", http.StatusTemporaryRedirect)
		}, upstream.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOP(t)
			o.token = tt.page
			o.pages["https://evil.test/token"] = says(200, o.answer())
			_, err := o.logIn(t, connect(t, o, nil))
			wants(t, err, tt.reason)
			if o.count("POST https://evil.test/token")+o.count("GET https://evil.test/token") != 0 {
				t.Error("the redirect was followed")
			}
		})
	}
}

// A good answer is none when it is too long.
func TestCLI11_longAnswer(t *testing.T) {
	o := newOP(t)
	o.token = func(w http.ResponseWriter, r *http.Request) {
		says(http.StatusOK, o.answer())(w, r)
		_, _ = io.Copy(w, io.LimitReader(blanks{}, 2<<20))
	}
	_, err := o.logIn(t, connect(t, o, nil))
	wants(t, err, upstream.ErrUnavailable)
}

type blanks struct{}

func (blanks) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// A provider that says nothing costs ten seconds, and not even these when the
// person goes away.
func TestCLI11_slow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOP(t)
		o.token = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		c := connect(t, o, nil)
		defer c.Close()
		_, p := start(t, c, upstream.StartRequest{})
		began := time.Now()
		_, err := c.Finish(t.Context(), p, good(&p))
		wants(t, err, upstream.ErrUnavailable)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		_, err = c.Finish(ctx, p, good(&p))
		wants(t, err, upstream.ErrUnavailable)
		if took := time.Since(began); took != time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it took %v: %v", took, err)
		}
	})
}
