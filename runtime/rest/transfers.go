package rest

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/household"
)

// How many files are on their way at a time: each that is sent takes room until it is
// here, and each that is fetched holds a part of it in memory, for as long as its client
// takes.
var (
	sending  = bound{all: 32, address: 16, account: 4, busy: "Other files of yours are being sent: wait for them", full: "Too many files are being sent"}
	fetching = bound{all: 512, address: 256, account: 64, busy: "Other files of yours are being fetched: wait for them", full: "Too many files are being fetched"}
)

// A bound is the most files of all callers, of one address (IPv6: of one /64), and of
// one account, or where nobody is known of one address.
type bound struct {
	all, address, account int
	busy, full            string
}

// Transfers counts the files that are being sent and fetched. The zero value is ready
// to use.
type Transfers struct{ uploads, downloads counter }

type counter struct {
	mu  sync.Mutex
	all int
	of  map[string]int
}

// begin counts one more, until done is called.
func (n *counter) begin(ctx context.Context, most *bound) (done func(), err error) {
	address, who := "", "nobody"
	if c, ok := gate.ClientFromContext(ctx); ok {
		address = "address " + household.Of(c.Address)
		who = "nobody at " + address
	}
	if p, ok := gate.PrincipalFromContext(ctx); ok {
		who = "account " + p.Subject
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.of[who] >= most.account, n.of[address] >= most.address && address != "":
		return nil, &gate.Error{Status: http.StatusTooManyRequests, Message: most.busy, RetryAfter: 10 * time.Second}
	case n.all >= most.all:
		return nil, &gate.Error{Status: http.StatusServiceUnavailable, Message: most.full, RetryAfter: 10 * time.Second}
	}
	if n.of == nil {
		n.of = map[string]int{}
	}
	n.all++
	n.of[who]++
	n.of[address]++ // of none, too, where it bounds nothing
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.all--
		for _, key := range []string{who, address} {
			if n.of[key]--; n.of[key] == 0 {
				delete(n.of, key)
			}
		}
	}, nil
}
