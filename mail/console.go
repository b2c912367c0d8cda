package mail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
)

// Console returns a sender that prints letters on w, links and all: for
// development, where nobody else reads along. It is safe for concurrent use.
func Console(w io.Writer) Sender {
	if w == nil {
		panic("gate: mail.Console needs a writer")
	}
	return &console{w: w}
}

type console struct {
	mu sync.Mutex
	w  io.Writer
}

// Send implements [Sender].
func (c *console) Send(_ context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "To: %s\nSubject: %s\n\n%s\n", m.To, m.Subject, m.Text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("print letter: %w", err)
	}
	return nil
}
