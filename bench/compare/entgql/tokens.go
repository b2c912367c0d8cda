//go:build generated

package main

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatewright/gate/bench/compare/entgql/viewer"
)

const issuer, audience = "https://shop.test/", "https://api.shop.test"

// tokens issues tokens and verifies them.
type tokens struct {
	secret []byte
	parser *jwt.Parser
}

type claims struct {
	jwt.RegisteredClaims
	Permissions []string `json:"permissions"`
}

func newTokens() (*tokens, error) {
	t := &tokens{secret: make([]byte, 32), parser: jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired())}
	_, err := rand.Read(t.secret)
	return t, err
}

// issue returns a token of somebody who may create rows.
func (t *tokens) issue() (string, error) {
	now := time.Now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims{jwt.RegisteredClaims{
		Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: "1", ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(24 * time.Hour)),
	}, []string{"create:rows"}}).SignedString(t.secret)
}

// check puts whoever has a good token into the context. A bad token is 401, none is
// nobody, as what may be seen is decided by the policies.
func (t *tokens) check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			var c claims
			if _, err := t.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return t.secret, nil }); err != nil {
				http.Error(w, "invalid token", http.StatusUnauthorized)
				return
			}
			r = r.WithContext(viewer.NewContext(r.Context(), &viewer.Viewer{Subject: c.Subject, Permissions: c.Permissions}))
		}
		next.ServeHTTP(w, r)
	})
}
