package crud_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// where is the condition that a field holds one of some values; none is null.
func where(field string, values ...any) []model.Clause {
	return []model.Clause{{Field: field, Values: values}}
}

// conditioned returns a shop whose entities were changed.
func conditioned(t testing.TB, db *store.DB, items, orders func(*model.Entity)) *shop {
	t.Helper()
	s := unlinked(t, db)
	item, order := itemEntity(), orderEntity()
	if items != nil {
		items(item)
	}
	if orders != nil {
		orders(order)
	}
	s.items = newResource(t, db, s.policy, item, (*Item).pointer)
	s.orders = newResource(t, db, s.policy, order, (*Order).pointer)
	if err := crud.Link(s.users, s.items, s.orders); err != nil {
		t.Fatal(err)
	}
	s.ann = s.account(t, "ann@example.com", "customer")
	s.bob = s.account(t, "bob@example.com", "customer")
	s.cleo = s.account(t, "cleo@example.com", "customer", "clerk")
	s.max = s.account(t, "max@example.com", "customer", "clerk", "manager")
	s.soup, s.tea = s.item(t, "soup", "4.50", "1.20"), s.item(t, "tea", "2.00", "0.10")
	if _, err := s.items.PatchRow(system(t), s.tea, []byte(`{"kind":"drink"}`), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// found returns the ids of all rows that a caller may list.
func found(t testing.TB, s crud.Service, who *gate.Principal, q query.Query) []string {
	t.Helper()
	rows, err := s.FindRows(as(t, who), &q)
	if err != nil {
		t.Fatalf("%v %v", err, problems(err))
	}
	ids := []string{}
	for i := range rows.Len() {
		ids = append(ids, fmt.Sprint(members(t, rows.At(i))["id"]))
	}
	if rows.Total != int64(len(ids)) {
		t.Errorf("total %d of %d", rows.Total, len(ids))
	}
	return ids
}

// TestAUZ08_ownFieldsUnderACondition: to see a row because of what it is like
// does not make it one's own.
func TestAUZ08_ownFieldsUnderACondition(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := conditioned(t, db, nil, func(e *model.Entity) {
			e.Allow.View, e.Allow.List, e.Allow.Update = []string{"owner"}, []string{"owner"}, []string{"owner"}
			for _, action := range []string{"view", "list", "update"} {
				e.Conditions = append(e.Conditions, model.Condition{Action: action, Rules: []string{"signed-in"}, Where: where("amount", int64(1))})
			}
		})
		mine, theirs := s.order(t, s.ann), s.order(t, s.bob)
		row, err := s.orders.GetRow(as(t, s.ann), theirs, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, shown := members(t, row)["note"]; shown {
			t.Error("get shows the note of somebody else")
		}
		rows, err := s.orders.FindRows(as(t, s.ann), &query.Query{})
		if err != nil || rows.Len() != 2 {
			t.Fatalf("%v rows, %v", rows, err)
		}
		for i := range rows.Len() {
			m := members(t, rows.At(i))
			if _, shown := m["note"]; shown != (fmt.Sprint(m["id"]) == mine) {
				t.Errorf("find: %v", m)
			}
		}
		snapshot, err := s.orders.Snapshot(system(t), theirs)
		if err != nil {
			t.Fatal(err)
		}
		if row, ok := snapshot.View(as(t, s.ann)); !ok || row.Has(OrderNote) {
			t.Errorf("the event of the row: %t, with the note %t", ok, row.Has(OrderNote))
		}
		for _, q := range []query.Query{
			{Where: query.Term{Field: "note", Op: query.StartsWith, Value: "no"}}, {Sort: []query.Sort{{Field: "note"}}},
		} {
			if _, err := s.orders.FindRows(as(t, s.ann), &q); status(t, err) != http.StatusBadRequest {
				t.Errorf("%+v: %v", q, err)
			}
		}
		if _, err := s.orders.PatchRow(as(t, s.ann), theirs, []byte(`{"rating":1}`), nil); status(t, err) != http.StatusForbidden {
			t.Errorf("rating of an order of somebody else: %v", err)
		}
		if _, err := s.orders.PatchRow(as(t, s.ann), mine, []byte(`{"rating":1}`), nil); err != nil {
			t.Errorf("rating of one's own order: %v", err)
		}
	})
}

// TestAUZ08_conditions tries every action within and beyond a condition.
func TestAUZ08_conditions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := conditioned(t, db, func(e *model.Entity) {
			for _, action := range []string{"view", "list", "create", "update", "delete"} {
				who := "clerk"
				if action == "view" || action == "list" {
					who = "public"
				}
				e.Conditions = append(e.Conditions, model.Condition{Action: action, Rules: []string{who}, Where: where("kind", "food")})
			}
			one := []string{"manager"}
			e.Allow = model.Allow{View: one, List: one, Create: one, Update: one, Delete: one}
		}, nil)
		all := []string{s.soup, s.tea}
		slices.Sort(all)
		for _, tt := range []struct {
			who  *gate.Principal
			want []string
		}{{nil, []string{s.soup}}, {s.ann, []string{s.soup}}, {s.max, all}} {
			if diff := gocmp.Diff(tt.want, found(t, s.items, tt.who, query.Query{})); diff != "" {
				t.Errorf("%v: %s", tt.who, diff)
			}
			or := query.Or{query.Term{Field: "kind", Op: query.Ne, Value: "food"}, query.Term{Field: "kind", Op: query.Eq, Value: "food"}}
			if diff := gocmp.Diff(tt.want, found(t, s.items, tt.who, query.Query{Where: or})); diff != "" {
				t.Errorf("%v, with a condition of one's own: %s", tt.who, diff)
			}
		}
		for _, tt := range []struct {
			name string
			who  *gate.Principal
			do   func(who *gate.Principal) error
			want int
		}{
			{"get within", nil, func(who *gate.Principal) error { return err2(s.items.GetRow(as(t, who), s.soup, nil)) }, 200},
			{"get beyond", nil, func(who *gate.Principal) error { return err2(s.items.GetRow(as(t, who), s.tea, nil)) }, 404},
			{"get as manager", s.max, func(who *gate.Principal) error { return err2(s.items.GetRow(as(t, who), s.tea, nil)) }, 200},
			{"create as nobody", nil, s.creates(t, "pie", "food"), 401},
			{"create as customer", s.ann, s.creates(t, "pie", "food"), 403},
			{"create beyond", s.cleo, s.creates(t, "gin", "drink"), 403},
			{"create within", s.cleo, s.creates(t, "pie", "food"), 200},
			{"create beyond as manager", s.max, s.creates(t, "rum", "drink"), 200},
			{"patch beyond", s.cleo, s.patches(t, s.tea, `{"price":1}`), 404},
			{"pull in", s.cleo, s.patches(t, s.tea, `{"kind":"food"}`), 404},
			{"push out", s.cleo, s.patches(t, s.soup, `{"kind":"drink"}`), 403},
			{"patch within", s.cleo, s.patches(t, s.soup, `{"price":1}`), 200},
			{"remove beyond", s.cleo, func(who *gate.Principal) error { return err2(s.items.RemoveRow(as(t, who), s.tea, nil)) }, 404},
			{"push out as manager", s.max, s.patches(t, s.soup, `{"kind":"drink"}`), 200},
			{"order what is out of sight", s.ann, func(who *gate.Principal) error {
				return err2(s.orders.CreateRow(as(t, who), fmt.Appendf(nil, `{"itemId":%q}`, s.tea), nil))
			}, 400},
		} {
			if got := status(t, tt.do(tt.who)); got != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
			}
		}
		if row, err := s.items.Get(system(t), s.tea); err != nil || row.Kind != "drink" || row.Price.String() != "2.00" {
			t.Errorf("refused and done: %+v, %v", row, err)
		}
		if n := len(found(t, s.items, s.max, query.Query{Where: query.Term{Field: "name", Op: query.Eq, Value: "gin"}})); n != 0 {
			t.Error("refused and made")
		}
	})
}

func err2[T any](_ T, err error) error { return err }

func (s *shop) creates(t testing.TB, name, kind string) func(*gate.Principal) error {
	return func(who *gate.Principal) error {
		return err2(s.items.CreateRow(as(t, who), fmt.Appendf(nil, `{"name":%q,"price":1,"kind":%q}`, name, kind), nil))
	}
}

func (s *shop) patches(t testing.TB, id, body string) func(*gate.Principal) error {
	return func(who *gate.Principal) error { return err2(s.items.PatchRow(as(t, who), id, []byte(body), nil)) }
}

// TestAUZ03_hiddenByACondition: a row out of sight and one that is not there
// are answered with the same bytes.
func TestAUZ03_hiddenByACondition(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := conditioned(t, db, func(e *model.Entity) {
			e.Allow.View = nil
			e.Conditions = []model.Condition{{Action: "view", Rules: []string{"public"}, Where: where("kind", "food")}}
			e.Allow.Update, e.Allow.Delete = []string{"signed-in"}, []string{"signed-in"}
		}, nil)
		const missing = "01890000-0000-7000-8000-000000000000"
		for name, do := range map[string]func(id string) error{
			"get":       func(id string) error { return err2(s.items.GetRow(as(t, s.ann), id, nil)) },
			"patch":     func(id string) error { return s.patches(t, id, `{"price":3}`)(s.ann) },
			"bad patch": func(id string) error { return s.patches(t, id, `{"price":-3}`)(s.ann) },
			"put": func(id string) error {
				return err2(s.items.UpdateRow(as(t, s.ann), id, []byte(`{"name":"x","price":1}`), nil))
			},
			"remove": func(id string) error { return err2(s.items.RemoveRow(as(t, s.ann), id, nil)) },
		} {
			hidden, absent := do(s.tea), do(missing)
			if status(t, hidden) != http.StatusNotFound || strings.ReplaceAll(hidden.Error(), s.tea, missing) != absent.Error() {
				t.Errorf("%s: hidden %v, missing %v", name, hidden, absent)
			}
		}
	})
}

// TestAUZ04_fieldConditions: fields that are open in some rows.
func TestAUZ04_fieldConditions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := conditioned(t, db, func(e *model.Entity) {
			e.Fields[ItemImage].View = []string{"manager"}
			e.Conditions = []model.Condition{
				{Action: "view", Field: "cost", Rules: []string{"public"}, Where: where("kind", "drink")},
				{Action: "view", Field: "image", Rules: []string{"signed-in"}, Where: where("kind", "drink")},
				{Action: "update", Field: "price", Rules: []string{"clerk"}, Where: where("kind", "drink")},
				{Action: "create", Field: "price", Rules: []string{"clerk"}, Where: where("kind", "drink")},
			}
		}, nil)
		for _, tt := range []struct {
			who        *gate.Principal
			soup, tea  bool // cost
			soup2, te2 bool // image
		}{{nil, false, true, false, false}, {s.ann, false, true, false, true}, {s.max, true, true, true, true}} {
			for id, want := range map[string][2]bool{s.soup: {tt.soup, tt.soup2}, s.tea: {tt.tea, tt.te2}} {
				row, err := s.items.GetRow(as(t, tt.who), id, nil)
				if err != nil {
					t.Fatal(err)
				}
				m := members(t, row)
				_, cost := m["cost"]
				_, image := m["image"]
				if cost != want[0] || image != want[1] {
					t.Errorf("%v, %v: cost %t, image %t", tt.who, m["name"], cost, image)
				}
			}
		}
		oracle := query.Query{Where: query.Term{Field: "cost", Op: query.Gt, Value: "1"}}
		if _, err := s.items.FindRows(as(t, s.ann), &oracle); status(t, err) != http.StatusBadRequest {
			t.Errorf("filter by a field of some rows: %v", err)
		}
		if err := s.patches(t, s.soup, `{"price":3}`)(s.cleo); status(t, err) != http.StatusForbidden {
			t.Errorf("price of a soup: %v", err)
		}
		if err := s.patches(t, s.soup, `{"price":3,"kind":"drink"}`)(s.cleo); status(t, err) != http.StatusForbidden {
			t.Errorf("price of a soup that becomes a drink: %v", err)
		}
		if err := s.patches(t, s.tea, `{"price":3}`)(s.cleo); err != nil {
			t.Errorf("price of a tea: %v", err)
		}
		if err := s.creates(t, "pie", "food")(s.cleo); status(t, err) != http.StatusForbidden {
			t.Errorf("a new pie with a price: %v", err)
		}
		if err := s.creates(t, "gin", "drink")(s.cleo); err != nil {
			t.Errorf("a new gin with a price: %v", err)
		}
	})
}

// TestAUZ08_oneTakesIt: of many who take a row at once that only one may take,
// one does.
func TestAUZ08_oneTakesIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := conditioned(t, db, nil, func(e *model.Entity) {
			open := []string{"signed-in"}
			e.Fields[OrderBuyer].Update, e.Fields[OrderRating].Update = open, open
			e.Allow.Update = []string{"owner"}
			e.Conditions = []model.Condition{{Action: "update", Rules: open, Where: where("rating")}}
		})
		id := s.order(t, s.bob)
		people := make([]*gate.Principal, 8)
		for i := range people {
			people[i] = s.account(t, fmt.Sprintf("p%d@example.com", i), "customer", "support")
		}
		results := make([]error, len(people))
		var wg sync.WaitGroup
		for i, who := range people {
			wg.Go(func() {
				_, results[i] = s.orders.PatchRow(as(t, who), id, fmt.Appendf(nil, `{"buyerId":%q,"rating":1}`, who.Subject), nil)
			})
		}
		wg.Wait()
		winner := ""
		for i, err := range results {
			switch {
			case err == nil && winner == "":
				winner = people[i].Subject
			case err == nil:
				t.Error("two have taken it")
			case status(t, err) != http.StatusForbidden:
				t.Errorf("%v %v", err, problems(err))
			}
		}
		row, err := s.orders.Get(system(t), id)
		if err != nil || row.BuyerID != winner {
			t.Errorf("the row is %+v, %v; the winner %s", row, err, winner)
		}
	})
}

// TestConditions_agree draws conditions and rows: find, get and the snapshot of
// an event show the same rows, which are those of the meaning of the condition.
func TestConditions_agree(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run(t, db, sampleSchemas[db.Dialect()])
		policy, err := authz.NewPolicy([]authz.Role{{Name: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		open := newResource(t, db, policy, sampleEntity(model.CUID2), (*Sample).pointer)
		if err := crud.Link(open); err != nil {
			t.Fatal(err)
		}
		rows := samples(t, open, 40)
		who := &gate.Principal{Subject: "s"}
		rapid.Check(t, func(rt *rapid.T) {
			e := sampleEntity(model.CUID2)
			e.Allow = model.Allow{}
			for range rapid.IntRange(1, 3).Draw(rt, "alternatives") {
				clauses := drawClauses(rt, e)
				for _, action := range []string{"view", "list"} {
					e.Conditions = append(e.Conditions, model.Condition{Action: action, Rules: []string{"signed-in"}, Where: clauses})
				}
			}
			r := newResource(t, db, policy, e, (*Sample).pointer)
			if err := crud.Link(r); err != nil {
				rt.Fatal(err)
			}
			o := oracle{e: e}
			want := []string{}
			for _, row := range rows {
				if o.conditions(row) {
					want = append(want, row.ID)
				}
			}
			slices.Sort(want)
			if diff := gocmp.Diff(want, found(t, r, who, query.Query{Limit: 100})); diff != "" {
				rt.Fatalf("find, %+v: %s", e.Conditions, diff)
			}
			row := rapid.SampledFrom(rows).Draw(rt, "row")
			_, err := r.GetRow(as(t, who), row.ID, nil)
			snapshot, fault := r.Snapshot(system(t), row.ID)
			_, shown := snapshot.View(as(t, who))
			if in := slices.Contains(want, row.ID); (err == nil) != in || shown != in || fault != nil {
				rt.Fatalf("%+v: get %v, event %t, want %t; %v", e.Conditions, err, shown, in, fault)
			}
		})
	})
}

func drawClauses(t *rapid.T, e *model.Entity) []model.Clause {
	var exact, nullable []model.Field
	for _, f := range e.Fields {
		switch f.Type {
		case model.Text, model.Enum, model.Integer, model.DecimalType, model.Boolean, model.DateType:
			exact = append(exact, f)
		case model.JSON, model.Roles, model.Password:
			continue
		}
		if !f.Required {
			nullable = append(nullable, f)
		}
	}
	var list []model.Clause
	for range rapid.IntRange(1, 2).Draw(t, "clauses") {
		c := model.Clause{Not: rapid.Bool().Draw(t, "not")}
		if rapid.IntRange(0, 3).Draw(t, "null") == 0 {
			c.Field = rapid.SampledFrom(nullable).Draw(t, "field").Name
		} else {
			f := rapid.SampledFrom(exact).Draw(t, "field")
			c.Field = f.Name
			for range rapid.IntRange(1, 3).Draw(t, "values") {
				c.Values = append(c.Values, drawText(t, f.Type))
			}
		}
		list = append(list, c)
	}
	return list
}

// conditions reports whether one of the conditions of view holds.
func (o oracle) conditions(row *Sample) bool {
	return slices.ContainsFunc(o.e.Conditions, func(c model.Condition) bool {
		return c.Action == "view" && !slices.ContainsFunc(c.Where, func(clause model.Clause) bool {
			x := query.Term{Field: clause.Field, Op: query.In, Value: clause.Values}
			if len(clause.Values) == 0 {
				x.Op, x.Value = query.Null, true
			}
			return o.term(row, x) == clause.Not
		})
	})
}
