package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of the indexes of an entity.
const (
	maxIndexes      = 20 // of each kind
	maxIndexColumns = 8
)

// uniqueKeys reads "unique" of an entity: lists of fields that no two rows have
// the same values in.
func (l *loader) uniqueKeys(e *Entity, n *node, path string) {
	const example = "for two fields together write: unique: [[room, day]]"
	for i, item := range l.indexList(n, path) {
		at := path + "[" + strconv.Itoa(i) + "]"
		if item.kind == KindString {
			l.errs.Add(item.pos, at, fmt.Sprintf("%s has to be a list of fields", quote(item.text)),
				"for one field write unique: true behind it; "+example)
			continue
		}
		x := l.index(e, item, at)
		if x == nil {
			continue
		}
		if len(x.Fields) == 1 {
			l.errs.Add(item.pos, at, "a key of one field", "write unique: true behind "+x.Fields[0].Name+"; "+example)
			continue
		}
		l.addIndex(&e.Unique, x, e, at)
	}
}

// indexes reads "indexes" of an entity: fields, and lists of them.
func (l *loader) indexes(e *Entity, n *node, path string) {
	for i, item := range l.indexList(n, path) {
		at := path + "[" + strconv.Itoa(i) + "]"
		if item.kind == KindString {
			item = &node{kind: KindList, pos: item.pos, items: []*node{item}}
		}
		x := l.index(e, item, at)
		if x == nil {
			continue
		}
		if f := x.Fields[0]; len(x.Fields) == 1 && (f.Unique || f.Type == ToOne) {
			l.errs.Add(item.pos, at, fmt.Sprintf("%s has an index without it", quote(f.Name)), "what is unique and what points to another row is indexed by itself")
			continue
		}
		l.addIndex(&e.Indexes, x, e, at)
	}
}

func (l *loader) indexList(n *node, path string) []*node {
	if n == nil {
		return nil
	}
	items := l.list(n, path)
	if len(items) > maxIndexes {
		l.errs.Add(n.pos, path, fmt.Sprintf("more than %d", maxIndexes), "each is written with every row")
		return nil
	}
	return items
}

// index reads one list of fields; nil when something is wrong with it.
func (l *loader) index(e *Entity, n *node, path string) *Index {
	items := l.list(n, path)
	if n.kind == KindList && (len(items) == 0 || len(items) > maxIndexColumns) {
		l.errs.Add(n.pos, path, fmt.Sprintf("has to name 1 to %d fields, not %d", maxIndexColumns, len(items)), "")
		return nil
	}
	x := &Index{Pos: n.pos}
	for i, item := range items {
		at := path + "[" + strconv.Itoa(i) + "]"
		name, ok := l.text(item, at, maxName)
		if !ok {
			continue
		}
		f := e.Field(name)
		switch {
		case f == nil:
			l.errs.Add(item.pos, at, fmt.Sprintf("%s is not a field of %s%s", quote(name), e.Name, l.didYouMean(name, fieldNames(e))), "")
		case f.Computed != nil:
			l.errs.Add(item.pos, at, fmt.Sprintf("%s is computed, and no column keeps it", quote(name)), "")
		case !indexable(f.Type):
			l.errs.Add(item.pos, at, fmt.Sprintf("a field of type %s cannot be part of an index: %s", f.Type, quote(name)), "")
		case slices.Contains(x.Fields, f):
			l.errs.Add(item.pos, at, fmt.Sprintf("%s is named twice", quote(name)), "")
		default:
			x.Fields = append(x.Fields, f)
			continue
		}
	}
	if len(items) == 0 || len(x.Fields) < len(items) {
		return nil
	}
	return x
}

// addIndex adds x unless the same one is there. The order of the fields matters
// to an index that is searched by, and not to what a key says.
func (l *loader) addIndex(list *[]*Index, x *Index, e *Entity, path string) {
	for _, other := range slices.Concat(e.Unique, e.Indexes) {
		if slices.Equal(other.Fields, x.Fields) || list == &e.Unique && sameFields(other.Fields, x.Fields) {
			l.errs.Add(x.Pos, path, fmt.Sprintf("%s is there already, in line %d", strings.Join(names(x.Fields), ", "), other.Pos.Line), "")
			return
		}
	}
	*list = append(*list, x)
}

// sameFields compares lists in which no field stands twice.
func sameFields(a, b []*Field) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(f *Field) bool { return !slices.Contains(b, f) })
}

// indexable reports whether the values of a type have an order that is worth an
// index. A long text is longer than what an index of PostgreSQL takes.
func indexable(t Type) bool {
	return !slices.Contains([]Type{LongText, JSON, Password, Roles, MultiEnum, Geo, File}, t)
}

func fieldNames(e *Entity) []string { return names(e.Fields) }

func names(fields []*Field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.Name
	}
	return list
}
