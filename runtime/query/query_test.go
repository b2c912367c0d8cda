package query_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

const (
	id model.FieldID = iota
	title
	author
	pages
	price
	secret
	data
)

func book(t testing.TB) *model.Entity {
	t.Helper()
	e := &model.Entity{
		Name: "Book", Plural: "Books", Path: "books", Table: "books", Owner: "authorId",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "title", Column: "title", Type: model.Text, Required: true, MaxLength: 5, Searchable: true},
			{Name: "authorId", Column: "author_id", Type: model.Relation, To: "User"},
			{Name: "pages", Column: "pages", Type: model.Integer, Max: "10"},
			{Name: "price", Column: "price", Type: model.DecimalType, Precision: 6, Scale: 2, Required: true},
			{Name: "secret", Column: "secret", Type: model.Password},
			{Name: "data", Column: "data", Type: model.JSON},
			{Name: "email", Column: "email", Type: model.Email, Searchable: true},
		},
	}
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCompiler_Page(t *testing.T) {
	const userID = "01890000-0000-7000-8000-000000000000"
	e := book(t)
	tests := []struct {
		name             string
		q                query.Query
		filter           query.Filter
		sqlite, postgres string // after FROM "books"
		args             string
	}{
		{
			name: "everything", sqlite: `ORDER BY t0."id" LIMIT $1`, postgres: `ORDER BY t0."id" LIMIT $1`, args: "[25]",
		},
		{
			name: "own rows", filter: query.Equals(e, author, userID), q: query.Query{Skip: 5, Limit: 7},
			sqlite: `WHERE t0."author_id" = $1 ORDER BY t0."id" LIMIT $2 OFFSET $3`, postgres: `WHERE t0."author_id" = $1 ORDER BY t0."id" LIMIT $2 OFFSET $3`,
			args: "[" + userID + " 7 5]",
		},
		{
			name: "no rows", filter: query.Nothing(), q: query.Query{Where: query.Or{}},
			sqlite: `WHERE 1 = 0 AND 1 = 0 ORDER BY t0."id" LIMIT $1`, postgres: `WHERE 1 = 0 AND 1 = 0 ORDER BY t0."id" LIMIT $1`, args: "[25]",
		},
		{
			name: "sort", q: query.Query{Sort: []query.Sort{{Field: "pages"}, {Field: "price", Descending: true}, {Field: "authorId", Descending: true}}},
			sqlite:   `ORDER BY t0."pages" NULLS LAST, t0."price" DESC, t0."author_id" DESC, t0."id" LIMIT $1`,
			postgres: `ORDER BY t0."pages", t0."price" DESC, t0."author_id" DESC NULLS LAST, t0."id" LIMIT $1`,
			args:     "[25]",
		},
		{
			name: "sort by text, then id", q: query.Query{Sort: []query.Sort{{Field: "title"}, {Field: "id", Descending: true}}},
			sqlite: `ORDER BY t0."title", t0."id" DESC LIMIT $1`, postgres: `ORDER BY t0."title" COLLATE "C", t0."id" DESC LIMIT $1`, args: "[25]",
		},
		{
			name: "and, or, not", q: query.Query{Where: query.And{
				query.Term{Field: "pages", Op: query.Gt, Value: "1"},
				query.Or{query.Term{Field: "pages", Op: query.Eq}, query.Not{Expr: query.Term{Field: "pages", Op: query.Lte, Value: 5}}},
			}},
			sqlite:   `WHERE (t0."pages" > $1 AND (t0."pages" IS NULL OR (t0."pages" <= $2) IS NOT TRUE)) ORDER BY t0."id" LIMIT $3`,
			postgres: `WHERE (t0."pages" > $1 AND (t0."pages" IS NULL OR (t0."pages" <= $2) IS NOT TRUE)) ORDER BY t0."id" LIMIT $3`,
			args:     "[1 5 25]",
		},
		{
			name: "values", q: query.Query{Where: query.And{
				query.Term{Field: "price", Op: query.In, Value: []any{"1.5", 2}},
				query.Term{Field: "pages", Op: query.NotIn, Value: []any{1}},
				query.Term{Field: "pages", Op: query.Ne, Value: "3"},
				query.Term{Field: "price", Op: query.Ne, Value: "3"},
			}},
			sqlite:   `WHERE ((t0."price" IN (?, ?)) AND (t0."pages" IN (?)) IS NOT TRUE AND (t0."pages" = $4) IS NOT TRUE AND t0."price" <> $5) ORDER BY t0."id" LIMIT $6`,
			postgres: `WHERE ((t0."price" IN ($1, $2)) AND (t0."pages" IN ($3)) IS NOT TRUE AND (t0."pages" = $4) IS NOT TRUE AND t0."price" <> $5) ORDER BY t0."id" LIMIT $6`,
			args:     "[150 200 1 3 300 25]", // PostgreSQL: 1.50 2.00
		},
		{
			name: "patterns are literal", q: query.Query{Where: query.And{
				query.Term{Field: "title", Op: query.Contains, Value: `%_\*?[`}, query.Term{Field: "email", Op: query.StartsWith, Value: "A_"},
			}},
			sqlite:   `WHERE (t0."title" GLOB $1 AND t0."email" LIKE $2 ESCAPE '\') ORDER BY t0."id" LIMIT $3`,
			postgres: `WHERE (t0."title" LIKE $1 ESCAPE '\' AND lower(t0."email" COLLATE "C") LIKE $2 ESCAPE '\') ORDER BY t0."id" LIMIT $3`,
			args:     `[*%_\[*][?][[]* a\_% 25]`,
		},
		{
			name: "search", q: query.Query{Search: "Fig A%"},
			sqlite: `WHERE t0."id" IN (SELECT r.id FROM "gate_search_rows_books" AS r JOIN "gate_search_books" AS w ON w.rowid = r.n WHERE w."gate_search_books" MATCH $1) ` +
				`ORDER BY t0."id" LIMIT $2`,
			postgres: "WHERE (" + vector("title") + " @@ CAST($1 AS tsquery) OR " + vector("email") + " @@ CAST($1 AS tsquery)) AND (" +
				vector("title") + " @@ CAST($2 AS tsquery) OR " + vector("email") + ` @@ CAST($2 AS tsquery)) ORDER BY t0."id" LIMIT $3`,
			args: `[{"s_title" "s_email" } : ("fig" AND "a"*) 25]`,
		},
		{
			name: "address", q: query.Query{Where: query.Term{Field: "email", Op: query.Eq, Value: "A@b.C"}},
			sqlite: `WHERE t0."email" COLLATE NOCASE = $1 ORDER BY t0."id" LIMIT $2`, postgres: `WHERE lower(t0."email" COLLATE "C") = $1 ORDER BY t0."id" LIMIT $2`,
			args: "[a@b.c 25]",
		},
		{
			name: "AUZ13 a value is never SQL", q: query.Query{Where: query.Term{Field: "title", Op: query.Eq, Value: `' OR 1=1 --`}},
			sqlite: `WHERE t0."title" = $1 ORDER BY t0."id" LIMIT $2`, postgres: `WHERE t0."title" COLLATE "C" = $1 ORDER BY t0."id" LIMIT $2`,
			args: "[' OR 1=1 -- 25]",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for d, want := range map[store.Dialect]string{store.SQLite: tt.sqlite, store.Postgres: tt.postgres} {
				plan, err := query.Resolve(e, &tt.q, e.All(), e.All(), nil)
				if err != nil {
					t.Fatal(err)
				}
				var s query.Statement
				query.NewCompiler(d, e).Page(&s, plan, tt.filter, model.Fields(id))
				if diff := cmp.Diff(`SELECT t0."id" FROM "books" AS t0 `+want, string(s.SQL)); diff != "" {
					t.Errorf("%s: %s", d, diff)
				}
				if got := fmt.Sprint(s.Args); d == store.SQLite && got != tt.args {
					t.Errorf("arguments %s, want %s", got, tt.args)
				}
			}
		})
	}
}

// vector is the words of a column, as an index of PostgreSQL has them.
func vector(column string) string {
	return `array_to_tsvector(array_remove(regexp_split_to_array(regexp_replace(lower(left(t0."` + column + `", 65536) COLLATE "C"), ` +
		`'([^\u0001-\u002f\u003a-\u0060\u007b-\u007f]{200})[^\u0001-\u002f\u003a-\u0060\u007b-\u007f]+', '\1', 'g'), '[\u0001-\u002f\u003a-\u0060\u007b-\u007f]+'), ''))`
}

func TestCompiler_writes(t *testing.T) {
	e := book(t)
	value := func(f model.FieldID) any { return map[model.FieldID]any{id: "x", price: model.NewDecimal(150, 2)}[f] }
	mine := query.Equals(e, author, "01890000-0000-7000-8000-000000000000")
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		c := query.NewCompiler(d, e)
		change := map[store.Dialect]string{store.Postgres: " FOR NO KEY UPDATE"}[d]
		removal := map[store.Dialect]string{store.Postgres: " FOR UPDATE"}[d]
		for want, write := range map[string]func(*query.Statement){
			`INSERT INTO "books" ("id", "price") VALUES ($1, $2)`:                              func(s *query.Statement) { c.Insert(s, model.Fields(id, price), value) },
			`INSERT INTO "books" ("price") VALUES ($1) RETURNING "id"`:                         func(s *query.Statement) { c.Insert(s, model.Fields(price), value) },
			`UPDATE "books" AS t0 SET "price" = $1 WHERE t0."id" = $2 AND t0."author_id" = $3`: func(s *query.Statement) { c.Update(s, "x", mine, model.Fields(price), value) },
			`DELETE FROM "books" AS t0 WHERE t0."id" = $1 AND 1 = 0`:                           func(s *query.Statement) { c.Delete(s, "x", query.Nothing()) },
			`SELECT t0."id", t0."title" FROM "books" AS t0 WHERE t0."id" = $1` + change: func(s *query.Statement) {
				c.One(s, "x", query.Filter{}, model.Fields(id, title), query.ForChange)
			},
			`SELECT t0."id" FROM "books" AS t0 WHERE t0."id" = $1` + removal: func(s *query.Statement) {
				c.One(s, "x", query.Filter{}, model.Fields(id), query.ForRemoval)
			},
			`SELECT 1 FROM "books" AS t0 WHERE t0."id" = $1 AND t0."author_id" = $2`: func(s *query.Statement) { c.One(s, "x", mine, model.FieldSet{}, query.Unlocked) },
			`SELECT count(*) FROM "books" AS t0 WHERE t0."author_id" = $1 AND t0."pages" = $2`: func(s *query.Statement) {
				plan, err := query.Resolve(e, &query.Query{Where: query.Term{Field: "pages", Op: query.Eq, Value: 1}}, e.All(), e.All(), nil)
				if err != nil {
					t.Fatal(err)
				}
				c.Count(s, plan, mine)
			},
		} {
			var s query.Statement
			write(&s)
			if diff := cmp.Diff(want, string(s.SQL)); diff != "" {
				t.Errorf("%s: %s", d, diff)
			}
		}
	}
}

// TestAUZ12_ceilings: what is too much, or makes no sense, is refused with all
// its reasons.
func TestAUZ12_ceilings(t *testing.T) {
	e := book(t)
	readable := e.All()
	readable.Remove(secret)
	deep := func(n int) query.Expr {
		var x query.Expr = query.Term{Field: "pages", Op: query.Eq, Value: 1}
		for range n {
			x = query.Not{Expr: x}
		}
		return x
	}
	terms := func(n int) query.Expr {
		var list query.Or
		for range n {
			list = append(list, query.Term{Field: "pages", Op: query.Eq, Value: 1})
		}
		return list
	}
	values := func(n int) query.Expr {
		list := make([]any, n)
		for i := range list {
			list[i] = i
		}
		return query.Term{Field: "pages", Op: query.In, Value: list}
	}
	is := func(name string, op query.Op, v any) query.Query {
		return query.Query{Where: query.Term{Field: name, Op: op, Value: v}}
	}
	tests := []struct {
		name string
		q    query.Query
		want string // codes; "" is fine
	}{
		{"deep enough", query.Query{Where: deep(query.MaxDepth)}, ""},
		{"too deep", query.Query{Where: deep(query.MaxDepth + 1)}, "limit"},
		{"far too deep", query.Query{Where: deep(100_000)}, "limit"},
		{"many terms", query.Query{Where: terms(query.MaxTerms)}, ""},
		{"too many terms", query.Query{Where: terms(query.MaxTerms + 1)}, "limit"},
		{"far too many terms", query.Query{Where: terms(100_000)}, "limit"},
		{"many values", query.Query{Where: values(query.MaxValues)}, ""},
		{"too many values", query.Query{Where: values(query.MaxValues + 1)}, "limit"},
		{"negative limit", query.Query{Limit: -1}, "too_small"},
		{"negative skip", query.Query{Skip: -1}, "too_small"},
		{"skip", query.Query{Skip: query.MaxSkip}, ""},
		{"too much skip", query.Query{Skip: query.MaxSkip + 1}, "limit"},
		{"short pattern", is("title", query.Contains, "é"), "too_short"},
		{"short search", query.Query{Search: "a"}, "too_short"},
		{"long pattern", is("title", query.Contains, strings.Repeat("a", query.MaxText+1)), "too_long"},
		{"search for too many words", query.Query{Search: "a b c d e f g h i j k l m n o p q r s t u"}, "limit"},
		{"long search", query.Query{Search: strings.Repeat("a", query.MaxText+1)}, "too_long"},
		{"search for NUL", query.Query{Search: "a\x00b"}, "format"},
		{"long value", is("title", query.Eq, strings.Repeat("a", query.MaxText+1)), "too_long"},
		{"value longer than the field", is("title", query.Eq, "longer than five"), ""},
		{"value above the maximum", is("pages", query.Lt, "1000"), ""},
		{"wordy value", is("pages", query.Lt, "all"), "format"},
		{"fraction", is("pages", query.Lt, "1.5"), "format"},
		{"NaN", is("price", query.Lt, "NaN"), "format"},
		{"too many decimals", is("price", query.Eq, "1.005"), "format"},
		{"an id that is none", is("authorId", query.Eq, "1 OR 1=1"), "format"},
		{"NUL", is("title", query.Eq, "a\x00"), "format"},
		{"no operator", is("pages", 0, "1"), "type"},
		{"operator beyond the last", is("pages", 99, "1"), "type"},
		{"pattern in a number", is("pages", query.Contains, "12"), "type"},
		{"order of ids", is("authorId", query.Lt, "x"), "type"},
		{"inside of JSON", is("data", query.Eq, "{}"), "type"},
		{"JSON that is null", is("data", query.Null, "true"), ""},
		{"null of a word", is("data", query.Null, "yes"), "type"},
		{"order of null", is("pages", query.Lt, nil), "type"},
		{"list of null", is("pages", query.In, []any{nil}), "type"},
		{"no list", is("pages", query.In, "1"), "type"},
		{"object as value", is("pages", query.Eq, map[string]any{"$gt": 1}), "format"},
		{"no condition", query.Query{Where: query.Not{}}, "malformed"},
		{"unknown", is("nope", query.Eq, "1"), "unknown"},
		{"unreadable", is("secret", query.Eq, "1"), "unknown"},
		{"sort by unreadable", query.Query{Sort: []query.Sort{{Field: "secret"}}}, "unknown"},
		{"sort by JSON", query.Query{Sort: []query.Sort{{Field: "data"}}}, "type"},
		{"sort twice", query.Query{Sort: []query.Sort{{Field: "pages"}, {Field: "pages", Descending: true}}}, "format"},
		{"sort by too much", query.Query{Sort: make([]query.Sort, query.MaxSort+1)}, "limit"},
		{"select unreadable", query.Query{Select: []string{"id", "secret"}}, "unknown"},
		{"all at once", query.Query{Limit: -1, Sort: []query.Sort{{Field: "x"}}, Select: []string{"y"}, Search: "a"}, "unknown too_short unknown too_small"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := query.Resolve(e, &tt.q, readable, readable, nil)
			var codes []string
			if problems, ok := errors.AsType[model.Problems](err); ok {
				for _, p := range problems {
					codes = append(codes, p.Code)
				}
			}
			if got := strings.Join(codes, " "); got != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("%q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestResolve_page(t *testing.T) {
	e := book(t)
	for _, tt := range []struct {
		q    query.Query
		want int
	}{{query.Query{}, 25}, {query.Query{Limit: 1}, 1}, {query.Query{Limit: 1e9}, 100}, {query.Query{Limit: 10, CountOnly: true}, 0}} {
		plan, err := query.Resolve(e, &tt.q, e.All(), e.All(), nil)
		if err != nil || plan.Limit != tt.want {
			t.Errorf("%+v: %+v, %v; want %d", tt.q, plan, err, tt.want)
		}
	}
	plan, err := query.Resolve(e, &query.Query{Select: []string{"title"}}, e.All(), e.All(), nil)
	if err != nil || plan.Select != model.Fields(id, title) {
		t.Errorf("%+v, %v: the id comes along", plan, err)
	}
}

// TestAUZ05_search: a search looks into the fields that one may read.
func TestAUZ05_search(t *testing.T) {
	e := book(t)
	email, _ := e.Field("email")
	readable := e.All()
	readable.Remove(email)
	plan, err := query.Resolve(e, &query.Query{Search: "ab"}, readable, e.All(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var s query.Statement
	query.NewCompiler(store.SQLite, e).Count(&s, plan, query.Filter{})
	if diff := cmp.Diff([]any{`{"s_title" } : ("ab"*)`}, s.Args); diff != "" {
		t.Errorf("%s: %s", s.SQL, diff)
	}
	readable.Remove(title)
	if _, err := query.Resolve(e, &query.Query{Search: "ab"}, readable, e.All(), nil); err == nil {
		t.Error("a search in nothing")
	}
}

func TestFilter_Match(t *testing.T) {
	e := book(t)
	const userID = "01890000-0000-7000-8000-000000000000"
	row := func(owner any) func(model.FieldID) any { return func(model.FieldID) any { return owner } }
	for _, tt := range []struct {
		name   string
		filter query.Filter
		owner  any
		want   bool
	}{
		{"everything", query.Filter{}, nil, true},
		{"nothing", query.Nothing(), userID, false},
		{"mine", query.Equals(e, author, userID), userID, true},
		{"theirs", query.Equals(e, author, userID), "01890000-0000-7000-8000-000000000001", false},
		{"nobody's", query.Equals(e, author, userID), nil, false},
		{"of nobody", query.Equals(e, author, ""), "", false},
		{"of no id", query.Equals(e, author, "admin"), "admin", false},
	} {
		if got, known := tt.filter.Match(row(tt.owner)); got != tt.want || !known {
			t.Errorf("%s: %t, known %t", tt.name, got, known)
		}
	}
}
