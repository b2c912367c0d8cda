package model_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/model"
)

// TestAUZ12_manySmallValues: what is sent does not become many times as much in memory.
func TestAUZ12_manySmallValues(t *testing.T) {
	const n = 100_000
	list := func(of string) json.RawMessage {
		return json.RawMessage("[" + strings.TrimSuffix(strings.Repeat(of+",", n), ",") + "]")
	}
	for _, tt := range []struct {
		name  string
		field model.Field
		raw   json.RawMessage
		taken bool
	}{
		{"json", model.Field{Type: model.JSON}, list("[]"), true},
		{"objects", model.Field{Type: model.JSON}, list("{}"), true},
		{"roles", model.Field{Type: model.Roles}, list(`"ab"`), false},
		{"values of an enum", model.Field{Type: model.MultiEnum, Values: []string{"a", "b"}}, list(`"ab"`), false},
	} {
		f := checked(t, tt.field)
		var problem model.Problem
		var ok bool
		allocations := testing.AllocsPerRun(1, func() { problem, ok = f.Decode(tt.raw, address(f)) })
		if allocations > n/10 {
			t.Errorf("%s: %v allocations for %d values", tt.name, allocations, n)
		}
		if ok != tt.taken || !ok && problem.Code != model.CodeTooLong {
			t.Errorf("%s: %+v", tt.name, problem)
		}
	}
}

// TestField_Check_json: of members that are there twice in what code sets, the last one
// counts, as it does for a database.
func TestField_Check_json(t *testing.T) {
	f := checked(t, model.Field{Type: model.JSON})
	p := address(f)
	f.Store(p, json.RawMessage(`{"b":1,"a":[],"b":{"c":2},"a":3}`))
	if problem, ok := f.Check(p); !ok {
		t.Fatal(problem)
	}
	if got := string(f.AppendJSON(nil, p)); got != `{"a":3,"b":{"c":2}}` {
		t.Error(got)
	}
	f.Store(p, json.RawMessage(`{"b":1}]`))
	if _, ok := f.Check(p); ok {
		t.Error("no JSON")
	}
}
