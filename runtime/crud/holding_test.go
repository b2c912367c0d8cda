package crud

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/store"
)

// TestAUZ12_answersOfOthers: what others leave of large answers keeps nobody from a
// change, and the program neither bounds nor is bounded by callers who are not known.
func TestAUZ12_answersOfOthers(t *testing.T) {
	h := &answers
	for i := range 5 {
		c := store.Caller{Account: fmt.Sprintf("acc%d", i), Network: netip.MustParsePrefix(fmt.Sprintf("198.51.100.%d/32", i))}
		release, err := h.take(c, 60<<20, i == 4) // the last one is told what it did
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	ann := func(address string) context.Context {
		ctx := gate.ContextWithPrincipal(t.Context(), &gate.Principal{Subject: "ann"})
		if address != "" {
			ctx = gate.ContextWithClient(ctx, gate.Client{Address: netip.MustParseAddr(address)})
		}
		return ctx
	}
	for name, ctx := range map[string]context.Context{
		"the program": authz.System(t.Context()), "somebody": ann("192.0.2.1"), "a neighbour": ann("198.51.100.1"), "without an address": ann(""),
	} {
		if err := Room(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := HoldAnswer(ann("192.0.2.1"), make([]byte, freeAnswer+1)); err == nil {
		t.Error("a large answer more than there is room for")
	}
}

// TestAUZ12_answersOfNobody: callers without an account are counted by their networks,
// and not with each other.
func TestAUZ12_answersOfNobody(t *testing.T) {
	var h holding
	for i := range 3 {
		release, err := h.take(store.Caller{Network: netip.MustParsePrefix(fmt.Sprintf("198.51.100.%d/32", i))}, 60<<20, false)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	for name, tt := range map[string]struct {
		store.Caller

		bytes int
		ok    bool
	}{
		"an account without a network": {store.Caller{Account: "ann"}, 60 << 20, true},
		"the program":                  {store.Caller{}, 60 << 20, true},
		"one of the networks":          {store.Caller{Network: netip.MustParsePrefix("198.51.100.1/32")}, 5 << 20, false},
		"an account there":             {store.Caller{Account: "bob", Network: netip.MustParsePrefix("198.51.100.1/32")}, 60 << 20, true},
		"more than an account may":     {store.Caller{Account: "cleo"}, 65 << 20, false},
	} {
		release, err := h.take(tt.Caller, tt.bytes, false)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			release()
		}
	}
	if h.all != 180<<20 || len(h.of) != 3 {
		t.Errorf("%d bytes of %d", h.all, len(h.of))
	}
}
