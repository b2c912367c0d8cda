package management

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

// What users allowed clients, which Auth0 calls grants.

// consentID names a consent, which has no name of its own.
func consentID(c tenant.Consent) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{c.UserID, c.ClientID, c.Audience}, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

func showConsent(c tenant.Consent) (object, error) {
	return view(map[string]any{
		"id": consentID(c), "user_id": c.UserID, "clientID": c.ClientID, "audience": c.Audience, "scope": joined(c.Scope),
	})
}

func (a *API) listConsents(ctx context.Context, q *request) (answer, error) {
	p, err := q.page()
	if err != nil {
		return answer{}, err
	}
	user, client, audience := q.query.Get("user_id"), q.query.Get("client_id"), q.query.Get("audience")
	list, total, err := a.store.Consents(ctx, user, client, audience, p.size, p.start())
	if err != nil {
		return answer{}, err
	}
	s := part{key: "grants", total: total}
	for _, c := range list {
		o, err := showConsent(c)
		if err != nil {
			return answer{}, err
		}
		s.items = append(s.items, o)
	}
	p.checkpoint = false
	return q.show(p, s)
}

// deleteConsents forgets what a user allowed, and ends the refresh tokens that
// came of it.
func (a *API) deleteConsents(ctx context.Context, q *request) (answer, error) {
	user := q.query.Get("user_id")
	if user == "" {
		return answer{}, badQuery("'Missing required property: user_id' on property user_id.")
	}
	if err := a.store.RevokeConsents(ctx, user, "", ""); err != nil {
		return answer{}, err
	}
	return noContent()
}

func (a *API) deleteConsent(ctx context.Context, q *request) (answer, error) {
	const batch = 1000
	for offset := 0; ; offset += batch {
		list, _, err := a.store.Consents(ctx, "", "", "", batch, offset)
		if err != nil {
			return answer{}, err
		}
		for _, c := range list {
			if consentID(c) != q.id("consent") {
				continue
			}
			if err := a.store.RevokeConsents(ctx, c.UserID, c.ClientID, c.Audience); err != nil {
				return answer{}, err
			}
			return noContent()
		}
		if len(list) < batch {
			return noContent()
		}
	}
}
