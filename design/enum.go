package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// values reads the values of an enum: names, or mappings with a name and a label.
func (l *loader) values(f *Field, n *node, path string) {
	items := l.list(n, path)
	if n.kind == KindList && len(items) == 0 {
		l.errs.Add(n.pos, path, "an enum needs at least one value", "")
	}
	if len(items) > maxValues {
		l.errs.Add(n.pos, path, fmt.Sprintf("more than %d values", maxValues), "an entity and a relation to it have room for more")
		return
	}
	seen := map[string]string{}
	for i, item := range items {
		at := path + "[" + strconv.Itoa(i) + "]"
		name, label, former := item, "", ""
		if item.kind == KindMapping {
			name, label, former = l.described(item, at)
		}
		if name == nil {
			continue
		}
		s, ok := l.text(name, at, maxName)
		if !ok {
			continue
		}
		if wrong := valueCase.check(s); wrong != "" {
			l.errs.Add(name.pos, at, fmt.Sprintf("value %s %s", quote(s), wrong), "write it like "+valueCase.example)
			continue
		}
		if s == "true" || s == "false" || s == "null" {
			l.errs.Add(name.pos, at, fmt.Sprintf("value %s is a reserved name of GraphQL", quote(s)), "")
			continue
		}
		if first, ok := seen[foldName(s)]; ok {
			l.errs.Add(name.pos, at, fmt.Sprintf("value %s is the same as %s, or too close to it", quote(s), quote(first)), "")
			continue
		}
		seen[foldName(s)] = s
		f.Values = append(f.Values, Value{Name: s, GoName: goName(s), Label: label, RenamedFrom: former, Pos: name.pos})
	}
}

// described reads {name: open, label: Open, renamedFrom: fresh}; the name is nil when
// there is none.
func (l *loader) described(n *node, path string) (name *node, label, former string) {
	if !l.object(n, path, "a value", valueKeys()) {
		return nil, "", ""
	}
	if v := n.get("label"); v != nil {
		var ok bool
		label, ok = l.text(v, path+".label", maxLabel)
		label = strings.TrimSpace(label)
		if ok && (label == "" || strings.ContainsFunc(label, unicode.IsControl)) {
			l.errs.Add(v.pos, path+".label", "a label is one line of text", "remove it, or write what people call the value")
		}
	}
	if v := n.get("renamedFrom"); v != nil {
		former = l.formerValue(v, path+".renamedFrom")
	}
	return l.require(n, path, "name"), label, former
}

// notAValue says why a text is not one of the values of an enum.
func (f *Field) notAValue(s string) string {
	names := make([]string, len(f.Values))
	for i, v := range f.Values {
		names[i] = v.Name
	}
	if slices.Contains(names, s) {
		return ""
	}
	return "is not one of the values" + didYouMean(s, names)
}

// defaultValues reads the default of a multi-enum.
func (l *loader) defaultValues(f *Field, n *node, path string) {
	values := []string{}
	for i, item := range l.list(n, path) {
		at := path + "[" + strconv.Itoa(i) + "]"
		s, ok := l.text(item, at, maxName)
		if !ok {
			continue
		}
		wrong := f.notAValue(s)
		if slices.Contains(values, s) {
			wrong = "is there twice"
		}
		if wrong != "" {
			l.errs.Add(item.pos, at, fmt.Sprintf("default %s %s", quote(s), wrong), "")
		}
		values = append(values, s)
	}
	if n.kind == KindList {
		f.Default = values
	}
}
