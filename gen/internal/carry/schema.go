package carry

import (
	"fmt"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
)

// schema renames the types in a schema of the user, and returns nil when it names
// none that has another name. A name before a colon or an opening parenthesis is that
// of a field or of an argument; one among the values of an enum is a value.
func (c *carrier) schema(f File) []byte {
	if !utf8.Valid(f.Data) { // in a comment, where it is nobody's fault
		c.notes = append(c.notes, Note{f.Path, 1, "the file is left as it is, because it is not UTF-8"})
		return nil
	}
	text := []rune(string(f.Data))
	var tokens []lexer.Token
	lex := lexer.New(&ast.Source{Input: string(f.Data)})
	for {
		t, err := lex.ReadToken()
		if err != nil {
			c.notes = append(c.notes, Note{f.Path, t.Pos.Line, fmt.Sprintf("the file is left as it is, because it is no schema: %v", err)})
			return nil
		}
		if t.Kind == lexer.EOF {
			break
		}
		if t.Kind != lexer.Comment {
			tokens = append(tokens, t)
		}
	}
	var out []rune
	last, enum, changed := 0, false, false
	for i, t := range tokens {
		next := lexer.Token{}
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		switch {
		case t.Kind == lexer.BraceR:
			enum = false
		case t.Kind == lexer.Name && t.Value == "enum" && next.Kind == lexer.Name:
			enum = true
		}
		to, ok := c.names.Types[t.Value]
		if !ok || t.Kind != lexer.Name || next.Kind == lexer.Colon || i > 0 && (tokens[i-1].Kind == lexer.At || tokens[i-1].Kind == lexer.Equals) || next.Kind == lexer.ParenL || enum && i > 0 && tokens[i-1].Value != "enum" {
			continue
		}
		out = append(append(out, text[last:t.Pos.Start]...), []rune(to)...)
		last, changed = t.Pos.End, true
	}
	if !changed {
		return nil
	}
	return []byte(string(append(out, text[last:]...)))
}
