package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/runtime/crud"
)

// NewHasher returns what checks and hashes the passwords of an entity's rows, for
// a service of that name. It shares the hasher of a, and its bound on how much is
// hashed at a time; nil is a service without authentication.
func NewHasher(a *Auth, service string) (crud.Hasher, error) {
	h := rowHasher{policy: password.Policy{Words: []string{service}}}
	if a != nil {
		h.hasher = a.hasher
		return h, nil
	}
	var err error
	h.hasher, err = password.New(password.Config{})
	return h, err
}

type rowHasher struct {
	hasher *password.Hasher
	policy password.Policy
}

// Hash implements [crud.Hasher].
func (h rowHasher) Hash(ctx context.Context, text string) (string, error) {
	encoded, err := h.hasher.Hash(ctx, text)
	if err != nil && (errors.Is(err, password.ErrBusy) || ctx.Err() != nil) {
		retry := time.Second
		if busy, ok := errors.AsType[*password.BusyError](err); ok {
			retry = busy.RetryAfter
		}
		return "", &gate.Error{Status: http.StatusServiceUnavailable, RetryAfter: retry, Err: err}
	}
	return encoded, err
}

// Check implements [crud.Hasher].
func (h rowHasher) Check(text string, context ...string) error {
	err := h.policy.Check(text, context...)
	if refused, ok := errors.AsType[*password.PolicyError](err); ok {
		return errors.New(strings.Join(refused.Reasons, "; "))
	}
	if errors.Is(err, password.ErrMalformed) {
		return errors.New("must be text without control characters")
	}
	return err
}
