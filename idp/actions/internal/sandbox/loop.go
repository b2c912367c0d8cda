package sandbox

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxPending bounds timers and requests that are under way at once.
const maxPending = 1000

var (
	errUnsettled = errors.New("it awaits what nothing will settle")
	errPending   = errors.New("too many timers and requests at once")
)

// A loop hands tasks of other goroutines to the one that owns the interpreter.
type loop struct {
	mu      sync.Mutex
	tasks   []func() error
	wake    chan struct{} // holds one element when there are tasks
	closed  bool
	pending int                 // timers and requests that will bring a task; of the owner
	timers  map[int]*time.Timer // of the owner
	lastID  int
	look    func() // called by the owner after each task
}

func (l *loop) init() {
	l.wake = make(chan struct{}, 1)
	l.timers = map[int]*time.Timer{}
}

// post queues a task from any goroutine.
func (l *loop) post(task func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.tasks = append(l.tasks, task)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *loop) pop() (task func() error, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tasks) == 0 {
		return nil, false
	}
	task, l.tasks = l.tasks[0], l.tasks[1:]
	return task, true
}

// next waits for a task.
func (l *loop) next(ctx context.Context) (func() error, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if task, ok := l.pop(); ok {
			return func() error {
				if err := task(); err != nil {
					return err
				}
				l.look()
				return nil
			}, nil
		}
		if l.pending == 0 {
			return nil, errUnsettled
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
		}
	}
}

// close ends the timers; what is posted later is dropped.
func (l *loop) close() {
	l.mu.Lock()
	l.closed, l.tasks = true, nil
	l.mu.Unlock()
	for _, t := range l.timers {
		t.Stop()
	}
}

// expect notes that a task will be posted by a request. The task has to call
// arrived.
func (l *loop) expect() error {
	if l.pending >= maxPending {
		return errPending
	}
	l.pending++
	return nil
}

func (l *loop) arrived() { l.pending-- }

// after calls f once, or again and again, d from now on.
func (l *loop) after(d time.Duration, again bool, f func() error) (id int, err error) {
	if err := l.expect(); err != nil {
		return 0, err
	}
	l.lastID++
	id = l.lastID
	var fire func()
	fire = func() {
		l.post(func() error {
			if _, ok := l.timers[id]; !ok {
				return nil // cleared while it was in the queue
			}
			if again {
				l.timers[id] = time.AfterFunc(d, fire)
			} else {
				delete(l.timers, id)
				l.arrived()
			}
			return f()
		})
	}
	l.timers[id] = time.AfterFunc(d, fire)
	return id, nil
}

func (l *loop) clear(id int) {
	if t, ok := l.timers[id]; ok {
		t.Stop()
		delete(l.timers, id)
		l.arrived()
	}
}
