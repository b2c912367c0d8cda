package rest

import (
	"regexp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/internal/pattern"
)

// common is what expressions of RE2 and of ECMA-262 with the flag u, which is what
// JSON Schema has, are both made of, and mean the same by.
var common = regexp.MustCompile(`^(?:` +
	`[^\\\[\](){}*+?]` + // a character, anchors and | among them
	`|\\[dDwWnrtfv^$\\.*+?()\[\]{}|/]` +
	`|\[\^?(?:[^\\\[\]]|\\[dDwWnrtfv^$\\.*+?()\[\]{}|/-])+\]` +
	`|\((?:\?:)?|\)` +
	`|[*+?]\??|\{[0-9]+(?:,[0-9]*)?\}\??` +
	`)*$`)

// matching is the pattern of a field. One that other engines read otherwise is a
// note for people.
func matching(expr string) gen.Property {
	if common.MatchString(expr) {
		return gen.Property{Name: "pattern", Value: "^(?:" + expr + ")$"}
	}
	return gen.Property{Name: "x-pattern", Value: expr}
}

// matches returns a text that matches the pattern of a field, nil if none is found.
func matches(f *design.Field) any {
	if s, ok := pattern.Sample(f.Pattern, 0, f.MinLength, f.MaxLength); ok {
		return s
	}
	return nil
}
