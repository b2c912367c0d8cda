package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxComputedFrom is how many fields a computed field is made of at most.
const maxComputedFrom = 20

// computed reads the fields that a field is made of. They are found when all of
// the entity are read.
func (l *loader) computed(e *Entity, f *Field, n *node, path string) {
	v := n.get("computed")
	if v == nil {
		return
	}
	for _, name := range []string{"unique", "searchable", "caseInsensitive", "minLength", "maxLength", "pattern", "min", "max", "default", "column", "readOnly", "renamedFrom"} {
		if p := n.get(name); p != nil {
			l.errs.Add(p.pos, join(path, name), fmt.Sprintf("a computed field has no %s: no row keeps it", quote(name)), "remove it")
		}
	}
	f.Column, f.ReadOnly, f.MaxLength, f.Computed = "", true, 0, []*Field{}
	items := []*node{v}
	if v.kind != KindString {
		items = l.list(v, path+".computed")
	}
	if len(items) == 0 && v.kind == KindList || len(items) > maxComputedFrom {
		l.errs.Add(v.pos, path+".computed", fmt.Sprintf("a field is computed from 1 to %d others, not from %d", maxComputedFrom, len(items)), "name the fields that its function needs")
		return
	}
	l.later(func() {
		for i, item := range items {
			at := path + ".computed"
			if v.kind == KindList {
				at += "[" + strconv.Itoa(i) + "]"
			}
			l.computedFrom(e, f, item, at)
		}
	})
}

func (l *loader) computedFrom(e *Entity, f *Field, n *node, path string) {
	name, ok := l.text(n, path, maxName)
	if !ok {
		return
	}
	from := e.Field(name)
	switch {
	case from == nil && e.Link(name) != nil:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s leads to other rows, and a computed field is made of its own", quote(name)), "")
	case from == nil:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s is not a field of %s%s", quote(name), e.Name, l.didYouMean(name, fieldNames(e))), "")
	case from.Computed != nil:
		hint := ""
		if len(from.Computed) > 0 {
			hint = "name what it is made of: " + strings.Join(names(from.Computed), ", ")
		}
		l.errs.Add(n.pos, path, fmt.Sprintf("%s is computed itself", quote(name)), hint)
	case from.Type == Password:
		l.errs.Add(n.pos, path, "nothing is made of a password", "")
	case slices.Contains(f.Computed, from):
		l.errs.Add(n.pos, path, fmt.Sprintf("%s is named twice", quote(name)), "")
	default:
		f.Computed = append(f.Computed, from)
	}
}
