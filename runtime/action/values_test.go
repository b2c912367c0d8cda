package action_test

import (
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/model"
)

// TestValues: lists and places are sent in every way that clients write them, and
// what is none is refused.
func TestValues(t *testing.T) {
	type day string
	type input struct {
		T     []string
		Days  []day
		Place *model.Geo
		Name  *string
	}
	record := &action.Record{Name: "Input", Members: []action.Member{
		{Field: model.Field{Name: "t", Type: model.Text}, List: true},
		{Field: model.Field{Name: "days", Type: model.MultiEnum, Values: []string{"mon", "tue"}}},
		{Field: model.Field{Name: "g", Type: model.GeoType}},
		{Field: model.Field{Name: "name", Type: model.Text}},
	}}
	const nothing = "[] [] <nil>"
	for _, tt := range []struct{ query, want, refused string }{
		{"t=a&t=b", "[a b] [] <nil>", ""},
		{"t[]=a&t[]=b", "[a b] [] <nil>", ""},
		{"t[1]=b&t[0]=a", "[a b] [] <nil>", ""},
		{"t=a", "[a] [] <nil>", ""},
		{"days[0]=mon&days[1]=tue", "[] [mon tue] <nil>", ""},
		{"days=tue", "[] [tue] <nil>", ""},
		{"g[lat]=1.5&g[lng]=-2", "[] [] {1.5 -2}", ""},
		{"t[1]=b", nothing, "t"},
		{"t=a&t[]=b", nothing, "t"},
		{"t[0]=a&t[0]=b", nothing, "t"},
		{"t[00]=a", nothing, "t"},
		{"t[0]=a&t[x]=b", nothing, "t"},
		{"t[0=a", nothing, "t[0"},
		{"t[0][x]=a", nothing, "t"},
		{"days=wed", nothing, "days"},
		{"g[lat]=1.5", nothing, "g"},
		{"g[lat]=1&g[lng]=2&g[up]=3", nothing, "g"},
		{"g[lat]=NaN&g[lng]=2", nothing, "g"},
		{"g[lat]=91&g[lng]=2", nothing, "g"},
		{"g=1", nothing, "g"},
		{`g[lat]=[1]&g[lng]=2`, nothing, "g"},
		{"g[lat]=1&g[lat]=1&g[lng]=2", nothing, "g"},
		{"name[]=a", nothing, "name[]"},
		{"name=a&name=b", nothing, "name"},
		{"other=a", nothing, "other"},
	} {
		values, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		var in input
		err = action.Values(values)(record, &in)
		if got := refusedField(err); got != tt.refused {
			t.Errorf("%s: %q is refused: %v", tt.query, got, err)
		}
		got := fmt.Sprintf("%v %v %v", in.T, in.Days, in.Place)
		if in.Place != nil {
			got = fmt.Sprintf("%v %v %v", in.T, in.Days, *in.Place)
		}
		if tt.refused == "" && got != tt.want {
			t.Errorf("%s: %s, want %s", tt.query, got, tt.want)
		}
	}
}

// refusedField returns the field that an error is about.
func refusedField(err error) string {
	refusal, ok := errors.AsType[*gate.Error](err)
	if !ok {
		return ""
	}
	problems, _ := refusal.Errors.(model.Problems)
	if len(problems) != 1 {
		return fmt.Sprint(refusal.Errors)
	}
	return problems[0].Field
}
