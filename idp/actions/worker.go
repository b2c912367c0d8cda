package actions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/gatewright/gate/idp/actions/internal/sandbox"
)

const (
	// pollPeriod is how often the size of a worker is looked at.
	pollPeriod = 20 * time.Millisecond
	// workerJobs is how many executions a worker does before it is replaced.
	workerJobs = 1000
	// lateBy is how long after the end of its time a worker is killed.
	lateBy = time.Second
)

// Work is the main function of a worker, see [Config].Worker: it runs what comes
// from in, and writes what becomes of it to out, until in ends. It sets limits
// for the whole process, which must do nothing else.
func Work(ctx context.Context, in io.Reader, out io.Writer) error {
	if err := sandbox.Serve(ctx, in, out); err != nil {
		return fmt.Errorf("actions: worker: %w", err)
	}
	return nil
}

// An executor executes jobs. An error is one of the executor, not of the action.
// Run calls ended when nothing of the job runs any more.
type executor interface {
	Run(ctx context.Context, job *sandbox.Job, host sandbox.Host, ended func()) (*sandbox.Outcome, error)
	Close() error
}

type inProcess struct{ box *sandbox.Sandbox }

func newInProcess(memory int64) *inProcess { return &inProcess{box: sandbox.New(memory, nil)} }

func (p *inProcess) Run(ctx context.Context, job *sandbox.Job, host sandbox.Host, ended func()) (*sandbox.Outcome, error) {
	return p.box.Run(ctx, job, host, ended), nil
}

func (p *inProcess) Close() error { return nil }

// A pool keeps workers that have nothing to do. How many there are is bounded by
// the executions under way.
type pool struct {
	command func() *exec.Cmd
	memory  int64
	keep    int // of those that have nothing to do

	mu     sync.Mutex
	idle   []*worker
	all    map[*worker]struct{}
	closed bool
	taking sync.WaitGroup // Add only while it is not closed
}

func newPool(command func() *exec.Cmd, memory int64, keep int) *pool {
	return &pool{command: command, memory: memory, keep: keep, all: map[*worker]struct{}{}}
}

// Run executes job in a worker. A worker that did not end it properly is killed, as
// is one that grew: what one action used is not counted against the next one's.
func (p *pool) Run(ctx context.Context, job *sandbox.Job, host sandbox.Host, ended func()) (*sandbox.Outcome, error) {
	defer ended()
	w, err := p.take()
	if err != nil {
		return nil, err
	}
	o, err := w.run(ctx, job, host, p.memory)
	if err != nil || o.Stuck || spoilt(o.Failure) || w.jobs >= workerJobs || w.grown(p.memory) || !p.put(w) {
		p.drop(w)
	}
	return o, err
}

func spoilt(f *sandbox.Failure) bool {
	return f != nil && (f.Kind == sandbox.Memory || f.Kind == sandbox.Internal)
}

// take returns an idle worker, or a new one. Processes start and end while others
// take theirs.
func (p *pool) take() (*worker, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.taking.Add(1)
	p.mu.Unlock()
	defer p.taking.Done()
	for w := p.pop(); w != nil; w = p.pop() {
		if w.silent() {
			return w, nil
		}
		p.drop(w)
	}
	w, err := startWorker(p.command(), p.memory)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[w] = struct{}{}
	return w, nil
}

// pop returns an idle worker, nil if there is none.
func (p *pool) pop() *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	w := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return w
}

// put keeps a worker, unless there are enough.
func (p *pool) put(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return true // Close ends it
	}
	if len(p.idle) >= p.keep {
		return false
	}
	p.idle = append(p.idle, w)
	return true
}

func (p *pool) drop(w *worker) {
	p.mu.Lock()
	delete(p.all, w)
	p.mu.Unlock()
	w.end()
}

// Close kills all workers and waits for them.
func (p *pool) Close() error {
	p.mu.Lock()
	p.closed, p.idle = true, nil
	p.mu.Unlock()
	p.taking.Wait() // so that all is all
	p.mu.Lock()
	all := p.all
	p.all = map[*worker]struct{}{}
	p.mu.Unlock()
	for w := range all {
		w.end()
	}
	return nil
}

// A worker is a process that executes one job at a time.
type worker struct {
	cmd      *exec.Cmd
	out      *sandbox.Writer
	stdin    io.Closer
	messages chan *sandbox.Message // closed when the process has nothing more to say
	said     *tail
	jobs     int
	ended    sync.Once
}

func startWorker(cmd *exec.Cmd, memory int64) (*worker, error) {
	if cmd == nil {
		return nil, fmt.Errorf("%w: no command", ErrWorker)
	}
	if cmd.Env == nil {
		cmd.Env = []string{} // not ours
	}
	w := &worker{cmd: cmd, said: new(tail), messages: make(chan *sandbox.Message)}
	cmd.Stderr = w.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWorker, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWorker, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWorker, err)
	}
	w.stdin, w.out = in, sandbox.NewWriter(in)
	go w.listen(out)
	if err := w.out.Write(&sandbox.Message{Type: sandbox.Hello, Memory: memory}); err != nil {
		return nil, w.failed(err)
	}
	return w, nil
}

// listen hands on what the process says until it ends.
func (w *worker) listen(out io.Reader) {
	defer close(w.messages)
	for {
		m, err := sandbox.Read(out)
		if err != nil {
			return
		}
		w.messages <- m
	}
}

// silent reports whether a worker without a job is as it should be: there, and
// with nothing to say.
func (w *worker) silent() bool {
	select {
	case <-w.messages:
		return false
	default:
		return true
	}
}

// grown reports whether half of the memory that a job may use is gone before the
// next one begins: memory that is free again goes back to the system late.
func (w *worker) grown(memory int64) bool {
	size, ok := resident(w.cmd.Process.Pid)
	return ok && size > memory/2
}

// end kills the process and waits for it.
func (w *worker) end() {
	w.ended.Do(func() {
		_ = w.cmd.Process.Kill()
		_ = w.stdin.Close()
		for range w.messages { // so that listen returns
		}
		_ = w.cmd.Wait()
	})
}

func (w *worker) run(ctx context.Context, job *sandbox.Job, host sandbox.Host, memory int64) (*sandbox.Outcome, error) {
	w.jobs++
	ctx, cancel := context.WithTimeout(ctx, job.Wall+lateBy)
	var calls sync.WaitGroup
	defer calls.Wait()
	defer cancel()
	if err := w.out.Write(&sandbox.Message{Type: sandbox.Start, Job: job}); err != nil {
		return nil, w.failed(err)
	}
	poll := time.NewTicker(pollPeriod)
	defer poll.Stop()
	for {
		select {
		case m, ok := <-w.messages:
			switch {
			case !ok:
				return nil, w.failed(errors.New("it ended"))
			case m.Type == sandbox.Done && m.Outcome != nil:
				return m.Outcome, nil
			case m.Type == sandbox.Outgrow:
				return outgrown(), nil
			case m.Type == sandbox.Call:
				calls.Go(func() { w.answer(ctx, m, host) })
			}
		case <-poll.C:
			if size, ok := resident(w.cmd.Process.Pid); ok && size > memory {
				return outgrown(), nil
			}
		case <-ctx.Done():
			return &sandbox.Outcome{Stuck: true, Failure: &sandbox.Failure{
				Kind: sandbox.Timeout, Message: "the time of the trigger is used up",
			}}, nil
		}
	}
}

func outgrown() *sandbox.Outcome {
	return &sandbox.Outcome{Failure: &sandbox.Failure{Kind: sandbox.Memory, Message: "too much memory is in use"}}
}

func (w *worker) answer(ctx context.Context, m *sandbox.Message, host sandbox.Host) {
	reply := &sandbox.Message{Type: sandbox.Answer, ID: m.ID}
	data, err := host(ctx, m.Op, m.Data)
	if err != nil {
		reply.Error = err.Error()
	} else {
		reply.Data = data
	}
	_ = w.out.Write(reply) // a worker that is gone ends run
}

// failed says why the process ended, with what it said last.
func (w *worker) failed(err error) error {
	w.end()
	return fmt.Errorf("%w: %w: %s: %s", ErrWorker, err, w.cmd.ProcessState, w.said.line())
}

// A tail keeps the beginning of what a process says about itself.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), 1024-len(t.text))]...)
	return len(p), nil
}

func (t *tail) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, _, _ := bytes.Cut(t.text, []byte("\n"))
	return string(line)
}

// resident is how much memory a process has in use, where the system says.
func resident(pid int) (size int64, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0, false
	}
	return pages * int64(os.Getpagesize()), true
}
