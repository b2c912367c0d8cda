package tenant

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatewright/gate/idp/tenant/internal/lucene"
	"github.com/gatewright/gate/store"
)

// The bounds of the path to a member of a document.
const (
	maxPath     = 256
	maxSegments = 10
)

// pathOf returns the segments of a field such as app_metadata.plan.
func pathOf(e *lucene.Expr, field string) ([]string, error) {
	segments := strings.Split(field, ".")
	if len(field) > maxPath || len(segments) > maxSegments {
		return nil, refuse(e, "name of a field is too long")
	}
	for _, segment := range segments {
		if segment == "" || strings.ContainsFunc(segment, foreign) {
			return nil, refuse(e, "name of a field expected")
		}
	}
	return segments, nil
}

// foreign reports whether names of members that can be searched for lack this
// character.
func foreign(r rune) bool {
	return r == '"' || r == '\\' || r == utf8.RuneError || !unicode.IsPrint(r)
}

// path returns the argument for the path to a member.
func (c *compiler) path(segments []string) string {
	if c.dialect == store.Postgres {
		return "string_to_array(" + c.text(strings.Join(segments, ".")) + ", '.')"
	}
	return c.text(`$."` + strings.Join(segments, `"."`) + `"`)
}

// member compiles a term about a member of a JSON document. Of an array each
// element counts.
func (c *compiler) member(doc, field string, e *lucene.Expr) (string, error) {
	segments, err := pathOf(e, field)
	if err != nil {
		return "", err
	}
	if e.Op == lucene.Exists {
		return c.present(doc, segments), nil
	}
	test := func(v element) string { return c.textTest(v, e) }
	if low, high, ok := numbers(e); e.Op == lucene.Range && ok {
		test = func(v element) string { return c.numberTest(v, e, low, high) }
	}
	return c.anyElement(doc, segments, test), nil
}

// An element is a value in a JSON document: expressions for its text and for
// its number, null when it has none.
type element struct{ text, number string }

// textTest compares an element as a text.
func (c *compiler) textTest(v element, e *lucene.Expr) string {
	if e.Op == lucene.Match {
		return c.folded(v.text, e.Pattern)
	}
	if c.dialect == store.Postgres {
		v.text = "(" + v.text + `) COLLATE "C"`
	}
	return v.text + " IS NOT NULL AND " + c.textRange(v.text, e)
}

// numberTest compares an element as a number.
func (c *compiler) numberTest(v element, e *lucene.Expr, low, high float64) string {
	test := v.number + " IS NOT NULL"
	if !e.Low.Open {
		test += " AND " + v.number + above(e.Low) + "CAST(" + c.arg(low) + " AS DOUBLE PRECISION)"
	}
	if !e.High.Open {
		test += " AND " + v.number + below(e.High) + "CAST(" + c.arg(high) + " AS DOUBLE PRECISION)"
	}
	return test
}

// numbers returns the ends of a range of numbers.
func numbers(e *lucene.Expr) (low, high float64, ok bool) {
	for _, end := range []struct {
		lucene.Bound
		n *float64
	}{{e.Low, &low}, {e.High, &high}} {
		if end.Open {
			continue
		}
		n, err := strconv.ParseFloat(end.Value, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return 0, 0, false
		}
		*end.n = n
	}
	return low, high, true
}

// present is the condition that a member is there and not null.
func (c *compiler) present(doc string, segments []string) string {
	if c.dialect == store.Postgres {
		return "COALESCE(jsonb_typeof(CAST(" + doc + " AS jsonb) #> " + c.path(segments) + "), 'null') <> 'null'"
	}
	return "COALESCE(json_type(" + doc + ", " + c.path(segments) + "), 'null') <> 'null'"
}

// anyElement is the condition that a member, or one of its elements when it is
// an array, passes a test.
func (c *compiler) anyElement(doc string, segments []string, test func(element) string) string {
	if c.dialect == store.Postgres {
		return "EXISTS (SELECT 1 FROM (SELECT CAST(" + doc + " AS jsonb) #> " + c.path(segments) + " AS v) m, jsonb_array_elements(" +
			"CASE jsonb_typeof(m.v) WHEN 'array' THEN m.v ELSE jsonb_build_array(m.v) END) AS j(value)" +
			" WHERE jsonb_typeof(j.value) NOT IN ('null', 'object', 'array') AND " + test(element{
			text:   "j.value #>> '{}'",
			number: "(CASE jsonb_typeof(j.value) WHEN 'number' THEN CAST(j.value #>> '{}' AS DOUBLE PRECISION) END)",
		}) + ")"
	}
	path := c.path(segments)
	kind := "json_type(" + doc + ", " + path + ")"
	// json_each is for arrays alone: for a million other values it takes seconds.
	return "COALESCE(CASE " + kind + " WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each(" + doc + ", " + path + ") AS j WHERE " +
		test(sqliteElement("j.type", "j.atom")) + ") ELSE " +
		test(sqliteElement(kind, "json_extract("+doc+", "+path+")")) + " END, 0)"
}

func sqliteElement(kind, value string) element {
	return element{
		text: "(CASE " + kind + " WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'object' THEN NULL WHEN 'array' THEN NULL" +
			" ELSE CAST(" + value + " AS TEXT) END)",
		number: "(CASE WHEN " + kind + " IN ('integer', 'real') THEN " + value + " END)",
	}
}

// memberText is a member of the document as text, to sort by.
func (c *compiler) memberText(segments []string) string {
	if c.dialect == store.Postgres {
		return "lower(CAST(" + c.table.doc + " AS jsonb) #>> " + c.path(segments) + ")"
	}
	return "lower(json_extract(" + c.table.doc + ", " + c.path(segments) + "))"
}
