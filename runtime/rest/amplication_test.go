package rest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/rest"
)

func TestAmplication_find(t *testing.T) {
	set := func(field string) query.Term { return term(field, query.Null, false) }
	for _, tt := range []struct {
		raw  string
		want query.Query
	}{
		{"", query.Query{Limit: query.MaxLimit}},
		{"&&", query.Query{Limit: query.MaxLimit}},
		{"take=10&skip=20", query.Query{Limit: 10, Skip: 20}},
		{"take=0", query.Query{CountOnly: true}},
		{"take=5&orderBy[price]=desc&orderBy[name]=asc", query.Query{Limit: 5, Sort: []query.Sort{{Field: "price", Descending: true}, {Field: "name"}}}},
		{"take=5&orderBy[0][price]=desc&orderBy[1][name]=asc", query.Query{Limit: 5, Sort: []query.Sort{{Field: "price", Descending: true}, {Field: "name"}}}},
		{"take=5&where[name]=a%26b", query.Query{Limit: 5, Where: term("name", query.Eq, "a&b")}},
		{"take=5&where%5Bname%5D%5Bequals%5D=", query.Query{Limit: 5, Where: term("name", query.Eq, "")}},
		{"take=5&where[price][gte]=1&where[price][lt]=9", query.Query{Limit: 5, Where: query.And{term("price", query.Gte, "1"), term("price", query.Lt, "9")}}},
		{"take=5&where[price][lte]=1&where[a][gt]=2", query.Query{Limit: 5, Where: query.And{term("price", query.Lte, "1"), term("a", query.Gt, "2")}}},
		{"take=5&where[a][not]=1", query.Query{Limit: 5, Where: query.And{term("a", query.Ne, "1"), set("a")}}},
		{"take=5&where[a][in][0]=1&where[a][in][1]=2", query.Query{Limit: 5, Where: term("a", query.In, []any{"1", "2"})}},
		{"take=5&where[a][in]=1", query.Query{Limit: 5, Where: term("a", query.In, []any{"1"})}},
		{"take=5&where[a][notIn][]=1", query.Query{Limit: 5, Where: query.And{term("a", query.NotIn, []any{"1"}), set("a")}}},
		{"take=5&where[a][contains]=x&where[a][startsWith]=y&where[a][endsWith]=z&where[a][mode]=default", query.Query{Limit: 5, Where: query.And{
			term("a", query.Contains, "x"), term("a", query.StartsWith, "y"), term("a", query.EndsWith, "z"),
		}}},
		{"take=5&where[a][isNull]=true", query.Query{Limit: 5, Where: term("a", query.Null, true)}},
		{"take=5&where[OR][0][a]=1&where[OR][1][b][lt]=2", query.Query{Limit: 5, Where: query.Or{term("a", query.Eq, "1"), term("b", query.Lt, "2")}}},
		{"take=5&where[AND][a]=1&where[NOT][b]=2", query.Query{Limit: 5, Where: query.And{
			query.And{term("a", query.Eq, "1")}, query.Not{Expr: query.Or{term("b", query.Eq, "2")}},
		}}},
		{"take=5&where[author][id]=x", query.Query{Limit: 5, Where: related("author", query.SomeRow, term("id", query.Eq, "x"))}},
		{"take=5&where[author][name][contains]=An&where[author][age][gt]=3", query.Query{Limit: 5, Where: related("author", query.SomeRow, query.And{
			term("name", query.Contains, "An"), term("age", query.Gt, "3"),
		})}},
		{"take=5&where[author][is][mode][equals]=x", query.Query{Limit: 5, Where: related("author", query.SomeRow, term("mode", query.Eq, "x"))}},
		{"take=5&where[author][isNot][id]=x", query.Query{Limit: 5, Where: query.Not{Expr: related("author", query.SomeRow, term("id", query.Eq, "x"))}}},
		{"take=5&where[items][some][name][equals]=figs", query.Query{Limit: 5, Where: related("items", query.SomeRow, term("name", query.Eq, "figs"))}},
		{"take=5&where[items][none][a]=1&where[items][every][b]=2", query.Query{Limit: 5, Where: query.And{
			related("items", query.NoRow, term("a", query.Eq, "1")), related("items", query.EveryRow, term("b", query.Eq, "2")),
		}}},
		{"take=5&where[items][some][user][name]=Ann", query.Query{Limit: 5, Where: related("items", query.SomeRow, related("user", query.SomeRow, term("name", query.Eq, "Ann")))}},
	} {
		t.Run(tt.raw, func(t *testing.T) {
			tt.want.NoTotal = true
			got, err := rest.Amplication{}.Find(tt.raw)
			if err != nil {
				t.Fatalf("%v: %v", err, problems(err))
			}
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAmplication_refused: by name, all at once, and never as a fault.
func TestAmplication_refused(t *testing.T) {
	for raw, want := range map[string][]string{
		"take=x&skip=-1&orderBy=a&select[a]=1":             {"take", "skip", "orderBy", "select"},
		"include[b]=true&cursor[id]=x&distinct=a":          {"include", "cursor", "distinct"},
		"$limit=1&name=figs":                               {"$limit", "name"},
		"take=-5":                                          {"take"},
		"where=1":                                          {"where"},
		"where[a]=1&where[a]=2":                            {"where[a]"},
		"where[a][equals]=1&where[a]=2":                    {"where[a]"},
		"where[a][in][x]=1":                                {"where[a][in][x]"},
		"where[a][lt][x]=1":                                {"where[a][lt][x]"},
		"where[a][not][contains]=1":                        {"where[a][not][contains]"},
		"where[a][isNull]=1":                               {"where[a][isNull]"},
		"where[a][mode]=insensitive":                       {"where[a][mode]"},
		"where[a][some]=1":                                 {"where[a][some]"},
		"where[OR]=1":                                      {"where[OR]"},
		"orderBy[a]=up&orderBy[b][c]=asc":                  {"orderBy[a]", "orderBy[b][c]"},
		"orderBy[0]=a":                                     {"orderBy[0]"},
		"where[AND][AND][AND][AND][AND][AND][a]=1":         {"where[AND][AND][AND][AND][AND][AND][a]"},
		"where[" + strings.Repeat("a", 100) + "][lt][x]=1": {"where[" + strings.Repeat("a", 58) + "…"},
		"where[a]=%ff":                                     {"where[a]"},
		"where[a" + strings.Repeat("][a", 20) + "]=1":      {"where[a][a][a][a][a][a][a][a][a][a][a][a][a][a][a][a][a][a][a][a…"},
		strings.Repeat("where[a][in][]=1&", 300):           {""},
		"where[a]=" + strings.Repeat("x", 17<<10):          {""},
		"where[a][some][b][isNull]=x&where[c][is]=1&where[d][isNot][e][f]": {"where[a][some][b][isNull]", "where[c][is]"},
	} {
		t.Run(raw[:min(len(raw), 50)], func(t *testing.T) {
			q, err := rest.Amplication{}.Find(raw)
			var got []string
			for _, p := range problems(err) {
				got = append(got, p.Field)
			}
			if diff := cmp.Diff(want, got); diff != "" || q != nil {
				t.Errorf("%v (-want +got):\n%s", q, diff)
			}
		})
	}
	for _, raw := range []string{"take=1", "where[a]=1", "select=a", "a=1"} {
		if _, err := (rest.Amplication{}).Get(raw); len(problems(err)) != 1 {
			t.Errorf("one row takes %s: %v", raw, err)
		}
		if _, err := (rest.Amplication{}).Select(raw); len(problems(err)) != 1 {
			t.Errorf("a change takes %s: %v", raw, err)
		}
	}
}

func FuzzAmplication(f *testing.F) {
	for _, raw := range []string{"", "take=1", "where[a][in][]=1", "where[OR][0][a][some][b][lt]=1&orderBy[0][a]=asc", "where[a][is][b]=%00"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := rest.Amplication{}.Find(raw)
		if (q == nil) == (err == nil) {
			t.Errorf("%v and %v", q, err)
		}
		if err != nil && len(problems(err)) == 0 {
			t.Errorf("refused without a reason: %v", err)
		}
	})
}
