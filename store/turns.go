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
const maxWaiting = 128

// Turn waits until one more query of a caller may take a connection of [DB.Read], and
// counts it until [Turn.End]. A caller may have most of the connections while nobody
// else wants one, and never all of them: a quarter is for callers that have none, and
// one for the program, which waits for nobody. Of those that wait, who has least comes
// first. A goroutine that has a turn must not wait for another one. The error matches
// [ErrBusy] if the caller has turns already or too many that wait, else
// [ErrUnavailable].
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
func (n *Turn) who() Caller {
	if n.caller.Account != "" {
		return Caller{Account: n.caller.Account}
	}
	return n.caller
}

// turns are the connections that callers share.
type turns struct {
	most, kept int // of them, and of these for who has none

	mu       sync.Mutex
	taken    int
	accounts map[Caller]int
	networks map[netip.Prefix]int
	queued   map[Caller]int
	waiting  []*Turn
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
		accounts: map[Caller]int{}, networks: map[netip.Prefix]int{}, queued: map[Caller]int{},
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
	t.waiting = append(t.waiting, n)
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
	if t.accounts[n.who()] > 0 {
		return fmt.Errorf("wait for a turn: %w: %w", ErrBusy, ctx.Err())
	}
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
		first := -1
		for i, n := range t.waiting {
			if t.fits(n) && (first < 0 || t.before(n, t.waiting[first])) {
				first = i
			}
		}
		if first < 0 {
			return
		}
		n := t.waiting[first]
		t.drop(n)
		t.take(n)
		close(n.ready)
	}
}

// before reports whether a has its turn before b, which waits for longer.
func (t *turns) before(a, b *Turn) bool {
	if mine, others := t.accounts[a.who()], t.accounts[b.who()]; mine != others {
		return mine < others
	}
	return t.networks[a.caller.Network] < t.networks[b.caller.Network]
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
	t.waiting = slices.DeleteFunc(t.waiting, func(other *Turn) bool { return other == n })
	less(t.queued, n.who())
}

func less[K comparable](of map[K]int, key K) {
	if of[key]--; of[key] == 0 {
		delete(of, key)
	}
}
