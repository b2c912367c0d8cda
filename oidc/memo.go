package oidc

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
)

// The bounds of a memo.
const (
	memoPlaces = 1024
	memoSize   = 1 << 10 // bytes of claims
)

// A memo remembers which issuer the claims of a token name, so that they are not
// read again when a bearer comes again. It does not say that a token is good,
// and holds no signatures: nothing in it can be presented. What it says about
// some claims never changes. The zero value is empty.
type memo struct {
	once   sync.Once
	seed   maphash.Seed
	places [memoPlaces]atomic.Pointer[naming]
}

// A naming is some claims, as the token spells them, and whom they name.
type naming struct {
	claims string
	issuer *remote
}

func (m *memo) place(claims string) *atomic.Pointer[naming] {
	m.once.Do(func() { m.seed = maphash.MakeSeed() })
	return &m.places[maphash.String(m.seed, claims)%memoPlaces]
}

// find returns the issuer that a token names, when it is remembered.
func (m *memo) find(token string) (*remote, bool) {
	claims := middle(token)
	if claims == "" {
		return nil, false
	}
	if n := m.place(claims).Load(); n != nil && n.claims == claims {
		return n.issuer, true
	}
	return nil, false
}

// keep remembers the issuer of a token that was good: nobody else fills places.
func (m *memo) keep(token string, issuer *remote) {
	if claims := middle(token); claims != "" {
		m.place(claims).Store(&naming{strings.Clone(claims), issuer})
	}
}

// middle returns the part of a token that holds the claims, unless it is too
// long to be remembered.
func middle(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	claims, _, _ := strings.Cut(rest, ".")
	if len(claims) > memoSize {
		return ""
	}
	return claims
}
