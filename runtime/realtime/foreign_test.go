package realtime_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/realtime"
)

// crowd makes so many notes of ann's, and waits until everybody was told of them, as
// far as they are.
func crowd(t *testing.T, s *shop, n int) {
	t.Helper()
	manager := listen(t, s, "max")
	for i := range n {
		s.newNote(t, strconv.Itoa(i))
		manager.until("notes created")
	}
}

// waits returns a connection that is told nothing yet.
func waits(t *testing.T, s *shop, name string) *realtime.Conn {
	t.Helper()
	c, err := s.rt.Open(request(s.token(t, name)))
	check(t, err)
	check(t, c.SubscribeAll(t.Context()))
	return c
}

// TestSES09_foreignEvents: what one may not see takes none of the places in which
// one's own events wait, and these come in order.
func TestSES09_foreignEvents(t *testing.T) {
	s := newShop(t, nil)
	c := waits(t, s, "bob")
	crowd(t, s, 300)
	for i := range 100 {
		s.newItem(t, `{"name":"n`+strconv.Itoa(i)+`","price":1}`)
	}
	crowd(t, s, 300)
	s.newItem(t, `{"name":"bell","price":1}`)
	crowd(t, s, 1)
	next := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := c.Run(ctx, func(_ context.Context, e realtime.Event) error {
		name := "n" + strconv.Itoa(next)
		if next == 100 {
			name = "bell"
			cancel()
		}
		if next++; !strings.Contains(string(e.Data), `"`+name+`"`) {
			t.Errorf("told %s %s instead of %s", e.Name, e.Data, name)
		}
		return nil
	})
	if next != 101 || !errors.Is(err, realtime.Gone) {
		t.Errorf("closed: %v after %d of 101 events", err, next)
	}
}

// TestSES09_foreignNoMore: an event that was passed over because its reader was not
// known yet to be one is not missed in silence.
func TestSES09_foreignNoMore(t *testing.T) {
	s := newShop(t, nil)
	c := waits(t, s, "cleo")
	crowd(t, s, 300)
	s.set("cleo", "manager")
	told := 0
	err := c.Run(t.Context(), func(context.Context, realtime.Event) error { told++; return nil })
	if told > 0 || !errors.Is(err, realtime.Lost) {
		t.Errorf("closed: %v after %d events", err, told)
	}
}

// TestEvents_resumeForeign: nor does it take the places of who comes back.
func TestEvents_resumeForeign(t *testing.T) {
	s := newShop(t, nil)
	header := http.Header{}
	first := stream(t, s, s.token(t, "bob"), "?entities=items,notes", header)
	s.newItem(t, `{"name":"soup","price":4}`)
	header.Set("Last-Event-Id", first.next()["id"])
	first.cancel()
	crowd(t, s, 400)
	s.newItem(t, `{"name":"tea","price":4}`)
	crowd(t, s, 1)
	back := stream(t, s, s.token(t, "bob"), "?entities=items,notes", header)
	defer back.cancel()
	if e := back.next(); e["event"] != "items created" || !strings.Contains(e["data"], "tea") {
		t.Errorf("told %v", e)
	}
}
