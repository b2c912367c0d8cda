package idp

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatewright/gate/idp/tenant"
)

// unread answers a request that cannot be read: back to the client where nobody sees
// a page, as far as it says who asks.
func (p *Provider) unread(w http.ResponseWriter, r *http.Request, err error) {
	if q, c := p.addressee(r); q != nil {
		p.halted(w, r, q, c, p.back(q, c, err))
		return
	}
	p.errorPage(w, r, err)
}

// unseen reports whether nobody would see a page in answer to a request: one that
// must not become a question, or that waits for a message.
func unseen(asked url.Values) bool {
	return slices.Contains(strings.Fields(strings.Join(asked["prompt"], " ")), "none") || slices.Contains(asked["response_mode"], "web_message")
}

// addressee reads of a request that nobody sees where its answer goes, and leaves the
// rest. It returns nil unless that is said once, and registered as far as is known
// without asking.
func (p *Provider) addressee(r *http.Request) (*request, *tenant.Client) {
	asked := r.URL.Query()
	if r.Method != http.MethodGet || len(r.URL.RawQuery) > maxQuery || !unseen(asked) {
		return nil, nil
	}
	in := params{}
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "response_mode", "state", "nonce"} {
		list := asked[name]
		if len(list) > 1 || len(list) == 1 && !utf8.ValidString(list[0]) {
			return nil, nil
		}
		if len(list) == 1 && list[0] != "" {
			in[name] = list[0]
		}
	}
	c, ok := p.tenant.Clients.Known(in["client_id"])
	if !ok || c.Global {
		return nil, nil
	}
	q := &request{ClientID: c.ID, ResponseMode: "query", Prompt: []string{"none"}}
	if state, ok := in["state"]; ok {
		q.State = &state
	}
	if p.readAddress(q, c, in) != nil || len(in["state"]) > maxState || readResponse(q, in) != nil || !q.posts(c) {
		return nil, nil
	}
	return q, c
}

// halted answers a request that was read and cannot go on. Where nobody sees a page,
// a fault goes back to the client, too (RFC 6749 §4.1.2.1): a page of ours is in no
// frame, and a client that asks in one would wait for it until its time is over. What a
// person sees leads on when the log-in has ended meanwhile.
func (p *Provider) halted(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, err error) {
	var page *pageError
	var back *backError
	ended := errors.Is(err, tenant.ErrEnded)
	if q == nil || !q.asks("none") && q.ResponseMode != "web_message" || errors.As(err, &page) || errors.As(err, &back) {
		if ended {
			p.expiredPage(w, r, q, errTransaction)
			return
		}
		p.authorizeError(w, r, err)
		return
	}
	if ended {
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
