package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func relation(name string, q query.Query) query.Include {
	return query.Include{Relation: name, Query: q}
}

func TestFeathers_include(t *testing.T) {
	plain := func(name string, below ...query.Include) query.Include {
		return relation(name, query.Query{Include: below})
	}
	for raw, want := range map[string][]query.Include{
		"$include=author":                                    {plain("author")},
		"$include=author,items.tags":                         {plain("author"), plain("items", plain("tags"))},
		"$include=items.tags,items,items.maker":              {plain("items", plain("tags"), plain("maker"))},
		"$include[]=author&$include[]=items.tags":            {plain("author"), plain("items", plain("tags"))},
		"$include[items][$limit]=5&$include[items][$skip]=1": {relation("items", query.Query{Limit: 5, Skip: 1})},
		"$include[items][$total]=false":                      {relation("items", query.Query{NoTotal: true})},
		"$include[items][$limit]=0":                          {relation("items", query.Query{CountOnly: true})},
		"$include[items][$select]=name&$include[0]=author":   {relation("items", query.Query{Select: []string{"name"}}), plain("author")},
		"$include[]=items.tags&$include[items][$limit]=5":    {relation("items", query.Query{Limit: 5, Include: []query.Include{plain("tags")}})},
		"$include[items][$include]=tags&$include[items][price][$lt]=9": {relation("items", query.Query{
			Where: term("price", query.Lt, "9"), Include: []query.Include{plain("tags")},
		})},
		"$include[a][$include][b][$include][c][$limit]=2": {plain("a", plain("b", relation("c", query.Query{Limit: 2})))},
	} {
		q, err := rest.Feathers{}.Find(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, problems(err))
			continue
		}
		if diff := cmp.Diff(&query.Query{Include: want}, q); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
		sel, err := rest.Feathers{}.Get(raw + "&$select=id")
		if diff := cmp.Diff(&query.Selection{Fields: []string{"id"}, Include: want}, sel); diff != "" || err != nil {
			t.Errorf("one row, %s: %v (-want +got):\n%s", raw, err, diff)
		}
	}
}

func TestFeathers_badInclude(t *testing.T) {
	long := strings.Repeat("a", 300)
	for _, raw := range []string{
		"$include", "$include=", "$include=a,,b", "$include=a.b.c.d", "$include=" + long, "$include[" + long + "][$limit]=1",
		"$include=a&$include[b][$limit]=1", "$include[a]=true", "$include[a]", "$include[0][$limit]=1", "$include[a][$limit]=x",
		"$include[a][$nonsense]=1", "$include=" + strings.Repeat("a,", 40) + "a", "$include[$limit]=1",
	} {
		if _, err := (rest.Feathers{}).Find(raw); len(problems(err)) == 0 {
			t.Errorf("%.60s is taken: %v", raw, err)
		}
		if _, err := (rest.Feathers{}).Get(raw); len(problems(err)) == 0 {
			t.Errorf("%.60s is taken for one row: %v", raw, err)
		}
	}
	for _, raw := range []string{"$include=a", "$select=a&$include=b"} {
		if _, err := (rest.Feathers{}).Select(raw); len(problems(err)) == 0 {
			t.Errorf("a change takes %s", raw)
		}
	}
	if _, err := (rest.Feathers{}).Get("$limit=1"); len(problems(err)) == 0 {
		t.Error("one row takes $limit")
	}
}

// TestAUZ12_answer: whoever asks for more than an answer may have is told so, and a
// write that was made answers what it made.
func TestAUZ12_answer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		id := n.made(ann, "one")
		if _, err := db.Exec(t.Context(), `UPDATE notes SET remark = '`+strings.Repeat("x", 11<<20)+`'`); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/api/notes", "/api/notes/" + id} {
			w := n.do(ed, http.MethodGet, path, "")
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "10 MiB") || w.Header().Get("Etag") != "" {
				t.Errorf("%s: %d, %d bytes, tag %q", path, w.Code, w.Body.Len(), w.Header().Get("Etag"))
			}
		}
		if w := n.do(ed, http.MethodGet, "/api/notes?$select=id", ""); w.Code != http.StatusOK {
			t.Errorf("without the remark: %d %.200s", w.Code, w.Body)
		}
		if w := n.do(ed, http.MethodDelete, "/api/notes/"+id, ""); w.Code != http.StatusOK || w.Body.Len() < 11<<20 {
			t.Errorf("what was deleted: %d, %d bytes", w.Code, w.Body.Len())
		}
	})
}
