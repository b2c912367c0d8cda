package shape_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/internal/shape"
)

// The first thing that is wrong is named by its path, in the order of the names.
func TestSchema(t *testing.T) {
	s := shape.Schema{
		"name": {Check: shape.Text(1, 3), Needed: true, About: "the name"},
		"on":   {Check: shape.Boolean},
	}.Reserve("id")
	for body, want := range map[string]string{
		`{"name":"abc","on":true,"more":{"a":[1e308]}}`: "",
		`{"name":"abcd"}`:                      "name: String is too long (4 chars), maximum 3",
		`{"name":"\u0007"}`:                    "name: String holds control characters",
		`{"on":true}`:                          "name: Missing required property: name",
		`{"name":"a","on":null}`:               "on: Expected type boolean but found type null",
		`{"name":"a","id":"x"}`:                "Additional properties not allowed: id",
		`{"name":"a","":1}`:                    "the name of a property is empty or too long",
		`{"name":"a","more":{"a":[0,-1E999]}}`: "more.a[1]: Number is too large",
		`{"name":"a","more":` + strings.Repeat("9", 310) + `}`: "more: Number is too large",
		`{"name":"a","more":"1e999"}`:                          "",
	} {
		var o map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &o); err != nil {
			t.Fatal(err)
		}
		err := s.Check(o)
		wrong, ok := errors.AsType[*shape.Error](err)
		if (err == nil) != (want == "") || err != nil && (!ok || wrong.Error() != want) {
			t.Errorf("%.60s: %v, want %s", body, err, want)
		}
	}
	null := map[string]json.RawMessage{"name": json.RawMessage(`"a"`), "on": json.RawMessage("null"), "id": json.RawMessage(`"x"`)}
	if err := s.Stored().Check(null); err != nil {
		t.Errorf("stored: %v", err)
	}
	if err := s.Patching().Check(map[string]json.RawMessage{"on": json.RawMessage("null")}); err != nil {
		t.Errorf("a change: %v", err)
	}
}

func FuzzSchema(f *testing.F) {
	f.Add([]byte(`{"callbacks":["https://a.example/"],"refresh_token":{"leeway":1e400}}`))
	f.Add([]byte(`{"name":"\ud800","client_metadata":{"a":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var o map[string]json.RawMessage
		if json.Unmarshal(data, &o) != nil {
			return // no object: the API does not get that far
		}
		for _, s := range []shape.Schema{
			shape.User(), shape.Client(), shape.API(), shape.Grant(), shape.Role(), shape.Connection(), shape.Action(), shape.Settings(),
			shape.Protection(), shape.StoredUser(), shape.Client().Patching(),
		} {
			if err := s.Check(o); err == nil && json.Unmarshal(data, new(any)) != nil {
				t.Errorf("%q is right, and cannot be read", data)
			}
		}
	})
}
