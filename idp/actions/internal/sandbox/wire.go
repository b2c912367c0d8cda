package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// maxMessage bounds a message between a worker and its parent, in bytes.
const maxMessage = 8 << 20

// The types of a [Message].
const (
	Hello   = "hello"   // parent to worker, once: Memory
	Start   = "start"   // parent to worker: Job
	Done    = "done"    // worker to parent: Outcome
	Call    = "call"    // worker to parent: ID, Op, Data
	Answer  = "answer"  // parent to worker: ID, Data or Error
	Outgrow = "outgrow" // worker to parent: it has become too large
)

// A Message is what a worker and its parent say to each other: its length in four
// bytes, then JSON.
type Message struct {
	Type    string          `json:"type"`
	Memory  int64           `json:"memory,omitempty"`
	Job     *Job            `json:"job,omitempty"`
	Outcome *Outcome        `json:"outcome,omitempty"`
	ID      int             `json:"id,omitempty"`
	Op      string          `json:"op,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// Read reads one message.
func Read(r io.Reader) (*Message, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, err
	}
	m := new(Message)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, err
	}
	return m, nil
}

// A Writer writes messages, from any goroutine.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes one message.
func (w *Writer) Write(m *Message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return errors.New("the message is too long")
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, len(text)+4), uint32(len(text))) //nolint:gosec // bounded above
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.w.Write(append(frame, text...))
	return err
}
