package store

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

// A Caller is for whom a query is made: an account, and the network that it asks
// from. The zero value is the program itself.
type Caller struct {
	Account string
	Network netip.Prefix
}

// maxWaiting is how many queries of one caller may wait for their turn.
const maxWaiting = 1000

// Turn waits until one more query of a caller may take a connection of [DB.Read], and
// counts it until [Turn.End]. A caller may have most of the connections while nobody
// else wants one, and never all of them: a quarter is for callers that have none, and
// one for the program, which waits for nobody. Of those that wait, who has least comes
// first. A goroutine that has a turn must not wait for another one. The error matches
// [ErrUnavailable] when no turn came in time, which may be the fault of the database,
// and [ErrBusy] when too many queries of the caller wait.
func (db *DB) Turn(ctx context.Context, c Caller) (*Turn, error) {
	if db.turns == nil || c == (Caller{}) {
		return nil, nil //nolint:nilnil // nil is a turn that counts nothing
	}
	return db.turns.begin(ctx, c)
}

// A Turn is that of a query. nil is one that counts nothing.
type Turn struct {
	of     *turns
	caller Caller
	ready  chan struct{}
	number int // in the order in which they began to wait
}

// End ends a turn. It is called once.
func (n *Turn) End() {
	if n == nil {
		return
	}
	n.of.mu.Lock()
	n.of.give(n)
	n.of.next()
	n.of.mu.Unlock()
}

// who is what turns are counted by: the account, or where there is none the network.
func (n *Turn) who() Caller { return n.caller.who() }

func (c Caller) who() Caller {
	if c.Account != "" {
		return Caller{Account: c.Account}
	}
	return c
}

// turns are the connections that callers share.
type turns struct {
	most, kept int // of them, and of these for who has none

	mu       sync.Mutex
	taken    int
	accounts map[Caller]int
	networks map[netip.Prefix]int
	queued   map[Caller]int
	waiting  map[Caller][]*Turn // in their order
	number   int
}

// newTurns divides connections; so few that nothing is left to divide belong to whoever
// comes first.
func newTurns(connections int) *turns {
	if connections < 3 {
		return nil
	}
	most := connections - 1
	return &turns{
		most: most, kept: max(1, most/4),
		accounts: map[Caller]int{}, networks: map[netip.Prefix]int{}, queued: map[Caller]int{}, waiting: map[Caller][]*Turn{},
	}
}

func (t *turns) begin(ctx context.Context, c Caller) (*Turn, error) {
	n := &Turn{of: t, caller: c}
	t.mu.Lock()
	if len(t.waiting) == 0 && t.fits(n) {
		t.take(n)
		t.mu.Unlock()
		return n, nil
	}
	if t.queued[n.who()] >= maxWaiting {
		t.mu.Unlock()
		return nil, fmt.Errorf("%d queries of the caller wait: %w", maxWaiting, ErrBusy)
	}
	n.ready = make(chan struct{})
	t.queued[n.who()]++
	t.number++
	n.number = t.number
	t.waiting[c] = append(t.waiting[c], n)
	t.next() // it may have what the others may not
	t.mu.Unlock()
	select {
	case <-n.ready:
		return n, nil
	case <-ctx.Done():
		return nil, t.leave(ctx, n)
	}
}

// leave gives up waiting, or the turn that came at that moment.
func (t *turns) leave(ctx context.Context, n *Turn) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-n.ready:
		t.give(n)
	default:
		t.drop(n)
	}
	t.next()
	return fmt.Errorf("wait for a turn: %w: %w", ErrUnavailable, ctx.Err())
}

// fits reports whether one may have its turn now.
func (t *turns) fits(n *Turn) bool {
	if t.accounts[n.who()] == 0 && t.networks[n.caller.Network] == 0 {
		return t.taken < t.most
	}
	return t.taken < t.most-t.kept
}

// next gives their turns to those that wait, who has least first.
func (t *turns) next() {
	for t.taken < t.most {
		var first *Turn
		for _, line := range t.waiting {
			if n := line[0]; t.fits(n) && (first == nil || t.before(n, first)) {
				first = n
			}
		}
		if first == nil {
			return
		}
		t.drop(first)
		t.take(first)
		close(first.ready)
	}
}

// before reports whether a has its turn before b.
func (t *turns) before(a, b *Turn) bool {
	if mine, others := t.accounts[a.who()], t.accounts[b.who()]; mine != others {
		return mine < others
	}
	if mine, others := t.networks[a.caller.Network], t.networks[b.caller.Network]; mine != others {
		return mine < others
	}
	return a.number < b.number
}

func (t *turns) take(n *Turn) {
	t.taken++
	t.accounts[n.who()]++
	if n.caller.Network.IsValid() {
		t.networks[n.caller.Network]++
	}
}

func (t *turns) give(n *Turn) {
	t.taken--
	less(t.accounts, n.who())
	if n.caller.Network.IsValid() {
		less(t.networks, n.caller.Network)
	}
}

// drop takes one that waits out of the line.
func (t *turns) drop(n *Turn) {
	line := t.waiting[n.caller]
	switch i := slices.Index(line, n); {
	case len(line) == 1:
		delete(t.waiting, n.caller)
	case i == 0:
		t.waiting[n.caller] = line[1:]
	default:
		t.waiting[n.caller] = slices.Delete(line, i, i+1)
	}
	less(t.queued, n.who())
}

func less[K comparable](of map[K]int, key K) {
	if of[key]--; of[key] == 0 {
		delete(of, key)
	}
}
