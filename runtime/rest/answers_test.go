package rest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ12_answersTogether: large answers that nobody takes are bounded together, and
// one caller who leaves them where they are keeps nobody else from theirs.
func TestAUZ12_answersTogether(t *testing.T) {
	db := storetest.SQLite(t)
	n := newNotes(t, db)
	id := n.made(ann, "one")
	one := "/api/notes/" + id
	if _, err := db.Exec(t.Context(), `UPDATE notes SET remark = '`+strings.Repeat("x", 9<<20)+`'`); err != nil {
		t.Fatal(err)
	}
	begun, may := make(chan struct{}), make(chan struct{})
	var taking sync.WaitGroup
	const most = 5 // of 9 MiB, in 64 MiB, of which one takes 27 while it is made
	for range most {
		taking.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/notes", http.NoBody)
			r.Header.Set("X-Who", ed)
			n.mux.ServeHTTP(&slow{httptest.NewRecorder(), begun, may}, r)
		})
		<-begun
	}
	for _, path := range []string{"/api/notes", one} {
		if w := n.do(ed, http.MethodGet, path, ""); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || w.Header().Get("Etag") != "" {
			t.Errorf("one more, %s: %d %v", path, w.Code, w.Header())
		}
	}
	if w := n.do(ed, http.MethodGet, "/api/notes?$select=id", ""); w.Code != http.StatusOK {
		t.Errorf("a small one: %d %s", w.Code, w.Body)
	}
	if w := n.do(ann, http.MethodGet, "/api/notes", ""); w.Code != http.StatusOK {
		t.Errorf("somebody else: %d %.200s", w.Code, w.Body)
	}
	// what was done is answered whatever is held, and nothing more is done
	for range 3 {
		taking.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, one, strings.NewReader(`{"title":"two"}`))
			r.Header.Set("X-Who", ed)
			r.Header.Set("Content-Type", "application/json")
			n.mux.ServeHTTP(&slow{httptest.NewRecorder(), begun, may}, r)
		})
		<-begun
	}
	if w := n.do(ed, http.MethodPatch, one, `{"title":"three"}`); w.Code != http.StatusTooManyRequests {
		t.Errorf("a change: %d %.200s", w.Code, w.Body)
	}
	if w := n.do(ann, http.MethodPatch, one, `{"title":"four"}`); w.Code != http.StatusOK {
		t.Errorf("a change by somebody else: %d %.200s", w.Code, w.Body)
	}
	close(may)
	taking.Wait()
	if w := n.do(ed, http.MethodGet, "/api/notes", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"four"`) {
		t.Errorf("afterwards: %d %.200s", w.Code, w.Body)
	}
}

// TestTotal: a page that nobody asked the total of was not counted.
func TestTotal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		for _, title := range []string{"figs", "dates", "plums"} {
			n.made(ann, title)
		}
		for query, want := range map[string]string{
			"$limit=2":                      `{"total":3,"limit":2,"skip":0,"data":[`,
			"$limit=2&$total=true":          `{"total":3,"limit":2,"skip":0,"data":[`,
			"$limit=2&$total=false":         `{"total":-1,"limit":2,"skip":0,"data":[{`,
			"$total=false&$limit=1&$skip=1": `{"total":-1,"limit":1,"skip":1,"data":[{`,
			"$total=false&$limit=1&$after=": `{"total":-1,"limit":1,"skip":0,"data":[{`,
			"$total=false&$limit=0":         `{"total":-1,"limit":0,"skip":0,"data":[]`,
			"$total=false&title=nothing":    `{"total":-1,"limit":25,"skip":0,"data":[]`,
			"$total=no":                     `"$total"`,
			"$total[x]=true":                `"$total[x]"`,
			"$total=":                       `"$total"`,
		} {
			if w := n.do(ann, "GET", "/api/notes?"+query, ""); !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d %s, want %s", query, w.Code, w.Body, want)
			}
		}
		next, _ := row(t, n.do(ann, "GET", "/api/notes?$total=false&$limit=2&$after=", ""))["nextCursor"].(string)
		if page := row(t, n.do(ann, "GET", "/api/notes?$limit=2&$after="+next, "")); page["total"] != 3.0 {
			t.Errorf("the next page, with a total: %v", page)
		}
	})
}
