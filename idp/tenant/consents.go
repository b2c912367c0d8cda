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
	from, args := "idp_consents WHERE 1 = 1", []any{}
	for _, by := range []struct{ column, value string }{{"user_id", userID}, {"client_id", clientID}, {"audience", audience}} {
		if by.value != "" {
			args = append(args, by.value)
			from += fmt.Sprintf(" AND %s = $%d", by.column, len(args))
		}
	}
	if total, err = s.count(ctx, from, args); err != nil {
		return nil, 0, err
	}
	rows, err := s.db.Read().QueryContext(ctx, fmt.Sprintf(`SELECT user_id, client_id, audience, scope FROM %s
		ORDER BY user_id, client_id, audience LIMIT %d OFFSET %d`, from, limit, offset), args...)
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
