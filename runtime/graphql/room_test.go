package graphql_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ12_room: what a document reads counts before there is an answer, so that many
// of them together end before they are read.
func TestAUZ12_room(t *testing.T) {
	db := storetest.SQLite(t)
	s := newShop(t, db)
	if _, err := db.Exec(t.Context(), `UPDATE items SET image = 'https://example.com/`+strings.Repeat("x", 2<<20)+`'`); err != nil {
		t.Fatal(err)
	}
	const document = `{a: items(limit:1) {image} b: items(limit:1) {image} c: items(limit:1) {image} d: items(limit:1) {image}}`
	if a := s.ask(t, s.ann, document); a.status != http.StatusOK || len(a.told()) > 0 {
		t.Fatalf("%d %.200s", a.status, a.text)
	}
	ctx := gate.ContextWithPrincipal(t.Context(), s.ann)
	var held []func()
	for range 5 { // of 64 MiB, so that what has 8 may be told and not be made
		release, err := crud.HoldAnswer(ctx, make([]byte, 10<<20))
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, release)
	}
	if a := s.ask(t, s.ann, document); a.status != http.StatusTooManyRequests || len(a.text) > 1000 {
		t.Errorf("without room: %d %.200s", a.status, a.text)
	}
	if a := s.ask(t, s.cleo, document); a.status != http.StatusOK || len(a.told()) > 0 {
		t.Errorf("somebody else: %d %.200s", a.status, a.text)
	}
	for _, release := range held {
		release()
	}
	if a := s.ask(t, s.ann, document); a.status != http.StatusOK || len(a.told()) > 0 {
		t.Errorf("afterwards: %d %.200s", a.status, a.text)
	}
}
