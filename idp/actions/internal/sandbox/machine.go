package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dop251/goja"
)

// grace is how long an interpreter may go on after it was told to stop, in
// functions that do not look.
const grace = 250 * time.Millisecond

var (
	errCPU   = errors.New("the processor time is used up")
	errLimit = errors.New("the result is too large")
)

// A machine is one interpreter with its event loop. It belongs to one goroutine,
// but for the event loop's queue and the interpreter's Interrupt.
type machine struct {
	ctx  context.Context //nolint:containedctx // a machine lives for one call of Run, which has the context
	job  *Job
	host Host
	vm   *goja.Runtime
	loop loop

	native  *goja.Object // nil until one of our files wants it
	require goja.Value
	whole   bool // native has all functions, and the globals are there
	modules map[string]goja.Value
	json    struct{ parse, stringify goja.Callable } // as they were before any code ran

	records []Record
	size    int // of the records, in bytes

	left      time.Duration // of the processor time
	stopped   chan struct{} // closed when it is used up
	stopOnce  sync.Once
	settled   bool
	rejection *Failure
}

func newMachine(ctx context.Context, job *Job, host Host) *machine {
	m := &machine{
		ctx: ctx, job: job, host: host, vm: goja.New(),
		modules: map[string]goja.Value{}, left: job.CPU, stopped: make(chan struct{}),
	}
	m.vm.SetMaxCallStackSize(job.MaxStack)
	m.vm.SetRandSource(random)
	offset := time.Until(job.Now)
	m.vm.SetTimeSource(func() time.Time { return time.Now().Add(offset) })
	m.loop.init()
	return m
}

// run executes the job, whatever happens in it.
func (m *machine) run(known *programs) (o *Outcome) {
	defer m.loop.close()
	defer func() {
		if p := recover(); p != nil {
			o = failed(Internal, fmt.Sprint(p))
		}
	}()
	if err := m.try(known); err != nil {
		return &Outcome{Failure: m.failure(err)}
	}
	if m.rejection != nil {
		return &Outcome{Failure: m.rejection}
	}
	return &Outcome{Records: m.records}
}

func failed(kind, message string) *Outcome {
	return &Outcome{Failure: &Failure{Kind: kind, Message: message}}
}

func (m *machine) try(known *programs) error {
	err := m.enter(func() error {
		program, err := known.compile(m.job)
		if err != nil {
			return err
		}
		return m.start(program)
	})
	if err != nil {
		return err
	}
	for !m.settled {
		task, err := m.loop.next(m.ctx)
		if err != nil {
			return err
		}
		if err := m.enter(task); err != nil {
			return err
		}
	}
	return nil
}

// enter calls f, which enters the interpreter, on the job's processor time.
func (m *machine) enter(f func() error) error {
	if m.left <= 0 {
		return errCPU
	}
	computed := stopwatch()
	done := make(chan struct{})
	go m.limit(m.left, computed, done)
	defer func() {
		close(done)
		m.left -= computed()
	}()
	return f()
}

// limit interrupts what has computed for that long before it is done.
func (m *machine) limit(left time.Duration, computed func() time.Duration, done <-chan struct{}) {
	for rest := left; rest > 0; rest = left - computed() {
		select {
		case <-done:
			return
		case <-time.After(max(rest, time.Millisecond)):
		}
	}
	m.vm.Interrupt(errCPU)
	m.stopOnce.Do(func() { close(m.stopped) })
}

// stopwatch returns a function that says for how long this process can have
// computed since: on a busy machine that is less than what a clock says.
func stopwatch() (computed func() time.Duration) {
	start := time.Now()
	before, known := processorTime()
	return func() time.Duration {
		passed := time.Since(start)
		if used, ok := processorTime(); known && ok {
			passed = min(passed, used-before)
		}
		return passed
	}
}

// start loads the code and calls its function.
func (m *machine) start(code *program) error {
	m.install()
	if code.globals {
		if err := m.globals(); err != nil {
			return err
		}
	}
	exports, err := m.evaluate(code.Program)
	if err != nil {
		return err
	}
	fn, ok := goja.AssertFunction(member(exports, m.job.Function))
	if !ok && m.job.Optional {
		m.settled = true
		return nil
	}
	if !ok {
		return &Failure{Kind: Export, Message: "exports." + m.job.Function + " is not a function"}
	}
	if m.job.Check {
		m.settled = true
		return nil
	}
	event, err := m.parse(m.job.Event)
	if err != nil {
		return err
	}
	api, err := m.api()
	if err != nil {
		return err
	}
	result, err := fn(exports, event, api)
	if err != nil {
		return err
	}
	m.await(result)
	return nil
}

// await has the loop look at a promise. It does not call the promise's "then",
// which the code could have replaced.
func (m *machine) await(result goja.Value) {
	promise, ok := result.Export().(*goja.Promise)
	if !ok {
		m.settled = true
		return
	}
	m.loop.look = func() {
		switch promise.State() {
		case goja.PromiseStateFulfilled:
			m.settled = true
		case goja.PromiseStateRejected:
			m.settled, m.rejection = true, m.thrown(promise.Result(), "")
		case goja.PromiseStatePending:
		}
	}
	m.loop.look()
}

// member is a member of an object, or nil.
func member(v goja.Value, name string) goja.Value {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil
	}
	return o.Get(name)
}

func (m *machine) parse(text []byte) (goja.Value, error) {
	if len(text) == 0 {
		return goja.Undefined(), nil
	}
	return m.json.parse(goja.Undefined(), m.vm.ToValue(string(text)))
}

// stringify is JSON.stringify; what it has no text for is null.
func (m *machine) stringify(v goja.Value) ([]byte, error) {
	s, err := m.json.stringify(goja.Undefined(), v)
	if err != nil {
		return nil, err
	}
	if goja.IsUndefined(s) {
		return []byte("null"), nil
	}
	return []byte(s.String()), nil
}

// record notes a call to the api.
func (m *machine) record(op string, args []goja.Value) error {
	r := Record{Op: op}
	for _, a := range args {
		text, err := m.stringify(a)
		if err != nil {
			return err
		}
		m.size += len(text)
		r.Args = append(r.Args, text)
	}
	m.size += len(op) + 16
	if m.size > m.job.MaxResult {
		return errLimit
	}
	m.records = append(m.records, r)
	return nil
}
