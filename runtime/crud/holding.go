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

// Room refuses, as [HoldAnswer] does, a caller who leaves too many answers where they
// are. A change, and an action, asks before it begins: its answer is given afterwards.
func Room(ctx context.Context) error {
	release, err := answers.take(askedBy(ctx), 0, false)
	if err == nil {
		release()
	}
	return err
}

func (h *holding) take(c store.Caller, n int, anyhow bool) (release func(), err error) {
	account, network := store.Caller{Account: c.Account}, store.Caller{Network: c.Network}
	who := account
	if c.Account == "" {
		who = network
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch program := c == (store.Caller{}); {
	case anyhow:
	case !program && (h.of[who]+n > mostAccount || h.of[network]+n > mostNetwork):
		return nil, &gate.Error{Status: http.StatusTooManyRequests, Message: "Other large answers to you are on their way: take them first", RetryAfter: 10 * time.Second}
	case h.all+n > mostAll:
		return nil, &gate.Error{Status: http.StatusServiceUnavailable, Message: "Too many large answers are on their way", RetryAfter: 10 * time.Second}
	}
	h.add(account, network, n)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.add(account, network, -n)
	}, nil
}

// add counts bytes of an account and a network, also those of none, which bound nothing.
func (h *holding) add(account, network store.Caller, n int) {
	if n == 0 {
		return
	}
	if h.of == nil {
		h.of = map[store.Caller]int{}
	}
	h.all += n
	for _, c := range [2]store.Caller{account, network} {
		if h.of[c] += n; h.of[c] == 0 {
			delete(h.of, c)
		}
	}
}
