package idp

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/tenant"
)

// The bounds of what is said in the log of refusals of a kind: of one and the same
// from one network, and of all of them, in refusalsPer, by one process. Who tries
// secrets shows after the first few.
const (
	refusalsOfOne = 5
	refusalsOfAll = 100
	refusalsPer   = time.Minute
)

// refusals count those of a kind, so that a flood of them does not fill the log. The
// zero value has counted none. It is safe for concurrent use, and remembers
// refusalsOfAll at most.
type refusals struct {
	mu    sync.Mutex
	since time.Time
	of    map[refusal]int
	all   int
	left  int // were not told since the last one that was
}

// A refusal is of a type of entries, about a client or user, empty for one whom
// nobody knows.
type refusal struct {
	kind, about string
	network     netip.Prefix
}

// tell reports whether one more is to be told, and how many were not since the
// last one that was.
func (f *refusals) tell(who refusal, now time.Time) (untold int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil || now.Sub(f.since) >= refusalsPer || now.Before(f.since) {
		f.since, f.of, f.all = now, map[refusal]int{}, 0
	}
	if f.all >= refusalsOfAll || f.of[who] >= refusalsOfOne {
		f.left++
		return 0, false
	}
	f.of[who]++
	f.all++
	untold, f.left = f.left, 0
	return untold, true
}

// recordClient notes in the log that a client did not prove who it is, under the
// type that a failure of what it wanted has. Other errors are none of that.
func (p *Provider) recordClient(r *http.Request, in params, wanted string, err error) {
	refused, ok := errors.AsType[*oauthError](err)
	if !ok || refused.status != http.StatusUnauthorized {
		return
	}
	id := in["client_id"]
	if named, _, basic, _ := basicCredentials(r); basic {
		id = named
	} else if in["client_assertion"] != "" {
		id = claimedIssuer(in["client_assertion"])
	}
	c, err := p.tenant.Clients.Get(r.Context(), id)
	if err != nil {
		c = &tenant.Client{} // whoever makes names up is one
	}
	details := map[string]any{"path": r.URL.Path, "error": refused.code}
	about := c.ID
	if about == "" {
		c, details["client_id"] = nil, bounded(id, 64)
	}
	// Of one client, whatever it wanted.
	p.recordFew(r, &p.refused, refusal{about: about}, tenant.Log{Type: wanted, Description: "The client did not prove who it is", Details: details}, c, nil)
}

// maxRefusal bounds the description of a refusal, which may have words of whoever
// is refused.
const maxRefusal = 200

// recordRefused notes that somebody is refused who proved nothing, a client or a
// user or neither, or that they asked for a letter. counted are those of its kind.
func (p *Provider) recordRefused(r *http.Request, counted *refusals, kind string, c *tenant.Client, u *tenant.User, description string) {
	of := refusal{kind: kind}
	switch {
	case u != nil:
		of.about = u.ID
	case c != nil:
		of.about = c.ID
	}
	p.recordFew(r, counted, of, tenant.Log{Type: kind, Description: bounded(description, maxRefusal)}, c, u)
}

// recordDenied notes that somebody who proved who they are gets no tokens. No error,
// and a fault, is none of that.
func (p *Provider) recordDenied(r *http.Request, kind string, c *tenant.Client, u *tenant.User, err error) {
	if err == nil {
		return
	}
	if refused, fault := asOAuth(err); !fault && refused.status < http.StatusInternalServerError {
		p.recordRefused(r, &p.refused, kind, c, u, refused.description)
	}
}

// recordFew adds an entry to the log unless there were too many such: then the next
// one that is added says how many there were.
func (p *Provider) recordFew(r *http.Request, counted *refusals, of refusal, e tenant.Log, c *tenant.Client, u *tenant.User) {
	from, _ := gate.ClientFromContext(r.Context())
	of.network = networkOf(from.Address)
	untold, ok := counted.tell(of, p.now())
	if !ok {
		return
	}
	if untold > 0 {
		if e.Details == nil {
			e.Details = map[string]any{}
		}
		e.Details["not_recorded"] = untold
	}
	p.record(r, e.Type, c, u, e.Description, e.Details)
}

// failedExchange is the type of an entry about an exchange that failed.
func failedExchange(grant string) string {
	switch grant {
	case "authorization_code":
		return "feacft"
	case "refresh_token":
		return "fertft"
	case "password", grantRealm:
		return "fepft"
	}
	return "feccft"
}
