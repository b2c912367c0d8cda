package sandbox

import (
	"context"
	"errors"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
)

const (
	// watchPeriod is how often the heap is looked at while something runs.
	watchPeriod = 2 * time.Millisecond
	// heapMetric is what objects on the heap take, garbage included that has not
	// been swept yet.
	heapMetric = "/memory/classes/heap/objects:bytes"
	// regexpTimeout is above all that Job.CPU may be. An expression that needs
	// longer is given up as no match, in an interpreter that has been told to
	// stop by then.
	regexpTimeout = 6 * time.Second
)

// boundRegexps is needed once: backtracking expressions look at nothing but this
// while they run.
var boundRegexps = sync.OnceFunc(func() { regexp2.DefaultMatchTimeout = regexpTimeout })

var errMemory = errors.New("too much memory is in use")

// A Sandbox runs jobs and watches the memory that they use together. It is safe
// for concurrent use.
type Sandbox struct {
	growth   uint64
	over     func()
	programs programs

	mu   sync.Mutex
	vms  map[*goja.Runtime]struct{}
	stop chan struct{} // ends the watch; nil while nothing runs
}

// New returns a Sandbox that stops all that runs in it when the heap of the
// process has grown by more than growth bytes meanwhile. over, if it is not nil,
// is called then.
func New(growth int64, over func()) *Sandbox {
	boundRegexps()
	return &Sandbox{growth: uint64(max(growth, 0)), over: over, vms: map[*goja.Runtime]struct{}{}}
}

// enter has vm watched until leave.
func (s *Sandbox) enter(vm *goja.Runtime) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vms[vm] = struct{}{}
	if s.stop == nil {
		s.stop = make(chan struct{})
		go s.watch(live()+s.growth, s.stop)
	}
}

func (s *Sandbox) leave(vm *goja.Runtime) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.vms, vm)
	if len(s.vms) == 0 {
		close(s.stop)
		s.stop = nil
	}
}

func heap() uint64 { return measure(heapMetric) }

// live is what the last collection found in use: garbage of what ran before is
// not room for what runs next.
func live() uint64 { return measure("/gc/heap/live:bytes") }

func measure(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func (s *Sandbox) watch(limit uint64, stop <-chan struct{}) {
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if heap() < limit {
			continue
		}
		if runtime.GC(); heap() < limit {
			continue // it was garbage
		}
		if !s.interrupt(stop) {
			return
		}
		if s.over != nil {
			s.over()
		}
	}
}

// interrupt ends what runs under this watch, and reports whether it still does:
// what began after its end is another watch's.
func (s *Sandbox) interrupt(stop <-chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != stop {
		return false
	}
	for vm := range s.vms {
		vm.Interrupt(errMemory)
	}
	return true
}

// watched runs m under the watch. What begins after it returned is not held to
// what it used.
func (s *Sandbox) watched(m *machine) *Outcome {
	s.enter(m.vm)
	defer s.leave(m.vm)
	return m.run(&s.programs)
}

// Run executes job. It returns when the job is done or, at the latest, shortly
// after its time is over. ended is called when nothing of the job runs any more,
// which may be later.
func (s *Sandbox) Run(ctx context.Context, job *Job, host Host, ended func()) *Outcome {
	ctx, cancel := context.WithTimeout(ctx, job.Wall)
	defer cancel()
	m := newMachine(ctx, job, host)
	done := make(chan *Outcome, 1)
	go func() {
		defer ended()
		done <- s.watched(m)
	}()
	select {
	case o := <-done:
		return o
	case <-ctx.Done():
		m.vm.Interrupt(ctx.Err())
	case <-m.stopped:
	}
	select {
	case o := <-done:
		return o
	case <-time.After(grace):
		o := failed(Timeout, "the action could not be stopped")
		o.Stuck = true
		return o
	}
}
