package bucket_test

import (
	"testing"
	"time"

	"github.com/gatewright/gate/idp/internal/bucket"
)

// A flood of other keys gives nobody a new start who goes on sending: the ones that
// were not heard of for longest are forgotten, and not all of them.
func TestLimit_full(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	l := bucket.New[int](1, 5, 100, func() time.Time { return at })
	let := 0
	for other := 1; other <= 1000; other++ {
		if l.Take(0).Wait == 0 {
			let++
		}
		l.Take(other)
	}
	if let != 5 || l.Len() != 100 {
		t.Errorf("%d requests let through, want 5; %d keys are counted, want 100", let, l.Len())
	}
}

func TestLimit_take(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	l := bucket.New[string](2, 3, 10, func() time.Time { return at })
	for i, want := range []bucket.Share{
		{Limit: 3, Left: 2, Reset: at.Add(500 * time.Millisecond)},
		{Limit: 3, Left: 1, Reset: at.Add(time.Second)},
		{Limit: 3, Left: 0, Reset: at.Add(1500 * time.Millisecond)},
		{Limit: 3, Left: 0, Reset: at.Add(1500 * time.Millisecond), Wait: 500 * time.Millisecond},
		{Limit: 3, Left: 0, Reset: at.Add(1500 * time.Millisecond), Wait: 500 * time.Millisecond},
	} {
		if got := l.Take("a"); got != want {
			t.Errorf("request %d: %+v, want %+v", i+1, got, want)
		}
	}
	at = at.Add(-time.Hour) // a clock that is set back gives nothing
	if got := l.Take("a"); got.Wait == 0 {
		t.Errorf("%+v", got)
	}
	none := bucket.New[string](0, 0, 10, func() time.Time { return at })
	for range 2000 {
		if got := none.Take("a"); got.Wait != 0 || got != none.Full() {
			t.Fatalf("without a limit: %+v", got)
		}
	}
}
