package management

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// What users allowed clients, which Auth0 calls grants.

type consent struct{ user, client, audience, scope string }

// id names a consent, which has no name of its own.
func (c consent) id() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{c.user, c.client, c.audience}, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

func (c consent) show() (object, error) {
	return view(map[string]any{
		"id": c.id(), "user_id": c.user, "clientID": c.client, "audience": c.audience, "scope": joined(strings.Fields(c.scope)),
	})
}

// consents returns those of a user, a client and an audience where these are
// named.
func (a *API) consents(ctx context.Context, user, client, audience string, limit, offset int) ([]consent, error) {
	db := a.store.DB()
	rows, err := db.Read().QueryContext(ctx, `SELECT user_id, client_id, audience, scope FROM idp_consents
		WHERE ($1 = '' OR user_id = $1) AND ($2 = '' OR client_id = $2) AND ($3 = '' OR audience = $3)
		ORDER BY user_id, client_id, audience LIMIT `+strconv.Itoa(limit)+" OFFSET "+strconv.Itoa(offset), user, client, audience)
	if err != nil {
		return nil, db.Wrap(err)
	}
	defer rows.Close()
	var list []consent
	for rows.Next() {
		var c consent
		if err := rows.Scan(&c.user, &c.client, &c.audience, &c.scope); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, db.Wrap(rows.Err())
}

func (a *API) listConsents(ctx context.Context, q *request) (answer, error) {
	p, err := q.page()
	if err != nil {
		return answer{}, err
	}
	user, client, audience := q.query.Get("user_id"), q.query.Get("client_id"), q.query.Get("audience")
	list, err := a.consents(ctx, user, client, audience, p.size, p.start())
	if err != nil {
		return answer{}, err
	}
	db := a.store.DB()
	s := part{key: "grants"}
	err = db.Read().QueryRowContext(ctx, `SELECT COUNT(*) FROM idp_consents
		WHERE ($1 = '' OR user_id = $1) AND ($2 = '' OR client_id = $2) AND ($3 = '' OR audience = $3)`, user, client, audience).Scan(&s.total)
	if err != nil {
		return answer{}, db.Wrap(err)
	}
	for _, c := range list {
		o, err := c.show()
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
		list, err := a.consents(ctx, "", "", "", batch, offset)
		if err != nil {
			return answer{}, err
		}
		for _, c := range list {
			if c.id() != q.id("consent") {
				continue
			}
			if err := a.store.RevokeConsents(ctx, c.user, c.client, c.audience); err != nil {
				return answer{}, err
			}
			return noContent()
		}
		if len(list) < batch {
			return noContent()
		}
	}
}
