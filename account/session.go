package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/accounts"
)

// Sessions returns the live logins of p's account, the newest first.
func (f *Flows) Sessions(ctx context.Context, p *gate.Principal) ([]accounts.Session, error) {
	if err := f.person(p); err != nil {
		return nil, err
	}
	list, err := f.cfg.Sessions.List(ctx, f.cfg.Entity, p.Subject)
	if err != nil {
		return nil, unavailable(fmt.Errorf("list sessions: %w", err))
	}
	return list, nil
}

// EndSession ends one login of p's account. One of somebody else is a
// [gate.Error] of status 404, as if it were not there.
func (f *Flows) EndSession(ctx context.Context, p *gate.Principal, id string) (err error) {
	if err := f.person(p); err != nil {
		return err
	}
	defer func() { f.record(ctx, "session.end", p.Subject, p, err) }()
	return notFound(f.cfg.Sessions.EndOwn(ctx, f.cfg.Entity, p.Subject, id), "end session")
}

// EndOtherSessions ends every login of p's account but the one that p came
// with.
func (f *Flows) EndOtherSessions(ctx context.Context, p *gate.Principal) (err error) {
	if err := f.person(p); err != nil {
		return err
	}
	defer func() { f.record(ctx, "session.end_others", p.Subject, p, err) }()
	var keep []string
	if p.SessionID != "" {
		keep = []string{p.SessionID}
	}
	if _, err := f.cfg.Sessions.EndSubject(ctx, f.cfg.Entity, p.Subject, keep...); err != nil {
		return unavailable(fmt.Errorf("end sessions: %w", err))
	}
	return nil
}

// notFound is the answer to an error of a store that knows what is not there.
func notFound(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, accounts.ErrNoSession) || errors.Is(err, accounts.ErrNoKey):
		return &gate.Error{Status: http.StatusNotFound, Err: err}
	case errors.Is(err, accounts.ErrKeyRotated):
		return &gate.Error{Status: http.StatusConflict, Message: "This key has been replaced already", Err: err}
	case errors.Is(err, accounts.ErrTooManyKeys):
		return &gate.Error{Status: http.StatusConflict, Message: "There are too many keys, revoke one first", Err: err}
	default:
		return unavailable(fmt.Errorf("%s: %w", doing, err))
	}
}
