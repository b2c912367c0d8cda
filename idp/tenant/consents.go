package tenant

import (
	"context"
	"fmt"
	"strings"
)

// A Consent is what a user allowed a client at an audience.
type Consent struct {
	UserID, ClientID, Audience string
	Scope                      []string
}

// Consents returns those of a user, a client and an audience where these are
// named, sorted by them, and how many there are.
func (s *Store) Consents(ctx context.Context, userID, clientID, audience string, limit, offset int) (list []Consent, total int, err error) {
	const from = "idp_consents WHERE ($1 = '' OR user_id = $1) AND ($2 = '' OR client_id = $2) AND ($3 = '' OR audience = $3)"
	if total, err = s.count(ctx, from, []any{userID, clientID, audience}); err != nil {
		return nil, 0, err
	}
	rows, err := s.db.Read().QueryContext(ctx, "SELECT user_id, client_id, audience, scope FROM "+from+`
		ORDER BY user_id, client_id, audience LIMIT $4 OFFSET $5`, userID, clientID, audience, limit, offset)
	if err != nil {
		return nil, 0, fmt.Errorf("read consents: %w", s.db.Wrap(err))
	}
	defer rows.Close()
	for rows.Next() {
		var c Consent
		var scope string
		if err := rows.Scan(&c.UserID, &c.ClientID, &c.Audience, &scope); err != nil {
			return nil, 0, fmt.Errorf("read consents: %w", s.db.Wrap(err))
		}
		c.Scope = strings.Fields(scope)
		list = append(list, c)
	}
	return list, total, s.db.Wrap(rows.Err())
}
