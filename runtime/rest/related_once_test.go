package rest_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestOnce_related: on the route of a relation a request with a key is refused and
// makes nothing, and who may not see the row there hears no more than without one.
func TestOnce_related(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNotes(t, db)
		policy, err := authz.NewPolicy([]authz.Role{{Name: "editor"}})
		if err != nil {
			t.Fatal(err)
		}
		users, err := crud.New(db, policy, &model.Entity{
			Name: "User", Plural: "Users", Path: "users", Table: "users", Owner: "id", Allow: model.Allow{View: []string{"owner"}},
			Fields: []model.Field{{Name: "id", Column: "id", Type: model.ID, Required: true}},
			Links:  []model.Link{{Name: "notes", To: "Note", Many: true, Inverse: "authorId"}},
		}, (*User).pointer)
		if err != nil {
			t.Fatal(err)
		}
		made, err := crud.New(db, policy, noteEntity(), (*Note).pointer)
		if err != nil {
			t.Fatal(err)
		}
		if err := crud.Link(users, made); err != nil {
			t.Fatal(err)
		}
		api := rest.API{Policy: policy, Protect: who, Errors: gate.ErrorWriter{Logger: slog.New(slog.DiscardHandler)}}
		for _, route := range api.Routes(users) {
			n.mux.Handle(route.Method+" "+route.Path, route.Handler)
		}
		for _, tt := range []struct {
			name, who, body string
			headers         []string
			want            int
		}{
			{"with a key", ann, `{"title":"figs"}`, []string{"Idempotency-Key", "k"}, http.StatusBadRequest},
			{"again", ann, `{"title":"figs"}`, []string{"Idempotency-Key", "k"}, http.StatusBadRequest},
			{"an empty one", ann, `{"title":"figs"}`, []string{"Idempotency-Key", ""}, http.StatusBadRequest},
			{"nobody", noOne, `{"title":"figs"}`, []string{"Idempotency-Key", "k"}, http.StatusUnauthorized},
		} {
			w := n.do(tt.who, "POST", "/api/users/"+ann+"/notes", tt.body, tt.headers...)
			if w.Code != tt.want || tt.want == http.StatusBadRequest && !strings.Contains(w.Body.String(), "Idempotency-Key") {
				t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.want)
			}
		}
		if got := n.total(); got != 0 {
			t.Errorf("%d rows", got)
		}
		if w := n.do(ann, "POST", "/api/users/"+ann+"/notes", `{"title":"figs"}`); w.Code != http.StatusCreated || n.total() != 1 {
			t.Errorf("without a key: %d %s", w.Code, w.Body)
		}
	})
}
