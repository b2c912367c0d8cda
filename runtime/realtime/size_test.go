package realtime_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/realtime"
)

// largeNotes lets notes be long, and everybody read them.
func largeNotes(_ *realtime.Config, _ *gate.Config, notes *model.Entity) {
	notes.Allow.View = []string{"public"}
	notes.Fields[2].MaxLength = 3 << 20
}

// TestSES09_slowLargeRows: who does not take events is closed by their size, long
// before there are many, and who takes them is not.
func TestSES09_slowLargeRows(t *testing.T) {
	s := newShop(t, largeNotes)
	quick := listen(t, s, "ann")
	slow, err := s.rt.Open(request(""))
	check(t, err)
	check(t, slow.Subscribe(t.Context(), "notes"))
	s.newNote(t, strings.Repeat("m", 3<<20)) // an event of more than may wait
	if got := quick.until("notes created"); len(got) > 0 {
		t.Errorf("told before: %q", got)
	}
	select {
	case <-slow.Closed():
		t.Fatal("one event is too much, whatever its size")
	default:
	}
	for range 12 {
		s.newNote(t, strings.Repeat("m", 512<<10))
		quick.until("notes created")
	}
	select {
	case <-slow.Closed():
	case <-time.After(patience):
		t.Fatal("six MiB wait for a client that takes nothing, and it is not closed")
	}
	if err := slow.Run(t.Context(), func(context.Context, realtime.Event) error { return nil }); !errors.Is(err, realtime.Slow) {
		t.Errorf("closed: %v", err)
	}
}

// TestEvents_resumeLargeRows: what is kept for those who come back is bounded by its
// size as well, and they begin anew.
func TestEvents_resumeLargeRows(t *testing.T) {
	s := newShop(t, largeNotes)
	first := stream(t, s, "", "?entities=notes", nil)
	s.newNote(t, "milk")
	seen := first.next()
	first.cancel()
	back := func() string {
		es := stream(t, s, "", "?entities=notes", http.Header{"Last-Event-Id": {seen["id"]}})
		defer es.cancel()
		return es.next()["event"]
	}
	s.newNote(t, "tea")
	if got := back(); got != "notes created" {
		t.Errorf("back after one event: %s", got)
	}
	for range 20 {
		s.newNote(t, strings.Repeat("m", 1<<20))
	}
	if got := back(); got != "reset" {
		t.Errorf("back after twenty large ones: %s", got)
	}
}

// TestAUZ12_room: what a message asks for counts before there is an answer.
func TestAUZ12_room(t *testing.T) {
	s := newShop(t, largeNotes)
	for range 3 {
		s.newNote(t, strings.Repeat("m", 3<<20-1))
	}
	c := dial(t, s, "ann")
	c.ws.SetReadLimit(-1)
	const ask = `{"id":1,"method":"find","path":"notes"}`
	c.must(ask)
	ctx := s.as(t, "ann")
	var held []func()
	for range 5 { // of 64 MiB, so that what has 9 may be told and not be made
		release, err := crud.HoldAnswer(ctx, make([]byte, 10<<20))
		check(t, err)
		held = append(held, release)
	}
	if m := c.ask(ask); m.Error == nil || m.Error.Code != http.StatusTooManyRequests {
		t.Errorf("without room: %+v", m.Error)
	}
	for _, release := range held {
		release()
	}
	c.must(ask)
}
