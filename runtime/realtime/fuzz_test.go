package realtime_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/realtime"
	"github.com/gatewright/gate/runtime/rest"
)

// FuzzMessage: whatever a message is, it gets one answer, which is JSON and
// blames nobody but the client.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"method":"find","path":"items","query":{"price":{"$lt":5},"$sort":{"price":-1}}}`,
		`{"id":"a","method":"get","path":"items","key":7}`,
		`{"id":1,"method":"create","path":"items","data":{"name":"tea","price":2}}`,
		`{"id":1,"method":"patch","path":"items","key":"x","data":{"price":1}}`,
		`{"id":-1.5e3,"method":"subscribe","path":"notes"}`,
		`{"method":"login","data":{"strategy":"local","name":null}}`,
		`{"method":"logout","key":"\ud800"}`,
		`{"id":`, `[]`, "", "\xff",
	} {
		f.Add([]byte(seed))
	}
	s := newShop(f, nil)
	token := s.token(f, "cleo")
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > realtime.MaxMessage {
			t.Skip("nobody reads that much")
		}
		c, err := s.rt.Open(request(token))
		check(t, err)
		answer := c.Message(t.Context(), data)
		c.Close(realtime.Gone)
		_ = c.Run(t.Context(), nil) // takes it out of the books
		if c.Anonymous() {
			token = s.token(t, "cleo") // the message logged out
		}
		var m struct {
			ID     json.RawMessage
			Result *json.RawMessage
			Error  *problem
		}
		if err := json.Unmarshal(answer, &m); err != nil || m.ID == nil {
			t.Fatalf("%q is answered with %q: %v", data, answer, err)
		}
		if m.Error != nil && (m.Result != nil || m.Error.Code < 400 || m.Error.Code >= 500 || m.Error.Class == "") {
			t.Errorf("%q is answered with %s", data, answer)
		}
	})
}

// FuzzQuery: a query says as many things when it is spelled as a query string,
// or is refused: a condition that vanished would show more than was asked for.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		`{"price":{"$lt":10},"$select":["name"]}`,
		`{"$or":[{"name":"fig"},{"price":{"$in":[2,7]}}],"cost":null}`,
		`{"cost":{"$ne":null},"$limit":"5"}`,
		`{"a":{}}`, `{"a":[]}`, `{"a":[[1]]}`, `{"a[b]":1}`, `{"":1}`, `{"$x":null}`, `{"a":"&b=%5B"}`, `null`, `[1]`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := realtime.QueryString(raw)
		if err != nil {
			if e, ok := errors.AsType[*gate.Error](err); !ok || e.Status != http.StatusBadRequest || got != "" {
				t.Errorf("%q: %q, %v", raw, got, err)
			}
			return
		}
		values, err := url.ParseQuery(got)
		if err != nil {
			t.Fatalf("%q becomes %q: %v", raw, got, err)
		}
		pairs := 0
		for _, list := range values {
			pairs += len(list)
		}
		var object map[string]any
		if err := json.Unmarshal(raw, &object); err != nil && len(raw) > 0 {
			t.Fatalf("%q, which is no JSON object, becomes %q", raw, got)
		}
		want := 0
		for _, v := range object {
			want += leaves(v)
		}
		if pairs != want {
			t.Errorf("%q says %d things and becomes %q", raw, want, got)
		}
		if _, err := (rest.Feathers{}).Find(got); err != nil && !isBadRequest(err) {
			t.Errorf("%q becomes %q: %v", raw, got, err)
		}
	})
}

func isBadRequest(err error) bool {
	e, ok := errors.AsType[*gate.Error](err)
	return ok && e.Status == http.StatusBadRequest
}

// leaves counts what has nothing in it: values, and empty lists and objects.
func leaves(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n += leaves(e)
		}
	case []any:
		for _, e := range v {
			n += leaves(e)
		}
	}
	return max(n, 1)
}
