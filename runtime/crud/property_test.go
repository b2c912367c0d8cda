package crud_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestFind_agreesWithMemory asks random questions of random rows, and answers
// them without a database, from the meaning of the operators alone.
func TestFind_agreesWithMemory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run(t, db, sampleSchemas[db.Dialect()])
		policy, err := authz.NewPolicy([]authz.Role{{Name: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		res := newResource(t, db, policy, sampleEntity(model.CUID2), (*Sample).pointer)
		if err := crud.Link(res); err != nil {
			t.Fatal(err)
		}
		e := res.Entity()
		rows := samples(t, res, 60)
		rapid.Check(t, func(rt *rapid.T) {
			q := drawQuery(rt, e)
			page, err := res.Find(system(t), &q)
			if err != nil {
				rt.Fatalf("%+v: %v %v", q, err, problems(err))
			}
			o := oracle{e: e}
			var want []string
			for _, row := range o.answer(rows, q) {
				want = append(want, row.ID)
			}
			if page.Total != int64(len(want)) {
				rt.Fatalf("%+v: total %d, want %d", q, page.Total, len(want))
			}
			want = want[min(q.Skip, len(want)):]
			want = want[:min(page.Limit, len(want))]
			var got []string
			for _, row := range page.Data {
				got = append(got, row.ID)
			}
			if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("%+v: %s", q, diff)
			}
		})
	})
}

// samples makes rows of drawn values.
func samples(t *testing.T, r *crud.Resource[Sample], n int) []*Sample {
	t.Helper()
	var rows []*Sample
	for i := range n {
		body := rapid.Custom(func(t *rapid.T) string { return drawRow(t, r.Entity()) }).Example(i)
		row, err := r.CreateRow(system(t), []byte(body), nil)
		if err != nil {
			t.Fatalf("%s: %v %v", body, err, problems(err))
		}
		sample, err := r.Get(system(t), row.ID)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, sample)
	}
	return rows
}

// The values are few, so that rows meet, and awkward.
var drawn = map[model.Type][]string{
	model.Text:        {"", "a", "A", "ab", "aB", "Ab%", "a_b", `a\b`, "*b", "[ab]", "a?b", "é", "É", "e\u0301", "z", "Z", "zz%_", "\U0001F600", "\uFFFD"},
	model.Email:       {"a@b.c", "A@b.c", "ab@b.c", "AB@B.C", "z_%@b.c"},
	model.Username:    {"ann", "Ann", "bob", "a.b", "a_b"},
	model.URL:         {"http://a/", "https://a.b/%20?x=[1]*", "http://A/"},
	model.Enum:        {"a", "b", "C"},
	model.Integer:     {"-9223372036854775808", "-1", "0", "1", "2", "9007199254740993", "9223372036854775807"},
	model.DecimalType: {"-0.01", "0", "0.00", "0.1", "0.10", "1.5", "99999999.99"},
	model.Float:       {"-1.5", "0", "0.1", "1e300", "2"},
	model.Boolean:     {"true", "false"},
	model.DateType:    {"0001-01-01", "1999-12-31", "2026-11-21", "9999-12-31"},
	model.DateTime:    {"2026-11-21T11:45:40.123456Z", "2026-11-21T12:45:40.123456+01:00", "2026-11-21T11:45:40Z", "0001-01-01T00:00:00Z"},
}

func drawText(t *rapid.T, typ model.Type) string {
	return rapid.SampledFrom(drawn[typ]).Draw(t, typ.String())
}

func quoted(typ model.Type) bool {
	return typ != model.Integer && typ != model.DecimalType && typ != model.Float && typ != model.Boolean
}

func drawRow(t *rapid.T, e *model.Entity) string {
	row := make(map[string]any)
	for _, f := range e.Fields {
		if drawn[f.Type] == nil || rapid.IntRange(0, 2).Draw(t, "null") == 0 {
			continue
		}
		if text := drawText(t, f.Type); quoted(f.Type) {
			row[f.Name] = text
		} else {
			row[f.Name] = json.RawMessage(text)
		}
	}
	body, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func drawQuery(t *rapid.T, e *model.Entity) query.Query {
	q := query.Query{
		Limit: rapid.IntRange(0, 120).Draw(t, "limit"), Skip: rapid.IntRange(0, 70).Draw(t, "skip"),
		Search: rapid.SampledFrom([]string{"", "", "", "ab", "AB", "%_", "a_", "b c", "a zz", "É", "\U0001F600\U0001F600"}).Draw(t, "search"),
	}
	if len([]rune(q.Search)) < query.MinPattern {
		q.Search = ""
	}
	if rapid.Bool().Draw(t, "where") {
		q.Where = drawExpr(t, e, 3)
	}
	for _, f := range e.Fields {
		if f.Type != model.JSON && f.Type != model.Roles && len(q.Sort) < query.MaxSort && rapid.IntRange(0, 9).Draw(t, "sort") == 0 {
			q.Sort = append(q.Sort, query.Sort{Field: f.Name, Descending: rapid.Bool().Draw(t, "descending")})
		}
	}
	return q
}

func drawExpr(t *rapid.T, e *model.Entity, depth int) query.Expr {
	if depth > 0 {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return query.Not{Expr: drawExpr(t, e, depth-1)}
		case 1:
			return query.And(drawExprs(t, e, depth-1))
		case 2:
			return query.Or(drawExprs(t, e, depth-1))
		}
	}
	var fields []model.Field
	for _, f := range e.Fields {
		if drawn[f.Type] != nil {
			fields = append(fields, f)
		}
	}
	f := rapid.SampledFrom(fields).Draw(t, "field")
	op := rapid.SampledFrom(query.Operators(f.Type)).Draw(t, "op")
	term := query.Term{Field: f.Name, Op: op}
	switch op {
	case query.Null:
		term.Value = rapid.Bool().Draw(t, "null")
	case query.In, query.NotIn:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "values") {
			list = append(list, drawText(t, f.Type))
		}
		term.Value = list
	case query.Contains, query.StartsWith, query.EndsWith:
		term.Value = rapid.SampledFrom([]string{"ab", "aB", "AB", "%_", "b%", "_b", `\b`, "*b", "[a", "?b", "@b", "é", "b]"}).
			Filter(func(s string) bool { return len([]rune(s)) >= query.MinPattern }).Draw(t, "pattern")
	case query.Like:
		term.Value = rapid.SampledFrom([]string{"ab", "a_b", "Ab%", "%ab%", `a\_b`, `%\\b`, "*b%", "%[ab]", "a?b", "_@b.%", `zz\%\_`, "%zz_\U0001F600"}).Draw(t, "pattern")
	case query.Eq, query.Ne:
		if rapid.IntRange(0, 4).Draw(t, "nil") > 0 {
			term.Value = drawText(t, f.Type)
		}
	default:
		term.Value = drawText(t, f.Type)
	}
	return term
}

func drawExprs(t *rapid.T, e *model.Entity, depth int) []query.Expr {
	var list []query.Expr
	for range rapid.IntRange(0, 3).Draw(t, "parts") {
		list = append(list, drawExpr(t, e, depth))
	}
	return list
}

// oracle answers queries from rows in memory. It shares nothing with package
// query but the tree.
type oracle struct{ e *model.Entity }

func (o oracle) answer(rows []*Sample, q query.Query) []*Sample {
	var found []*Sample
	for _, row := range rows {
		if (q.Where == nil || o.holds(row, q.Where)) && o.hasText(row, q.Search) {
			found = append(found, row)
		}
	}
	slices.SortFunc(found, func(a, b *Sample) int {
		for _, k := range q.Sort {
			if c := o.order(o.value(a, k.Field), o.value(b, k.Field), k); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return found
}

func (o oracle) value(row *Sample, name string) any {
	f, _ := o.e.Field(name)
	field := &o.e.Fields[f]
	v := field.Value(row.pointer(f))
	if s, ok := v.(string); ok && (field.Type == model.Email || field.Type == model.Username) {
		return strings.ToLower(s)
	}
	return v
}

// order puts nulls last, whatever the direction.
func (o oracle) order(a, b any, k query.Sort) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	case k.Descending:
		return -o.compare(a, b)
	}
	return o.compare(a, b)
}

func (o oracle) compare(a, b any) int {
	switch a := a.(type) {
	case string:
		return cmp.Compare(a, b.(string)) // bytes of UTF-8 are ordered as code points
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case bool:
		return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
	case model.Decimal:
		return a.Cmp(b.(model.Decimal))
	case model.Date:
		return a.Time().Compare(b.(model.Date).Time())
	case time.Time:
		return a.Compare(b.(time.Time))
	}
	panic(fmt.Sprintf("%T", a))
}

// hasText looks for words, of which the last one may go on.
func (o oracle) hasText(row *Sample, needle string) bool {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 32
			}
			return r
		}, s), func(r rune) bool { return r < 128 && (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	}
	if needle == "" {
		return true
	}
	var have []string
	for _, name := range []string{"text", "must", "email"} {
		s, _ := o.value(row, name).(string)
		have = append(have, words(s)...)
	}
	ask := words(needle)
	for i, w := range ask {
		if !slices.ContainsFunc(have, func(h string) bool { return h == w || i == len(ask)-1 && strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return len(ask) > 0
}

func (o oracle) holds(row *Sample, x query.Expr) bool {
	switch x := x.(type) {
	case query.And:
		return !slices.ContainsFunc(x, func(x query.Expr) bool { return !o.holds(row, x) })
	case query.Or:
		return slices.ContainsFunc(x, func(x query.Expr) bool { return o.holds(row, x) })
	case query.Not:
		return !o.holds(row, x.Expr)
	case query.Term:
		return o.term(row, x)
	}
	panic(fmt.Sprintf("%T", x))
}

func (o oracle) term(row *Sample, x query.Term) bool {
	have := o.value(row, x.Field)
	switch x.Op {
	case query.Null:
		return (have == nil) == x.Value
	case query.Ne:
		x.Op = query.Eq
		return !o.term(row, x)
	case query.NotIn:
		x.Op = query.In
		return !o.term(row, x)
	}
	if x.Value == nil || have == nil {
		return have == nil && x.Value == nil
	}
	if x.Op == query.In {
		return slices.ContainsFunc(x.Value.([]any), func(v any) bool { return o.compare(have, o.parse(x.Field, v)) == 0 })
	}
	want := o.parse(x.Field, x.Value)
	switch x.Op {
	case query.Contains:
		return strings.Contains(have.(string), want.(string))
	case query.StartsWith:
		return strings.HasPrefix(have.(string), want.(string))
	case query.Like:
		return like(want.(string), have.(string))
	case query.EndsWith:
		return strings.HasSuffix(have.(string), want.(string))
	}
	c := o.compare(have, want)
	return map[query.Op]bool{query.Eq: c == 0, query.Lt: c < 0, query.Lte: c <= 0, query.Gt: c > 0, query.Gte: c >= 0}[x.Op]
}

func (o oracle) parse(name string, v any) any {
	f, _ := o.e.Field(name)
	field := o.e.Fields[f]
	switch field.Type {
	case model.Email, model.Username:
		return strings.ToLower(v.(string))
	case model.Text, model.URL, model.Enum:
		return v
	}
	parsed, err := field.Parse(v)
	if err != nil {
		panic(err)
	}
	return parsed
}

// like compares a text with a pattern by an expression, which the databases know
// nothing of.
func like(pattern, text string) bool {
	expr := strings.NewReplacer(`\\\\`, `\\`, `\\%`, `%`, `\\_`, `_`, `%`, `(?s:.*)`, `_`, `(?s:.)`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("^" + expr + "$").MatchString(text)
}
