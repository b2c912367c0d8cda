package design_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
)

// TestParseValues reads values with their places, numbers digit by digit, and
// refuses what Parse refuses.
func TestParseValues(t *testing.T) {
	s, err := design.ParseValues("rows.yaml", []byte("Item:\n  soup: {price: 12345678901234567.89, names: &n [a, 1]}\n  stew: {names: *n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	price := s.Child("Item").Child("soup").Child("price")
	if price.Text != "12345678901234567.89" || price.Path != "Item.soup.price" || price.ValuePos != (design.Position{File: "rows.yaml", Line: 2, Column: 17}) {
		t.Errorf("got %+v", price)
	}
	if names := s.Child("Item").Child("stew").Child("names"); len(names.Children) != 2 || names.Children[1].Value != int64(1) {
		t.Errorf("got %+v", names)
	}
	if s, err := design.ParseValues("rows.yaml", []byte("# nothing\n")); err != nil || s.Kind != design.KindNull {
		t.Errorf("nothing: %+v, %v", s, err)
	}
	for _, bad := range []string{"a: {", "a: 1\na: 2\n", "a: !!binary x", "<<: {}", "a: \x00", strings.Repeat("[", 100), strings.Repeat("a", design.MaxSize+1)} {
		s, err := design.ParseValues("rows.yaml", []byte(bad))
		if _, ok := errors.AsType[*design.Errors](err); !ok || s != nil {
			t.Errorf("%.20q: %v, %v", bad, s, err)
		}
	}
}
