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
	// The placeholders are numbered in the order in which they are made, so it
	// does not matter which is made first.
	elements := c.elements(doc, segments)
	if e.Op == lucene.Match {
		return "EXISTS (" + elements + " AND " + c.folded(c.elementText(), e.Pattern) + ")", nil
	}
	if low, high, ok := numbers(e); ok {
		value := c.elementNumber()
		condition := "1 = 1"
		if !e.Low.Open {
			condition += " AND " + value + above(e.Low) + "CAST(" + c.arg(low) + " AS DOUBLE PRECISION)"
		}
		if !e.High.Open {
			condition += " AND " + value + below(e.High) + "CAST(" + c.arg(high) + " AS DOUBLE PRECISION)"
		}
		return "EXISTS (" + elements + " AND " + value + " IS NOT NULL AND " + condition + ")", nil
	}
	text := c.elementText()
	if c.dialect == store.Postgres {
		text = "(" + text + `) COLLATE "C"`
	}
	return "EXISTS (" + elements + " AND " + c.textRange(text, e) + ")", nil
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

// elements is a query for the values of a member under the alias j, open for
// further conditions.
func (c *compiler) elements(doc string, segments []string) string {
	if c.dialect == store.Postgres {
		value := "CAST(" + doc + " AS jsonb) #> " + c.path(segments)
		return "SELECT 1 FROM (SELECT " + value + " AS v) m, jsonb_array_elements(" +
			"CASE jsonb_typeof(m.v) WHEN 'array' THEN m.v ELSE jsonb_build_array(m.v) END) AS j(value)" +
			" WHERE jsonb_typeof(j.value) NOT IN ('null', 'object', 'array')"
	}
	path := c.path(segments)
	return "SELECT 1 FROM json_each(" + doc + ", " + path + ") AS j WHERE json_type(" + doc + ", " + path +
		") <> 'object' AND j.type NOT IN ('null', 'object', 'array')"
}

// elementText is the value of j as text.
func (c *compiler) elementText() string {
	if c.dialect == store.Postgres {
		return "j.value #>> '{}'"
	}
	return "CASE j.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(j.atom AS TEXT) END"
}

// elementNumber is the value of j as a number, null when it is none.
func (c *compiler) elementNumber() string {
	if c.dialect == store.Postgres {
		return "(CASE jsonb_typeof(j.value) WHEN 'number' THEN CAST(j.value #>> '{}' AS DOUBLE PRECISION) END)"
	}
	return "(CASE WHEN j.type IN ('integer', 'real') THEN j.atom END)"
}

// memberText is a member of the document as text, to sort by.
func (c *compiler) memberText(segments []string) string {
	if c.dialect == store.Postgres {
		return "lower(CAST(" + c.table.doc + " AS jsonb) #>> " + c.path(segments) + ")"
	}
	return "lower(json_extract(" + c.table.doc + ", " + c.path(segments) + "))"
}
