package actions

import (
	"context"
	"sync"
)

// openPer is how many executions are under way for each that may compute, where the
// configuration says nothing.
const openPer = 4

// A room is what executions of one depth share: how many are under way, and how many
// of those compute. The others wait for an answer from elsewhere.
type room struct{ open, slots chan struct{} }

// A seat is the place of one execution in its room. It is safe for concurrent use.
type seat struct {
	room room

	mu      sync.Mutex
	awaited int  // answers
	holds   bool // one of the slots
	queued  int  // answers that are here, and wait for a slot
	over    bool
}

// away calls ask, which waits for somebody else, while the execution leaves its slot
// to others. The error is that of ctx, when no slot became free until it ended.
func (s *seat) away(ctx context.Context, ask func()) error {
	s.mu.Lock()
	if s.awaited++; s.holds {
		s.holds = false
		<-s.room.slots
	}
	s.mu.Unlock()
	ask()
	s.mu.Lock()
	s.awaited--
	if s.awaited > 0 || s.over || ctx.Err() != nil { // the last answer takes the slot
		s.mu.Unlock()
		return ctx.Err()
	}
	s.queued++
	s.mu.Unlock()
	select {
	case s.room.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued--
	if s.holds = s.awaited == 0 && !s.holds && !s.over; !s.holds {
		<-s.room.slots // the execution went on meanwhile, to ask again or to its end
	}
	return nil
}

// starved reports whether an answer was here, and found no slot.
func (s *seat) starved() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queued > 0
}

// leave gives the place up.
func (s *seat) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.holds {
		s.holds = false
		<-s.room.slots
	}
	<-s.room.open
}
