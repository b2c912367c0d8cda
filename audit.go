package gate

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"
)

// An AuditEvent is something worth remembering about an account: who did what,
// from where, and how it ended. It never holds a secret.
type AuditEvent struct {
	// At is when; zero means now.
	At time.Time
	// Action is what was done, verb last: "login", "logout", "refresh",
	// "session.end", "password.change", "api_key.create".
	Action string
	// Outcome is how it ended.
	Outcome Outcome
	// Reason is the [Code] of a refusal; empty for a success.
	Reason Code
	// Entity and Subject are the account that it is about, as far as known.
	Entity, Subject string
	// Actor is the account that did it, when that is another one.
	Actor string
	// Strategy is how it was proved, SessionID the session concerned.
	Strategy, SessionID string
	// Client is where it came from.
	Client Client
	// Details are further facts, for people. No secret, and nothing that
	// somebody typed who was not known.
	Details map[string]string
}

// LogValue implements [slog.LogValuer].
func (e AuditEvent) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("action", e.Action), slog.String("outcome", e.Outcome.String())}
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	add("reason", string(e.Reason))
	add("entity", e.Entity)
	add("subject", e.Subject)
	add("actor", e.Actor)
	add("strategy", e.Strategy)
	add("session", e.SessionID)
	if e.Client.Address.IsValid() {
		add("address", e.Client.Address.String())
	}
	for name, value := range e.Details {
		add(name, value)
	}
	return slog.GroupValue(attrs...)
}

// String returns the outcome as the trail shows it.
func (o Outcome) String() string {
	switch o {
	case Failed:
		return "failure"
	case Succeeded:
		return "success"
	default:
		return "error"
	}
}

// An Auditor keeps a trail. Record is called from many goroutines and after
// the fact; it neither fails nor holds up what it is told of.
type Auditor interface {
	Record(ctx context.Context, e AuditEvent)
}

// The actions that the engine itself notes.
const (
	auditLogin   = "login"
	auditLogout  = "logout"
	auditRefresh = "refresh"
	auditAccess  = "access"
)

// audit completes e with how it ended and hands it to the trail.
func (st *state) audit(ctx context.Context, e AuditEvent, err error) {
	if st.cfg.Audit == nil {
		return
	}
	e.At, e.Entity = st.cfg.Now(), st.cfg.Entity
	e.Client, _ = ClientFromContext(ctx)
	e.Outcome = Succeeded
	if err != nil {
		e.Reason, e.Outcome = ErrUnavailable, Undecided
		if refusal, ok := errors.AsType[*AuthError](err); ok {
			e.Reason, e.Subject = refusal.Code, cmp.Or(e.Subject, refusal.Subject)
		} else if code, ok := errors.AsType[Code](err); ok {
			e.Reason = code
		}
		if decided(err) {
			e.Outcome = Failed
		}
	}
	st.cfg.Audit.Record(ctx, e)
}
