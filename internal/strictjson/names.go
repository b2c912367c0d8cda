package strictjson

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// names are the names of one object so far. Objects are small as a rule, so a
// list comes first and a map only when comparing would become slow.
type names struct {
	few  [16]string
	n    int
	many map[string]struct{} // folded
}

// add reports whether name is new, whatever its case.
func (n *names) add(name string) bool {
	if n.many == nil && n.n < len(n.few) {
		for _, other := range n.few[:n.n] {
			if strings.EqualFold(other, name) {
				return false
			}
		}
		n.few[n.n] = name
		n.n++
		return true
	}
	if n.many == nil {
		n.many = make(map[string]struct{}, 4*len(n.few))
		for _, other := range n.few {
			n.many[Fold(other)] = struct{}{}
		}
	}
	key := Fold(name)
	if _, ok := n.many[key]; ok {
		return false
	}
	n.many[key] = struct{}{}
	return true
}

// Fold returns the same text for all names that strings.EqualFold, and with it
// encoding/json, calls equal. Text in small letters of ASCII stays what it is.
func Fold(name string) string {
	for _, c := range []byte(name) {
		if c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(foldRune, name)
		}
	}
	return name
}

// foldRune returns the small letter of ASCII that r folds to, else the least
// rune of those that differ from r only in case.
func foldRune(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}
