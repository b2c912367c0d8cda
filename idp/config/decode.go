package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/internal/typo"
)

// A decoder puts the values of a file into structs. A field is named by its tag
// yaml; its tag doc says what it is, one of enum what it may be, and required
// that it has to be there.
type decoder struct {
	errs   *design.Errors
	at     map[string]design.Position // of each value, by its path
	docs   map[string]string          // of each key, by its path
	broken []string                   // paths of what could not be read, and of what was meant
}

// A shorthand can be written as one word instead of a mapping.
type shorthand interface {
	setText(text string) (ok bool, want string)
}

// A property is a field of a struct that stands in the file.
type property struct {
	name, doc string
	enum      []string
	required  bool
	field     reflect.StructField
}

func properties(t reflect.Type) []property {
	var list []property
	for f := range t.Fields() {
		name := f.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		p := property{name: name, doc: f.Tag.Get("doc"), field: f, required: f.Tag.Get("required") == "true"}
		if enum := f.Tag.Get("enum"); enum != "" {
			p.enum = strings.Split(enum, ",")
		}
		list = append(list, p)
	}
	return list
}

func (d *decoder) problem(n *node, path, format string, args ...any) {
	d.broken = append(d.broken, path)
	d.errs.Add(n.pos, path, fmt.Sprintf(format, args...), docOf(d.docs, path))
}

// value puts n into v, which can be set.
func (d *decoder) value(n *node, path string, v reflect.Value) {
	d.at[path] = n.pos
	if n.bad { // which was told
		d.broken = append(d.broken, path)
		return
	}
	if n.kind == design.KindNull && path != "" {
		d.problem(n, path, "%s is empty", last(path))
		return
	}
	if s, ok := reflect.TypeAssert[shorthand](v.Addr()); ok && n.kind == design.KindString {
		if ok, want := s.setText(n.text); !ok {
			d.problem(n, path, "%s has to be %s, not %s", last(path), want, quote(n.text))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, path, v)
	case reflect.Slice:
		d.list(n, path, v)
	case reflect.Map:
		d.table(n, path, v)
	case reflect.Interface:
		v.Set(reflect.ValueOf(d.anything(n)))
	default:
		d.scalar(n, path, v)
	}
}

func (d *decoder) mapping(n *node, path string, v reflect.Value) {
	if n.kind != design.KindMapping {
		d.problem(n, path, "%s has to be a mapping, not %s", last(path), n.describe())
		return
	}
	all := properties(v.Type())
	seen := map[string]bool{}
	for _, e := range n.entries {
		i := slices.IndexFunc(all, func(p property) bool { return p.name == e.key })
		if i < 0 {
			names := make([]string, len(all))
			for i, p := range all {
				names[i] = p.name
			}
			d.errs.Add(e.pos, join(path, e.key), fmt.Sprintf("unknown key %s%s", quote(e.key), didYouMean(e.key, names)),
				"the keys here are: "+strings.Join(names, ", "))
			if meant := typo.Nearest(e.key, names); meant != "" {
				seen[meant] = true
				d.broken = append(d.broken, join(path, meant))
			}
			continue
		}
		seen[e.key] = true
		field, p := v.FieldByIndex(all[i].field.Index), join(path, e.key)
		d.docs[p] = all[i].doc
		d.value(e.value, p, field)
		if len(all[i].enum) > 0 && e.value.kind == design.KindString && !slices.Contains(all[i].enum, e.value.text) {
			d.problem(e.value, p, "%s has to be one of %s, not %s%s", e.key, strings.Join(all[i].enum, ", "), quote(e.value.text), didYouMean(e.value.text, all[i].enum))
		}
	}
	for _, p := range all {
		if p.required && !seen[p.name] {
			d.docs[join(path, p.name)] = p.doc
			d.problem(n, join(path, p.name), "%s is missing", join(path, p.name))
		}
	}
}

func (d *decoder) list(n *node, path string, v reflect.Value) {
	if n.kind != design.KindList {
		d.problem(n, path, "%s has to be a list, not %s", last(path), n.describe())
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		d.value(item, path+"["+strconv.Itoa(i)+"]", v.Index(i))
	}
}

func (d *decoder) table(n *node, path string, v reflect.Value) {
	if n.kind != design.KindMapping {
		d.problem(n, path, "%s has to be a mapping, not %s", last(path), n.describe())
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.entries {
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(e.value, join(path, e.key), value)
		v.SetMapIndex(reflect.ValueOf(e.key), value)
	}
}

func (d *decoder) scalar(n *node, path string, v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		t, err := time.ParseDuration(n.text)
		if n.kind != design.KindString || err != nil || t <= 0 {
			d.problem(n, path, "%s has to be a time such as 15m or 24h, not %s", last(path), n.describe())
			return
		}
		v.SetInt(int64(t))
	case v.Kind() == reflect.String:
		if n.kind != design.KindString || n.text == "" {
			if n.kind == design.KindMapping && len(n.entries) == 1 {
				d.broken = append(d.broken, path)
				d.errs.Add(n.pos, path, fmt.Sprintf("%s has to be a text, not a mapping", last(path)), "a text with a colon in it needs quotes here")
				return
			}
			if port, err := strconv.Atoi(n.text); path == "listen" && err == nil {
				d.broken = append(d.broken, path)
				d.errs.Add(n.pos, path, fmt.Sprintf("listen has to be a text, not %d", port), fmt.Sprintf("write listen: %q", ":"+n.text))
				return
			}
			d.problem(n, path, "%s has to be a text, not %s", last(path), n.describe())
			return
		}
		v.SetString(n.text)
	case v.Kind() == reflect.Bool:
		if n.kind != design.KindBool {
			d.problem(n, path, "%s has to be true or false, not %s", last(path), n.describe())
			return
		}
		v.SetBool(n.text == "true")
	default:
		i, err := strconv.Atoi(n.text)
		if n.kind != design.KindInteger || err != nil || i < 0 {
			d.problem(n, path, "%s has to be a whole number, not %s", last(path), n.describe())
			return
		}
		v.SetInt(int64(i))
	}
}

// anything returns a value whose shape is that of somebody else.
func (d *decoder) anything(n *node) any {
	switch n.kind {
	case design.KindMapping:
		m := map[string]any{}
		for _, e := range n.entries {
			m[e.key] = d.anything(e.value)
		}
		return m
	case design.KindList:
		list := []any{}
		for _, item := range n.items {
			list = append(list, d.anything(item))
		}
		return list
	case design.KindBool:
		return n.text == "true"
	case design.KindInteger, design.KindFloat:
		if f, err := strconv.ParseFloat(n.text, 64); err == nil {
			return f
		}
	}
	return n.text
}

// describe says what was written, for an error.
func (n *node) describe() string {
	switch n.kind {
	case design.KindMapping:
		return "a mapping"
	case design.KindList:
		return "a list"
	case design.KindNull:
		return "nothing"
	case design.KindString:
		return quote(n.text)
	}
	return n.text
}

// join adds a key to a path; one that is no plain word in brackets and quotes.
func join(path, key string) string {
	switch {
	case strings.ContainsFunc(key, func(r rune) bool { return r == '.' || r == '[' || r == '"' }):
		return path + "[" + quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// last returns the last key of a path, with what is in brackets behind it; that
// of the whole file is "the file".
func last(path string) string {
	if path == "" {
		return "the file"
	}
	head, rest, bracket := strings.Cut(path, "[\"")
	head = head[strings.LastIndexByte(head, '.')+1:]
	if bracket {
		return head + "[\"" + rest
	}
	return head
}
