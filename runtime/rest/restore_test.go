package rest_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestRestore: a deleted row is there for nobody until one who may delete it brings
// it back.
func TestRestore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		id := n.made(ann, "figs")
		path := "/api/notes/" + id
		if w := n.do(ann, "POST", path+"/restore", ""); w.Code != 404 {
			t.Errorf("a row that is there: %d", w.Code)
		}
		tag := n.do(ann, "GET", path, "").Header().Get("ETag") // v1-…
		if w := n.do(ann, "DELETE", path, "", "If-Match", tag); w.Code != 200 || strings.Contains(w.Body.String(), "deletedAt") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, who := range []string{ann, ed} {
			for _, get := range []string{path, "/api/notes?title=figs", "/api/notes?$sort[title]=1", "/api/notes?$limit=0", "/api/notes?deletedAt[$null]=false"} {
				w := n.do(who, "GET", get, "")
				if strings.Contains(w.Body.String(), "figs") || w.Code == 200 && row(t, w)["total"] != 0.0 {
					t.Errorf("%s: %d %s", get, w.Code, w.Body)
				}
			}
			if w := n.do(who, "PATCH", path, `{"title":"x"}`); w.Code != 404 {
				t.Errorf("changed: %d %s", w.Code, w.Body)
			}
		}
		if w := n.do(ann, "GET", path, "", "If-None-Match", "*"); w.Code != 404 {
			t.Errorf("not sent again: %d", w.Code)
		}
		other := "/api/notes/" + n.made(bob, "figs")
		for _, tt := range []struct {
			name, who, query string
			want             int
		}{
			{"nobody", noOne, "", 401},
			{"nobody, malformed", noOne, "?x=1", 401},
			{"a stranger", bob, "", 404},
			{"malformed", ann, "?x=1", 400},
			{"a title that is taken", ann, "", 409},
		} {
			if w := n.do(tt.who, "POST", path+"/restore"+tt.query, ""); w.Code != tt.want {
				t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
			}
		}
		if w := n.do(bob, "PATCH", other, `{"title":"dates"}`); w.Code != 200 {
			t.Fatal(w.Body)
		}
		for match, want := range map[string]int{`"v2"`: 412, `"v3"`: 412, `W/"v1"`: 412, `v1`: 400} {
			if w := n.do(ann, "POST", path+"/restore", "", "If-Match", match); w.Code != want || w.Header().Get("ETag") != "" || n.do(ann, "GET", path, "").Code != 404 {
				t.Errorf("If-Match: %s: %d %s, want %d", match, w.Code, w.Body, want)
			}
		}
		if w := n.do(bob, "POST", path+"/restore", "", "If-Match", `"v1"`); w.Code != 404 {
			t.Errorf("a stranger learns of a row by its version: %d", w.Code)
		}
		w := n.do(ann, "POST", path+"/restore?$select=title,version", "", "If-Match", tag)
		if got := row(t, w); w.Code != 200 || got["title"] != "figs" || got["version"] != 3.0 || !strings.HasPrefix(w.Header().Get("ETag"), `"v3-`) {
			t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
		}
		if w := n.do(ann, "GET", path, ""); w.Code != 200 || n.total() != 2 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
