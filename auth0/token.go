package auth0

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	tokenPath = "/oauth/token"
	// tokenMargin is how long before its end a token is not used any more.
	tokenMargin = time.Minute
)

// bearer returns the token for a request, a new one when the last has expired.
func (t *Tenant) bearer(ctx context.Context) (Secret, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && (t.clientID == "" || t.now().Before(t.expires)) {
		return t.token, nil
	}
	token, life, err := t.clientCredentials(ctx)
	if err != nil {
		return "", fmt.Errorf("token of the Management API: %w", err)
	}
	t.token, t.expires = token, t.now().Add(life-tokenMargin)
	return token, nil
}

// clientCredentials gets a token (RFC 6749 §4.4). It may be tried again: a token
// that got lost on the way does no harm.
func (t *Tenant) clientCredentials(ctx context.Context) (Secret, time.Duration, error) {
	rq := request{method: http.MethodPost, path: tokenPath, body: map[string]string{
		"grant_type": "client_credentials", "client_id": t.clientID,
		"client_secret": t.clientSecret.Reveal(), "audience": t.base + apiPath() + "/",
	}}
	var answer struct {
		Token   string      `json:"access_token"`
		Type    string      `json:"token_type"`
		Expires json.Number `json:"expires_in"`
	}
	for attempt := 1; ; attempt++ {
		err := t.once(ctx, rq, "", &answer)
		if err == nil {
			break
		}
		pause, again := t.pause(err, http.MethodGet, attempt)
		if !again || attempt == attempts || ctx.Err() != nil {
			return "", 0, err
		}
		if werr := t.wait(ctx, pause); werr != nil {
			return "", 0, errors.Join(werr, err)
		}
	}
	seconds, err := answer.Expires.Int64()
	switch {
	case answer.Token == "" || !visible(answer.Token) || !strings.EqualFold(answer.Type, "Bearer"):
		return "", 0, errors.New("the answer has no bearer token")
	case err != nil || seconds <= 0 || seconds > 1<<31:
		return "", 0, errors.New("the answer does not say how long the token is valid")
	}
	return Secret(answer.Token), time.Duration(seconds) * time.Second, nil
}
