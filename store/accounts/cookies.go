package accounts

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/secret"
)

// CreateSecret is [Sessions.Create] for a session that a browser holds by a
// cookie. The text is 43 characters that a cookie may hold: 256 random bits, of
// which the SHA-256 is stored. It is not shown again.
func (s *Sessions) CreateSecret(ctx context.Context, session gate.Session) (id, text string, err error) {
	text = secret.Text().Reveal()
	id, err = s.create(ctx, session, sql.NullString{String: digestOf(text), Valid: true})
	if err != nil {
		return "", "", fmt.Errorf("create session: %w", err)
	}
	return id, text, nil
}

// BySecret returns the session that [Sessions.CreateSecret] gave the text for,
// and notes that it was used. [gate.ErrNotAuthenticated] says that there is
// none, or that it is over; it says no more than that. Like [Sessions.Active]
// it asks the database at most once in [SessionsConfig.CacheFor].
func (s *Sessions) BySecret(ctx context.Context, text string) (gate.Session, error) {
	if !validSecret(text) {
		return gate.Session{}, &gate.AuthError{Code: gate.ErrNotAuthenticated}
	}
	now, digest := s.now(), secret.Hash(text)
	if session, ok := s.secrets.get(digest, now); ok {
		// Whether it goes on is for the other cache to say, which hears of ends.
		if _, ok := s.live.get(session.ID, now); ok {
			return *session, nil
		}
	}
	epoch, secretsEpoch := s.live.epoch(), s.secrets.epoch()
	session, err := s.read(ctx, "secret_hash", hex.EncodeToString(digest[:]))
	if err == nil {
		session, err = s.goesOn(ctx, session, now)
	}
	switch {
	case errors.Is(err, ErrNoSession):
		return gate.Session{}, &gate.AuthError{Code: gate.ErrNotAuthenticated}
	case err != nil:
		return gate.Session{}, fmt.Errorf("session by secret: %w", err)
	}
	s.noteUse(ctx, session, epoch, now)
	s.secrets.put(digest, &session.Session, secretsEpoch, now, session.ExpiresAt)
	return session.Session, nil
}
