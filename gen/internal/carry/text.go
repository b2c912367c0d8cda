package carry

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Text is a name that a compiler does not know: of a field as JSON has it, of a table
// or a column, or a value of an enum.
type Text struct {
	From, To string
	What     string // the field name of Item
	SQL      bool   // stands in SQL
	Alone    bool   // is a text of its own: "name", "-name" and "item.name"
}

// sql finds texts that are some, sqlWords what they may name.
var (
	sql      = regexp.MustCompile(`(?is)\b(select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from|join|where|order\s+by|group\s+by)\b`)
	sqlWords = regexp.MustCompile(`[A-Za-z0-9_-]+`)
)

// texts looks at those of a file that names nothing of the service.
func (c *carrier) texts(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok {
			c.text(lit)
		}
		_, imports := n.(*ast.ImportSpec)
		return !imports
	})
}

// text tells of a text that may name what has another name.
func (c *carrier) text(lit *ast.BasicLit) {
	if lit.Kind != token.STRING {
		return
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return
	}
	for from, to := range c.names.Entities {
		if s == from || strings.HasPrefix(s, from+".") || strings.HasSuffix(s, " · "+from) {
			c.note(lit.Pos(), fmt.Sprintf("%s is a text; if it names the entity, that is %s now", lit.Value, to))
		}
	}
	if len(c.names.Texts) == 0 {
		return
	}
	var words []string
	if sql.MatchString(s) {
		words = sqlWords.FindAllString(s, -1)
	}
	path := strings.Split(strings.TrimPrefix(s, "-"), ".")
	for _, t := range c.names.Texts {
		switch {
		case t.Alone && slices.Contains(path, t.From):
			c.note(lit.Pos(), fmt.Sprintf("%s is a text; if it names %s, that is %s now", lit.Value, t.What, t.To))
		case t.SQL && slices.Contains(words, t.From):
			c.note(lit.Pos(), fmt.Sprintf("SQL that names %s; if that is %s, it is %s now", t.From, t.What, t.To))
		}
	}
}
