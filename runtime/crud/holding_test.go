package crud

import (
	"context"
	"errors"
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
		if err := h.take(c, 60<<20, i == 4); err != nil { // the last one is told what it did
			t.Fatal(err)
		}
		defer h.take(c, -60<<20, true) //nolint:errcheck // gives back
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
		if err := h.take(store.Caller{Network: netip.MustParsePrefix(fmt.Sprintf("198.51.100.%d/32", i))}, 60<<20, false); err != nil {
			t.Fatal(err)
		}
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
		err := h.take(tt.Caller, tt.bytes, false)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = h.take(tt.Caller, -tt.bytes, false)
		}
	}
	if h.all != 180<<20 || len(h.of) != 3 {
		t.Errorf("%d bytes of %d", h.all, len(h.of))
	}
}

// TestMakeAnswer: what is read counts before there is an answer, and what is there more
// than once while it is written.
func TestMakeAnswer(t *testing.T) {
	ctx := gate.ContextWithPrincipal(t.Context(), &gate.Principal{Subject: "ann"})
	account := store.Caller{Account: "ann"}
	counted := func() int {
		answers.mu.Lock()
		defer answers.mu.Unlock()
		return answers.of[account]
	}
	for name, change := range map[string]bool{"a question": false, "a change": true} {
		t.Run(name, func(t *testing.T) {
			var all []func()
			refused := func(n int) bool {
				ctx, done := MakeAnswer(ctx, change)
				all = append(all, done)
				if err := makingOf(authz.System(ctx)).reads(n); err != nil {
					t.Errorf("the program: %v", err)
				}
				err := makingOf(ctx).reads(n)
				if err != nil {
					_, held := HoldAnswer(ctx, nil)
					if !errors.Is(held, err) {
						t.Errorf("%v, and then %v", err, held)
					}
				}
				return err != nil
			}
			if refused(freeAnswer) || counted() != 0 {
				t.Errorf("a small one counts: %d", counted())
			}
			if refused(10<<20) || counted() != 30<<20 || refused(10<<20) || counted() != 60<<20 {
				t.Errorf("two large ones: %d", counted())
			}
			if refused(10<<20) == change {
				t.Errorf("a third one: %d", counted())
			}
			for _, done := range all {
				done()
				done()
			}
			if counted() != 0 {
				t.Errorf("when they are done: %d", counted())
			}
		})
	}
	making, done := MakeAnswer(ctx, false)
	defer done()
	if AnswerFull(making, 8<<20) || counted() != 16<<20 || !AnswerFull(making, MaxAnswer+1) {
		t.Errorf("a long text of few rows: %d", counted())
	}
	release, err := HoldAnswer(making, make([]byte, 8<<20))
	if err != nil || counted() != 8<<20 {
		t.Errorf("the text alone: %d, %v", counted(), err)
	}
	release()
	if counted() != 0 {
		t.Errorf("taken: %d", counted())
	}
	other, done := MakeAnswer(ctx, false)
	defer done()
	if err := answers.take(account, 60<<20, false); err != nil {
		t.Fatal(err)
	}
	defer answers.take(account, -60<<20, true) //nolint:errcheck // gives back
	rows := &Rows{making: makingOf(other)}
	if !rows.full(make([]byte, 3<<20)) || rows.full(make([]byte, freeAnswer)) {
		t.Error("rows are appended for which there is no room")
	}
}
