package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/gatewright/gate/jose"
)

// A Result is what logging in or out answers. Encoded as JSON it is the body
// of the Feathers contract; printing or logging it shows no token.
type Result struct {
	// AccessToken is the token to present from now on; after a log-out the
	// one that no longer works.
	AccessToken string
	// Refresh renews the access token; its Token is empty when there are no
	// refresh tokens.
	Refresh RefreshToken
	// Authentication says how the principal was authenticated.
	Authentication Authentication
	// EntityName is the key of the entity in the JSON, for instance "user";
	// empty when the service has none.
	EntityName string
	// Entity is the account as its owner may see it; nil leaves it out.
	Entity any
	// Principal is who was authenticated. It is not encoded.
	Principal *Principal

	proved bool // by a secret that is no token
	opened bool // a session, which nobody had before
}

// Authentication is the part of a [Result] about the credentials.
type Authentication struct {
	// Strategy is the name of the strategy that decided.
	Strategy string `json:"strategy"`
	// AccessToken repeats the token when it is what was presented.
	AccessToken string `json:"accessToken,omitempty"`
	// Payload are the claims of the access token.
	Payload *jose.Claims `json:"payload,omitempty"`
}

// MarshalJSON encodes r as {accessToken, refreshToken, authentication,
// <entity>}, in this order, without what is not there.
func (r Result) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	buf.WriteByte('{')
	member := func(name string, v any) error {
		if buf.Len() > 1 {
			buf.WriteByte(',')
		}
		if err := enc.Encode(name); err != nil {
			return err
		}
		buf.Truncate(buf.Len() - 1) // the newline
		buf.WriteByte(':')
		if err := enc.Encode(v); err != nil {
			return err
		}
		buf.Truncate(buf.Len() - 1)
		return nil
	}
	if r.AccessToken != "" {
		if err := member("accessToken", r.AccessToken); err != nil {
			return nil, err
		}
	}
	if r.Refresh.Token != "" {
		if err := member("refreshToken", r.Refresh.Token); err != nil {
			return nil, err
		}
	}
	if err := member("authentication", r.Authentication); err != nil {
		return nil, err
	}
	if r.EntityName != "" && r.Entity != nil {
		if err := member(r.EntityName, r.Entity); err != nil {
			return nil, err
		}
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// String returns a text that is safe to print.
func (r Result) String() string { return "result of strategy " + r.Authentication.Strategy }

// Format implements [fmt.Formatter]: every verb prints what [Result.String] returns.
func (r Result) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue implements [slog.LogValuer] without the token.
func (r Result) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("strategy", r.Authentication.Strategy)}
	if r.Principal != nil {
		attrs = append(attrs, slog.String("subject", r.Principal.Subject))
	}
	return slog.GroupValue(attrs...)
}

// String returns a text that is safe to print.
func (a Authentication) String() string { return "strategy " + a.Strategy }

// Format implements [fmt.Formatter]: every verb prints what [Authentication.String] returns.
func (a Authentication) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// LogValue implements [slog.LogValuer] without the token.
func (a Authentication) LogValue() slog.Value { return slog.StringValue(a.Strategy) }
