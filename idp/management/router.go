package management

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A node is a place in the tree of paths.
type node struct {
	static  map[string]*node
	param   *node
	name    string // of the parameter that leads here
	methods map[string]*route
}

func newTree(list []route) *node {
	root := &node{static: map[string]*node{}}
	for i := range list {
		at := root
		for part := range strings.SplitSeq(list[i].path, "/") {
			at = at.child(part)
		}
		if at.methods == nil {
			at.methods = map[string]*route{}
		}
		if at.methods[list[i].method] != nil {
			panic("gate: management: two routes " + list[i].method + " " + list[i].path)
		}
		at.methods[list[i].method] = &list[i]
	}
	return root
}

// child returns the node below n that a part of a pattern names.
func (n *node) child(part string) *node {
	name, isParam := strings.CutPrefix(part, "{")
	if !isParam {
		if n.static[part] == nil {
			n.static[part] = &node{static: map[string]*node{}}
		}
		return n.static[part]
	}
	name = strings.TrimSuffix(name, "}")
	if n.param == nil {
		n.param = &node{static: map[string]*node{}, name: name}
	}
	if n.param.name != name {
		panic("gate: management: one place has two names, " + n.param.name + " and " + name)
	}
	return n.param
}

// find returns the place of an escaped path, with what its parameters stand
// for; nil when there is none.
func (n *node) find(escaped string) (*node, map[string]string) {
	params := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimSuffix(escaped, "/"), "/") {
		value, err := url.PathUnescape(part)
		if err != nil || value == "" || value == "." || value == ".." {
			return nil, nil
		}
		switch {
		case n.static[value] != nil:
			n = n.static[value]
		case n.param != nil:
			n = n.param
			params[n.name] = value
		default:
			return nil, nil
		}
	}
	if n.methods == nil {
		return nil, nil
	}
	return n, params
}

// allow returns the methods of a place, for the header Allow.
func (n *node) allow() string {
	list := []string{http.MethodOptions}
	for m := range n.methods {
		list = append(list, m)
		if m == http.MethodGet {
			list = append(list, http.MethodHead)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
