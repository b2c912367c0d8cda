package mail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// QueueConfig configures [NewQueue]. The zero value is ready to use.
type QueueConfig struct {
	// Size is how many letters may wait; zero means 256.
	Size int
	// Workers is how many are sent at a time; zero means 4.
	Workers int
	// Attempts is how often a letter is tried; zero means 4, the most is 10.
	Attempts int
	// Delay is how long a letter waits before it is begun: the work must not be
	// felt in the answer to whoever asked for it. Zero means 100 milliseconds.
	Delay time.Duration
	// Backoff is the pause after the first attempt; each further one is four
	// times as long, at most five minutes. Zero means five seconds.
	Backoff time.Duration
	// Timeout bounds one attempt; zero means 30 seconds.
	Timeout time.Duration
	// Logger gets letters that were given up, without their recipient; nil
	// means slog.Default().
	Logger *slog.Logger
}

const maxBackoff = 5 * time.Minute

// A Compose writes a letter in the background, where its time tells nothing. It
// reports false when there is nothing to send. It is called again after an
// error.
type Compose func(ctx context.Context) (m Message, ok bool, err error)

// A Queue sends letters in the background. It holds a bounded number of them,
// in memory: what was not sent when the process dies is lost, and asked for
// anew by whoever waits for it. A letter that waits for its next attempt keeps
// no other one waiting. It is safe for concurrent use; [NewQueue] makes one,
// [Queue.Close] ends it.
type Queue struct {
	sender  Sender
	cfg     QueueConfig
	held    chan struct{} // a place for each letter
	sending chan struct{} // a place for each that is sent at this moment
	stop    context.CancelFunc
	atStop  func(f func()) (forget func() bool)
	closing chan struct{}
	letters sync.WaitGroup

	mu     sync.RWMutex // held to write while the queue is closed
	closed bool
}

var _ Sender = (*Queue)(nil)

// NewQueue returns a queue before sender.
func NewQueue(sender Sender, cfg QueueConfig) (*Queue, error) {
	cfg.Size = cmp.Or(cfg.Size, 256)
	cfg.Workers = cmp.Or(cfg.Workers, 4)
	cfg.Attempts = cmp.Or(cfg.Attempts, 4)
	cfg.Backoff = cmp.Or(cfg.Backoff, 5*time.Second)
	cfg.Timeout = cmp.Or(cfg.Timeout, 30*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	switch {
	case sender == nil:
		return nil, errors.New("mail queue: no sender")
	case cfg.Size < 1 || cfg.Workers < 1 || cfg.Backoff < 0 || cfg.Timeout < 0:
		return nil, errors.New("mail queue: size, workers, back-off and time-out are positive")
	case cfg.Attempts < 1 || cfg.Attempts > 10:
		return nil, fmt.Errorf("mail queue: %d attempts are not between 1 and 10", cfg.Attempts)
	}
	life, stop := context.WithCancel(context.Background())
	return &Queue{
		sender: sender, cfg: cfg, closing: make(chan struct{}), stop: stop,
		held: make(chan struct{}, cfg.Size+cfg.Workers), sending: make(chan struct{}, cfg.Workers),
		atStop: func(f func()) func() bool { return context.AfterFunc(life, f) },
	}, nil
}

// Send puts m into the queue. The error is [ErrAddress], [ErrHeader] or
// [ErrRefused] for a letter that cannot be sent, [ErrFull] or [ErrClosed]; what
// happens to the letter later is logged.
func (q *Queue) Send(ctx context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	return q.Later(ctx, func(context.Context) (Message, bool, error) { return m, true, nil })
}

// Later puts a letter into the queue that is still to be written. Its context
// has the values of ctx, and goes on when ctx ends. The error is [ErrFull] or
// [ErrClosed].
func (q *Queue) Later(ctx context.Context, compose Compose) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		return ErrClosed
	}
	select {
	case q.held <- struct{}{}:
	default:
		return ErrFull
	}
	ctx = context.WithoutCancel(ctx)
	q.letters.Go(func() {
		defer func() { <-q.held }()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer q.atStop(cancel)()
		q.wait(ctx, q.cfg.Delay)
		q.deliver(ctx, compose)
	})
	return nil
}

// deliver writes and sends one letter, and tries again what may pass.
func (q *Queue) deliver(ctx context.Context, compose Compose) {
	pause := q.cfg.Backoff
	for attempt := 1; ; attempt++ {
		q.sending <- struct{}{}
		next, err := q.attempt(ctx, compose)
		<-q.sending
		if err == nil {
			return
		}
		compose = next
		if attempt == q.cfg.Attempts || final(err) || ctx.Err() != nil {
			q.cfg.Logger.ErrorContext(ctx, "letter given up", "attempts", attempt, "err", err)
			return
		}
		q.cfg.Logger.WarnContext(ctx, "letter not sent yet", "attempt", attempt, "err", err)
		q.wait(ctx, pause)
		pause = min(4*pause, maxBackoff)
	}
}

// attempt returns what to try next: a letter that was written is not written
// twice.
func (q *Queue) attempt(ctx context.Context, compose Compose) (next Compose, err error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // one letter, not the process
			next, err = compose, fmt.Errorf("%w: panic: %v", ErrRefused, p)
		}
	}()
	m, ok, err := compose(ctx)
	if err != nil {
		return compose, fmt.Errorf("write letter: %w", err)
	}
	if !ok {
		return nil, nil
	}
	again := func(context.Context) (Message, bool, error) { return m, true, nil }
	return again, q.sender.Send(ctx, m)
}

func final(err error) bool {
	return errors.Is(err, ErrRefused) || errors.Is(err, ErrAddress) || errors.Is(err, ErrHeader)
}

// wait pauses, but not while the queue is being closed.
func (q *Queue) wait(ctx context.Context, pause time.Duration) {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-q.closing:
	case <-ctx.Done():
	}
}

// Close takes no more letters, sends those that are waiting, without pauses, and
// returns after the last one, or gives up the rest when ctx ends. Closing a
// closed queue waits as well.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.closing)
	}
	q.mu.Unlock()
	done := make(chan struct{})
	go func() {
		q.letters.Wait()
		close(done)
	}()
	select {
	case <-done:
		q.stop()
		return nil
	case <-ctx.Done():
		q.stop()
		<-done
		return fmt.Errorf("close mail queue: %w", ctx.Err())
	}
}
