package graphql_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/store/storetest"
)

// TestSurrogates: a character that is escaped as two surrogates is that character, and a
// surrogate alone is refused, as it is over REST.
func TestSurrogates(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for text, want := range map[string]string{
		`"\ud83d\ude00!"`:                `"😀!"`,
		`"a \uD83D\uDE00\ud83d\ude00"`:   `"a 😀😀"`,
		`"\\ud800"`:                      `"\\ud800"`,
		`"\"\\\ud83d\ude00"`:             `"\"\\😀"`,
		`"""\ud800 "\udc00" \""" a"""`:   `"\\ud800 \"\\udc00\" \"\"\" a"`,
		"# \"\\ud800\n\"plain\"":         `"plain"`,
		`"\ud800"`:                       "",
		`"\ude00\ud83d"`:                 "",
		`"\ud83d \ude00"`:                "",
		`"\ud83dx"`:                      "",
		`"\ud83d`:                        "",
		`"\uDFFF\uDFFF"`:                 "",
		`"\ud83d\u0041"`:                 "",
		`"""x""" b: __typename c: "\ud8`: "",
	} {
		a := s.ask(t, s.max, `mutation {createItem(input:{price:1 name:`+text+`}) {name}}`)
		if want == "" {
			if !strings.Contains(a.text, "GRAPHQL_PARSE_FAILED") {
				t.Errorf("%s: %s", text, a.text)
			}
			continue
		}
		if !strings.Contains(a.text, `{"name":`+want+`}`) {
			t.Errorf("%s: %s, want %s", text, a.text, want)
		}
	}
	if a := s.ask(t, s.max, "{items {\n name}\n é: item(id:\"\\ud800\") {name}}"); !strings.Contains(a.text, `\\ud800 is half a character`) || !strings.Contains(a.text, `{"line":3,"column":`) {
		t.Error(a.text)
	}
}
