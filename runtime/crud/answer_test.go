package crud_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ12_answer: a row that many rows lead to is there again with each of them, and
// rows may be large in themselves; neither makes an answer, or the memory that it takes,
// larger than its bound.
func TestAUZ12_answer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		run(t, db, `UPDATE dishes SET name = '`+strings.Repeat("x", 1<<20)+`', restaurant_id = '`+uid("roma")+`'`)
		ctx := as(t, w.ann)
		plain, err := w.all["Dish"].FindRows(ctx, &query.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if text := plain.AppendJSON(nil); crud.CheckAnswer(text) != nil || len(text) < 5<<20 {
			t.Errorf("five rows of 1 MiB: %d bytes", len(text))
		}
		rows, err := w.all["Dish"].FindRows(ctx, &query.Query{Include: paths("restaurant.dishes")})
		if err != nil {
			t.Fatal(err)
		}
		if text := rows.AppendJSON(nil); status(t, crud.CheckAnswer(text)) != 400 || len(text) > 2*crud.MaxAnswer {
			t.Errorf("five of them with each of five: %d bytes", len(text))
		}
		var often []query.Include // as aliases of GraphQL are
		for _, name := range []string{"a", "b", "c"} {
			often = append(often, query.Include{Relation: "dishes", As: name})
		}
		if _, err := w.all["Restaurant"].FindRows(ctx, &query.Query{Include: often}); status(t, err) != 400 {
			t.Errorf("five rows three times: %v", err)
		}
		run(t, db, `INSERT INTO dishes (id, name, restaurant_id) SELECT id + 10, name, restaurant_id FROM dishes`)
		run(t, db, `INSERT INTO dishes (id, name, restaurant_id) SELECT id + 20, name, restaurant_id FROM dishes WHERE id > 10`)
		for what, q := range map[string]struct {
			of string
			query.Query
		}{
			"rows":             {"Dish", query.Query{}},
			"rows inside":      {"Restaurant", query.Query{Include: paths("dishes")}},
			"what is left out": {"Order", query.Query{Include: paths("restaurant.dishes")}},
		} {
			if _, err := w.all[q.of].FindRows(ctx, &q.Query); status(t, err) != 400 {
				t.Errorf("%s: %v", what, err)
			}
			if _, err := w.all[q.of].FindRows(authz.System(ctx), &q.Query); err != nil {
				t.Errorf("%s, as the program: %v", what, err)
			}
		}
		if got, err := w.all["Dish"].FindRows(ctx, &query.Query{Select: []string{"id"}}); err != nil || got.Len() != 15 {
			t.Errorf("without the text: %v", err)
		}
	})
}
