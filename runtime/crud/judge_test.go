package crud_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ08_judgedByTheDatabase: a rule about another row than the one at hand
// holds before and after each write, and where it cannot be asked nothing is
// shown.
func TestAUZ08_judgedByTheDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := conditioned(t, db, nil, nil)
		food, err := query.Holds(s.items.Entity(), where("kind", "food"))
		if err != nil {
			t.Fatal(err)
		}
		ofFood := query.Through(OrderItem, s.items.Entity(), food)
		ofSoup := s.order(t, s.bob)
		row, err := s.orders.CreateRow(as(t, s.bob), fmt.Appendf(nil, `{"itemId":%q}`, s.tea), nil)
		if err != nil {
			t.Fatal(err)
		}
		ofTea := row.ID
		for _, action := range []authz.Action{authz.Create, authz.Update, authz.Delete} {
			s.orders.Narrow(action, "signed-in", ofFood)
		}
		said := 0
		s.orders.OnChange(func(context.Context, crud.Changed) { said++ })
		to := func(item string) []byte { return fmt.Appendf(nil, `{"itemId":%q,"amount":2}`, item) }
		for _, tt := range []struct {
			name string
			err  error
			want int
		}{
			{"make one beyond", err2(s.orders.CreateRow(as(t, s.ann), to(s.tea), nil)), http.StatusForbidden},
			{"make two, one beyond", err3(s.orders.CreateRows(as(t, s.ann), fmt.Appendf(nil, "[%s,%s]", to(s.soup), to(s.tea)), nil)), http.StatusForbidden},
			{"change one beyond", err2(s.orders.PatchRow(as(t, s.ann), ofTea, []byte(`{"amount":3}`), nil)), http.StatusForbidden},
			{"pull one in", err2(s.orders.PatchRow(as(t, s.ann), ofTea, to(s.soup), nil)), http.StatusForbidden},
			{"push one out", err2(s.orders.PatchRow(as(t, s.ann), ofSoup, to(s.tea), nil)), http.StatusForbidden},
			{"replace, and push out", err2(s.orders.UpdateRow(as(t, s.ann), ofSoup, to(s.tea), nil)), http.StatusForbidden},
			{"remove one beyond", err2(s.orders.RemoveRow(as(t, s.ann), ofTea, nil)), http.StatusForbidden},
		} {
			if got := status(t, tt.err); got != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
			}
		}
		rows, err := s.orders.Find(system(t), &query.Query{})
		if err != nil || rows.Total != 2 || said != 0 {
			t.Fatalf("%d rows, %d changes told, %v", rows.Total, said, err)
		}
		for _, row := range rows.Data {
			if row.Amount != 1 || (fmt.Sprint(row.ID) == ofSoup) != (row.ItemID == s.soup) {
				t.Errorf("refused and done: %+v", row)
			}
		}
		for name, err := range map[string]error{
			"make":   err2(s.orders.CreateRow(as(t, s.ann), to(s.soup), nil)),
			"change": err2(s.orders.PatchRow(as(t, s.ann), ofSoup, []byte(`{"amount":3}`), nil)),
			"remove": err2(s.orders.RemoveRow(as(t, s.ann), ofSoup, nil)),
		} {
			if err != nil {
				t.Errorf("%s within: %v", name, err)
			}
		}
		if said != 3 {
			t.Errorf("%d changes told, want 3", said)
		}

		s.orders.Narrow(authz.View, "signed-in", ofFood)
		id := s.order(t, s.bob)
		for _, tt := range []struct {
			id   string
			want int
		}{{id, http.StatusOK}, {ofTea, http.StatusNotFound}} {
			if _, err := s.orders.GetRow(as(t, s.ann), tt.id, nil); status(t, err) != tt.want {
				t.Errorf("get %s: %v", tt.id, err)
			}
			snapshot, err := s.orders.Snapshot(system(t), tt.id)
			if err != nil || !snapshot.Exists() {
				t.Fatal(err)
			}
			if _, ok := snapshot.View(as(t, s.ann)); ok {
				t.Errorf("an event shows %s, of which nobody has asked the database", tt.id)
			}
		}
	})
}

func err3(_ *crud.Rows, err error) error { return err }
