package mail_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/mail"
)

// server is a sender that fails as it is told, and remembers when it was asked.
type server struct {
	mu    sync.Mutex
	errs  []error // one for each attempt, then nil
	start time.Time
	asked []time.Duration
	sent  int
	block bool // until the context ends
}

func (s *server) Send(ctx context.Context, _ mail.Message) error {
	s.mu.Lock()
	s.asked = append(s.asked, time.Since(s.start))
	var err error
	if len(s.errs) > 0 {
		err, s.errs = s.errs[0], s.errs[1:]
	} else {
		s.sent++
	}
	block := s.block
	s.mu.Unlock()
	if block {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func newQueue(t *testing.T, s *server, cfg mail.QueueConfig) *mail.Queue {
	t.Helper()
	s.start = time.Now()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	q, err := mail.NewQueue(s, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestQueue_retries(t *testing.T) {
	passing := errors.New("450 come back")
	final := fmt.Errorf("550: %w", mail.ErrRefused)
	for name, tt := range map[string]struct {
		errs []error
		want []time.Duration
		sent int
	}{
		"at once":  {nil, []time.Duration{0}, 1},
		"later":    {[]error{passing, passing}, []time.Duration{0, 5 * time.Second, 25 * time.Second}, 1},
		"never":    {[]error{passing, passing, passing, passing, passing}, []time.Duration{0, 5 * time.Second, 25 * time.Second, 105 * time.Second}, 0},
		"for good": {[]error{final}, []time.Duration{0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{errs: tt.errs}
				q := newQueue(t, s, mail.QueueConfig{})
				composed := 0
				err := q.Later(t.Context(), func(context.Context) (mail.Message, bool, error) {
					composed++
					return message(), true, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				if err := q.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(tt.want, s.asked); diff != "" || s.sent != tt.sent {
					t.Errorf("sent %d, want %d; attempts (-want +got):\n%s", s.sent, tt.sent, diff)
				}
				if composed != 1 {
					t.Errorf("written %d times", composed)
				}
			})
		})
	}
}

// TestLOG02_queueDoesNotWait: putting a letter in takes no time, whatever the
// server does, and a full queue says so.
func TestLOG02_queueDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{block: true}
		q := newQueue(t, s, mail.QueueConfig{Size: 3, Workers: 1, Attempts: 1, Timeout: time.Hour})
		start := time.Now()
		put := 0
		for range 10 {
			err := q.Send(t.Context(), message())
			if err == nil {
				put++
			} else if !errors.Is(err, mail.ErrFull) {
				t.Error(err)
			}
			synctest.Wait()
		}
		if put != 4 || time.Since(start) != 0 {
			t.Errorf("%d letters in %s, want 1 under way and 3 waiting at once", put, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close = %v, want that it ran out of time", err)
		}
		if err := q.Send(t.Context(), message()); !errors.Is(err, mail.ErrClosed) {
			t.Errorf("after Close: %v, want %v", err, mail.ErrClosed)
		}
	})
}

// TestQueue_othersGoOn: letters that wait for their next attempt, more than are
// sent at a time, leave the way free for those behind them.
func TestQueue_othersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		later := errors.New("450 come back")
		s := &server{errs: []error{later, later}}
		q := newQueue(t, s, mail.QueueConfig{Workers: 2, Backoff: time.Minute})
		for range 5 {
			if err := q.Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		time.Sleep(time.Second)
		if s.sent != 3 {
			t.Errorf("%d letters sent in a second, want the 3 behind those that wait", s.sent)
		}
		if err := q.Close(t.Context()); err != nil || s.sent != 5 {
			t.Errorf("after Close (%v): %d sent, want 5", err, s.sent)
		}
	})
}

// TestQueue_closeSendsTheRest: what waits is sent, also what waits to be tried
// again, and a request that ended does not take its letter with it.
func TestQueue_closeSendsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{errs: []error{errors.New("450"), errors.New("450")}}
		q := newQueue(t, s, mail.QueueConfig{Workers: 1, Backoff: time.Minute})
		request, cancel := context.WithCancel(t.Context())
		for range 5 {
			if err := q.Send(request, message()); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		synctest.Wait()
		start := time.Now()
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if s.sent != 5 || time.Since(start) != 0 {
			t.Errorf("%d letters sent in %s, want 5 at once", s.sent, time.Since(start))
		}
		if err := q.Close(t.Context()); err != nil {
			t.Errorf("a second Close: %v", err)
		}
	})
}

func TestQueue_compose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		var logged strings.Builder
		q := newQueue(t, s, mail.QueueConfig{Workers: 1, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		tries := 0
		for _, compose := range []mail.Compose{
			func(context.Context) (mail.Message, bool, error) { return mail.Message{}, false, nil },
			func(context.Context) (mail.Message, bool, error) { panic("broken") },
			func(context.Context) (mail.Message, bool, error) {
				if tries++; tries < 3 {
					return mail.Message{}, false, errors.New("the database is away")
				}
				return message(), true, nil
			},
		} {
			if err := q.Later(t.Context(), compose); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if s.sent != 1 || tries != 3 {
			t.Errorf("%d letters after %d tries, want 1 after 3", s.sent, tries)
		}
		if strings.Contains(logged.String(), "ann@") || !strings.Contains(logged.String(), "letter given up") {
			t.Errorf("logged: %s", logged.String())
		}
	})
}

func TestNewQueue_refuses(t *testing.T) {
	for name, cfg := range map[string]mail.QueueConfig{
		"size": {Size: -1}, "workers": {Workers: -1}, "attempts": {Attempts: 11}, "backoff": {Backoff: -1}, "timeout": {Timeout: -1},
	} {
		if _, err := mail.NewQueue(&server{}, cfg); err == nil {
			t.Errorf("%s: NewQueue accepts it", name)
		}
	}
	if _, err := mail.NewQueue(nil, mail.QueueConfig{}); err == nil {
		t.Error("NewQueue accepts no sender")
	}
}
