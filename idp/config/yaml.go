package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/gatewright/gate/design"
)

// The bounds of a file: nobody writes one by hand that is larger.
const (
	maxSize  = 1 << 20 // bytes
	maxDepth = 12      // mappings and lists inside each other
)

// A node is a value in the file.
type node struct {
	kind    design.Kind
	text    string // of a scalar
	entries []entry
	items   []*node
	pos     design.Position
	bad     bool // it has no place here, and that was told
}

type entry struct {
	key   string
	pos   design.Position
	value *node
}

// readYAML returns the value of a file, nil when it is empty or wrong.
func readYAML(file string, src []byte, errs *design.Errors) *node {
	start := design.Position{File: file, Line: 1, Column: 1}
	switch {
	case len(src) > maxSize:
		errs.Add(start, "", fmt.Sprintf("the file has %d bytes, more than %d", len(src), maxSize), "")
		return nil
	case !utf8.Valid(src):
		errs.Add(start, "", "not UTF-8 text", "")
		return nil
	}
	root, err := parse(src)
	if err != nil {
		at, message := syntaxError(file, err)
		errs.Add(at, "", message, "")
		return nil
	}
	c := &converter{file: file, errs: errs}
	if root == nil {
		return nil
	}
	return c.node(root, 0)
}

// parse turns a panic of the YAML library into an error, so that a bug there is
// a bad file here.
func parse(src []byte) (root ast.Node, err error) {
	defer func() {
		if recover() != nil {
			root, err = nil, errors.New("not valid YAML")
		}
	}()
	f, err := parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, err
	}
	for _, doc := range f.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			return nil, errors.New("more than one document")
		}
		root = doc.Body
	}
	return root, nil
}

func syntaxError(file string, err error) (design.Position, string) {
	at, message := design.Position{File: file, Line: 1, Column: 1}, err.Error()
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &located) {
		message = located.GetMessage()
		if tk := located.GetToken(); tk != nil {
			at = place(file, tk)
		}
	}
	message, _, _ = strings.Cut(message, "\n")
	return at, strings.ToLower(message[:min(1, len(message))]) + message[min(1, len(message)):]
}

func place(file string, tk *token.Token) design.Position {
	return design.Position{File: file, Line: tk.Position.Line, Column: tk.Position.Column}
}

// A converter takes from YAML what a configuration may have: no tags, anchors,
// aliases or merge keys.
type converter struct {
	file string
	errs *design.Errors
}

func (c *converter) node(n ast.Node, depth int) *node {
	tk := n.GetToken()
	out := &node{pos: place(c.file, tk)}
	if depth > maxDepth {
		c.errs.Add(out.pos, "", fmt.Sprintf("more than %d mappings and lists inside each other", maxDepth), "nothing that is known goes so deep")
		out.bad = true
		return out
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.kind = design.KindMapping
		if !n.IsFlowStyle && len(n.Values) > 0 {
			out.pos = place(c.file, n.Values[0].Key.GetToken())
		} else {
			out.pos = place(c.file, n.Start)
		}
		for _, v := range n.Values {
			c.entry(out, v, depth)
		}
	case *ast.MappingValueNode:
		out.kind, out.pos = design.KindMapping, place(c.file, n.Key.GetToken())
		c.entry(out, n, depth)
	case *ast.SequenceNode:
		out.kind = design.KindList
		for _, v := range n.Values {
			out.items = append(out.items, c.node(v, depth+1))
		}
	case *ast.StringNode:
		out.kind, out.text = design.KindString, n.Value
	case *ast.LiteralNode:
		out.kind, out.text = design.KindString, n.Value.Value
	case *ast.IntegerNode:
		out.kind, out.text = design.KindInteger, tk.Value
	case *ast.FloatNode:
		out.kind, out.text = design.KindFloat, tk.Value
	case *ast.BoolNode:
		out.kind, out.text = design.KindBool, strings.ToLower(tk.Value)
	case *ast.NullNode:
		out.kind = design.KindNull
	default:
		out.bad = true
		c.errs.Add(out.pos, "", "not allowed here", "anchors, aliases, tags and merge keys have no place in this file")
	}
	return out
}

func (c *converter) entry(out *node, v *ast.MappingValueNode, depth int) {
	key := v.Key.GetToken()
	switch v.Key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
	default:
		c.errs.Add(place(c.file, key), "", "a key has to be plain text", "write its name, without a tag or a mapping")
		return
	}
	e := entry{key: key.Value, pos: place(c.file, key), value: c.node(v.Value, depth+1)}
	if e.value.kind == design.KindNull {
		e.value.pos = e.pos
	}
	for _, other := range out.entries {
		if other.key == e.key {
			c.errs.Add(e.pos, "", fmt.Sprintf("%s stands twice, first in line %d", quote(e.key), other.pos.Line), "take one of them out")
			return
		}
	}
	out.entries = append(out.entries, e)
}
