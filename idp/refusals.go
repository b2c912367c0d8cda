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

// The bounds of what is said in the log of clients that did not prove who they
// are: of one client and network, and of all of them, in refusalsPer, by one
// process. Who tries secrets shows after the first few.
const (
	refusalsOfOne = 5
	refusalsOfAll = 100
	refusalsPer   = time.Minute
)

// refusals count the clients that were refused, so that a flood of them does not
// fill the log. The zero value has counted none. It is safe for concurrent use,
// and remembers refusalsOfAll clients at most.
type refusals struct {
	mu    sync.Mutex
	since time.Time
	of    map[refusal]int
	all   int
	left  int // were not told since the last one that was
}

type refusal struct {
	client  string
	network netip.Prefix
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
	from, _ := gate.ClientFromContext(r.Context())
	untold, ok := p.refused.tell(refusal{c.ID, networkOf(from.Address)}, p.now())
	if !ok {
		return
	}
	details := map[string]any{"path": r.URL.Path, "error": refused.code}
	if c.ID == "" {
		c, details["client_id"] = nil, bounded(id, 64)
	}
	if untold > 0 {
		details["not_recorded"] = untold
	}
	p.record(r, wanted, c, nil, "The client did not prove who it is", details)
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
