package rest_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestConditional_get: a row that is still what its reader has is not sent again, and
// that is said to nobody who may not get it.
func TestConditional_get(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		id := n.made(ann, "figs")
		path := "/api/notes/" + id
		first := n.do(ed, "GET", path, "")
		tag := first.Header().Get("ETag")
		if vary := strings.Join(first.Header().Values("Vary"), ", "); !strings.HasPrefix(tag, `"v1-`) || !strings.Contains(vary, "Authorization, Cookie") {
			t.Fatalf("ETag %q, Vary %q", tag, vary)
		}
		mine := n.do(ann, "GET", path, "").Header().Get("ETag")
		for _, tt := range []struct {
			name, who, path, tags string
			want                  int
		}{
			{"the same", ed, path, tag, 304},
			{"weak", ed, path, "W/" + tag, 304},
			{"in a list", ed, path, `"a", ` + tag, 304},
			{"any", ed, path, "*", 304},
			{"another version", ed, path, `"v2"`, 200},
			{"of one who sees less", ed, path, mine, 200},
			{"of one who sees more", ann, path, tag, 200},
			{"of another selection", ed, path + "?$select=title", tag, 200},
			{"no tag", ed, path, `v1`, 400},
			{"out of sight", bob, path, tag, 404},
			{"out of sight, any", bob, path, "*", 404},
			{"malformed and out of sight", bob, path, `v1`, 404},
			{"nobody", noOne, path, tag, 401},
			{"nobody, any", noOne, path, "*", 401},
		} {
			w := n.do(tt.who, "GET", tt.path, "", "If-None-Match", tt.tags)
			if w.Code != tt.want {
				t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
			}
			if w.Code == 304 && (w.Body.Len() > 0 || w.Header().Get("ETag") != tag) {
				t.Errorf("%s: %q %v", tt.name, w.Body, w.Header())
			}
			if w.Code >= 400 && w.Header().Get("ETag") != "" {
				t.Errorf("%s: a refusal names %s", tt.name, w.Header().Get("ETag"))
			}
		}
		if n.do(ann, "PATCH", path, `{"title":"dates"}`).Code != 200 || n.do(ed, "GET", path, "", "If-None-Match", tag).Code != 200 {
			t.Error("a changed row is not sent")
		}
	})
}

// TestConditional_change: a change is made to the version that its sender knew, and
// to no other; whose row it is comes first.
func TestConditional_change(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		path := "/api/notes/" + n.made(ann, "figs")
		tag := n.do(ann, "GET", path, "").Header().Get("ETag") // v1-…
		w := n.do(ann, "PATCH", path, `{"title":"dates"}`, "If-Match", tag)
		if next := w.Header().Get("ETag"); w.Code != 200 || !strings.HasPrefix(next, `"v2-`) || n.do(ann, "GET", path, "", "If-None-Match", next).Code != 304 {
			t.Fatalf("%d %s %v", w.Code, w.Body, w.Header())
		}
		for _, method := range []string{"PATCH", "PUT", "DELETE"} {
			body := map[bool]string{true: `{"title":"plums"}`}[method != "DELETE"]
			for _, tt := range []struct {
				name, who, match string
				want             int
			}{
				{"stale", ann, tag, 412},
				{"stale, of one who sees more", ed, `"v1"`, 412},
				{"weak", ann, `W/"v2"`, 412},
				{"no version", ann, `"2"`, 412},
				{"empty", ann, `""`, 412},
				{"malformed", ann, `v2`, 400},
				{"open", ann, `"v2`, 400},
				{"nothing", ann, ``, 400},
				{"too many", ann, strings.Repeat(`"v2",`, 21), 400},
				{"out of sight", bob, tag, 404},
				{"out of sight, the right one", bob, `"v2"`, 404},
				{"nobody", noOne, tag, 401},
				{"nobody, malformed", noOne, `v2`, 401},
			} {
				if w := n.do(tt.who, method, path, body, "If-Match", tt.match); w.Code != tt.want || w.Header().Get("ETag") != "" {
					t.Errorf("%s, %s: %d %s", method, tt.name, w.Code, w.Body)
				}
			}
			if w := n.do(ann, method, path, body, "If-None-Match", "*"); w.Code != 400 {
				t.Errorf("%s: If-None-Match: %d", method, w.Code)
			}
		}
		if got := row(t, n.do(ann, "GET", path, "")); got["title"] != "dates" || got["version"] != 2.0 {
			t.Errorf("refused and done: %v", got)
		}
		for i, match := range []string{`"v1", "v2"`, `*`, `"v4"`} {
			method, body := "PUT", `{"title":"plums`+strings.Repeat("!", i)+`"}`
			if i == 2 {
				method, body = "DELETE", ""
			}
			if w := n.do(ann, method, path, body, "If-Match", match); w.Code != 200 {
				t.Errorf("%s: %d %s", match, w.Code, w.Body)
			}
		}
	})
}

// TestConditional_action: an action on one row takes the version that its caller knew,
// in its own transaction, and one that cannot says so.
func TestConditional_action(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		policy, err := authz.NewPolicy([]authz.Role{{Name: "editor"}})
		if err != nil {
			t.Fatal(err)
		}
		id := n.made(ann, "figs")
		var runs atomic.Int64
		for _, act := range []*action.Action{
			{Name: "edit", Row: "Note", Path: "/api/notes/{id}/edit", Changes: true},
			{Name: "look", Row: "Note", Path: "/api/notes/{id}/look"},
			{Name: "sweep", Path: "/api/sweep", Changes: true},
		} {
			act.Method, act.Rules = "POST", []string{"signed-in"}
			act.Run = func(ctx context.Context, id string, _ any) (any, error) {
				run := runs.Add(1)
				if act.Name != "edit" {
					return nil, nil
				}
				time.Sleep(50 * time.Millisecond) // others might come in between
				_, err := n.notes.PatchRow(ctx, id, fmt.Appendf(nil, `{"title":"figs %d"}`, run), nil)
				return nil, err
			}
			if err := act.Bind(action.Config{DB: db, Policy: policy, Entities: []crud.Service{n.notes}}); err != nil {
				t.Fatal(err)
			}
			route := rest.API{Protect: who, Policy: policy, Errors: gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}}.Action(act)
			n.mux.Handle(route.Method+" "+route.Path, route.Handler)
		}
		edit := "/api/notes/" + id + "/edit"
		for _, tt := range []struct {
			who, path, match string
			want             int
			runs             int64
		}{
			{ann, edit, `"v2"`, 412, 0},
			{ann, edit, `W/"v1"`, 412, 0},
			{ann, edit, `v1`, 400, 0},
			{bob, edit, `"v1"`, 404, 0},
			{noOne, edit, `v1`, 401, 0},
			{ann, edit, `"v1"`, 204, 1},
			{ann, edit, `"v1"`, 412, 0},
			{ann, edit, `"v1", "v2"`, 204, 1},
			{ann, edit, `*`, 204, 1},
			{ann, "/api/notes/" + id + "/look", `"v4"`, 400, 0},
			{ann, "/api/sweep", `"v4"`, 400, 0},
			{noOne, "/api/sweep", `"v4"`, 401, 0},
		} {
			before := runs.Load()
			if w := n.do(tt.who, "POST", tt.path, "", "If-Match", tt.match); w.Code != tt.want || runs.Load()-before != tt.runs || w.Header().Get("ETag") != "" {
				t.Errorf("%s %s: %d %s in %d runs, want %d in %d", tt.path, tt.match, w.Code, w.Body, runs.Load()-before, tt.want, tt.runs)
			}
		}
		codes := make(chan int)
		for range 4 {
			go func() { codes <- n.do(ann, "POST", edit, "", "If-Match", `"v4"`).Code }()
		}
		all := map[int]int{}
		for range 4 {
			all[<-codes]++
		}
		if all[204] != 1 || all[412] != 3 {
			t.Errorf("at the same time: %v", all)
		}
	})
}
