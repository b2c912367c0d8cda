package query_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func holds(t testing.TB, e *model.Entity, clauses ...model.Clause) query.Filter {
	t.Helper()
	f, err := query.Holds(e, clauses)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// where writes the condition of a filter.
func where(f query.Filter, d store.Dialect, e *model.Entity) string {
	var s query.Statement
	query.NewCompiler(d, e).One(&s, "x", f, model.FieldSet{}, query.Unlocked)
	const before = `SELECT 1 FROM "books" AS t0 WHERE t0."id" = $1`
	return string(s.SQL[len(before):])
}

func TestFilter(t *testing.T) {
	e := book(t)
	mine := query.Equals(e, author, "01890000-0000-7000-8000-000000000000")
	long := holds(t, e, model.Clause{Field: "pages", Values: []any{int64(9), int64(10)}})
	cheap := holds(t, e, model.Clause{Field: "price", Values: []any{"1.5"}, Not: true})
	for _, tt := range []struct {
		name   string
		filter query.Filter
		want   string
	}{
		{"every of none is everything", query.Every(), ""},
		{"any of none is nothing", query.Any(), " AND 1 = 0"},
		{"a condition that says nothing", holds(t, e), " AND 1 = 0"},
		{"nothing wins", query.Every(mine, query.Nothing(), long), " AND 1 = 0"},
		{"everything drops out", query.Every(query.Filter{}, mine), ` AND t0."author_id" = $2`},
		{"everything wins", query.Any(mine, query.Filter{}, long), ""},
		{"nothing drops out", query.Any(query.Nothing(), mine), ` AND t0."author_id" = $2`},
		{
			"both", query.Any(mine, query.Every(long, cheap)),
			` AND (t0."author_id" = $2 OR ((t0."pages" IN ($3, $4)) AND t0."price" <> $5))`,
		},
		{"flat", query.Every(mine, query.Every(long, cheap)), ` AND (t0."author_id" = $2 AND (t0."pages" IN ($3, $4)) AND t0."price" <> $5)`},
		{
			"null and not", holds(t, e, model.Clause{Field: "pages"}, model.Clause{Field: "authorId", Not: true}, model.Clause{Field: "pages", Values: []any{int64(1)}, Not: true}),
			` AND (t0."pages" IS NULL AND t0."author_id" IS NOT NULL AND (t0."pages" = $2) IS NOT TRUE)`,
		},
		{
			"through a relation to one's own table", query.Through(author, e, query.Every(long, query.Through(author, e, mine))),
			` AND EXISTS (SELECT 1 FROM "books" AS t1 WHERE t1."id" = t0."author_id" AND ((t1."pages" IN ($2, $3)) AND ` +
				`EXISTS (SELECT 1 FROM "books" AS t2 WHERE t2."id" = t1."author_id" AND t2."author_id" = $4)))`,
		},
		{"through to nothing", query.Through(author, e, query.Nothing()), " AND 1 = 0"},
		{"through to anything", query.Through(author, e, query.Filter{}), ` AND EXISTS (SELECT 1 FROM "books" AS t1 WHERE t1."id" = t0."author_id")`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
				want := tt.want
				if d == store.SQLite {
					want = strings.NewReplacer("IN ($2, $3)", "IN (?, ?)", "IN ($3, $4)", "IN (?, ?)").Replace(want)
				}
				if diff := cmp.Diff(want, where(tt.filter, d, e)); diff != "" {
					t.Errorf("%s: %s", d, diff)
				}
				if far := strings.Contains(tt.want, "SELECT"); tt.filter.Own() == far {
					t.Errorf("own: %v, and it looks at others: %v", tt.filter.Own(), far)
				}
			}
		})
	}
	if _, err := query.Holds(e, []model.Clause{{Field: "nothing"}}); err == nil {
		t.Error("a condition on a field that is not there")
	}
	if _, err := query.Holds(e, []model.Clause{{Field: "pages", Values: []any{"many"}}}); err == nil {
		t.Error("a condition with a value that is none")
	}
}

// TestFilter_known: what only the database knows leaves open what hangs on it,
// and nothing else.
func TestFilter_known(t *testing.T) {
	e := book(t)
	yes, no := holds(t, e, model.Clause{Field: "pages", Values: []any{int64(1)}}), holds(t, e, model.Clause{Field: "pages"})
	maybe := query.Through(author, e, query.Filter{})
	value := func(f model.FieldID) any { return map[model.FieldID]any{pages: int64(1)}[f] }
	for _, tt := range []struct {
		name         string
		filter       query.Filter
		holds, known bool
	}{
		{"yes", yes, true, true},
		{"no", no, false, true},
		{"maybe", maybe, false, false},
		{"yes and maybe", query.Every(yes, maybe), false, false},
		{"no and maybe", query.Every(maybe, no), false, true},
		{"yes or maybe", query.Any(maybe, yes), true, true},
		{"no or maybe", query.Any(no, maybe), false, false},
		{"nothing and maybe", query.Every(maybe, query.Nothing()), false, true},
		{"everything or maybe", query.Any(maybe, query.Filter{}), true, true},
	} {
		if holds, known := tt.filter.Match(value); holds != tt.holds || known != tt.known {
			t.Errorf("%s: holds %t, known %t", tt.name, holds, known)
		}
	}
}

func TestFilter_Within(t *testing.T) {
	e := book(t)
	in := func(not bool, values ...any) query.Filter {
		return holds(t, e, model.Clause{Field: "pages", Values: values, Not: not})
	}
	mine := query.Equals(e, author, "01890000-0000-7000-8000-000000000000")
	theirs := query.Equals(e, author, "01890000-0000-7000-8000-000000000001")
	one, two, not := in(false, int64(1)), in(false, int64(1), int64(2)), in(true, int64(1))
	through := query.Through(author, e, mine)
	for _, tt := range []struct {
		name string
		f, g query.Filter
		want bool
	}{
		{"everything in everything", query.Filter{}, query.Filter{}, true},
		{"mine in everything", mine, query.Filter{}, true},
		{"everything in mine", query.Filter{}, mine, false},
		{"nothing in mine", query.Nothing(), mine, true},
		{"mine in nothing", mine, query.Nothing(), false},
		{"mine in mine", mine, mine, true},
		{"mine in theirs", mine, theirs, false},
		{"one in two", one, two, true},
		{"two in one", two, one, false},
		{"one in not one", one, not, false},
		{"not two in not one", in(true, int64(1), int64(2)), not, true},
		{"not one in not two", not, in(true, int64(1), int64(2)), false},
		{"null in one", in(false), one, false},
		{"one in null", one, in(false), false},
		{"null in null", in(false), in(false), true},
		{"mine and one in mine", query.Every(one, mine), mine, true},
		{"mine in mine and one", mine, query.Every(one, mine), false},
		{"mine in mine or one", mine, query.Any(one, mine), true},
		{"mine or one in mine", query.Any(one, mine), mine, false},
		{"mine and one in theirs or two", query.Every(mine, one), query.Any(theirs, two), true},
		{"the same in the other order", query.Every(mine, one), query.Every(one, mine), true},
		{"what is not compared", through, through, false},
	} {
		if got := tt.f.Within(tt.g); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

// TestThrough_selfRelation: inside of a subquery on the same table each name
// means the table that it should. A bare column would make the filter true of
// every row.
func TestThrough_selfRelation(t *testing.T) {
	e := &model.Entity{Name: "Person", Plural: "People", Path: "people", Table: "people", Fields: []model.Field{
		{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true},
		{Name: "bossId", Column: "boss_id", Type: model.Relation, ID: model.Serial, To: "Person"},
		{Name: "name", Column: "name", Type: model.Text, MaxLength: 9, Required: true},
	}}
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	ofAnn := query.Through(1, e, holds(t, e, model.Clause{Field: "name", Values: []any{"ann"}}))
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, stmt := range []string{
			"CREATE TABLE people (id bigint PRIMARY KEY, boss_id bigint, name text NOT NULL)",
			"INSERT INTO people VALUES (1, NULL, 'ann'), (2, 1, 'bob'), (3, 2, 'ann'), (4, 3, 'cleo')",
		} {
			if _, err := db.Exec(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
		}
		c := query.NewCompiler(db.Dialect(), e)
		for id, want := range map[int64]bool{1: false, 2: true, 3: false, 4: true} {
			var s query.Statement
			c.Judge(&s, id, ofAnn, query.Any(ofAnn, query.Filter{}), query.Every(ofAnn, query.Nothing()))
			var holds, all, none bool
			if err := db.Read().QueryRowContext(t.Context(), string(s.SQL), s.Args...).Scan(&holds, &all, &none); err != nil {
				t.Fatalf("%s: %v", s.SQL, err)
			}
			if holds != want || !all || none {
				t.Errorf("%d: %t %t %t", id, holds, all, none)
			}
		}
	})
}
