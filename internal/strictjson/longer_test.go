package strictjson_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/strictjson"
)

// TestOPS03_longer: how long a list is can be told before it is read, and costs nothing.
func TestOPS03_longer(t *testing.T) {
	for _, tt := range []struct {
		doc  string
		most int
		want bool
	}{
		{"[1,2,3]", 3, false},
		{"[1,2,3]", 2, true},
		{" \n\t\r[1,2,3]", 2, true},
		{`[[1,2],{"a":1,"b":2},3]`, 3, false},
		{`["a,\"]","\\",",["]`, 3, false},
		{`["a,\"]","\\",",["]`, 2, true},
		{`[1,2,3`, 2, true},
		{`{"a":1,"b":2,"c":3}`, 1, false},
		{`"1,2,3"`, 1, false},
		{"1,2,3", 1, false},
		{"", 1, false},
		{`["`, 1, false},
		{`["\`, 1, false},
		{"[]", 1, false},
	} {
		if got := strictjson.Longer([]byte(tt.doc), tt.most); got != tt.want {
			t.Errorf("%s, more than %d: %v", tt.doc, tt.most, got)
		}
	}
	doc := []byte("[" + strings.Repeat(`{"a":["b"]},`, 1000) + "0]")
	if n := testing.AllocsPerRun(1, func() { strictjson.Longer(doc, 1000) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if !strictjson.Longer(doc, 1000) || strictjson.Longer(doc, 1001) {
		t.Error("1001 elements are counted otherwise")
	}
}
