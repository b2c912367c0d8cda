package upstream_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/upstream"
)

func plainConfig(cfg *upstream.Config) {
	cfg.Strategy, cfg.Name, cfg.Issuer = upstream.OAuth2, "acme", ""
	cfg.AuthorizationURL, cfg.TokenURL, cfg.UserInfoURL = "https://acme.test/authorize?realm=x", "https://acme.test/token", "https://acme.test/me"
	cfg.Scope = []string{"profile"}
}

func TestOAuth2(t *testing.T) {
	for name, tt := range map[string]struct {
		body   string
		fields upstream.Fields
		want   upstream.Profile
		reason upstream.Reason
	}{
		"usual names": {
			body: `{"id":7,"email":"a@x.test","email_verified":true,"name":"Ada","picture":"javascript:alert(1)"}`,
			want: upstream.Profile{ID: "acme|7", Subject: "7", Email: "a@x.test", Name: "Ada"},
		},
		"own names": {
			body:   `{"data":{"uuid":"u-9","mail":"a@x.test","proven":true},"full.name":"Ada"}`,
			fields: upstream.Fields{ID: "data.uuid", Email: "data.mail", EmailVerified: "data.proven", Name: "full.name"},
			want:   upstream.Profile{ID: "acme|u-9", Subject: "u-9", Email: "a@x.test", EmailVerified: true, Name: "Ada"},
		},
		"CLI-07 text": {
			body:   `{"id":"7","email":"a@x.test","proven":"true"}`,
			fields: upstream.Fields{EmailVerified: "proven"},
			want:   upstream.Profile{ID: "acme|7", Subject: "7", Email: "a@x.test"},
		},
		"LOG-12 list": {
			body:   `{"id":"7","email":"attacker@x.test,victim@y.test","v":true}`,
			fields: upstream.Fields{EmailVerified: "v"},
			want:   upstream.Profile{ID: "acme|7", Subject: "7"},
		},
		"LOG-12 one at sign": {
			body:   `{"id":"7","email":"attacker,victim@y.test","v":true}`,
			fields: upstream.Fields{EmailVerified: "v"},
			want:   upstream.Profile{ID: "acme|7", Subject: "7"},
		},
		"picture over http": {body: `{"id":"7","picture":"http://acme.test/p.png"}`, want: upstream.Profile{ID: "acme|7", Subject: "7"}},
		"a picture": {
			body: `{"id":"7","picture":"https://acme.test/p.png"}`,
			want: upstream.Profile{ID: "acme|7", Subject: "7", Picture: "https://acme.test/p.png"},
		},
		"addresses in an array": {body: `{"id":"7","email":["a@x.test"]}`, want: upstream.Profile{ID: "acme|7", Subject: "7"}},
		"no account":            {body: `{"name":"Ada"}`, reason: upstream.ErrUnavailable},
		"account is an object":  {body: `{"id":{"x":1}}`, reason: upstream.ErrUnavailable},
		"account is empty":      {body: `{"sub":"","id":"x"}`, reason: upstream.ErrUnavailable},
		"a name that is chosen": {body: `{"user_id":"victim","id":"7"}`, want: upstream.Profile{ID: "acme|7", Subject: "7"}},
		"OpenID Connect's word": {body: `{"user_id":"victim","id":"7","sub":"s-1"}`, want: upstream.Profile{ID: "acme|s-1", Subject: "s-1"}},
		"Auth0's word alone":    {body: `{"user_id":"7"}`, want: upstream.Profile{ID: "acme|7", Subject: "7"}},
		"as configured": {
			body: `{"user_id":"7","sub":"s-1"}`, fields: upstream.Fields{ID: "user_id"}, want: upstream.Profile{ID: "acme|7", Subject: "7"},
		},
		"own name is missing": {body: `{"id":"7"}`, fields: upstream.Fields{ID: "uuid"}, reason: upstream.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			n := &internet{pages: map[string]http.HandlerFunc{
				"https://acme.test/token": says(200, `{"access_token":"at-4711-secret"}`),
				"https://acme.test/me":    says(200, tt.body),
			}}
			c := connect(t, n, func(cfg *upstream.Config) {
				plainConfig(cfg)
				cfg.Fields, cfg.Params, cfg.Headers = tt.fields, map[string]string{"audience": "x"}, map[string]string{"X-Tenant": "7"}
			})
			q, p := start(t, c, upstream.StartRequest{})
			if q.Get("realm") != "x" || q.Get("audience") != "x" || q.Get("scope") != "profile" || q.Has("nonce") {
				t.Errorf("asked for %v", q)
			}
			got, err := c.Finish(t.Context(), p, good(&p))
			wants(t, err, tt.reason)
			if tt.reason != "" {
				return
			}
			if n.heads[0].Get("X-Tenant") != "7" {
				t.Error("the header is missing")
			}
			tt.want.Connection, tt.want.Provider, tt.want.Raw, tt.want.Tokens = "acme", upstream.OAuth2, got.Raw, got.Tokens
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzProfile looks for profiles that say more than the document does.
func FuzzProfile(f *testing.F) {
	f.Add(`{"id":7,"email":"a@x.test","v":true,"name":"Ada","picture":"https://x.test/p.png"}`)
	f.Add(`{"id":"a|b","email":"a@b@c","v":"true","name":"\u202e\u0000x"}`)
	f.Add(`{"user_id":"x","id":{"a":[1e400]}}`)
	f.Fuzz(func(t *testing.T, body string) {
		n := &internet{pages: map[string]http.HandlerFunc{
			"https://acme.test/token": says(200, `{"access_token":"at"}`), "https://acme.test/me": says(200, body),
		}}
		c := connect(t, n, func(cfg *upstream.Config) { plainConfig(cfg); cfg.Fields.EmailVerified = "v" })
		_, p := start(t, c, upstream.StartRequest{})
		got, err := c.Finish(t.Context(), p, good(&p))
		if err != nil {
			if got != nil {
				t.Error("an error and a profile")
			}
			return
		}
		var doc struct{ V any }
		_ = json.Unmarshal([]byte(body), &doc)
		if got.EmailVerified && (doc.V != true || got.Email == "") {
			t.Errorf("verified by %s", body)
		}
		if got.ID == "acme|" || strings.ContainsAny(got.ID, " \r\n\x00") || strings.Count(got.Email, "@") > 1 || strings.ContainsAny(got.Email, ", \r\n") {
			t.Errorf("%q %q", got.ID, got.Email)
		}
		if got.Picture != "" && !strings.HasPrefix(got.Picture, "https://") {
			t.Errorf("%q", got.Picture)
		}
		for _, s := range []string{got.Name, got.Nickname, got.Username, got.Locale} {
			if len(s) > 300 || strings.ContainsAny(s, "\r\n\x00\u202e") || strings.ToValidUTF8(s, "") != s {
				t.Errorf("%q", s)
			}
		}
	})
}
