package crud_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
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

// TestAUZ08_ownerThroughAnotherRow: rows belong to whom the row belongs to that
// they point to.
func TestAUZ08_ownerThroughAnotherRow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		lines, replies := newLines(t, s)
		mine, theirs := fmt.Sprintf(`{"orderId":%s}`, s.annOrder), fmt.Sprintf(`{"orderId":%s}`, s.bobOrder)
		row, err := lines.CreateRow(as(t, s.ann), []byte(mine), nil)
		if err != nil {
			t.Fatal(err)
		}
		if m := members(t, row); m["orderId"] == nil || m["text"] != "new" {
			t.Errorf("its maker is shown %v", m)
		}
		row2, err := lines.CreateRow(as(t, s.cleo), []byte(mine), nil)
		if err != nil {
			t.Fatal(err)
		}
		if m := members(t, row2); len(m) != 2 || m["text"] != nil {
			t.Errorf("who may make it and not see it is shown %v", m)
		}
		if _, err := lines.RemoveRow(as(t, s.max), row2.ID, nil); err != nil {
			t.Fatal(err)
		}
		ofBob, err := lines.CreateRow(as(t, s.bob), []byte(theirs), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name string
			err  error
			want int
		}{
			{"make one of somebody else", err2(lines.CreateRow(as(t, s.ann), []byte(theirs), nil)), 403},
			{"make one of nobody", err2(lines.CreateRow(as(t, s.ann), []byte(`{}`), nil)), 403},
			{"give one away", err2(lines.PatchRow(as(t, s.ann), row.ID, []byte(theirs), nil)), 403},
			{"take one over", err2(lines.PatchRow(as(t, s.ann), ofBob.ID, []byte(mine), nil)), 404},
			{"see one", err2(lines.GetRow(as(t, s.ann), ofBob.ID, nil)), 404},
			{"remove one", err2(lines.RemoveRow(as(t, s.ann), ofBob.ID, nil)), 404},
			{"point to one", err2(replies.CreateRow(as(t, s.max), fmt.Appendf(nil, `{"lineId":%s}`, ofBob.ID), nil)), 200},
			{"point to one out of sight", err2(replies.CreateRow(as(t, s.ann), fmt.Appendf(nil, `{"lineId":%s}`, ofBob.ID), nil)), 400},
			{"change one's own", err2(lines.PatchRow(as(t, s.ann), row.ID, []byte(`{"text":"x"}`), nil)), 200},
			{"as nobody", err2(lines.GetRow(as(t, nil), row.ID, nil)), 401},
		} {
			if got := status(t, tt.err); got != tt.want {
				t.Errorf("%s: %d, want %d (%v)", tt.name, got, tt.want, tt.err)
			}
		}
		for who, want := range map[*gate.Principal]int{s.ann: 1, s.bob: 1, s.cleo: 0, s.max: 2} {
			if got := len(found(t, lines, who, query.Query{})); got != want {
				t.Errorf("%v lists %d, want %d", who.Roles, got, want)
			}
		}
		// The order changes hands, and its lines with it.
		if err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE orders SET buyer_id = $1 WHERE id = $2", s.bob.Subject, s.annOrder)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := lines.GetRow(as(t, s.ann), row.ID, nil); status(t, err) != 404 {
			t.Errorf("a line of an order that was one's own: %v", err)
		}
		removed, err := lines.RemoveRow(as(t, s.bob), row.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		if m := members(t, removed); m["text"] != "x" {
			t.Errorf("who removed it is shown %v", m)
		}
	})
}

// newLines returns two entities more: lines of orders, which belong to whom the
// order belongs to, and what points to them.
func newLines(t *testing.T, s *shop) (lines *crud.Resource[Line], replies *crud.Resource[Reply]) {
	t.Helper()
	types := map[store.Dialect]string{store.SQLite: "INTEGER PRIMARY KEY AUTOINCREMENT", store.Postgres: "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"}
	id := types[s.db.Dialect()]
	run(t, s.db, "CREATE TABLE lines (id "+id+", order_id bigint REFERENCES orders (id), text text NOT NULL);\nCREATE TABLE replies (id "+id+", line_id bigint REFERENCES lines (id) ON DELETE CASCADE)")
	own := []string{"owner", "manager"}
	key := model.Field{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true}
	lines = newResource(t, s.db, s.policy, &model.Entity{
		Name: "Line", Plural: "Lines", Path: "lines", Table: "lines", Owner: "orderId.buyerId",
		Fields: []model.Field{
			key,
			{Name: "orderId", Column: "order_id", Type: model.Relation, ID: model.Serial, To: "Order"},
			{Name: "text", Column: "text", Type: model.Text, MaxLength: 9, Required: true, Default: "new"},
		},
		Allow: model.Allow{View: own, List: own, Create: []string{"owner", "manager", "clerk"}, Update: own, Delete: own},
	}, func(r *Line, f model.FieldID) any { return []any{&r.ID, &r.Order, &r.Text}[f] })
	replies = newResource(t, s.db, s.policy, &model.Entity{
		Name: "Reply", Plural: "Replies", Path: "replies", Table: "replies",
		Fields: []model.Field{key, {Name: "lineId", Column: "line_id", Type: model.Relation, ID: model.Serial, To: "Line"}},
		Allow:  model.Allow{Create: []string{"signed-in"}},
	}, func(r *Reply, f model.FieldID) any { return []any{&r.ID, &r.Line}[f] })
	if err := crud.Link(s.users, s.items, s.orders, lines, replies); err != nil {
		t.Fatal(err)
	}
	return lines, replies
}

type Line struct {
	ID    int64
	Order *int64
	Text  string
}

type Reply struct {
	ID   int64
	Line *int64
}

// TestLink_noOwners: rows whose owners are rows that are not linked.
func TestLink_noOwners(t *testing.T) {
	s := unlinked(t, storetest.SQLite(t))
	line := newResource(t, s.db, s.policy, &model.Entity{
		Name: "Line", Plural: "Lines", Path: "lines", Table: "lines", Owner: "orderId.buyerId",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true},
			{Name: "orderId", Column: "order_id", Type: model.Relation, ID: model.Serial, To: "Order"},
		},
	}, func(r *Line, f model.FieldID) any { return []any{&r.ID, &r.Order}[f] })
	if err := crud.Link(line, s.items, s.orders); err == nil || !strings.Contains(err.Error(), "which is not there") {
		t.Errorf("linked without users: %v", err)
	}
}

// TestNew_refusesOwners: an owner through another row that is none.
func TestNew_refusesOwners(t *testing.T) {
	s := unlinked(t, storetest.SQLite(t))
	for name, change := range map[string]func(*model.Entity){
		"through no relation":  func(e *model.Entity) { e.Owner = "amount.buyerId" },
		"through no field":     func(e *model.Entity) { e.Owner = "x.buyerId" },
		"to nothing":           func(e *model.Entity) { e.Owner = "itemId." },
		"asked about by field": func(e *model.Entity) { e.Owner = "itemId.id" },
	} {
		e := orderEntity()
		change(e)
		if _, err := crud.New(s.db, s.policy, e, (*Order).pointer); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	e := orderEntity()
	e.Owner = "itemId.name"
	e.Fields[OrderNote].View, e.Fields[OrderRating].Update = nil, nil
	if err := crud.Link(s.users, s.items, newResource(t, s.db, s.policy, e, (*Order).pointer)); err == nil {
		t.Error("an owner that is a name")
	}
}
