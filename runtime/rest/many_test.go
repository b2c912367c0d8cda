package rest_test

import (
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestMany: conditions choose rows that are changed and deleted, and nothing else
// does.
func TestMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		for _, title := range []string{"figs", "dates"} {
			n.made(ann, title)
			n.made(bob, title+" of bob")
		}
		const path = "/api/notes"
		for _, tt := range []struct {
			name, who, method, query, body string
			want                           int
		}{
			{"nobody", noOne, "PATCH", "?title=figs", `{"title":"x"}`, 401},
			{"nobody, everything", noOne, "DELETE", "", "", 401},
			{"nobody, malformed", noOne, "DELETE", "?$nonsense=1", "", 401},
			{"everything", ann, "DELETE", "", "", 400},
			{"everything, changed", ann, "PATCH", "", `{"title":"x"}`, 400},
			{"an id that was empty", ann, "DELETE", "?", "", 400},
			{"fields alone", ann, "DELETE", "?$select=title", "", 400},
			{"a page", ann, "DELETE", "?title[$ne]=x&$limit=1", "", 400},
			{"the total", ann, "DELETE", "?title[$ne]=x&$limit=0", "", 400},
			{"malformed", ann, "DELETE", "?$nonsense=1", "", 400},
			{"a condition on what one may not read", ann, "DELETE", "?remark=x", "", 400},
			{"no JSON", ann, "PATCH", "?title=figs", `{`, 400},
			{"the same title twice", ann, "PATCH", "?title[$ne]=x", `{"title":"x"}`, 409},
			{"one version of many", ann, "PATCH", "?title[$ne]=x", `{"remark":"x","version":2}`, 412},
			{"replace", ann, "PUT", "?title=figs", `{"title":"x"}`, 405},
		} {
			if w := n.do(tt.who, tt.method, path+tt.query, tt.body); w.Code != tt.want {
				t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.want)
			}
		}
		if w := n.do(ann, "DELETE", path+"?title=figs", "", "If-Match", `"v1"`); w.Code != 400 {
			t.Errorf("If-Match: %d", w.Code)
		}
		if n.total() != 4 {
			t.Fatalf("%d rows are left", n.total())
		}
		if w := n.do(ann, "PATCH", path+"?title[$ne]=x&$select=version", `{"remark":"seen"}`); w.Code != 200 || len(list(t, w)) != 2 || list(t, w)[0]["version"] != 2.0 {
			t.Errorf("change: %d %s", w.Code, w.Body)
		}
		if w := n.do(ann, "DELETE", path+"?title[$ne]=x", ""); w.Code != 200 || len(list(t, w)) != 2 || n.total() != 2 {
			t.Errorf("delete: %d %s, %d left", w.Code, w.Body, n.total())
		}
		if w := n.do(ed, "DELETE", path+"?title[$contains]=bob", ""); w.Code != 200 || n.total() != 0 {
			t.Errorf("an editor: %d %s", w.Code, w.Body)
		}
	})
}
