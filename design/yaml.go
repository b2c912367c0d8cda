package design

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A node is a value of a YAML document, without what a design may not contain:
// tags, merge keys, several documents. Aliases are resolved to the node they
// name. Scalars keep their text as written, so that numbers stay exact.
type node struct {
	kind    Kind
	text    string // of a scalar
	entries []entry
	items   []*node
	pos     Position

	size, height int // values in all; mappings and lists inside each other
}

type entry struct {
	key   string
	pos   Position
	value *node
}

// get returns the value of a key, nil if it is not there.
func (n *node) get(key string) *node {
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

func (n *node) isNull() bool { return n == nil || n.kind == KindNull }

// readYAML turns the text of a file into nodes, or reports why it cannot.
func readYAML(file string, src []byte, errs *Errors) *node {
	text, ok := cleanText(file, src, errs)
	if !ok {
		return nil
	}
	tokens, err := tokenize(text)
	if err != nil {
		errs.Add(Position{File: file, Line: 1, Column: 1}, "", err.Error(), "")
		return nil
	}
	before := len(errs.Problems)
	if (&guard{file: file, tokens: tokens, errs: errs}).check(); len(errs.Problems) > before {
		return nil
	}
	root, err := parseTokens(tokens)
	if err != nil {
		at, message, hint := syntaxError(file, err)
		errs.Add(at, "", message, hint)
		return nil
	}
	c := &converter{file: file, errs: errs, anchors: map[string]*node{}}
	n := c.node(root, 0)
	if len(errs.Problems) > before {
		return nil
	}
	return n
}

// cleanText checks size and characters and returns the text with its lines
// ended by \n, which moves no line and no column.
func cleanText(file string, src []byte, errs *Errors) (string, bool) {
	start := Position{File: file, Line: 1, Column: 1}
	if len(src) > MaxSize {
		errs.Add(start, "", fmt.Sprintf("the file has %d bytes, more than %d", len(src), MaxSize), "")
		return "", false
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	line, column := 1, 1
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			errs.Add(Position{file, line, column}, "", "not UTF-8 text", "")
			return "", false
		}
		if isControl(r) {
			errs.Add(Position{file, line, column}, "", fmt.Sprintf("control character %U", r), "")
			return "", false
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return text, true
}

// isControl reports what has no place in a text file. Characters that change
// the direction of writing count: they make a file read as it does not work.
func isControl(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < 0x20 || r >= 0x7f && r <= 0x9f:
		return true
	case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
		return true
	}
	return r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

// tokenize and parseTokens turn a panic of the YAML library into an error, so
// that a bug there is a bad file here and not a crash.
func tokenize(text string) (tokens token.Tokens, err error) {
	defer func() {
		if recover() != nil {
			tokens, err = nil, errors.New("not valid YAML")
		}
	}()
	return lexer.Tokenize(text), nil
}

func parseTokens(tokens token.Tokens) (root ast.Node, err error) {
	defer func() {
		if recover() != nil {
			root, err = nil, errors.New("not valid YAML")
		}
	}()
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, err
	}
	for _, doc := range f.Docs {
		if doc.Body != nil {
			return doc.Body, nil
		}
	}
	return nil, nil
}

func syntaxError(file string, err error) (at Position, message, hint string) {
	at, message = Position{File: file, Line: 1, Column: 1}, err.Error()
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &located) {
		message = located.GetMessage()
		if tk := located.GetToken(); tk != nil {
			at = place(file, tk)
			if strings.HasPrefix(tk.Value, "}") || strings.HasPrefix(tk.Value, "]") {
				return at, "the bracket " + tk.Value[:1] + " closes none that is open", "remove it, or open one where it belongs"
			}
		}
	}
	return at, libraryMessage(message), ""
}

func place(file string, tk *token.Token) Position {
	return Position{File: file, Line: tk.Position.Line, Column: tk.Position.Column}
}

type converter struct {
	file    string
	errs    *Errors
	anchors map[string]*node
	nodes   int
	aliased int
	stopped bool
}

func (c *converter) stop(tk *token.Token, message, hint string) *node {
	if !c.stopped {
		c.stopped = true
		c.errs.Add(place(c.file, tk), "", message, hint)
	}
	return &node{pos: place(c.file, tk)}
}

// node converts n, which is depth mappings and lists below the root.
func (c *converter) node(n ast.Node, depth int) *node {
	if n == nil || c.stopped {
		return &node{pos: Position{File: c.file, Line: 1, Column: 1}}
	}
	tk := n.GetToken()
	if depth > MaxDepth {
		return c.stop(tk, fmt.Sprintf("more than %d mappings and lists inside each other", MaxDepth), "")
	}
	if c.nodes++; c.nodes > MaxNodes {
		return c.stop(tk, fmt.Sprintf("more than %d values", MaxNodes), "")
	}
	out := &node{pos: place(c.file, tk), size: 1}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.kind = KindMapping
		out.pos = place(c.file, mappingStart(n))
		for _, v := range n.Values {
			c.entry(out, v, depth)
		}
	case *ast.MappingValueNode:
		out.kind = KindMapping
		out.pos = place(c.file, n.Key.GetToken())
		c.entry(out, n, depth)
	case *ast.SequenceNode:
		out.kind = KindList
		for _, v := range n.Values {
			child := c.node(v, depth+1)
			out.items = append(out.items, child)
			out.grow(child)
		}
	case *ast.AnchorNode:
		name := n.Name.GetToken().Value
		value := c.node(n.Value, depth)
		c.anchors[name] = value
		return value
	case *ast.AliasNode:
		return c.alias(n, depth)
	default:
		c.scalar(out, n)
	}
	return out
}

func (n *node) grow(child *node) {
	n.size += child.size
	n.height = max(n.height, child.height+1)
}

// mappingStart returns the brace or the first key of a mapping.
func mappingStart(n *ast.MappingNode) *token.Token {
	if !n.IsFlowStyle && len(n.Values) > 0 {
		return n.Values[0].Key.GetToken()
	}
	return n.Start
}

func (c *converter) entry(out *node, v *ast.MappingValueNode, depth int) {
	key := v.Key.GetToken()
	switch k := v.Key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
	case *ast.MergeKeyNode:
		c.stop(key, `the merge key "<<" is not allowed`, "write the keys out, or repeat a whole value by an alias")
		return
	default:
		c.stop(k.GetToken(), "a key has to be plain text", "")
		return
	}
	child := c.node(v.Value, depth+1)
	if child.kind == KindNull && child.text == "" {
		child.pos = place(c.file, key) // nothing was written: the key is the only place there is
	}
	out.entries = append(out.entries, entry{key: key.Value, pos: place(c.file, key), value: child})
	out.grow(child)
}

// alias returns the very node that the alias names, after counting it again:
// a few lines must not become a billion values.
func (c *converter) alias(n *ast.AliasNode, depth int) *node {
	tk := n.GetToken()
	name := ""
	if n.Value != nil {
		name = n.Value.GetToken().Value
	}
	target, ok := c.anchors[name]
	if !ok {
		return c.stop(tk, fmt.Sprintf("alias %s has no anchor before it", quote("*"+name)), "")
	}
	if c.aliased += target.size; c.aliased > maxAliased {
		return c.stop(tk, fmt.Sprintf("aliases repeat more than %d values", maxAliased), "")
	}
	if depth+target.height > MaxDepth {
		return c.stop(tk, fmt.Sprintf("more than %d mappings and lists inside each other", MaxDepth), "")
	}
	return target
}

func (c *converter) scalar(out *node, n ast.Node) {
	tk := n.GetToken()
	switch n := n.(type) {
	case *ast.StringNode:
		out.kind, out.text = KindString, n.Value
	case *ast.LiteralNode:
		out.kind, out.text = KindString, n.Value.Value
	case *ast.IntegerNode:
		out.kind, out.text = KindInteger, tk.Value
	case *ast.FloatNode:
		out.kind, out.text = KindFloat, tk.Value
	case *ast.BoolNode:
		out.kind, out.text = KindBool, strings.ToLower(tk.Value)
	case *ast.NullNode:
		if tk.Type != token.ImplicitNullType {
			out.text = "null"
		}
	case *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = KindFloat, tk.Value
	default:
		c.stop(tk, "not allowed here", "")
	}
}

// libraryMessage makes a message of the YAML library one of ours: lower case, on
// one line, and with nothing in it that a terminal could act on.
func libraryMessage(s string) string {
	var b strings.Builder
	for _, r := range lowerFirst(s) {
		if quoted := strconv.QuoteRune(r); strings.HasPrefix(quoted, `'\`) && r != '\'' && r != '\\' {
			b.WriteString(strings.Trim(quoted, "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
