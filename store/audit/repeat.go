package audit

import (
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gatewright/gate"
)

// How many refusals of one kind and from one network are kept each by itself,
// from one count to the next.
const (
	countEvery    = time.Minute
	wholeThrottle = 1    // of what was throttled
	wholeUnknown  = 10   // of what is about nobody in particular
	maxSources    = 4096 // networks that are told apart
)

// A source is where refusals come from that anybody can cause, at any rate.
type source struct {
	action, entity string
	reason         gate.Code
	network        netip.Prefix
}

// A tally is what came from a source since the last count.
type tally struct {
	whole, more int
	last        gate.AuditEvent // of those that are no rows
}

// repeats bounds the rows that a flood of refusals makes: of each source the
// first are rows, the others are counted. The zero value is ready for use.
type repeats struct {
	mu   sync.Mutex
	seen map[source]*tally
}

// counts reports whether e is one more of what there were enough of, and counts
// it then.
func (r *repeats) counts(e *gate.AuditEvent) bool {
	throttled := e.Reason == gate.ErrTooManyRequests
	if e.Outcome != gate.Failed || !throttled && (e.Subject != "" || e.Actor != "") {
		return false
	}
	most := wholeUnknown
	if throttled {
		most = wholeThrottle
	}
	from := source{e.Action, e.Entity, e.Reason, networkOf(e.Client.Address)}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.seen[from]
	if t == nil && len(r.seen) >= maxSources {
		from.network = netip.Prefix{}
		t = r.seen[from]
	}
	if t == nil {
		if r.seen == nil {
			r.seen = make(map[source]*tally)
		}
		t = new(tally)
		r.seen[from] = t
	}
	if t.whole < most {
		t.whole++
		return false
	}
	t.add(e)
	return true
}

// add counts e. What is not the same of all is said of none.
func (t *tally) add(e *gate.AuditEvent) {
	last := *e
	if t.more > 0 {
		keep := func(now *string, before string) {
			if *now != before {
				*now = ""
			}
		}
		keep(&last.Subject, t.last.Subject)
		keep(&last.Actor, t.last.Actor)
		keep(&last.Strategy, t.last.Strategy)
		keep(&last.SessionID, t.last.SessionID)
		keep(&last.Client.UserAgent, t.last.Client.UserAgent)
	}
	t.last = last
	t.more++
}

// take returns an entry for each source that was counted, and begins anew.
func (r *repeats) take() []Entry {
	r.mu.Lock()
	seen := r.seen
	r.seen = nil
	r.mu.Unlock()
	var list []Entry
	for from, t := range seen {
		if t.more == 0 {
			continue
		}
		e := Entry{AuditEvent: t.last, Network: from.network}
		e.Client.Address = netip.Addr{}
		e.Details = map[string]string{"count": strconv.Itoa(t.more)}
		list = append(list, e)
	}
	return list
}

// networkOf returns the network of an address, the zero one of what is none.
func networkOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
