// Package subject looks up the accounts that credentials are about.
package subject

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatewright/gate"
)

// Source has the accounts.
type Source interface {
	// Subject returns the account as it is now. One that is gone or disabled
	// is [gate.ErrNotAuthenticated]; any other error means that it could not
	// tell.
	Subject(ctx context.Context, id string) (*gate.Principal, error)
}

// Find returns a fresh copy of what source knows of the account. An account
// that is gone is [gate.ErrNotAuthenticated] with message, any failure to find
// out is [gate.ErrUnavailable].
func Find(ctx context.Context, source Source, id, message string) (*gate.Principal, error) {
	if id == "" {
		return nil, Fault(errors.New("look up subject: it is of nobody"))
	}
	found, err := source.Subject(ctx, id)
	switch {
	case errors.Is(err, gate.ErrUnavailable):
		return nil, err
	case errors.Is(err, gate.ErrNotAuthenticated):
		// The reason, gone or disabled, is not for whoever holds the credentials.
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: message, Subject: id, Err: err}
	case err != nil:
		return nil, Fault(fmt.Errorf("look up subject: %w", err))
	case found == nil || found.Subject != id:
		return nil, Fault(errors.New("look up subject: another one was returned"))
	}
	p := *found
	return &p, nil
}

// Fault says that err kept the strategy from deciding, whatever code err may
// be: a backend refuses on behalf of nobody.
func Fault(err error) error {
	if errors.Is(err, gate.ErrUnavailable) {
		return err
	}
	return &gate.AuthError{Code: gate.ErrUnavailable, Err: err}
}

// Of returns the account that err is about, "" when it does not say.
func Of(err error) string {
	if refusal, ok := errors.AsType[*gate.AuthError](err); ok {
		return refusal.Subject
	}
	return ""
}
