package realtime_test

import (
	"net/http"
	"testing"
)

// TestAUZ06_eventIDs: what an event is called tells nothing of how much happened that
// one was not told of, nor whether anything did.
func TestAUZ06_eventIDs(t *testing.T) {
	s := newShop(t, nil)
	first := stream(t, s, "", "?entities=items", nil)
	quiet := first.began()
	if second := stream(t, s, "", "?entities=items", nil).began(); second == quiet {
		t.Errorf("two streams begin with %q: one that begins otherwise tells of a change", quiet)
	}
	ids := make([]string, 0, 4)
	for _, hidden := range []int{0, 0, 7, 41} {
		crowd(t, s, hidden)
		s.newItem(t, `{"name":"bell","price":1}`)
		ids = append(ids, first.next()["id"])
	}
	for i, id := range append(ids, quiet) {
		if len(id) != len(ids[0]) || id[:8] == ids[(i+1)%len(ids)][:8] {
			t.Errorf("%q looks like those before it: %q", id, ids)
		}
	}
	for i := range ids[:3] { // and each is the place that it was
		back := stream(t, s, "", "?entities=items", http.Header{"Last-Event-Id": {ids[i]}})
		began := back.began()
		for range ids[i+1:] {
			if e := back.next(); e["event"] != "items created" {
				t.Fatalf("back from %q: %v", ids[i], e)
			}
		}
		if began == ids[i] {
			t.Errorf("a stream that goes on at %q begins with it", began)
		}
	}
}
