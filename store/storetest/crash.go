package storetest

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"
)

// A Crasher is a PostgreSQL that a test has for itself, to stop and start it.
// [NewCrasher] makes one.
type Crasher struct {
	// URL is that of an empty database.
	URL string
	// Socket is the path of the socket on which it listens.
	Socket string

	server *server
}

// NewCrasher starts a server of its own for this test, even where
// GATE_TEST_POSTGRES names one. What it has answered to a commit survives its own
// crash. It is skipped, or fails, where [PostgresURL] is.
func NewCrasher(t testing.TB) *Crasher {
	t.Helper()
	s, err := startServer(careful)
	if err != nil {
		without(t, err)
	}
	t.Cleanup(func() {
		if err := s.life.Close(); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, s.said) // until it is gone
	})
	return &Crasher{URL: s.url, Socket: filepath.Join(s.dir, ".s.PGSQL.5432"), server: s}
}

// Stop stops the server: orderly, which ends all connections, or as a crash does.
func (c *Crasher) Stop(t testing.TB, crash bool) {
	t.Helper()
	mode := "fast"
	if crash {
		mode = "immediate"
	}
	c.tell(t, mode)
}

// Start starts the server again, and returns when it answers.
func (c *Crasher) Start(t testing.TB) { t.Helper(); c.tell(t, "start") }

func (c *Crasher) tell(t testing.TB, word string) {
	t.Helper()
	if _, err := fmt.Fprintln(c.server.life, word); err != nil {
		t.Fatal(err)
	}
	if said, err := c.server.said.ReadString('\n'); err != nil || said != "ready\n" {
		t.Fatalf("PostgreSQL, told to %s: %s%v", word, said, err)
	}
}
