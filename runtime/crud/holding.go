package crud

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
)

// An answer is in memory until its client has taken it, and a client may take its time.
// Those of more than freeAnswer are counted, in bytes, of all services of the process,
// of one network, and of one account, or where nobody is known of one network.
const (
	freeAnswer  = 64 << 10
	mostAll     = 256 << 20
	mostNetwork = 128 << 20
	mostAccount = 64 << 20
)

// answers are those that are on their way.
var answers holding

type holding struct {
	mu  sync.Mutex
	all int
	of  map[store.Caller]int // accounts, and networks
}

// HoldAnswer lets the answer to a question count until release is called, when its
// client has taken it. It refuses one that is longer than [MaxAnswer] with 400, with 429
// while the caller, or their network, leaves too many others where they are, and with 503
// while all do.
func HoldAnswer(ctx context.Context, text []byte) (release func(), err error) {
	if err := CheckAnswer(text); err != nil {
		return nil, err
	}
	if len(text) <= freeAnswer {
		return func() {}, nil
	}
	return answers.take(askedBy(ctx), len(text), false)
}

// KeepAnswer is [HoldAnswer] for an answer that tells what was done, and is given
// whatever others there are: a change is refused before it is made while its caller
// leaves too many of them.
func KeepAnswer(ctx context.Context, text []byte) (release func()) {
	if len(text) <= freeAnswer {
		return func() {}
	}
	release, _ = answers.take(askedBy(ctx), len(text), true)
	return release
}

// Room refuses with 429 an account, or where nobody is known a network, that leaves too
// many answers where they are. A change, and an action, asks before it begins: its
// answer is given afterwards, whatever there is. What others leave is in nobody's way.
func Room(ctx context.Context) error {
	answers.mu.Lock()
	defer answers.mu.Unlock()
	if who, _ := holders(askedBy(ctx)); who != (store.Caller{}) && answers.of[who] > mostAccount {
		return tooMany()
	}
	return nil
}

// holders are by whom an answer is counted: an account, or else its network, and the
// network. The zero caller is nobody: the program, or a network that is not known.
func holders(c store.Caller) (who, network store.Caller) {
	network = store.Caller{Network: c.Network}
	if c.Account != "" {
		return store.Caller{Account: c.Account}, network
	}
	return network, network
}

func tooMany() error {
	return &gate.Error{Status: http.StatusTooManyRequests, Message: "Other large answers to you are on their way: take them first", RetryAfter: 10 * time.Second}
}

func (h *holding) take(c store.Caller, n int, anyhow bool) (release func(), err error) {
	who, network := holders(c)
	nobody := store.Caller{}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case anyhow:
	case who != nobody && h.of[who]+n > mostAccount, network != nobody && h.of[network]+n > mostNetwork:
		return nil, tooMany()
	case h.all+n > mostAll:
		return nil, &gate.Error{Status: http.StatusServiceUnavailable, Message: "Too many large answers are on their way", RetryAfter: 10 * time.Second}
	}
	h.add(who, network, n)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.add(who, network, -n)
	}, nil
}

func (h *holding) add(who, network store.Caller, n int) {
	if h.of == nil {
		h.of = map[store.Caller]int{}
	}
	h.all += n
	if who == network {
		network = store.Caller{}
	}
	for _, c := range [2]store.Caller{who, network} {
		if c == (store.Caller{}) {
			continue
		}
		if h.of[c] += n; h.of[c] == 0 {
			delete(h.of, c)
		}
	}
}
