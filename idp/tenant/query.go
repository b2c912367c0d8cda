package tenant

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant/internal/lucene"
	"github.com/gatewright/gate/store"
)

// A columnType says how the values of a column compare.
type columnType uint8

const (
	exactText  columnType = iota // as it is written
	mailText                     // as it is written, or in lower case
	foldedText                   // without regard to case
	wholeNumber
	instantMillis // milliseconds since 1970, zero for never
	truth
)

// A searchable is a table that queries search.
type searchable struct {
	doc     string // the column of the document
	columns map[string]searchColumn
	bare    []string // the fields that bare words are looked for in
	// special compiles the fields that are not in the table; nil means none.
	special func(c *compiler, e *lucene.Expr) (sql string, ok bool, err error)
}

type searchColumn struct {
	name string
	kind columnType
}

// A compiler turns queries into conditions. Nothing of a query becomes part of
// a statement: values and paths are arguments, and the names of columns are
// those of the table.
type compiler struct {
	dialect store.Dialect
	table   *searchable
	args    []any
}

// arg returns the placeholder of a new argument.
func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	return c.dialect.Placeholder(len(c.args))
}

// text returns a placeholder whose type the database need not guess.
func (c *compiler) text(v string) string { return "CAST(" + c.arg(v) + " AS TEXT)" }

// bytewise has an argument folded by the rules of the columns, which know the
// letters of ASCII alone, and not by those of the database's locale.
func (c *compiler) bytewise() string {
	if c.dialect == store.Postgres {
		return ` COLLATE "C"`
	}
	return ""
}

// where returns the condition of a query, "1 = 1" for an empty one.
func (c *compiler) where(query string) (string, error) {
	e, err := lucene.Parse(query)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrQuery, err)
	}
	return c.expr(e)
}

func (c *compiler) expr(e *lucene.Expr) (string, error) {
	switch e.Op {
	case lucene.All:
		return "1 = 1", nil
	case lucene.And:
		return c.list(e.Args, " AND ")
	case lucene.Or:
		return c.list(e.Args, " OR ")
	case lucene.Not:
		sql, err := c.expr(e.Args[0])
		return "NOT (" + sql + ")", err
	case lucene.Match, lucene.Range, lucene.Exists:
	}
	if e.Field == "" {
		return c.bare(e)
	}
	return c.term(e)
}

func (c *compiler) list(args []*lucene.Expr, op string) (string, error) {
	parts := make([]string, len(args))
	for i, arg := range args {
		var err error
		if parts[i], err = c.expr(arg); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(parts, op) + ")", nil
}

// bare compiles a bare word: it stands for what begins with it.
func (c *compiler) bare(e *lucene.Expr) (string, error) {
	pattern := e.Pattern
	if text, ok := pattern.Text(); ok {
		pattern = lucene.Pattern{Parts: []string{text, ""}}
	}
	args := make([]*lucene.Expr, len(c.table.bare))
	for i, field := range c.table.bare {
		args[i] = &lucene.Expr{Op: lucene.Match, Field: field, Pattern: pattern, Position: e.Position}
	}
	return c.list(args, " OR ")
}

func (c *compiler) term(e *lucene.Expr) (string, error) {
	if c.table.special != nil {
		if sql, ok, err := c.table.special(c, e); ok || err != nil {
			return sql, err
		}
	}
	if column, ok := c.table.columns[e.Field]; ok {
		return c.column(column, e)
	}
	return c.member(c.table.doc, e.Field, e)
}

// refuse returns what is wrong with a term.
func refuse(e *lucene.Expr, format string, args ...any) error {
	err := &lucene.Error{Position: e.Position, Message: fmt.Sprintf(format, args...)}
	return fmt.Errorf("%w: %w", ErrQuery, err)
}

func (c *compiler) column(column searchColumn, e *lucene.Expr) (string, error) {
	switch column.kind {
	case exactText, mailText, foldedText:
		return c.textColumn(column, e)
	case wholeNumber:
		return c.numberColumn(column.name, e)
	case instantMillis:
		return c.timeColumn(column.name, e)
	case truth:
		return c.truthColumn(column.name, e)
	}
	panic("gate: tenant: column of an unknown type")
}

// lastRune sorts after every text that goes on otherwise.
const lastRune = "\U0010ffff"

func (c *compiler) textColumn(column searchColumn, e *lucene.Expr) (string, error) {
	name := column.name
	switch e.Op { //nolint:exhaustive // the rest is for expr
	case lucene.Exists:
		return name + " <> ''", nil
	case lucene.Range:
		return c.textRange(name, e), nil
	}
	if column.kind == foldedText {
		return c.folded(name, e.Pattern), nil
	}
	variants := []lucene.Pattern{e.Pattern}
	if lower := lowerPattern(e.Pattern); column.kind == mailText && strings.Join(lower.Parts, "*") != strings.Join(e.Pattern.Parts, "*") {
		variants = append(variants, lower)
	}
	parts := make([]string, len(variants))
	for i, p := range variants {
		parts[i] = c.exact(name, p)
	}
	return "(" + strings.Join(parts, " OR ") + ")", nil
}

func lowerPattern(p lucene.Pattern) lucene.Pattern {
	var lower lucene.Pattern
	for _, part := range p.Parts {
		lower.Parts = append(lower.Parts, strings.ToLower(part))
	}
	return lower
}

// exact matches as it is written, and by an index where that is possible.
func (c *compiler) exact(name string, p lucene.Pattern) string {
	if text, ok := p.Text(); ok {
		return name + " = " + c.text(text)
	}
	if prefix, ok := p.Prefix(); ok {
		return "(" + name + " >= " + c.text(prefix) + " AND " + name + " < " + c.text(prefix+lastRune) + ")"
	}
	return name + " LIKE " + c.text(likePattern(p)) + " ESCAPE '!'"
}

// folded matches without regard to case.
func (c *compiler) folded(name string, p lucene.Pattern) string {
	if text, ok := p.Text(); ok {
		return "lower(" + name + ") = lower(" + c.text(text) + c.bytewise() + ")"
	}
	return "lower(" + name + ") LIKE lower(" + c.text(likePattern(p)) + c.bytewise() + ") ESCAPE '!'"
}

// likePattern returns a pattern in the words of LIKE.
func likePattern(p lucene.Pattern) string {
	escape := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_", lucene.Any, "_")
	parts := make([]string, len(p.Parts))
	for i, part := range p.Parts {
		parts[i] = escape.Replace(part)
	}
	return strings.Join(parts, "%")
}

func (c *compiler) textRange(name string, e *lucene.Expr) string {
	parts := []string{"1 = 1"}
	if !e.Low.Open {
		parts = append(parts, name+above(e.Low)+c.text(e.Low.Value))
	}
	if !e.High.Open {
		parts = append(parts, name+below(e.High)+c.text(e.High.Value))
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

func above(b lucene.Bound) string {
	if b.Inclusive {
		return " >= "
	}
	return " > "
}

func below(b lucene.Bound) string {
	if b.Inclusive {
		return " <= "
	}
	return " < "
}

func (c *compiler) numberColumn(name string, e *lucene.Expr) (string, error) {
	if e.Op == lucene.Exists {
		return name + " <> 0", nil
	}
	parts := []string{"1 = 1"}
	for _, side := range sides(e) {
		if side.bound.Open {
			continue
		}
		n, err := strconv.ParseInt(side.bound.Value, 10, 64)
		if err != nil {
			return "", refuse(e, "%s is a whole number", e.Field)
		}
		parts = append(parts, name+side.op+"CAST("+c.arg(n)+" AS BIGINT)")
	}
	return "(" + strings.Join(parts, " AND ") + ")", nil
}

// A side is one comparison of a term.
type side struct {
	bound lucene.Bound
	op    string
}

// sides returns the comparisons of a range, or the one of a value.
func sides(e *lucene.Expr) []side {
	if e.Op == lucene.Range {
		return []side{{e.Low, above(e.Low)}, {e.High, below(e.High)}}
	}
	text, _ := e.Pattern.Text() // a pattern does not parse as a value
	return []side{{lucene.Bound{Value: text}, " = "}}
}

func (c *compiler) truthColumn(name string, e *lucene.Expr) (string, error) {
	if e.Op == lucene.Exists {
		return "1 = 1", nil
	}
	text, _ := e.Pattern.Text()
	if e.Op != lucene.Match || text != "true" && text != "false" {
		return "", refuse(e, "%s is true or false", e.Field)
	}
	return name + " = CAST(" + c.arg(bit(text == "true")) + " AS INTEGER)", nil
}

func (c *compiler) timeColumn(name string, e *lucene.Expr) (string, error) {
	if e.Op == lucene.Exists {
		return name + " <> 0", nil
	}
	low, high := e.Low, e.High
	if e.Op == lucene.Match {
		text, _ := e.Pattern.Text()
		low = lucene.Bound{Value: text, Inclusive: true}
		high = low
	}
	parts := []string{name + " <> 0"}
	for _, bound := range []struct {
		lucene.Bound
		op   string
		late bool // counts from the end of what is named: a day, a year
	}{{low, " >= ", !low.Inclusive}, {high, " < ", high.Inclusive}} {
		if bound.Open {
			continue
		}
		from, until, err := parseSpan(bound.Value)
		if err != nil {
			return "", refuse(e, "%s is a time such as 2026-01-31 or 2026-01-31T12:00:00Z", e.Field)
		}
		if bound.late {
			from = until
		}
		parts = append(parts, name+bound.op+"CAST("+c.arg(from.UnixMilli())+" AS BIGINT)")
	}
	return "(" + strings.Join(parts, " AND ") + ")", nil
}

// parseSpan reads a time, and returns the span of what it leaves open.
func parseSpan(text string) (from, until time.Time, err error) {
	for _, form := range []struct {
		layout              string
		years, months, days int
		rest                time.Duration
	}{
		{"2006", 1, 0, 0, 0},
		{"2006-01", 0, 1, 0, 0},
		{time.DateOnly, 0, 0, 1, 0},
		{"2006-01-02T15:04", 0, 0, 0, time.Minute},
		{"2006-01-02T15:04Z07:00", 0, 0, 0, time.Minute},
		{"2006-01-02T15:04:05", 0, 0, 0, time.Second},
		{time.RFC3339, 0, 0, 0, time.Second},
	} {
		from, err := time.Parse(form.layout, text)
		if err != nil {
			continue
		}
		span := form.rest
		if span == time.Second && strings.Contains(text, ".") {
			span = time.Millisecond
		}
		return from, from.AddDate(form.years, form.months, form.days).Add(span), nil
	}
	return from, until, errors.New("not a time")
}
