package idp

import (
	"errors"
	"net/http"

	"github.com/gatewright/gate/idp/tenant"
)

// halted answers a request that was read and cannot go on. Where nobody sees a page,
// a fault goes back to the client, too (RFC 6749 §4.1.2.1): a page of ours is in no
// frame, and a client that asks in one would wait for it until its time is over.
func (p *Provider) halted(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, err error) {
	var page *pageError
	var back *backError
	if !q.asks("none") && q.ResponseMode != "web_message" || errors.As(err, &page) || errors.As(err, &back) {
		p.authorizeError(w, r, err)
		return
	}
	if errors.Is(err, tenant.ErrEnded) {
		err = refuse("login_required", "Login required")
	}
	e, fault := asOAuth(err)
	if fault {
		reference := newReference()
		p.logFault(r, reference, err)
		e.description += " Reference: " + reference
	}
	p.respondError(w, r, q, c, e)
}
