package actions

import (
	"context"
	"fmt"
	"sync"
)

// turns bounds how many log-ins of one user at one client, how many tokens of one
// program, and how many sign-ups from one network have their actions run: the rest of
// them waits for those, and not everybody else for the rest.
type turns struct {
	most int

	mu sync.Mutex
	of map[string]*turn // of those with some under way
}

type turn struct {
	places chan struct{}
	here   int // with a place, or waiting for one
}

// turn waits for a place among those of one who asks, for half the time of a trigger
// at most. What an action sets off goes with the log-in that it is part of.
func (r *Runner) turn(ctx context.Context, who string) (leave func(), err error) {
	if depth(ctx) > 0 {
		return func() {}, nil
	}
	t := r.turns.join(who)
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout/2)
	defer cancel()
	select {
	case t.places <- struct{}{}:
		return func() { <-t.places; r.turns.part(who, t) }, nil
	case <-ctx.Done():
		err = fmt.Errorf("%w: of %q", ErrBusy, who)
	case <-r.done:
		err = ErrClosed
	}
	r.turns.part(who, t)
	return nil, err
}

func (t *turns) join(who string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.of[who]
	if one == nil {
		one = &turn{places: make(chan struct{}, t.most)}
		t.of[who] = one
	}
	one.here++
	return one
}

func (t *turns) part(who string, one *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one.here--; one.here == 0 {
		delete(t.of, who)
	}
}
