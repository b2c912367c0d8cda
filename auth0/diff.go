package auth0

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// A diff collects how an object differs from what is wanted of it, and the body
// of the request that mends it.
type diff struct {
	fields []FieldChange
	body   map[string]any
}

func newDiff() *diff { return &diff{body: make(map[string]any)} }

func (d *diff) empty() bool { return len(d.fields) == 0 }

func (d *diff) add(path, before, after string) {
	d.fields = append(d.fields, FieldChange{path, before, after})
}

// text wants a text.
func (d *diff) text(path, have, want string) {
	if have != want {
		d.add(path, have, want)
		d.body[path] = want
	}
}

// number wants a number, unless it is zero.
func (d *diff) number(path string, have, want int) {
	if want == 0 || have == want {
		return
	}
	before := ""
	if have != 0 {
		before = strconv.Itoa(have)
	}
	d.add(path, before, strconv.Itoa(want))
	d.body[path] = want
}

// truth wants a setting to be on; want false leaves it as it is.
func (d *diff) truth(path string, have, want bool) {
	if want && !have {
		d.add(path, "false", "true")
		d.body[path] = true
	}
}

// entries wants entries in a list, behind those that are there.
func (d *diff) entries(path string, have, want []string) {
	merged := union(have, want)
	for _, v := range merged[len(have):] {
		d.add(path, "", v)
	}
	if len(merged) > len(have) {
		d.body[path] = merged
	}
}

// nested wants settings of an object that a PATCH replaces as a whole: what else
// is in it is sent back as it came.
func (d *diff) nested(path string, have map[string]any, want ...setting) {
	merged := maps.Clone(have)
	if merged == nil {
		merged = make(map[string]any)
	}
	changed := false
	for _, s := range want {
		before := ""
		if v := have[s.key]; v != nil {
			before = fmt.Sprint(v)
		}
		after := fmt.Sprint(s.value)
		if before == after || before == "" && s.value == false {
			continue
		}
		changed = true
		merged[s.key] = s.value
		d.add(path+"."+s.key, before, after)
	}
	if changed {
		d.body[path] = merged
	}
}

type setting struct {
	key   string
	value any // a text, a number or a bool; false is also what is not there
}

// union returns have and behind it what of want is not in it.
func union(have, want []string) []string {
	merged := slices.Clone(have)
	for _, v := range want {
		if !slices.Contains(merged, v) {
			merged = append(merged, v)
		}
	}
	return merged
}
