package crud

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
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

// A making is an answer from the first row that is read for it until it is taken. While
// it is made its rows, its text and the room in which that grows are in memory, which is
// thrice what was read of them.
type making struct {
	caller store.Caller
	anyhow bool

	mu      sync.Mutex
	read    int
	counted int
	refused error
}

type makingKey struct{}

// countStep is in which steps an answer counts that is being made.
const countStep = 256 << 10

// MakeAnswer lets what is read with the context that it returns count for an answer to
// its caller, until done is called. Reading ends with the errors of [HoldAnswer] when
// there is no room for more, save for a change, which is as [KeepAnswer] says. What the
// program reads for itself does not count.
func MakeAnswer(ctx context.Context, change bool) (_ context.Context, done func()) {
	m := &making{caller: askedBy(ctx), anyhow: change}
	return context.WithValue(ctx, makingKey{}, m), m.done
}

// makingOf returns the answer that is made with ctx; nil if none is, or by the program.
func makingOf(ctx context.Context) *making {
	if authz.IsSystem(ctx) {
		return nil
	}
	m, _ := ctx.Value(makingKey{}).(*making)
	return m
}

// reads counts bytes more that were read.
func (m *making) reads(n int) error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read += n
	return m.grow(3 * m.read)
}

// writes reports whether there is room for that much text: what was read may be there
// more than once.
func (m *making) writes(n int) bool {
	if m == nil {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.grow(m.read+2*n) == nil
}

// AnswerFull reports whether an answer is not written any further that is so long: it has
// more than [MaxAnswer], or there is no room for more, as [HoldAnswer] says then.
func AnswerFull(ctx context.Context, n int) bool {
	return n > freeAnswer && (n > MaxAnswer || !makingOf(ctx).writes(n))
}

// grow counts at least so many bytes.
func (m *making) grow(n int) error {
	if n <= max(3*freeAnswer, m.counted) || m.refused != nil {
		return m.refused
	}
	n = (n + countStep - 1) / countStep * countStep
	m.refused = answers.take(m.caller, n-m.counted, m.anyhow)
	if m.refused == nil {
		m.counted = n
	}
	return m.refused
}

// made counts the text alone from now on.
func (m *making) made(n int, anyhow bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused != nil && !anyhow {
		return m.refused
	}
	if n <= freeAnswer {
		n = 0
	}
	if err := answers.take(m.caller, n-m.counted, anyhow); err != nil {
		return err
	}
	m.counted = n
	return nil
}

func (m *making) done() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = answers.take(m.caller, -m.counted, true)
	m.counted = 0
}

// HoldAnswer lets the answer to a question count until release is called, when its
// client has taken it. It refuses one that is longer than [MaxAnswer] with 400, with 429
// while the caller, or their network, leaves too many others where they are, and with 503
// while all do.
func HoldAnswer(ctx context.Context, text []byte) (release func(), err error) {
	if err := CheckAnswer(text); err != nil {
		return nil, err
	}
	m, err := answerOf(ctx, len(text), false)
	if err != nil {
		return nil, err
	}
	return m.done, nil
}

// answerOf counts an answer that is made: the one of ctx, or a new one.
func answerOf(ctx context.Context, n int, anyhow bool) (*making, error) {
	m := makingOf(ctx)
	if m == nil {
		m = &making{caller: askedBy(ctx)}
	}
	return m, m.made(n, anyhow)
}

// KeepAnswer is [HoldAnswer] for an answer that tells what was done, and is given
// whatever others there are: a change is refused before it is made while its caller
// leaves too many of them.
func KeepAnswer(ctx context.Context, text []byte) (release func()) {
	m, _ := answerOf(ctx, len(text), true)
	return m.done
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

// take counts n bytes more, or gives back as many when n is negative.
func (h *holding) take(c store.Caller, n int, anyhow bool) error {
	who, network := holders(c)
	nobody := store.Caller{}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case anyhow, n <= 0:
	case who != nobody && h.of[who]+n > mostAccount, network != nobody && h.of[network]+n > mostNetwork:
		return tooMany()
	case h.all+n > mostAll:
		return &gate.Error{Status: http.StatusServiceUnavailable, Message: "Too many large answers are on their way", RetryAfter: 10 * time.Second}
	}
	h.add(who, network, n)
	return nil
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
