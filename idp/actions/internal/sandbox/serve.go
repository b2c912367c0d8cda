package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime/debug"
	"sync"
)

// maxGoStack is what recursion inside the interpreter may take, in bytes. Beyond
// it the process ends.
const maxGoStack = 64 << 20

// A server is the worker's side of the messages.
type server struct {
	out *Writer
	box *Sandbox

	mu      sync.Mutex
	lastID  int
	waiting map[int]chan *Message
}

// Serve runs the jobs that come from in, one at a time, until in ends. It sets
// limits for the whole process.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first, err := Read(in)
	if err != nil {
		return err
	}
	if first.Type != Hello || first.Memory <= 0 {
		return errors.New("the first message is no greeting")
	}
	debug.SetMaxStack(maxGoStack)
	debug.SetMemoryLimit(first.Memory)
	s := &server{out: NewWriter(out), waiting: map[int]chan *Message{}}
	s.box = New(first.Memory*3/4, func() { _ = s.out.Write(&Message{Type: Outgrow}) })
	for {
		m, err := Read(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case m.Type == Start && m.Job != nil:
			go s.run(ctx, m.Job)
		case m.Type == Answer:
			s.answer(m)
		}
	}
}

func (s *server) run(ctx context.Context, job *Job) {
	outcome := s.box.Run(ctx, job, s.ask, func() {})
	_ = s.out.Write(&Message{Type: Done, Outcome: outcome}) // a parent that is gone ends Serve
}

// ask is the Host: it asks the parent.
func (s *server) ask(ctx context.Context, op string, arg json.RawMessage) (json.RawMessage, error) {
	answer := make(chan *Message, 1)
	s.mu.Lock()
	s.lastID++
	id := s.lastID
	s.waiting[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, id)
	}()
	if err := s.out.Write(&Message{Type: Call, ID: id, Op: op, Data: arg}); err != nil {
		return nil, err
	}
	select {
	case m := <-answer:
		if m.Error != "" {
			return nil, errors.New(m.Error)
		}
		return m.Data, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *server) answer(m *Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if waiting, ok := s.waiting[m.ID]; ok {
		waiting <- m
		delete(s.waiting, m.ID)
	}
}
