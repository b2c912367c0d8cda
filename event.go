package gate

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// An Event tells that somebody logged in or out, or that a connection closed.
// It is shared by all listeners and must not be changed.
type Event struct {
	// Principal is whom the event is about.
	Principal *Principal
	// Result is what was answered; nil for a disconnect.
	Result *Result
	// Client is where it came from, as far as known.
	Client Client
	// At is when it happened.
	At time.Time
}

// eventBacklog is how many events may wait for slow listeners before further
// ones are dropped, with a line in the log.
const eventBacklog = 1024

type eventKind uint8

const (
	eventLogin eventKind = iota
	eventLogout
	eventDisconnect
	eventKinds
)

func (k eventKind) String() string { return [...]string{"login", "logout", "disconnect"}[k] }

type (
	listener     func(context.Context, *Event)
	mustListener func(context.Context, *Event) error
)

// events delivers to listeners on one goroutine, in order. The goroutine
// starts with the first listener and ends with close.
type events struct {
	mu      sync.RWMutex
	closed  bool
	started bool
	all     [eventKinds][]listener
	must    [eventKinds][]mustListener
	queue   chan func()
	done    chan struct{}
}

func (e *events) on(kind eventKind, f listener) {
	if f == nil {
		panic("gate: nil listener for " + kind.String())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.started && !e.closed {
		e.started = true
		e.queue, e.done = make(chan func(), eventBacklog), make(chan struct{})
		go e.run(e.queue, e.done)
	}
	e.all[kind] = append(e.all[kind], f)
}

func (e *events) onMust(kind eventKind, f mustListener) {
	if f == nil {
		panic("gate: nil listener for " + kind.String())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.must[kind] = append(e.must[kind], f)
}

// require runs the listeners that may refuse, and stops at the first that does.
func (e *events) require(ctx context.Context, kind eventKind, ev *Event) error {
	e.mu.RLock()
	must := e.must[kind]
	e.mu.RUnlock()
	for _, f := range must {
		if err := callMust(ctx, f, ev); err != nil {
			return undecided(fmt.Errorf("%s listener: %w", kind, err))
		}
	}
	return nil
}

func callMust(ctx context.Context, f mustListener, ev *Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicError("listener", v)
		}
	}()
	return f(ctx, ev)
}

// emit hands the event to the listeners without waiting for them.
func (e *events) emit(ctx context.Context, kind eventKind, ev *Event, logger *slog.Logger) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed || len(e.all[kind]) == 0 {
		return
	}
	select {
	case e.queue <- func() { e.deliver(context.WithoutCancel(ctx), kind, ev, logger) }:
	default:
		logger.WarnContext(ctx, "event dropped, listeners are too slow", "event", kind.String())
	}
}

func (e *events) run(queue <-chan func(), done chan<- struct{}) {
	defer close(done)
	for deliver := range queue {
		deliver()
	}
}

func (e *events) deliver(ctx context.Context, kind eventKind, ev *Event, logger *slog.Logger) {
	e.mu.RLock()
	listeners := e.all[kind]
	e.mu.RUnlock()
	for _, f := range listeners {
		if err := callMust(ctx, func(ctx context.Context, ev *Event) error { f(ctx, ev); return nil }, ev); err != nil {
			logger.ErrorContext(ctx, "event listener failed", "event", kind.String(), "err", err)
		}
	}
}

// close stops accepting events and waits for those accepted.
func (e *events) close(ctx context.Context) error {
	e.mu.Lock()
	if !e.closed && e.started {
		close(e.queue)
	}
	e.closed = true
	done := e.done
	e.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for event listeners: %w", context.Cause(ctx))
	}
}

// OnLogin registers f to be told of every login from outside the program, and, as
// in Feathers, of every token that is shown or renewed there, in order, shortly
// after the answer was decided. f neither delays nor fails the
// login; when listeners fall far behind, events are dropped.
func (s *Service) OnLogin(f func(context.Context, *Event)) { s.events.on(eventLogin, f) }

// OnLogout is [Service.OnLogin] for log-outs.
func (s *Service) OnLogout(f func(context.Context, *Event)) { s.events.on(eventLogout, f) }

// OnDisconnect is [Service.OnLogin] for connections that closed; whoever keeps
// connections reports them to [Service.Disconnected].
func (s *Service) OnDisconnect(f func(context.Context, *Event)) { s.events.on(eventDisconnect, f) }

// OnLoginMust registers f to run before a login from outside is answered. Its
// error refuses the login: one of the codes as what it says, any other as 503.
// The session that was opened is ended again.
func (s *Service) OnLoginMust(f func(context.Context, *Event) error) { s.events.onMust(eventLogin, f) }

// OnLogoutMust registers f to run before a log-out from outside is answered,
// after the session was ended. Its error is answered instead.
func (s *Service) OnLogoutMust(f func(context.Context, *Event) error) {
	s.events.onMust(eventLogout, f)
}

// Disconnected tells the listeners of [Service.OnDisconnect] that a connection
// of p closed.
func (s *Service) Disconnected(ctx context.Context, p *Principal) {
	st := s.state.Load()
	s.events.emit(ctx, eventDisconnect, st.event(ctx, p, nil), st.cfg.Logger)
}

// Close stops the delivery of events and returns when the last one was
// delivered, or with an error when ctx ends first.
func (s *Service) Close(ctx context.Context) error { return s.events.close(ctx) }

func (st *state) event(ctx context.Context, p *Principal, r *Result) *Event {
	client, _ := ClientFromContext(ctx)
	return &Event{Principal: p, Result: r, Client: client, At: st.cfg.Now()}
}
