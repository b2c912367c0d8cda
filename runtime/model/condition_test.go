package model_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/runtime/model"
)

func note(conditions ...model.Condition) *model.Entity {
	return &model.Entity{
		Name: "Note", Plural: "Notes", Path: "notes", Table: "notes",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "status", Column: "status", Type: model.Enum, Values: []string{"draft", "published"}, Required: true},
			{Name: "stars", Column: "stars", Type: model.Integer},
			{Name: "rate", Column: "rate", Type: model.Float},
			{Name: "data", Column: "data", Type: model.JSON},
			{Name: "password", Column: "password", Type: model.Password},
			{Name: "name", Column: "name", Type: model.Text, CaseInsensitive: true},
		},
		Allow:      model.Allow{View: []string{"nobody"}, List: []string{"clerk"}},
		Conditions: conditions,
	}
}

func TestCheck_conditions(t *testing.T) {
	everybody, published := []string{"public"}, []model.Clause{{Field: "status", Values: []any{"published"}}}
	for _, tt := range []struct {
		name string
		c    model.Condition
		want string // "" is right
	}{
		{"right", model.Condition{Action: "list", Rules: everybody, Where: published}, ""},
		{"right, of a field", model.Condition{Action: "view", Field: "stars", Rules: everybody, Where: published}, ""},
		{"right, null", model.Condition{Action: "list", Rules: everybody, Where: []model.Clause{{Field: "rate", Not: true}}}, ""},
		{"no action", model.Condition{Rules: everybody, Where: published}, `action ""`},
		{"list of a field", model.Condition{Action: "list", Field: "stars", Rules: everybody, Where: published}, `action "list"`},
		{"of no field", model.Condition{Action: "view", Field: "x", Rules: everybody, Where: published}, `"x" is no field`},
		{"nobody", model.Condition{Action: "list", Where: published}, "no rules"},
		{"always", model.Condition{Action: "list", Rules: everybody}, "says nothing"},
		{"on no field", model.Condition{Action: "list", Rules: everybody, Where: []model.Clause{{Field: "x"}}}, `"x" is no field`},
		{"on a secret", model.Condition{Action: "list", Rules: everybody, Where: []model.Clause{{Field: "password"}}}, "cannot be compared"},
		{"on JSON", model.Condition{Action: "list", Rules: everybody, Where: []model.Clause{{Field: "data"}}}, "cannot be compared"},
		{"on a float", model.Condition{Action: "list", Rules: everybody, Where: []model.Clause{{Field: "rate", Values: []any{1.5}}}}, "with null alone"},
		{"on letters of either case", model.Condition{Action: "view", Rules: everybody, Where: []model.Clause{{Field: "name", Values: []any{"private"}, Not: true}}}, "with null alone"},
		{"null of letters of either case", model.Condition{Action: "view", Rules: everybody, Where: []model.Clause{{Field: "name", Not: true}}}, ""},
		{"null of what is required", model.Condition{Action: "list", Rules: everybody, Where: []model.Clause{{Field: "status"}}}, "never null"},
		{"null in a list", model.Condition{Action: "list", Rules: everybody, Where: []model.Clause{{Field: "stars", Values: []any{nil}}}}, "null cannot"},
		{"a value that is none", model.Condition{Action: "list", Rules: everybody, Where: []model.Clause{{Field: "stars", Values: []any{"many"}}}}, "does not fit"},
	} {
		err := note(tt.c).Check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestEntity_Rules(t *testing.T) {
	published := []model.Clause{{Field: "status", Values: []any{"published"}}}
	e := note(
		model.Condition{Action: "view", Rules: []string{"public"}, Where: published},
		model.Condition{Action: "list", Rules: []string{"signed-in", "cook"}, Where: published},
		model.Condition{Action: "view", Field: "stars", Rules: []string{"admin"}, Where: published},
	)
	for action, want := range map[string][]string{"view": {"public"}, "list": {"clerk", "signed-in", "cook"}, "update": nil, "x": nil} {
		if diff := cmp.Diff(want, e.Rules(action)); diff != "" {
			t.Errorf("%s: %s", action, diff)
		}
	}
}
