package design

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// Bounds of what the YAML parser sees, which takes time in the square of each.
const (
	maxEntries  = 1000   // in one mapping
	maxAnchors  = 100    // in all
	maxEmpty    = 5000   // values that are not written
	maxAliased  = 10_000 // values that aliases repeat
	maxProblems = 100    // that are worth telling
)

// A guard reads the tokens of a file before the parser does. It refuses what
// would take the parser too long or too deep a stack, and what a design has no
// use for.
type guard struct {
	file   string
	tokens token.Tokens
	errs   *Errors

	brackets       []*token.Token // that are open
	widths         []width        // of the block mappings that are open
	dashes         int            // at the start of this line
	anchors, empty int
	content        bool
	stopped        bool
}

// width counts the entries of a block mapping, which share their column.
type width struct{ column, entries int }

func (g *guard) check() {
	g.tokens = slices.DeleteFunc(slices.Clone(g.tokens), func(tk *token.Token) bool { return tk.Type == token.CommentType })
	for i := 0; i < len(g.tokens) && !g.stopped; i++ {
		g.token(i)
	}
	if n := len(g.brackets); n > 0 && !g.stopped {
		g.unclosed(g.brackets[n-1], "")
	}
}

// refuse reports a token; stop ends the reading there.
func (g *guard) refuse(tk *token.Token, message, hint string) {
	g.errs.Add(place(g.file, tk), "", message, hint)
}

func (g *guard) stop(tk *token.Token, message, hint string) {
	g.refuse(tk, message, hint)
	g.stopped = true
}

func (g *guard) token(i int) {
	tk := g.tokens[i]
	switch tk.Type {
	case token.InvalidType:
		g.invalid(tk)
		return
	case token.TagType:
		g.refuse(tk, fmt.Sprintf("tag %s is not allowed", quote(tk.Value)), "")
	case token.DirectiveType:
		g.stop(tk, "a YAML directive is not allowed", "")
		return
	case token.DocumentHeaderType:
		if g.content {
			g.stop(tk, "a second document is not allowed", "put everything into one")
			return
		}
	case token.MappingKeyType:
		g.refuse(tk, `a key introduced by "?" is not allowed`, `write "key: value"`)
	case token.AnchorType:
		g.anchors++
	case token.MappingStartType, token.SequenceStartType:
		g.brackets = append(g.brackets, tk)
	case token.MappingEndType, token.SequenceEndType:
		n := len(g.brackets)
		if n == 0 {
			break // which the parser refuses
		}
		if open := g.brackets[n-1]; closing(open) != tk.Value {
			g.unclosed(open, fmt.Sprintf(", before the %s of line %d", tk.Value, tk.Position.Line))
			return
		}
		g.brackets = g.brackets[:n-1]
	case token.SequenceEntryType:
		if i == 0 || g.tokens[i-1].Position.Line != tk.Position.Line {
			g.dashes = 0
		}
		g.dashes++
		g.narrow(tk.Position.Column)
	case token.MappingValueType:
		if len(g.brackets) == 0 && i > 0 {
			g.widen(g.tokens[i-1].Position.Column)
		}
	}
	g.content = true
	if g.isEmpty(i) {
		g.empty++
	}
	g.bounds(tk)
}

// closing is the bracket that closes one.
func closing(open *token.Token) string {
	if open.Type == token.SequenceStartType {
		return "]"
	}
	return "}"
}

// unclosed reports a bracket without its other half; until says where that is missed.
func (g *guard) unclosed(open *token.Token, until string) {
	g.stop(open, "the bracket "+open.Value+" that opens here is not closed", "write "+closing(open)+" where it ends"+until)
}

// invalid reports what is no YAML by itself, in words of ours where it is a slip that
// many make.
func (g *guard) invalid(tk *token.Token) {
	switch {
	case strings.Contains(tk.Error, "\t") || strings.HasPrefix(tk.Error, "tab character"):
		g.stop(tk, "a tab stands where the line is indented", "indent by spaces, which YAML asks for: two for each tab")
	case strings.HasPrefix(tk.Error, "could not find end character of"):
		g.stop(tk, "the text in quotes that begins here does not end", "write the same quote behind it")
	default:
		g.stop(tk, libraryMessage(tk.Error), "")
	}
}

func (g *guard) bounds(tk *token.Token) {
	n := len(g.widths)
	switch {
	case max(len(g.brackets), g.dashes, n) > MaxDepth:
		g.stop(tk, fmt.Sprintf("more than %d mappings and lists inside each other", MaxDepth), "")
	case n > 0 && g.widths[n-1].entries > maxEntries:
		g.stop(tk, fmt.Sprintf("more than %d entries in one mapping", maxEntries), "")
	case g.anchors > maxAnchors:
		g.stop(tk, fmt.Sprintf("more than %d anchors", maxAnchors), "")
	case g.empty > maxEmpty:
		g.stop(tk, fmt.Sprintf("more than %d empty values", maxEmpty), "")
	case len(g.errs.Problems) >= maxProblems:
		g.stopped = true
	}
}

// narrow leaves the mappings to the right of a column.
func (g *guard) narrow(column int) {
	for len(g.widths) > 0 && g.widths[len(g.widths)-1].column > column {
		g.widths = g.widths[:len(g.widths)-1]
	}
}

func (g *guard) widen(column int) {
	g.narrow(column)
	if n := len(g.widths); n > 0 && g.widths[n-1].column == column {
		g.widths[n-1].entries++
		return
	}
	g.widths = append(g.widths, width{column, 1})
}

// isEmpty reports whether the parser will make up a null behind token i.
func (g *guard) isEmpty(i int) bool {
	tk := g.tokens[i]
	if i+1 == len(g.tokens) {
		return false
	}
	next := g.tokens[i+1]
	closes := next.Type == token.CollectEntryType || next.Type == token.MappingEndType || next.Type == token.SequenceEndType
	switch tk.Type {
	case token.MappingValueType:
		return closes || i > 0 && next.Position.Line > tk.Position.Line && next.Position.Column <= g.tokens[i-1].Position.Column
	case token.SequenceEntryType:
		return next.Position.Line > tk.Position.Line && next.Position.Column <= tk.Position.Column
	case token.MappingStartType, token.CollectEntryType, token.SequenceStartType:
		return false
	}
	n := len(g.brackets)
	if n == 0 || g.brackets[n-1].Type != token.MappingStartType || i == 0 || !closes {
		return false
	}
	before := g.tokens[i-1].Type
	return before == token.MappingStartType || before == token.CollectEntryType // a key alone: {a, b}
}
