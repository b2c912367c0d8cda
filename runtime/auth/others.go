package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/audit"
)

// OthersPath is where those who look after the accounts of others do so.
const OthersPath = "/api/admin"

// Others says who looks after the accounts of others: each a permission. Without one
// there is no such route.
type Others struct {
	// Sessions lists the devices of somebody, and logs them out.
	Sessions string
	// Keys lists the API keys of somebody, and revokes them.
	Keys string
	// Audit reads the trail.
	Audit string
}

// A MayOthers says what somebody may do with the accounts of others.
type MayOthers struct {
	Sessions bool `json:"sessions"`
	Keys     bool `json:"keys"`
	Audit    bool `json:"audit"`
}

// mayOthers returns what p may do with the accounts of others.
func (a *Auth) mayOthers(p *gate.Principal) MayOthers {
	may := func(permission string) bool { return permission != "" && a.allows(p, permission) == nil }
	return MayOthers{may(a.cfg.Others.Sessions), a.apiKeys != nil && may(a.cfg.Others.Keys), may(a.cfg.Others.Audit)}
}

// allows returns nil if p holds the permission. Credentials that are limited to scopes
// hold it if one of these names it.
func (a *Auth) allows(p *gate.Principal, permission string) error {
	rule, err := authz.ParseRule(permission)
	if err != nil {
		return err // cannot be: the settings were checked when the service was made
	}
	switch a.opts.Policy.Decide(p, rule) {
	case authz.Allowed:
		return nil
	case authz.Unauthenticated:
		return &gate.AuthError{Code: gate.ErrNotAuthenticated}
	default:
		return &gate.AuthError{Code: gate.ErrForbidden, Message: "This needs a right that you do not have", Subject: p.Subject}
	}
}

func (o *Others) check() error {
	for _, permission := range []string{o.Sessions, o.Keys, o.Audit} {
		if permission == "" {
			continue
		}
		if _, err := authz.ParseRule(permission); err != nil || !strings.Contains(permission, ":") {
			return fmt.Errorf("who looks after accounts needs a permission, which %q is not", permission)
		}
	}
	return nil
}

// Others answers below [OthersPath] what those who may do with the accounts of others;
// nil where nobody may. Of whom the caller may not see the row there is nothing to do.
//
//	GET    /users/{id}/sessions           the devices of a user
//	DELETE /users/{id}/sessions           log out all of them
//	DELETE /users/{id}/sessions/{session} log out one
//	GET    /users/{id}/api-keys           the API keys of a user
//	DELETE /users/{id}/api-keys/{key}     revoke one
//	GET    /audit                         the trail, the newest first
func (a *Auth) Others(errs gate.ErrorWriter) http.Handler {
	if *a.cfg.Others == (Others{}) {
		return nil
	}
	mux := http.NewServeMux()
	handle := func(permission, pattern string, do func(http.ResponseWriter, *http.Request, *gate.Principal) error) {
		if permission == "" {
			return
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			p, _ := gate.PrincipalFromContext(r.Context())
			err := a.allows(p, permission)
			if err == nil {
				err = do(w, r, p)
			}
			if err != nil {
				errs.Write(w, r, err)
			}
		})
	}
	handle(a.cfg.Others.Audit, "GET "+OthersPath+"/audit", a.serveAudit)
	for _, r := range a.realms {
		at := OthersPath + "/" + r.entity.Entity().Path + "/{id}"
		handle(a.cfg.Others.Sessions, "GET "+at+"/sessions", r.serveSessions)
		handle(a.cfg.Others.Sessions, "DELETE "+at+"/sessions", r.serveEndSessions)
		handle(a.cfg.Others.Sessions, "DELETE "+at+"/sessions/{session}", r.serveEndSession)
		if a.apiKeys != nil {
			handle(a.cfg.Others.Keys, "GET "+at+"/api-keys", r.serveKeys)
			handle(a.cfg.Others.Keys, "DELETE "+at+"/api-keys/{key}", r.serveRevokeKey)
		}
	}
	mux.HandleFunc(OthersPath+"/", func(w http.ResponseWriter, r *http.Request) {
		errs.Write(w, r, &gate.Error{Status: http.StatusNotFound})
	})
	return a.Protect(mux)
}

// subject returns whom a request is about, if the caller may see their row: as the rules
// of the entity say, and within the tenant of the caller.
func (r *realm) subject(ctx context.Context, id string) (string, error) {
	e := r.entity.Entity()
	id, ok := e.Fields[e.IDField()].ID.Parse(id)
	if !ok {
		return "", &gate.Error{Status: http.StatusNotFound}
	}
	if _, err := r.entity.GetRow(ctx, id, nil); err != nil {
		return "", err
	}
	return e.Subject(id), nil
}

// An otherSession is a device as those see it who look after accounts. It holds no
// secret: the id logs nobody in.
type otherSession struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	Strategy   string    `json:"strategy"`
	UserAgent  string    `json:"userAgent,omitempty"`
	Address    string    `json:"address,omitempty"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
}

func (r *realm) serveSessions(w http.ResponseWriter, req *http.Request, p *gate.Principal) error {
	subject, err := r.subject(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	found, err := r.auth.sessions.List(req.Context(), r.auth.cfg.Entity, subject)
	if err != nil {
		return unavailable(fmt.Errorf("list sessions: %w", err))
	}
	list := make([]otherSession, 0, len(found))
	for _, s := range found {
		one := otherSession{
			ID: s.ID, Current: s.ID == p.SessionID, Strategy: s.Strategy, UserAgent: s.Client.UserAgent,
			CreatedAt: s.CreatedAt.UTC(), LastSeenAt: s.LastSeenAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
		}
		if s.Client.Address.IsValid() {
			one.Address = s.Client.Address.String()
		}
		list = append(list, one)
	}
	return answer(w, map[string]any{"sessions": list})
}

func (r *realm) serveEndSession(w http.ResponseWriter, req *http.Request, p *gate.Principal) error {
	id := req.PathValue("session")
	return r.end(w, req, p, gate.AuditEvent{Action: "session.end", SessionID: id}, func(ctx context.Context, subject string) error {
		return r.auth.sessions.EndOwn(ctx, r.auth.cfg.Entity, subject, id)
	})
}

func (r *realm) serveEndSessions(w http.ResponseWriter, req *http.Request, p *gate.Principal) error {
	return r.end(w, req, p, gate.AuditEvent{Action: "session.end_all"}, func(ctx context.Context, subject string) error {
		_, err := r.auth.sessions.EndSubject(ctx, r.auth.cfg.Entity, subject)
		return err
	})
}

func (r *realm) serveRevokeKey(w http.ResponseWriter, req *http.Request, p *gate.Principal) error {
	id := req.PathValue("key")
	return r.end(w, req, p, gate.AuditEvent{Action: "api_key.revoke"}, func(ctx context.Context, subject string) error {
		return r.auth.apiKeys.Revoke(ctx, r.auth.cfg.Entity, subject, id)
	})
}

// end ends something of somebody, by who has logged in freshly, and notes it.
func (r *realm) end(w http.ResponseWriter, req *http.Request, p *gate.Principal, e gate.AuditEvent, end func(ctx context.Context, subject string) error) error {
	ctx := req.Context()
	subject, err := r.subject(ctx, req.PathValue("id"))
	if err != nil {
		return err
	}
	if err = p.RequireFresh(r.auth.cfg.StepUp, r.auth.opts.Now()); err == nil {
		err = ended(end(ctx, subject))
	}
	e.At, e.Subject, e.Strategy = r.auth.opts.Now(), subject, p.Strategy
	if p.Subject != subject {
		e.Actor = p.Subject
	}
	e.Client, _ = gate.ClientFromContext(ctx)
	e.Outcome = gate.Succeeded
	if refusal, ok := errors.AsType[*gate.AuthError](err); ok {
		e.Outcome, e.Reason = gate.Failed, refusal.Code
	} else if err != nil {
		e.Outcome = gate.Failed
	}
	if errors.Is(err, gate.ErrUnavailable) {
		e.Outcome, e.Reason = gate.Undecided, gate.ErrUnavailable
	}
	if e.Outcome != gate.Succeeded {
		e.SessionID = "" // and whether there is one is not known
	}
	entityTrail{r.auth}.Record(ctx, e)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// ended is the answer to an error of a store.
func ended(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, accounts.ErrNoSession) || errors.Is(err, accounts.ErrNoKey):
		return &gate.Error{Status: http.StatusNotFound, Err: err}
	default:
		return unavailable(err)
	}
}

// An otherKey is an API key as those see it who look after accounts.
type otherKey struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Scopes     []string   `json:"scopes"`
	CreatedAt  time.Time  `json:"createdAt"`
	ExpiresAt  time.Time  `json:"expiresAt"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
}

func (r *realm) serveKeys(w http.ResponseWriter, req *http.Request, _ *gate.Principal) error {
	subject, err := r.subject(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	found, err := r.auth.apiKeys.List(req.Context(), r.auth.cfg.Entity, subject)
	if err != nil {
		return unavailable(fmt.Errorf("list keys: %w", err))
	}
	list := make([]otherKey, 0, len(found))
	for _, k := range found {
		one := otherKey{ID: k.ID, Name: k.Name, Scopes: k.Scopes, CreatedAt: k.CreatedAt.UTC(), ExpiresAt: k.ExpiresAt.UTC()}
		if !k.LastUsedAt.IsZero() {
			used := k.LastUsedAt.UTC()
			one.LastUsedAt = &used
		}
		list = append(list, one)
	}
	return answer(w, map[string]any{"keys": list})
}

// An auditEntry is an event of the trail as it is read.
type auditEntry struct {
	ID        string            `json:"id"`
	At        time.Time         `json:"at"`
	Action    string            `json:"action"`
	Outcome   string            `json:"outcome"`
	Reason    string            `json:"reason,omitempty"`
	Entity    string            `json:"entity,omitempty"`
	Subject   string            `json:"subject,omitempty"`
	Actor     string            `json:"actor,omitempty"`
	Strategy  string            `json:"strategy,omitempty"`
	Address   string            `json:"address,omitempty"`
	UserAgent string            `json:"userAgent,omitempty"`
	Details   map[string]string `json:"details,omitempty"`
}

// maxAuditPage is how many entries of the trail there are on a page at most.
const maxAuditPage = 100

func (a *Auth) serveAudit(w http.ResponseWriter, r *http.Request, p *gate.Principal) error {
	filter, err := auditFilter(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if err := a.kept(r.Context(), p, filter.Subject); err != nil {
		return err
	}
	most := filter.Limit
	filter.Limit++ // one more, to know whether there is another page
	found, err := a.trail.List(r.Context(), filter)
	if err != nil {
		if errors.Is(err, gate.ErrBadRequest) {
			return err
		}
		return unavailable(err)
	}
	next := ""
	if len(found) > most {
		found = found[:most]
		next = found[most-1].ID
	}
	list := make([]auditEntry, 0, len(found))
	for _, e := range found {
		list = append(list, shownEntry(e))
	}
	return answer(w, struct {
		Entries []auditEntry `json:"entries"`
		Next    string       `json:"next,omitempty"`
	}{list, next})
}

func shownEntry(e audit.Entry) auditEntry {
	shown := auditEntry{
		ID: e.ID, At: e.At.UTC(), Action: e.Action, Outcome: e.Outcome.String(), Reason: string(e.Reason), Entity: e.Entity,
		Subject: e.Subject, Actor: e.Actor, Strategy: e.Strategy, UserAgent: e.Client.UserAgent, Details: e.Details,
	}
	switch {
	case e.Client.Address.IsValid():
		shown.Address = e.Client.Address.String()
	case e.Network.IsValid():
		shown.Address = e.Network.String()
	}
	return shown
}

// kept keeps who belongs to a tenant to what happened to accounts of that: entries have
// no tenant, so they ask for one account, whose row they see.
func (a *Auth) kept(ctx context.Context, p *gate.Principal, subject string) error {
	if a.realms[0].entity.Entity().TenantField() == model.NoField || a.opts.Policy.AcrossTenants(p) {
		return nil
	}
	if subject == "" {
		return &gate.Error{Status: http.StatusBadRequest, Message: "Say of which account: subject is its id"}
	}
	r := a.realm(&gate.Principal{Subject: subject})
	known, err := r.subject(ctx, r.entity.Entity().Account(subject))
	if err == nil && known != subject {
		err = &gate.Error{Status: http.StatusNotFound}
	}
	return err
}

// auditFilter reads what a query asks of the trail. What it does not know it refuses: a
// filter that is misspelt would show more than was asked for.
func auditFilter(query string) (audit.Filter, error) {
	f := audit.Filter{Limit: maxAuditPage}
	bad := func(message string) (audit.Filter, error) {
		return audit.Filter{}, &gate.Error{Status: http.StatusBadRequest, Message: message}
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return bad("The query cannot be read")
	}
	for name, list := range values {
		if len(list) != 1 {
			return bad(strconv.Quote(name) + " is there more than once")
		}
		value := list[0]
		switch name {
		case "subject":
			f.Subject = value
		case "action":
			f.Action = value
		case "outcome":
			if !slices.Contains([]string{"success", "failure", "error"}, value) {
				return bad("The outcome is success, failure or error")
			}
			f.Outcome = value
		case "before":
			f.Before = value
		case "$limit":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > maxAuditPage {
				return bad("$limit is a number from 1 to " + strconv.Itoa(maxAuditPage))
			}
			f.Limit = n
		default:
			return bad(strconv.Quote(name) + " is not a filter; these are: subject, action, outcome, before, $limit")
		}
		if value == "" {
			return bad(strconv.Quote(name) + " is empty")
		}
	}
	return f, nil
}

func answer(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // nobody is left to be told
	return nil
}
