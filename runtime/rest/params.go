package rest

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// Limits of a query string. What a query may ask for has limits of its own, in
// package query.
const (
	maxQuery  = 16 << 10
	maxPairs  = 250
	maxIndex  = query.MaxValues - 1
	maxParam  = 64 // of a name, when it is repeated in an answer
	maxPieces = 2*query.MaxDepth + 3
)

// A param is a parameter, or what stands in brackets behind it: a value, or
// further params. The order is that of the query string.
type param struct {
	name  string
	path  string // as it was sent, for messages
	value string
	leaf  bool
	kids  []*param
}

// parseQuery reads the brackets of a query string into a tree:
//
//	a=1 & b[$lt]=2 & $or[0][c]=3 & d[$in][]=4
//
// It refuses what could be understood in two ways: a value given twice, a
// parameter that is both a value and a group, brackets that do not close.
func parseQuery(raw string, problems *model.Problems) *param {
	root := &param{}
	if raw == "" {
		return root
	}
	if len(raw) > maxQuery || strings.Count(raw, "&") >= maxPairs {
		problems.Add("", model.CodeLimit, "the query string is too long")
		return root
	}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		switch {
		case err1 != nil || !isText(name):
			problems.Add("", model.CodeMalformed, "the query string is not properly encoded")
		case err2 != nil || !isText(value):
			problems.Add(shown(name), model.CodeMalformed, "is not properly encoded")
		default:
			root.add(name, value, problems)
		}
	}
	return root
}

// isText reports whether s is UTF-8 without NUL.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// shown returns the name of a parameter as an answer may repeat it.
func shown(name string) string {
	name = strings.ToValidUTF8(name, "")
	if len(name) <= maxParam {
		return name
	}
	cut := maxParam
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + "…"
}

// add puts the parameter called path, brackets included, into the tree.
func (p *param) add(path, value string, problems *model.Problems) {
	pieces, ok := split(path)
	if !ok {
		problems.Add(shown(path), model.CodeMalformed, "has brackets that are not closed, or too many of them")
		return
	}
	at := p
	for i, piece := range pieces {
		if at.leaf {
			problems.Add(shown(path), model.CodeMalformed, "is both a value and a group")
			return
		}
		last := i == len(pieces)-1
		if piece == "" && i > 0 { // a[]: one more element
			if !last {
				problems.Add(shown(path), model.CodeMalformed, "needs an index inside the brackets")
				return
			}
			piece = strconv.Itoa(len(at.kids))
		}
		kid := at.kid(piece)
		switch {
		case kid == nil:
			kid = &param{name: piece, path: path}
			at.kids = append(at.kids, kid)
		case last && kid.leaf:
			problems.Add(shown(path), model.CodeMalformed, "is given twice")
			return
		case last:
			problems.Add(shown(path), model.CodeMalformed, "is both a value and a group")
			return
		}
		at = kid
	}
	at.leaf, at.value = true, value
}

// split takes a[b][c] apart into a, b and c.
func split(path string) (pieces []string, ok bool) {
	head, rest, brackets := strings.Cut(path, "[")
	if head == "" || strings.Contains(head, "]") {
		return nil, false
	}
	pieces = []string{head}
	for brackets {
		piece, more, closed := strings.Cut(rest, "]")
		if !closed || strings.Contains(piece, "[") || len(pieces) >= maxPieces {
			return nil, false
		}
		pieces = append(pieces, piece)
		if more == "" {
			return pieces, true
		}
		if more[0] != '[' {
			return nil, false
		}
		rest = more[1:]
	}
	return pieces, true
}

func (p *param) kid(name string) *param {
	for _, k := range p.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// elements returns the elements of a list, whose names count from 0.
func (p *param) elements() ([]*param, bool) {
	list := make([]*param, len(p.kids))
	for _, k := range p.kids {
		i, err := strconv.Atoi(k.name)
		if err != nil || i < 0 || i > maxIndex || i >= len(list) || list[i] != nil || strconv.Itoa(i) != k.name {
			return nil, false
		}
		list[i] = k
	}
	return list, len(list) > 0
}

// texts returns the values of a list, or a single value as a list of one.
func (p *param) texts() ([]string, bool) {
	if p.leaf {
		return []string{p.value}, true
	}
	elements, ok := p.elements()
	if !ok {
		return nil, false
	}
	values := make([]string, len(elements))
	for i, e := range elements {
		if !e.leaf {
			return nil, false
		}
		values[i] = e.value
	}
	return values, true
}
