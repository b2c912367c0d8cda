package rest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/rest"
)

func term(field string, op query.Op, value any) query.Term {
	return query.Term{Field: field, Op: op, Value: value}
}

func TestFeathers_find(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want query.Query
	}{
		{"", query.Query{}},
		{"&&", query.Query{}},
		{"$limit=10&$skip=20", query.Query{Limit: 10, Skip: 20}},
		{"$after=", query.Query{Cursor: &query.Cursor{}}},
		{"$after=abc&$limit=5", query.Query{Limit: 5, Cursor: &query.Cursor{Text: "abc"}}},
		{"$before=abc", query.Query{Cursor: &query.Cursor{Text: "abc", Before: true}}},
		{"%24limit=10", query.Query{Limit: 10}},
		{"$limit=0", query.Query{CountOnly: true}},
		{"$total=false", query.Query{NoTotal: true}},
		{"$total=true&$limit=5", query.Query{Limit: 5}},
		{"$sort[price]=-1&$sort[name]=1", query.Query{Sort: []query.Sort{{Field: "price", Descending: true}, {Field: "name"}}}},
		{"$select[]=name&$select[]=price", query.Query{Select: []string{"name", "price"}}},
		{"$select[1]=price&$select[0]=name", query.Query{Select: []string{"name", "price"}}},
		{"$select=name,price", query.Query{Select: []string{"name", "price"}}},
		{"$search=fig+and%20honey", query.Query{Search: "fig and honey"}},
		{"name=a%26b", query.Query{Where: term("name", query.Eq, "a&b")}},
		{"name=", query.Query{Where: term("name", query.Eq, "")}},
		{"name", query.Query{Where: term("name", query.Eq, "")}},
		{"name=a=b", query.Query{Where: term("name", query.Eq, "a=b")}},
		{"name=a;b", query.Query{Where: term("name", query.Eq, "a;b")}},
		{"price[$gte]=1&price[$lt]=9", query.Query{Where: query.And{term("price", query.Gte, "1"), term("price", query.Lt, "9")}}},
		{"price[$lte]=1&a[$gt]=2&b[$ne]=3", query.Query{Where: query.And{
			term("price", query.Lte, "1"), term("a", query.Gt, "2"), term("b", query.Ne, "3"),
		}}},
		{"a[$in][]=1&a[$in][]=2", query.Query{Where: term("a", query.In, []any{"1", "2"})}},
		{"a[$in]=1", query.Query{Where: term("a", query.In, []any{"1"})}},
		{"a[$nin][0]=1", query.Query{Where: term("a", query.NotIn, []any{"1"})}},
		{"a[$like]=x%25_", query.Query{Where: term("a", query.Like, "x%_")}},
		{"a[$contains]=x&a[$startsWith]=y&a[$endsWith]=z", query.Query{Where: query.And{
			term("a", query.Contains, "x"), term("a", query.StartsWith, "y"), term("a", query.EndsWith, "z"),
		}}},
		{"a[$null]=true&b[$null]=false", query.Query{Where: query.And{term("a", query.Null, true), term("b", query.Null, false)}}},
		{"$or[0][a]=1&$or[1][b][$lt]=2", query.Query{Where: query.Or{term("a", query.Eq, "1"), term("b", query.Lt, "2")}}},
		{"$and[0][$or][0][a]=1&$not[b]=2&c=3", query.Query{Where: query.And{
			query.And{query.Or{term("a", query.Eq, "1")}},
			query.Not{Expr: term("b", query.Eq, "2")},
			term("c", query.Eq, "3"),
		}}},
		{"author.email=x", query.Query{Where: related("author", query.SomeRow, term("email", query.Eq, "x"))}},
		{"author[email]=x", query.Query{Where: related("author", query.SomeRow, term("email", query.Eq, "x"))}},
		{"a.b.c[$lt]=1", query.Query{Where: related("a", query.SomeRow, related("b", query.SomeRow, term("c", query.Lt, "1")))}},
		{"a[b][c][$lt]=1", query.Query{Where: related("a", query.SomeRow, related("b", query.SomeRow, term("c", query.Lt, "1")))}},
		{"a[b]=1&a[c]=2", query.Query{Where: related("a", query.SomeRow, query.And{term("b", query.Eq, "1"), term("c", query.Eq, "2")})}},
		{"a.b=1&a.c=2", query.Query{Where: query.And{
			related("a", query.SomeRow, term("b", query.Eq, "1")), related("a", query.SomeRow, term("c", query.Eq, "2")),
		}}},
		{"a[$none][b]=1&a[$every][c]=2", query.Query{Where: query.And{
			related("a", query.NoRow, term("b", query.Eq, "1")), related("a", query.EveryRow, term("c", query.Eq, "2")),
		}}},
		{"a[$not][b]=1", query.Query{Where: related("a", query.SomeRow, query.Not{Expr: term("b", query.Eq, "1")})}},
	} {
		t.Run(tt.raw, func(t *testing.T) {
			got, err := rest.Feathers{}.Find(tt.raw)
			if err != nil {
				t.Fatalf("%v: %v", err, problems(err))
			}
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func problems(err error) model.Problems {
	if e, ok := errors.AsType[*gate.Error](err); ok {
		p, _ := e.Errors.(model.Problems)
		return p
	}
	return nil
}

// TestAUZ13_refused: by name, all at once, and never as a fault.
func TestAUZ13_refused(t *testing.T) {
	deep := "$or[0][$or][0][$or][0][$or][0][$or][0][$or][0][a]=1"
	for raw, want := range map[string][]string{
		"$limit=x&$skip=-1&$sort=a&b[$foo]=1&$bar=2": {"$limit", "$skip", "$sort", "b[$foo]", "$bar"},
		"$after=a&$before=b":                         {"$before"},
		"$after[]=a":                                 {"$after"},
		"a=1&a=2":                                    {"a"},
		"a[$lt]=1&a[$lt]=2&a[$gt]=1&a[$gt]=1":        {"a[$lt]", "a[$gt]"},
		"a=1&a[$lt]=2":                               {"a[$lt]"},
		"a[$lt]=2&a=1":                               {"a"},
		"a[$in]=1&a[$in][]=2":                        {"a[$in][]"},
		"a[$lt][x]=2":                                {"a[$lt][x]"},
		"a[][b]=2":                                   {"a[][b]"},
		"$select[]=a&$select[5]=b":                   {"$select"},
		"$or[-1][a]=1":                               {"$or[-1][a]"},
		"$or[00][a]=1":                               {"$or[00][a]"},
		"$not=1":                                     {"$not"},
		"$not[$or]=1":                                {"$not[$or]"},
		deep:                                         {"$or[0][$or][0][$or][0][$or][0][$or][0][$or][0][a]"},
	} {
		t.Run(raw[:min(len(raw), 50)], func(t *testing.T) {
			q, err := rest.Feathers{}.Find(raw)
			var got []string
			for _, p := range problems(err) {
				got = append(got, p.Field)
			}
			if diff := cmp.Diff(want, got); diff != "" || q != nil {
				t.Errorf("%v (-want +got):\n%s", q, diff)
			}
		})
	}
}

func TestAUZ12_bounds(t *testing.T) {
	for name, raw := range map[string]string{
		"long":        "a=" + strings.Repeat("x", 17<<10),
		"many":        strings.Repeat("a=1&", 300),
		"deep":        strings.Repeat("$or[0]", 1) + strings.Repeat("[$or][0]", 1000) + "[a]=1",
		"many terms":  manyTerms(51),
		"many fields": "$select=" + strings.Repeat("a,", 60) + "a",
		"long name":   strings.Repeat("a", 5000) + "[=1",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rest.Feathers{}.Find(raw)
			found := problems(err)
			if len(found) == 0 {
				t.Fatal("not refused")
			}
			for _, p := range found {
				if len(p.Field) > 80 {
					t.Errorf("the answer repeats %d bytes", len(p.Field))
				}
			}
		})
	}
	if _, err := (rest.Feathers{}).Find(manyTerms(50)); err != nil {
		t.Errorf("50 conditions: %v", problems(err))
	}
	if q, err := (rest.Feathers{}).Find("$limit=99999999999999999999999"); err != nil || q.Limit < query.MaxLimit {
		t.Errorf("a limit beyond every number: %v, %v", q, err)
	}
}

func related(relation string, q query.Quantifier, where query.Expr) query.Expr {
	return query.Related{Relation: relation, Quantifier: q, Where: where}
}

func manyTerms(n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf("$or[%d][a]=%d", i, i))
	}
	return strings.Join(parts, "&")
}

func TestFeathers_select(t *testing.T) {
	got, err := rest.Feathers{}.Select("$select[]=a&$select[]=b")
	if err != nil || !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("Select = %v, %v", got, err)
	}
	if got, err := (rest.Feathers{}).Select(""); got != nil || err != nil {
		t.Errorf("Select of nothing = %v, %v", got, err)
	}
	for _, raw := range []string{"id=1", "$limit=1", "a[$lt]=1", "$select[]=a&x=1", "%zz"} {
		if got, err := (rest.Feathers{}).Select(raw); len(problems(err)) != 1 || got != nil {
			t.Errorf("Select(%q) = %v, %v", raw, got, err)
		}
	}
}

// FuzzFeathers: whatever the query string, there is a query or a refusal, within
// the bounds.
func FuzzFeathers(f *testing.F) {
	f.Add("a=1&b[$lt]=2&$or[0][c]=3&d[$in][]=4&$sort[a]=-1&$select=a,b&$limit=1")
	f.Add("a[&a]&a[[b]]=1&[]=1&a[]]=%")
	f.Add("a.b.c[$lt]=1&a[$none][b]=1&a[$some][$or][0][b][c]=2&.=1&a..b=1")
	f.Add("$not[$not][$not][$not][$not][$not][a]=1")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := rest.Feathers{}.Find(raw)
		if (q == nil) == (err == nil) {
			t.Fatalf("Find = %v, %v", q, err)
		}
		if err != nil && len(problems(err)) == 0 {
			t.Fatalf("a refusal without a reason: %v", err)
		}
		if q != nil && depth(q.Where) > 2*query.MaxDepth+2 {
			t.Fatalf("%d deep", depth(q.Where))
		}
	})
}

func depth(e query.Expr) int {
	deepest := 0
	switch e := e.(type) {
	case query.And:
		for _, x := range e {
			deepest = max(deepest, depth(x))
		}
	case query.Or:
		for _, x := range e {
			deepest = max(deepest, depth(x))
		}
	case query.Not:
		deepest = depth(e.Expr)
	case query.Related:
		deepest = depth(e.Where)
	default:
		return 0
	}
	return deepest + 1
}

func BenchmarkFeathers(b *testing.B) {
	for b.Loop() {
		if _, err := (rest.Feathers{}).Find("price[$lt]=10&$sort[price]=-1&$limit=25"); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleFeathers() {
	q, err := rest.Feathers{}.Find("price[$lt]=10&$sort[price]=-1&$limit=5")
	fmt.Println(q.Where, q.Sort, q.Limit, err)
	_, err = rest.Feathers{}.Find("price[$below]=10&$order=price")
	for _, p := range problems(err) {
		fmt.Println(p.Field, p.Message)
	}
	fmt.Printf("%s\n", rest.Feathers{}.AppendPage(nil, &crud.Rows{Total: 3, Limit: 5, Skip: 5}))
	fmt.Printf("%s\n", rest.Feathers{}.AppendPage(nil, &crud.Rows{Total: 3, Limit: 5, Paged: true, Previous: "AQ3f"}))
	// Output:
	// {price 5 10} [{price true}] 5 <nil>
	// price[$below] is not an operator
	// $order is not a parameter of this route
	// {"total":3,"limit":5,"skip":5,"data":[]}
	// {"total":3,"limit":5,"skip":0,"data":[],"nextCursor":null,"prevCursor":"AQ3f"}
}
