package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate/bench/internal/load"
	"github.com/gatewright/gate/bench/internal/program"
)

// answering returns somebody who answers one question so.
func answering(t *testing.T, what, body string) *contender {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	t.Cleanup(server.Close)
	addr := strings.TrimPrefix(server.URL, "http://")
	return &contender{
		name: "somebody", Program: &program.Program{Addr: addr}, same: true,
		asks: map[string][]load.Request{what: {load.New("POST", "/graphql", "{}", 200)}},
	}
}

func TestCompareAnswers(t *testing.T) {
	const list, create = "graphql list", "graphql create"
	for _, tt := range []struct {
		name, what, ours, theirs, fault string
	}{
		{
			"a connection, times of another zone, lines in another order", list,
			`{"data":{"orders":[{"id":"a","at":"2026-01-01T00:00:00.000000Z","lines":[{"n":1},{"n":2}]}]}}`,
			`{"data":{"orders":{"edges":[{"node":{"id":"a","at":"2026-01-01T01:00:00+01:00","lines":[{"n":2},{"n":1}]}}]}}}`, "",
		},
		{"ids of what is made", create, made("1", "Maria"), made("2", "Maria"), ""},
		{"made otherwise", create, made("1", "Maria"), made("2", "Eva"), "Eva"},
		{"made without an id", create, made("1", "Maria"), made("", "Maria"), "has no id"},
		{"another order", list, `{"data":{"l":[{"id":1},{"id":2}]}}`, `{"data":{"l":[{"id":2},{"id":1}]}}`, "answers (+)"},
		{"a row less", list, `{"data":{"l":[{"id":1},{"id":2}]}}`, `{"data":{"l":[{"id":1}]}}`, "answers (+)"},
		{"another value", list, `{"data":{"l":[{"id":1,"price":2.5}]}}`, `{"data":{"l":[{"id":1,"price":2}]}}`, "price"},
		{"a field less", list, `{"data":{"l":[{"id":1,"price":2.5}]}}`, `{"data":{"l":[{"id":1}]}}`, "price"},
		{"an error", list, `{"data":{"l":[{"id":1}]}}`, `{"data":{"l":[{"id":1}]},"errors":[{"message":"refused"}]}`, "refused"},
		{"nothing", list, `{"data":{"l":[]}}`, `{"data":{"l":[]}}`, "finds nothing"},
		{"null", list, `{"data":{"l":null}}`, `{"data":{"l":null}}`, "finds nothing"},
		{"no data", list, `{"data":{}}`, `{"data":{}}`, "finds nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := compareAnswers([]*contender{answering(t, tt.what, tt.ours), answering(t, tt.what, tt.theirs)})
			if tt.fault == "" && err != nil {
				t.Error(err)
			}
			if tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
				t.Errorf("the error is %v, want one with %q", err, tt.fault)
			}
		})
	}
}

func made(id, customer string) string {
	return `{"data":{"createOrder":{"id":"` + id + `","createdAt":"now","updatedAt":"now","customer":"` + customer + `"}}}`
}
