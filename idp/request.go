package idp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

// transactionLife is how long a page may stay open before its form is posted.
const transactionLife = time.Hour

// A request is an authorization request that was checked (RFC 6749 §4.1.1,
// OpenID Connect Core 1.0 §3.1.2.1). It travels sealed through the browser while
// a person logs in, so it takes no memory here.
type request struct {
	ClientID string `json:"c"`
	// RedirectURI is registered for the client. RedirectGiven says that the
	// client named it, so that it has to name it again with the code.
	RedirectURI   string   `json:"r"`
	RedirectGiven bool     `json:"rg,omitempty"`
	ResponseType  []string `json:"t"` // sorted
	ResponseMode  string   `json:"m"`
	Scope         []string `json:"s,omitempty"`
	Audience      string   `json:"a,omitempty"`
	State         *string  `json:"st,omitempty"` // nil: none was sent, none goes back
	Nonce         string   `json:"n,omitempty"`
	Challenge     string   `json:"ch,omitempty"`
	Prompt        []string `json:"p,omitempty"`
	MaxAge        *int64   `json:"ma,omitempty"`
	LoginHint     string   `json:"lh,omitempty"`
	ScreenHint    string   `json:"sh,omitempty"`
	Connection    string   `json:"cn,omitempty"`
	UserID        string   `json:"u,omitempty"` // of id_token_hint
	Locales       string   `json:"l,omitempty"`
	ACR           []string `json:"acr,omitempty"`
	// Query is what actions see: without secrets.
	Query   params    `json:"q,omitempty"`
	Started time.Time `json:"at"`
	Browser string    `json:"b,omitempty"` // hash of the cookie of the browser it began in
	// UpstreamParams go along to another provider.
	ConnectionScope string `json:"cs,omitempty"`
	// Asked is what a consent page showed, and to whom: the answer counts for
	// that alone.
	Asked *asked `json:"as,omitempty"`
	// Sent is what a letter was asked for, of a page that says so.
	Sent string `json:"to,omitempty"`
	// Consented is set when the person has just said yes. It does not travel.
	Consented bool `json:"-"`
}

// An asked is what somebody was asked to allow.
type asked struct {
	SessionID string   `json:"s"`
	Scope     []string `json:"sc"`
}

func (q *request) wants(kind string) bool { return slices.Contains(q.ResponseType, kind) }
func (q *request) asks(prompt string) bool {
	return slices.Contains(q.Prompt, prompt)
}

// fresh reports whether an authentication at that time will do for the request.
func (q *request) fresh(at time.Time) bool {
	age, asked := q.age()
	return !asked || !at.Before(q.oldest(age))
}

// age returns how old an authentication may be at the request, and whether that
// matters to it.
func (q *request) age() (time.Duration, bool) {
	switch {
	case q.asks("login"):
		return 0, true
	case q.MaxAge != nil:
		return time.Duration(*q.MaxAge) * time.Second, true
	}
	return 0, false
}

// now reports whether somebody has to log in for this request alone: one who just did
// may have done so in the same millisecond, which is all that a session knows.
func (q *request) now() bool {
	age, asked := q.age()
	return asked && age == 0
}

// oldest returns when an authentication of that age was: times of sessions are
// whole milliseconds.
func (q *request) oldest(age time.Duration) time.Time {
	return q.Started.Add(-age).Truncate(time.Millisecond)
}

// grant returns the grant type that a client needs for the request.
func (q *request) grant() string {
	if q.wants("token") || q.wants("id_token") {
		return "implicit"
	}
	return "authorization_code"
}

// posts reports whether a message with the answer may go to where the client wants it.
func (q *request) posts(c *tenant.Client) bool {
	return q.ResponseMode != "web_message" ||
		slices.ContainsFunc(c.WebOrigins, func(o string) bool { return originOf(o) == originOf(q.RedirectURI) })
}

// A pageError is an error that must not go back to the client, because nobody
// knows whether the address is the client's.
type pageError struct {
	*oauthError
	fault  login.Fault
	hint   string // for whoever develops the client
	client *tenant.Client
	// address is the one that is not registered, for the log alone.
	address string
	// restart is where the person can begin again; empty means where the client
	// says.
	restart string
	locales string // of the log-in that it ends
}

// A backError is an error that goes back to the client.
type backError struct {
	request *request
	client  *tenant.Client
	*oauthError
}

func (e *pageError) Unwrap() error { return e.oauthError }
func (e *backError) Unwrap() error { return e.oauthError }

const useState = "transaction"

// sealRequest returns the parameter state of the pages.
func (p *Provider) sealRequest(q *request) (string, error) { return p.seal.close(useState, q) }

var errTransaction = errors.New("transaction is over, or began in another browser")

// sealedRequest returns the request in the parameter state, whoever brings it and
// when.
func (p *Provider) sealedRequest(state string) (*request, error) {
	q := new(request)
	if state == "" || p.seal.open(useState, state, q) != nil {
		return nil, errTransaction
	}
	return q, nil
}

// openRequest returns the request of a page, which has to come back in the
// browser that it began in: a link with a log-in of somebody else does nothing.
// With an error it is for [Provider.expiredPage] alone.
func (p *Provider) openRequest(r *http.Request, state string) (*request, *tenant.Client, error) {
	q, err := p.sealedRequest(state)
	if err != nil {
		return nil, nil, err
	}
	if p.now().After(q.Started.Add(transactionLife)) || q.Browser == "" || q.Browser != p.browserHash(r) {
		return q, nil, errTransaction
	}
	c, err := p.clientOf(r.Context(), q)
	return q, c, err
}

// clientOf returns the client of a request that was under way, or errTransaction:
// what was registered when it began may not be any more.
func (p *Provider) clientOf(ctx context.Context, q *request) (*tenant.Client, error) {
	c, err := p.tenant.Clients.Get(ctx, q.ClientID)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, errTransaction
	}
	if err != nil {
		return nil, err
	}
	if _, ok := callback(c, q.RedirectURI); !ok || !slices.Contains(c.GrantTypes, q.grant()) || !q.posts(c) {
		return nil, errTransaction
	}
	return c, nil
}
