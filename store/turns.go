package store

import (
	"container/heap"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
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
// [ErrUnavailable] when none came in that time, or while ctx lasted, which may be the fault of the database,
// and [ErrBusy] when too many queries of the caller wait.
func (db *DB) Turn(ctx context.Context, c Caller, wait time.Duration) (*Turn, error) {
	if db.turns == nil || c == (Caller{}) {
		return nil, nil //nolint:nilnil // nil is a turn that counts nothing
	}
	return db.turns.begin(ctx, c, wait)
}

// LongTurn is [DB.Turn] for a query that may take long for what it asks. It waits for
// its like first: half of what one caller may have is for other queries, also of the
// same caller or network.
func (db *DB) LongTurn(ctx context.Context, c Caller, wait time.Duration) (*Turn, error) {
	if db.turns == nil || c == (Caller{}) {
		return nil, nil //nolint:nilnil // nil is a turn that counts nothing
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	long, err := db.long.begin(ctx, c, wait)
	if err != nil {
		return nil, err
	}
	n, err := db.turns.begin(ctx, c, wait)
	if err != nil {
		long.End()
		return nil, err
	}
	n.long = long
	return n, nil
}

// writeTurn is [DB.Turn] for a transaction; it gives up as soon as one that waits for a
// connection does.
func (db *DB) writeTurn(ctx context.Context, c Caller) (*Turn, error) {
	if db.writers == nil || c == (Caller{}) {
		return nil, nil //nolint:nilnil // nil is a turn that counts nothing
	}
	return db.writers.begin(ctx, c, db.wait)
}

// A Turn is that of a query. nil is one that counts nothing.
type Turn struct {
	of     *turns
	caller Caller
	ready  chan struct{}
	number int   // in the order in which they began to wait
	long   *Turn // among queries that take long; nil for others
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
	n.long.End()
}

// who is what turns are counted by: the account, or where there is none the network.
func (n *Turn) who() Caller { return n.caller.who() }

func (c Caller) who() Caller {
	if c.Account != "" {
		return Caller{Account: c.Account}
	}
	return c
}

// turns are the connections that callers share. Whose turn it is takes a few steps,
// however many wait: they wait the longer the more of them ask.
type turns struct {
	most, kept int // of them, and of these for who has none

	mu       sync.Mutex
	taken    int
	waiting  int
	number   int
	lines    map[Caller]*line // of those that wait or have turns
	busy     map[*line]bool   // lines that wait and have turns: no more than there are turns
	networks map[netip.Prefix]*network
	idle     queue[*network] // in which a line waits that has no turn
}

// A line is what one caller has, and waits for. Turns of one come in their order.
type line struct {
	who     Caller
	held    int
	waiting []*Turn
	place   int // in the queue of the network of the first one, if there is no turn
}

func (l *line) before(m *line) bool { return l.waiting[0].number < m.waiting[0].number }
func (l *line) at() *int            { return &l.place }

type network struct {
	held  int
	lines queue[*line] // that wait and have no turn
	place int          // in the queue of networks, if there are lines
}

func (n *network) before(m *network) bool {
	if n.held != m.held {
		return n.held < m.held
	}
	return n.lines[0].before(m.lines[0])
}
func (n *network) at() *int { return &n.place }

// newTurns divides connections; so few that nothing is left to divide belong to whoever
// comes first.
func newTurns(connections int) *turns {
	if connections < 3 {
		return nil
	}
	most := connections - 1
	return newShare(most, max(1, most/4))
}

// newLongTurns divides half of what one caller may have of others.
func newLongTurns(all *turns) *turns {
	if all == nil {
		return nil
	}
	most := max(1, (all.most-all.kept)/2)
	return newShare(most, min(most-1, max(1, most/4)))
}

func newShare(most, kept int) *turns {
	return &turns{most: most, kept: kept, lines: map[Caller]*line{}, busy: map[*line]bool{}, networks: map[netip.Prefix]*network{}}
}

func (t *turns) begin(ctx context.Context, c Caller, wait time.Duration) (*Turn, error) {
	n := &Turn{of: t, caller: c}
	t.mu.Lock()
	l := t.line(n)
	if t.waiting == 0 && t.fits(l.held, t.network(n).held) {
		t.take(n)
		t.mu.Unlock()
		return n, nil
	}
	if len(l.waiting) >= maxWaiting {
		t.mu.Unlock()
		return nil, fmt.Errorf("%d queries of the caller wait: %w", maxWaiting, ErrBusy)
	}
	n.ready = make(chan struct{})
	t.number++
	n.number = t.number
	t.waiting++
	t.change(l, func() { l.waiting = append(l.waiting, n) })
	t.next() // it may have what the others may not
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
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

// fits reports whether one may have its turn now whose account and network have so many.
func (t *turns) fits(account, network int) bool {
	if account == 0 && network == 0 {
		return t.taken < t.most
	}
	return t.taken < t.most-t.kept
}

// next gives their turns to those that wait, who has least first.
func (t *turns) next() {
	for t.waiting > 0 {
		first := t.first()
		if first == nil || !t.fits(first.held, t.network(first.waiting[0]).held) {
			return
		}
		n := first.waiting[0]
		t.drop(n)
		t.take(n)
		close(n.ready)
	}
}

// first returns the line whose turn it is: one that has none, of the network that has
// least, or else the one that has least.
func (t *turns) first() (first *line) {
	if len(t.idle) > 0 {
		return t.idle[0].lines[0]
	}
	for l := range t.busy {
		if first == nil || t.least(l, first) {
			first = l
		}
	}
	return first
}

// least reports whether of two lines that have turns a has its next one before b.
func (t *turns) least(a, b *line) bool {
	if a.held != b.held {
		return a.held < b.held
	}
	if mine, others := t.network(a.waiting[0]).held, t.network(b.waiting[0]).held; mine != others {
		return mine < others
	}
	return a.before(b)
}

func (t *turns) take(n *Turn) { t.hold(n, 1) }
func (t *turns) give(n *Turn) { t.hold(n, -1) }

// hold counts a turn that is taken or given back.
func (t *turns) hold(n *Turn, by int) {
	t.taken += by
	l := t.line(n)
	t.change(l, func() { l.held += by })
	if w := t.network(n); n.caller.Network.IsValid() {
		w.held += by
		t.sort(n.caller.Network, w)
	}
}

// drop takes one that waits out of the line.
func (t *turns) drop(n *Turn) {
	t.waiting--
	l := t.line(n)
	t.change(l, func() {
		if l.waiting[0] == n {
			l.waiting = l.waiting[1:]
			return
		}
		i := slices.Index(l.waiting, n)
		l.waiting = slices.Delete(l.waiting, i, i+1)
	})
}

// line returns the line of a turn: a new one if there is none.
func (t *turns) line(n *Turn) *line {
	if l := t.lines[n.who()]; l != nil {
		return l
	}
	return &line{who: n.who()}
}

// network returns what is counted of the network of a turn.
func (t *turns) network(n *Turn) *network {
	if w := t.networks[n.caller.Network]; w != nil {
		return w
	}
	return &network{place: -1}
}

// change changes a line, and puts it where it belongs then.
func (t *turns) change(l *line, how func()) {
	if len(l.waiting) > 0 && l.held == 0 {
		w := t.network(l.waiting[0])
		heap.Remove(&w.lines, l.place)
		t.sort(l.waiting[0].caller.Network, w)
	}
	how()
	if len(l.waiting) == 0 || l.held == 0 {
		delete(t.busy, l)
	}
	switch {
	case len(l.waiting) == 0 && l.held == 0:
		delete(t.lines, l.who)
		return
	case len(l.waiting) > 0 && l.held > 0:
		t.busy[l] = true
	case len(l.waiting) > 0:
		w := t.network(l.waiting[0])
		heap.Push(&w.lines, l)
		t.sort(l.waiting[0].caller.Network, w)
	}
	t.lines[l.who] = l
}

// sort puts a network where it belongs that has changed.
func (t *turns) sort(prefix netip.Prefix, w *network) {
	switch {
	case len(w.lines) > 0 && w.place >= 0:
		heap.Fix(&t.idle, w.place)
	case len(w.lines) > 0:
		heap.Push(&t.idle, w)
	case w.place >= 0:
		heap.Remove(&t.idle, w.place)
		w.place = -1
	}
	if w.held == 0 && len(w.lines) == 0 {
		delete(t.networks, prefix)
	} else {
		t.networks[prefix] = w
	}
}

// placed is what knows its place in a queue.
type placed[T any] interface {
	before(other T) bool
	at() *int
}

var (
	_ placed[*line]    = (*line)(nil)
	_ placed[*network] = (*network)(nil)
)

// A queue is a heap.
type queue[T placed[T]] []T

func (q queue[T]) Len() int           { return len(q) }
func (q queue[T]) Less(i, j int) bool { return q[i].before(q[j]) }

func (q queue[T]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	*q[i].at(), *q[j].at() = i, j
}

func (q *queue[T]) Push(x any) {
	one := x.(T) //nolint:forcetypeassert // heap.Push is called with no other
	*one.at() = len(*q)
	*q = append(*q, one)
}

func (q *queue[T]) Pop() any {
	last := len(*q) - 1
	one := (*q)[last]
	clear((*q)[last:])
	*q = (*q)[:last]
	return one
}
