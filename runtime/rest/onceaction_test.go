package rest_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/idempotency"
	"github.com/gatewright/gate/store/storetest"
)

// TestOnce_action: an action that changes something is called once with one key,
// whatever it answers, by its caller and for what they sent.
func TestOnce_action(t *testing.T) {
	type input struct{ Title string }
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		policy, err := authz.NewPolicy([]authz.Role{{Name: "editor"}})
		if err != nil {
			t.Fatal(err)
		}
		once, err := idempotency.New(db, idempotency.Config{})
		if err != nil {
			t.Fatal(err)
		}
		runs := 0
		write := func(ctx context.Context, _ string, in any) (any, error) {
			runs++
			title := in.(*input).Title
			row, err := n.notes.CreateRow(ctx, []byte(`{"title":"`+title+`"}`), nil)
			switch {
			case err != nil:
				return nil, err
			case title == "bad":
				return nil, errors.New("no")
			}
			return []string{row.ID}, nil
		}
		record := &action.Record{Name: "Input", Members: []action.Member{{Field: model.Field{Name: "title", Type: model.Text, Required: true}}}}
		for _, act := range []*action.Action{
			{Name: "write", Rows: "Note", Run: write},
			{Name: "say", Value: &action.Member{Field: model.Field{Name: "value", Type: model.Text, Required: true}}, Run: func(ctx context.Context, id string, in any) (any, error) {
				if _, err := write(ctx, id, in); err != nil {
					return nil, err
				}
				if in.(*input).Title == "long" {
					return strings.Repeat("wrote ", 3000), nil
				}
				return "wrote", nil
			}},
			{Name: "nothing", Run: func(ctx context.Context, id string, in any) (any, error) {
				_, err := write(ctx, id, in)
				return nil, err
			}},
			{Name: "edit", Rows: "Note", Rules: []string{"editor"}, Run: write},
		} {
			act.Method, act.Path, act.Changes, act.Input = "POST", "/api/actions/"+act.Name, true, record
			act.New = func() any { return new(input) }
			if act.Rules == nil {
				act.Rules = []string{"public"}
			}
			if err := act.Bind(action.Config{DB: db, Policy: policy, Entities: []crud.Service{n.notes}}); err != nil {
				t.Fatal(err)
			}
			route := rest.API{Protect: who, Policy: policy, Once: once, Errors: gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}}.Action(act)
			n.mux.Handle(route.Method+" "+route.Path, route.Handler)
		}
		for _, tt := range []struct {
			who, act, title, key string
			want, runs           int
			replayed             bool
			body                 string
		}{
			{ann, "write", "a", "k", 200, 1, false, `"title":"a"`},
			{ann, "write", "a", "k", 200, 0, true, `"title":"a"`},
			{ann, "write", "b", "k", 422, 0, false, ""},
			{bob, "write", "b", "k", 200, 1, false, `"title":"b"`},
			{ann, "say", "c", "k", 200, 1, false, `"wrote"`},
			{ann, "say", "c", "k", 200, 0, true, `"wrote"`},
			{ann, "nothing", "d", "k", 204, 1, false, ""},
			{ann, "nothing", "d", "k", 204, 0, true, ""},
			{ann, "write", "bad", "x", 500, 1, false, ""},
			{ann, "write", "e", "x", 200, 1, false, `"title":"e"`}, // what failed is not remembered
			{ann, "write", "a", "y", 409, 1, false, ""},
			{ann, "write", "", "y", 400, 0, false, ""},
			{ann, "say", "long", "z", 400, 1, false, "nothing was done"},
			{noOne, "write", "g", "k", 400, 0, false, "signed in"},
			{noOne, "edit", "g", "k", 401, 0, false, ""},
			{ann, "edit", "g", "k", 403, 0, false, ""},
			{ed, "edit", "g", "k", 200, 1, false, `"title":"g"`},
			{ed, "edit", "g", "k", 200, 0, true, `"title":"g"`},
			{ann, "write", "h", "", 400, 0, false, "Idempotency-Key"},
		} {
			runs = 0
			body := `{"title":"` + tt.title + `"}`
			if tt.title == "" {
				body = `{}`
			}
			w := n.do(tt.who, "POST", "/api/actions/"+tt.act, body, "Idempotency-Key", tt.key)
			if w.Code != tt.want || runs != tt.runs || (w.Header().Get("Idempotency-Replayed") != "") != tt.replayed || !strings.Contains(w.Body.String(), tt.body) {
				t.Errorf("%s %.9q: %d %s %v in %d runs, want %d, replayed %v, in %d", tt.act, tt.title, w.Code, w.Body, w.Header(), runs, tt.want, tt.replayed, tt.runs)
			}
		}
		if got := n.total(); got != 6 {
			t.Errorf("%d notes", got)
		}
		if w := n.do(ed, "POST", "/api/actions/edit", `{"title":"g"}`, "Idempotency-Key", "k", "X-Demoted", "yes"); w.Code != http.StatusForbidden {
			t.Errorf("who may not any more: %d %s", w.Code, w.Body)
		}
	})
}

// TestAction_unreadable: an action whose rows cannot be answered leaves nothing behind.
func TestAction_unreadable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		policy, err := authz.NewPolicy(nil)
		if err != nil {
			t.Fatal(err)
		}
		act := &action.Action{
			Name: "swell", Method: "POST", Path: "/api/swell", Rules: []string{"signed-in"}, Changes: true, Rows: "Note", List: true,
			Run: func(ctx context.Context, _ string, _ any) (any, error) {
				row, err := n.notes.CreateRow(ctx, []byte(`{"title":"figs"}`), nil)
				if err != nil {
					return nil, err
				}
				tx, _ := crud.Tx(ctx, db)
				_, err = tx.ExecContext(ctx, "UPDATE notes SET title = $1", strings.Repeat("figs ", crud.MaxAnswer/5+1))
				return []string{row.ID}, err
			},
		}
		if _, err := db.Exec(t.Context(), `DROP INDEX notes_title_key`); err != nil { // which takes no such title
			t.Fatal(err)
		}
		if err := act.Bind(action.Config{DB: db, Policy: policy, Entities: []crud.Service{n.notes}}); err != nil {
			t.Fatal(err)
		}
		route := rest.API{Protect: who, Policy: policy, Errors: gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}}.Action(act)
		n.mux.Handle(route.Method+" "+route.Path, route.Handler)
		if w := n.do(ann, "POST", "/api/swell", ""); w.Code != 400 || !strings.Contains(w.Body.String(), "10 MiB") {
			t.Errorf("%d %.200s", w.Code, w.Body)
		}
		if total := n.total(); total != 0 {
			t.Errorf("refused, and %d rows are kept", total)
		}
	})
}
