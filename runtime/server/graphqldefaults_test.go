package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/graph"
)

// TestOwnFields_defaults: what is not sent, or by a variable that is not there, has the
// default that the schema says (§6.4.1), in input objects, too.
func TestOwnFields_defaults(t *testing.T) {
	type how struct {
		Word  string `json:"word"`
		Loud  bool   `json:"loud"`
		Extra *int64 `json:"extra"`
	}
	type in struct {
		Times int64 `json:"times"`
		How   how   `json:"how"`
	}
	r := start(t, options{configure: func(a *App) error {
		graph.Field(a.App, "Query.say", []string{"public"}, func(_ context.Context, in in) (string, error) {
			word := in.How.Word
			if in.How.Loud {
				word = strings.ToUpper(word)
			}
			if in.How.Extra != nil {
				word += "?"
			}
			return strings.Repeat(word, int(in.Times)), nil
		})
		a.Extend(func(a *server.App) error {
			return graph.Mount(a, fieldSDL, `extend type Query { say(times: Int! = 2, how: How = {loud: true}): String }
input How { word: String! = "hi", loud: Boolean! = false, extra: Int }`)
		})
		return nil
	}})
	for document, want := range map[string]string{
		`{ say }`:                                       "HIHI",
		`{ say(times: 1) }`:                             "HI",
		`{ say(how: {}) }`:                              "hihi",
		`{ say(how: {word: "a"}) }`:                     "aa",
		`{ say(how: {extra: 1}) }`:                      "hi?hi?",
		`{ say(how: {extra: null}) }`:                   "hihi",
		`query ($n: Int) { say(times: $n) }`:            "HIHI",
		`query ($w: String) { say(how: {word: $w}) }`:   "hihi",
		`query ($n: Int! = 1) { say(times: $n) }`:       "HI",
		`query ($h: How = {word: "b"}) { say(how: $h)}`: "bb",
	} {
		if got := r.document(document).Body; !strings.Contains(got, `{"data":{"say":"`+want+`"}}`) {
			t.Errorf("%s: %s", document, got)
		}
	}
}

// TestMutations_tooLarge: a change whose answer is too large was made, and says so by
// its place; the others are made, and answered.
func TestMutations_tooLarge(t *testing.T) {
	runs := 0
	r := start(t, options{configure: func(a *App) error {
		graph.Field(a.App, "Mutation.big", []string{"public"}, func(context.Context, struct{}) (string, error) {
			runs++
			return strings.Repeat("x", 11<<20), nil
		})
		graph.Field(a.App, "Mutation.small", []string{"public"}, func(context.Context, struct{}) (int64, error) {
			runs++
			return int64(runs), nil
		})
		a.Extend(func(a *server.App) error { return graph.Mount(a, fieldSDL, "type Mutation { big: String small: Int }") })
		return nil
	}})
	got := r.document(`mutation { a: small big b: small }`).Body
	if !strings.HasPrefix(got, `{"data":{"a":1,"big":null,"b":3},"errors":[{"message":"the answer is too large`) || !strings.Contains(got, `"path":["big"]`) || runs != 3 {
		t.Errorf("%d runs: %.300s", runs, got)
	}
}
