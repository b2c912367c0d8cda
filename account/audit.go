package account

import (
	"context"
	"errors"

	"github.com/gatewright/gate"
)

// record tells the trail how a flow ended.
func (f *Flows) record(ctx context.Context, action, subject string, p *gate.Principal, err error) {
	if f.cfg.Audit == nil {
		return
	}
	e := gate.AuditEvent{At: f.cfg.Now(), Action: action, Entity: f.cfg.Entity, Subject: subject}
	if p != nil {
		e.Strategy, e.SessionID = p.Strategy, p.SessionID
	}
	e.Client, _ = gate.ClientFromContext(ctx)
	e.Outcome, e.Reason = outcome(err)
	f.cfg.Audit.Record(ctx, e)
}

// outcome tells a refusal from a fault.
func outcome(err error) (gate.Outcome, gate.Code) {
	if err == nil {
		return gate.Succeeded, ""
	}
	if errors.Is(err, gate.ErrUnavailable) {
		return gate.Undecided, gate.ErrUnavailable
	}
	if refusal, ok := errors.AsType[*gate.AuthError](err); ok {
		return gate.Failed, refusal.Code
	}
	for _, code := range []gate.Code{gate.ErrNotAuthenticated, gate.ErrForbidden, gate.ErrBadRequest} {
		if errors.Is(err, code) {
			return gate.Failed, code
		}
	}
	if answer, ok := errors.AsType[*gate.Error](err); ok && answer.Status < 500 {
		return gate.Failed, ""
	}
	return gate.Undecided, ""
}
