package rest_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// total returns how many notes there are.
func (n *notes) total() int64 {
	n.t.Helper()
	rows, err := n.notes.FindRows(authz.System(n.t.Context()), &query.Query{CountOnly: true})
	if err != nil {
		n.t.Fatal(err)
	}
	return rows.Total
}

// TestOnce: a request with a key makes its row once, whoever else uses the key.
func TestOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		post := func(as, body string, headers ...string) *httptest.ResponseRecorder {
			return n.do(as, "POST", "/api/notes?$select=title,version", body, headers...)
		}
		figs := `{"title":"figs"}`
		first, again := post(ann, figs, "Idempotency-Key", "k1"), post(ann, figs, "Idempotency-Key", "k1")
		if first.Code != 201 || first.Header().Get("Idempotency-Replayed") != "" {
			t.Fatalf("%d %s %v", first.Code, first.Body, first.Header())
		}
		if again.Code != 201 || again.Body.String() != first.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" ||
			again.Header().Get("Location") != first.Header().Get("Location") || again.Header().Get("ETag") != first.Header().Get("ETag") {
			t.Errorf("again: %d %s %v", again.Code, again.Body, again.Header())
		}
		list := `[{"title":"a"},{"title":"b"}]`
		many, more := post(ann, list, "Idempotency-Key", "k2"), post(ann, list, "Idempotency-Key", "k2")
		if many.Code != 201 || more.Code != 201 || many.Body.String() != more.Body.String() {
			t.Errorf("a list: %d %s, again %d %s", many.Code, many.Body, more.Code, more.Body)
		}
		for _, tt := range []struct {
			name, who, body, key string
			want                 int
		}{
			{"another body", ann, `{"title":"dates"}`, "k1", 422},
			{"of somebody else", bob, `{"title":"plums"}`, "k1", 201},
			{"refused", ann, `{"title":5}`, "k3", 400},
			{"refused, mended", ann, `{"title":"limes"}`, "k3", 201},
			{"a conflict", ann, figs, "k4", 409},
			{"a conflict, mended", ann, `{"title":"pears"}`, "k4", 201},
			{"empty", ann, figs, "", 400},
			{"long", ann, figs, strings.Repeat("k", 256), 400},
			{"not ASCII", ann, figs, "ké", 400},
			{"nobody", noOne, figs, "k1", 401},
			{"nobody, malformed", noOne, figs, "", 401},
		} {
			if w := post(tt.who, tt.body, "Idempotency-Key", tt.key); w.Code != tt.want {
				t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
			}
		}
		if w := post(ann, figs, "Idempotency-Key", "k1", "Idempotency-Key", "k1"); w.Code != 400 {
			t.Errorf("two keys: %d", w.Code)
		}
		if got := n.total(); got != 6 {
			t.Errorf("%d rows", got)
		}
	})
}

// TestOnce_asTheCaller: who asks again sees what they may see now, not what they
// were answered then.
func TestOnce_asTheCaller(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		body := `{"title":"figs","remark":"a secret"}`
		first := n.do(ed, "POST", "/api/notes", body, "Idempotency-Key", "k")
		if first.Code != 201 || !strings.Contains(first.Body.String(), "a secret") {
			t.Fatalf("%d %s", first.Code, first.Body)
		}
		id, _ := row(t, first)["id"].(string)
		demoted := func() *httptest.ResponseRecorder {
			return n.do(ed, "POST", "/api/notes", body, "Idempotency-Key", "k", "X-Demoted", "yes")
		}
		if w := demoted(); w.Code != 201 || strings.Contains(w.Body.String(), "remark") || row(t, w)["title"] != "figs" {
			t.Errorf("without the role: %d %s", w.Code, w.Body)
		}
		if w := n.do(ed, "PATCH", "/api/notes/"+id, `{"title":"dates"}`); w.Code != 200 {
			t.Fatal(w.Body)
		}
		if w := demoted(); row(t, w)["title"] != "dates" {
			t.Errorf("changed since: %s", w.Body)
		}
		if _, err := db.Exec(t.Context(), `UPDATE notes SET author_id = $1`, bob); err != nil {
			t.Fatal(err)
		}
		if w := demoted(); w.Code != 201 || w.Body.String() != `{"id":"`+id+`"}` || w.Header().Get("ETag") != "" {
			t.Errorf("somebody else's by now: %d %s", w.Code, w.Body)
		}
		if w := n.do(ed, "DELETE", "/api/notes/"+id, ""); w.Code != 200 {
			t.Fatal(w.Body)
		}
		if w := demoted(); w.Code != 201 || w.Body.String() != `{"id":"`+id+`"}` || n.total() != 0 {
			t.Errorf("deleted since: %d %s", w.Code, w.Body)
		}
		var stored string
		if err := db.Read().QueryRowContext(t.Context(), `SELECT caller || route || key || digest || token || row_ids FROM gate_idempotency`).Scan(&stored); err != nil || strings.Contains(stored, "secret") {
			t.Errorf("kept: %s, %v", stored, err)
		}
	})
}

// TestOnce_atOnce: while a request is being made the same one is not, and of many
// one makes the row.
func TestOnce_atOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		var within []int
		var hooks sync.Mutex
		n.notes.After(authz.Create, func(context.Context, *crud.Change[Note]) error {
			code := n.do(ann, "POST", "/api/notes", `{"title":"figs"}`, "Idempotency-Key", "k").Code
			hooks.Lock()
			defer hooks.Unlock()
			within = append(within, code)
			return nil
		})
		codes := make([]int, 6)
		var all sync.WaitGroup
		for i := range codes {
			all.Go(func() { codes[i] = n.do(ann, "POST", "/api/notes", `{"title":"figs"}`, "Idempotency-Key", "k").Code })
		}
		all.Wait()
		made := 0
		for _, code := range codes {
			switch code {
			case http.StatusCreated:
				made++
			case http.StatusConflict:
			default:
				t.Errorf("answered %d", code)
			}
		}
		if len(within) != 1 || within[0] != http.StatusConflict || made == 0 || n.total() != 1 {
			t.Errorf("within %v, %v, %d rows", within, codes, n.total())
		}
	})
}

// TestOnce_off: a key that nobody remembers is refused, not taken and forgotten.
func TestOnce_off(t *testing.T) {
	n := newNotes(t, storetest.SQLite(t))
	n.mux = http.NewServeMux()
	for _, route := range (rest.API{Protect: who}).Routes(n.notes) {
		n.mux.Handle(route.Method+" "+route.Path, route.Handler)
	}
	if w := n.do(ann, "POST", "/api/notes", `{"title":"figs"}`, "Idempotency-Key", "k"); w.Code != 400 || n.total() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestOnce_notKept: where a key is not remembered it is refused, and nothing is done;
// whoever may not do it hears no more than without one.
func TestOnce_notKept(t *testing.T) {
	n := newNotes(t, storetest.SQLite(t))
	path := "/api/notes/" + n.made(ann, "figs")
	policy, err := authz.NewPolicy([]authz.Role{{Name: "editor"}})
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	act := &action.Action{
		Name: "print", Method: "POST", Path: "/api/actions/print", Rules: []string{"signed-in"},
		Run: func(context.Context, string, any) (any, error) { runs++; return nil, nil },
	}
	if err := act.Bind(action.Config{DB: n.db, Policy: policy}); err != nil {
		t.Fatal(err)
	}
	route := rest.API{Protect: who, Policy: policy, Errors: gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}}.Action(act)
	n.mux.Handle(route.Method+" "+route.Path, route.Handler)
	for _, tt := range []struct{ method, path, body string }{
		{"PATCH", path, `{"title":"x"}`},
		{"PUT", path, `{"title":"x"}`},
		{"DELETE", path, ""},
		{"PATCH", "/api/notes?title=figs", `{"title":"x"}`},
		{"DELETE", "/api/notes?title=figs", ""},
		{"POST", path + "/restore", ""},
		{"POST", route.Path, ""},
	} {
		w := n.do(ann, tt.method, tt.path, tt.body, "Idempotency-Key", "k1")
		if w.Code != 400 || !strings.Contains(w.Body.String(), "such as /api/items") {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, w.Code, w.Body)
		}
		if w := n.do(noOne, tt.method, tt.path, tt.body, "Idempotency-Key", "k1"); w.Code != 401 {
			t.Errorf("%s %s, nobody: %d %s", tt.method, tt.path, w.Code, w.Body)
		}
	}
	if w := n.do(ann, "GET", path, "", "Idempotency-Key", "k1"); w.Code != 200 || row(t, w)["title"] != "figs" || runs != 0 {
		t.Errorf("refused and done: %d %s, %d runs", w.Code, w.Body, runs)
	}
	if w := n.do(ann, "POST", route.Path, ""); w.Code != 204 || runs != 1 {
		t.Errorf("without a key: %d %s", w.Code, w.Body)
	}
}
