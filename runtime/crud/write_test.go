package crud_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestRoundTrip: every type comes back as it was sent, to the last digit.
func TestRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run(t, db, sampleSchemas[db.Dialect()])
		policy, err := authz.NewPolicy([]authz.Role{{Name: "a"}, {Name: "b"}})
		if err != nil {
			t.Fatal(err)
		}
		samples := newResource(t, db, policy, sampleEntity(model.ULID), (*Sample).pointer)
		if err := crud.Link(samples); err != nil {
			t.Fatal(err)
		}
		full := `"text":"é😀 \"x\"\n","must":" kept ","email":"Ann@Example.com","url":"https://example.com/?a=b","enum":"C","user":"Ann",` +
			`"parentId":null,"int":-9223372036854775808,"count":9007199254740993,"dec":-12345678901234.5678,"price":0.10,"float":0.1,"bool":false,` +
			`"date":"2024-02-29","time":"2026-11-21T11:45:40.123456Z","json":{"a":[1.50,"x",null]},"roles":["a","b"]`
		empty := `"text":null,"must":"x","email":null,"url":null,"enum":null,"user":null,"parentId":null,"int":null,"count":0,"dec":null,` +
			`"price":0.00,"float":null,"bool":null,"date":null,"time":null,"json":null,"roles":[]`
		for body, want := range map[string]string{"{" + full + "}": full, "{}": empty} {
			row, err := samples.CreateRow(system(t), []byte(body), nil)
			if err != nil {
				t.Fatalf("%v %v", err, problems(err))
			}
			again, err := samples.GetRow(as(t, nil), row.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []crud.Row{row, again} {
				got := strings.ReplaceAll(string(r.AppendJSON(nil)), `{"a": [1.50, "x", null]}`, `{"a":[1.50,"x",null]}`) // jsonb has its own blanks
				if before, _, _ := strings.Cut(got, `,"created":"20`); before != `{"id":"`+row.ID+`",`+want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
			put, err := samples.UpdateRow(system(t), row.ID, []byte(body), nil)
			if err != nil || put.ID != row.ID {
				t.Errorf("the same again: %v %v", err, problems(err))
			}
		}
	})
}

// TestUpdate_replaces: PUT sets what was not sent to its default, and keeps what
// the caller may not write.
func TestUpdate_replaces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		if _, err := s.items.PatchRow(as(t, s.max), s.soup, []byte(`{"kind":"drink","image":"https://example.com/a.png","cost":1.25}`), nil); err != nil {
			t.Fatal(err)
		}
		before, err := s.items.Get(system(t), s.soup)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.items.UpdateRow(as(t, s.cleo), s.soup, []byte(`{"name":"broth","price":5}`), nil); err != nil {
			t.Fatal(err)
		}
		after, err := s.items.Get(system(t), s.soup)
		if err != nil {
			t.Fatal(err)
		}
		if after.Kind != "food" || after.Image != nil || after.Name != "broth" || after.Price.String() != "5.00" {
			t.Errorf("not replaced: %+v", after)
		}
		if after.Cost == nil || after.Cost.String() != "1.25" || !after.CreatedAt.Equal(before.CreatedAt) || !after.UpdatedAt.After(before.UpdatedAt) {
			t.Errorf("not kept: %+v", after)
		}
		// One's own account keeps its password and roles.
		if _, err := s.users.UpdateRow(as(t, s.max), s.max.Subject, []byte(`{"email":"max2@example.com"}`), nil); err != nil {
			t.Fatal(err, problems(err))
		}
		var hash string
		q := "SELECT password FROM users WHERE id = $1"
		if err := db.Read().QueryRowContext(t.Context(), q, s.max.Subject).Scan(&hash); err != nil || hash != "hash of correct horse" {
			t.Errorf("password %q, %v", hash, err)
		}
		u, err := s.users.Get(system(t), s.max.Subject)
		if err != nil || !slices.Equal(u.Roles, s.max.Roles) {
			t.Errorf("roles %v, %v", u, err)
		}
	})
}

// TestPatch_nothing: a change that changes nothing writes nothing.
func TestPatch_nothing(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	before, err := s.items.Get(system(t), s.soup)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	s.items.OnChange(func(context.Context, crud.Changed) { told++ })
	for _, body := range []string{`{}`, `{"name":"soup"}`, `{"price":4.5}`} {
		if _, err := s.items.PatchRow(as(t, s.cleo), s.soup, []byte(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	after, err := s.items.Get(system(t), s.soup)
	if err != nil || !after.UpdatedAt.Equal(before.UpdatedAt) || told != 0 {
		t.Errorf("%+v after %+v, told %d times, %v", after, before, told, err)
	}
}

// TestHooks: code of the service runs inside the transaction, and its errors
// undo everything.
func TestHooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		var log []string
		var changes []crud.Changed
		s.items.OnChange(func(_ context.Context, c crud.Changed) { changes = append(changes, c) })
		s.orders.OnChange(func(_ context.Context, c crud.Changed) { changes = append(changes, c) })
		s.items.Before(authz.Create, func(_ context.Context, ch *crud.Change[Item]) error {
			if ch.Old != nil || !ch.Has(ItemName) || ch.Has(ItemKind) {
				t.Errorf("create: %+v", ch)
			}
			ch.Row.Name += "!"
			return nil
		})
		s.items.Before(authz.Update, func(_ context.Context, ch *crud.Change[Item]) error {
			log = append(log, ch.Old.Name+" becomes "+ch.Row.Name)
			if ch.Has(ItemPrice) {
				ch.Row.Kind = "drink" // not sent, but written
			}
			return nil
		})
		s.items.After(authz.Update, func(ctx context.Context, ch *crud.Change[Item]) error {
			// An order in the name of the service, in the same transaction.
			if _, err := s.orders.Create(authz.System(ctx), &crud.Change[Order]{
				Row: Order{BuyerID: s.ann.Subject, ItemID: ch.Row.ID, Amount: 2}, Set: model.Fields(OrderBuyer, OrderItem, OrderAmount),
			}); err != nil {
				return err
			}
			item, err := s.items.Get(ctx, ch.Row.ID) // sees what is not committed
			if err != nil || item.Name != ch.Row.Name {
				t.Errorf("inside: %+v, %v", item, err)
			}
			if tx, ok := crud.Tx(ctx, db); !ok {
				t.Error("no transaction")
			} else if _, err := tx.ExecContext(ctx, "UPDATE items SET kind = kind WHERE id = $1", ch.Row.ID); err != nil {
				t.Error(err)
			}
			if ch.Row.Name == "forbidden" {
				return &gate.Error{Status: 422, Message: "not that one"}
			}
			if ch.Row.Name == "fault" {
				return errors.New("broken")
			}
			return nil
		})
		count := func() int64 {
			page, err := s.orders.Find(system(t), &query.Query{CountOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			return page.Total
		}
		orders := count()

		created, err := s.items.CreateRow(as(t, s.cleo), []byte(`{"name":"cake","price":3}`), nil)
		if err != nil || members(t, created)["name"] != "cake!" {
			t.Fatalf("%v", err)
		}
		for name, want := range map[string]int{"forbidden": 422, "fault": 500} {
			if _, err := s.items.PatchRow(as(t, s.cleo), s.tea, []byte(`{"name":"`+name+`"}`), nil); status(t, err) != want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if item, err := s.items.Get(as(t, nil), s.tea); err != nil || item.Name != "tea" || count() != orders {
			t.Errorf("not undone: %+v, %v, %d orders", item, err, count()-orders)
		}
		row, err := s.items.PatchRow(as(t, s.cleo), s.tea, []byte(`{"name":"green tea","price":2.5}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		if m := members(t, row); m["kind"] != "drink" || count() != orders+1 {
			t.Errorf("%v, %d more orders", m, count()-orders)
		}
		if !slices.Contains(log, "tea becomes green tea") {
			t.Error(log)
		}
		// Nothing is told of what was undone, and all in order of what happened.
		var told []string
		for _, c := range changes {
			told = append(told, c.Action.String()+" "+c.Entity)
		}
		if diff := gocmp.Diff([]string{"create Item", "create Order", "update Item"}, told); diff != "" {
			t.Error(diff)
		}
		if last := changes[2]; last.ID != s.tea || last.Set != model.Fields(ItemName, ItemPrice, ItemKind, ItemUpdatedAt) {
			t.Errorf("%+v", last)
		}
	})
}

// TestHooks_invalid: what a hook sets must be valid, too.
func TestHooks_invalid(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	s.items.Before(authz.Create, func(_ context.Context, ch *crud.Change[Item]) error {
		ch.Row.Name = strings.Repeat("x", 101)
		return nil
	})
	s.items.Before(authz.Update, func(_ context.Context, ch *crud.Change[Item]) error {
		ch.Row.Price = model.MustDecimal("-1")
		return nil
	})
	_, err := s.items.CreateRow(as(t, s.cleo), []byte(`{}`), nil) // the hook gives a name, nobody a price
	if got := problems(err); !slices.Equal(got, []string{"price required", "name too_long"}) {
		t.Errorf("create: %v %v", err, got)
	}
	_, err = s.items.PatchRow(as(t, s.cleo), s.soup, []byte(`{"name":"x"}`), nil)
	if got := problems(err); !slices.Equal(got, []string{"price too_small"}) {
		t.Errorf("update: %v %v", err, got)
	}
	s.items.Before(authz.Delete, func(_ context.Context, ch *crud.Change[Item]) error {
		return &gate.Error{Status: 409, Message: "keep " + ch.Old.Name}
	})
	if _, err := s.items.Remove(as(t, s.max), s.tea); status(t, err) != 409 || !strings.Contains(err.Error(), "keep tea") {
		t.Errorf("delete: %v", err)
	}
	if _, err := s.items.Get(as(t, nil), s.tea); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}

func TestCreateRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		many := func(n int) string {
			var list []string
			for i := range n {
				list = append(list, fmt.Sprintf(`{"name":"bulk %d","price":%d}`, i, i))
			}
			return "[" + strings.Join(list, ",") + "]"
		}
		for _, tt := range []struct {
			name, body string
			who        *gate.Principal
			status     int
			problems   []string
		}{
			{"none", `[]`, s.cleo, 400, []string{" limit"}},
			{"no list", `{"name":"x"}`, s.cleo, 400, []string{" malformed"}},
			{"null", `null`, s.cleo, 400, []string{" malformed"}},
			{"too many", many(crud.MaxBulk + 1), s.cleo, 400, []string{" limit"}},
			{"nobody", many(1), nil, 401, nil},
			{"customer", many(1), s.ann, 403, nil},
			{"one is wrong", `[{"name":"a","price":1},{"name":"b","price":-1,"cost":1}]`, s.cleo, 400, []string{"[1].price too_small", "[1].cost forbidden"}},
			{"one is no object", `[{"name":"a","price":1},7]`, s.cleo, 400, []string{" malformed"}},
			{"one is twice", `[{"name":"a","price":1},{"name":"a","price":1}]`, s.cleo, 409, []string{"name taken"}},
			{"many", many(crud.MaxBulk), s.cleo, 200, nil},
		} {
			rows, err := s.items.CreateRows(as(t, tt.who), []byte(tt.body), []string{"name"})
			if got := status(t, err); got != tt.status {
				t.Errorf("%s: %d (%v), want %d", tt.name, got, err, tt.status)
			}
			if diff := gocmp.Diff(tt.problems, problems(err)); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
			if err == nil && (rows.Len() != crud.MaxBulk || !strings.HasPrefix(string(rows.AppendRow(nil, 7)), `{"id":"`) ||
				!strings.HasSuffix(string(rows.AppendRow(nil, 7)), `,"name":"bulk 7"}`)) {
				t.Errorf("%s: %s", tt.name, rows.AppendJSON(nil))
			}
		}
		page, err := s.items.Find(as(t, nil), &query.Query{CountOnly: true})
		if err != nil || page.Total != crud.MaxBulk+2 {
			t.Errorf("%+v, %v: all or none", page, err)
		}
		if _, err := s.users.CreateRows(as(t, nil), []byte(`[{"email":"eve@example.com","password":"long enough"}]`), nil); status(t, err) != 400 {
			t.Errorf("accounts in bulk: %v", err)
		}
	})
}

// TestAUZ12_manyObjects: a body that has too much in it is refused before it takes many
// times its room.
func TestAUZ12_manyObjects(t *testing.T) {
	var row strings.Builder
	for i := range 900 {
		fmt.Fprintf(&row, `,"f%d":0`, i)
	}
	unknown := "{" + row.String()[1:] + "}"
	const n = 100_000
	many := "[" + strings.TrimSuffix(strings.Repeat("{},", n), ",") + "]"
	s, w := newShop(t, storetest.SQLite(t)), newTown(t, storetest.SQLite(t))
	for _, tt := range []struct {
		name, problem string
		do            func() error
	}{
		{"rows", " limit", func() error {
			_, err := s.items.CreateRows(as(t, s.cleo), []byte(many), nil)
			return err
		}},
		{"rows of unknown fields", "", func() error {
			_, err := s.items.CreateRows(as(t, s.cleo), []byte("["+unknown+strings.Repeat(","+unknown, crud.MaxBulk-1)+"]"), nil)
			return err
		}},
		{"nested rows", "dishes.connect limit", func() error { return w.write(w.max, "Restaurant", "ROMA", `{"dishes":{"connect":`+many+`}}`) }},
	} {
		var err error
		if got := testing.AllocsPerRun(1, func() { err = tt.do() }); got > n/3 {
			t.Errorf("%s: %v allocations", tt.name, got)
		}
		if diff := gocmp.Diff([]string{tt.problem}, problems(err)); diff != "" && tt.problem != "" || err == nil {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// TestSet_typed: code of the service is held to the same rules.
func TestSet_typed(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	cost := model.MustDecimal("1")
	ch := &crud.Change[Item]{Row: Item{Name: "x", Price: model.MustDecimal("1.005"), Cost: &cost}, Set: model.Fields(ItemName, ItemPrice, ItemCost)}
	_, err := s.items.Create(as(t, s.cleo), ch)
	if got := problems(err); !slices.Equal(got, []string{"price precision", "cost forbidden"}) {
		t.Errorf("%v %v", err, got)
	}
	_, err = s.items.Create(system(t), ch)
	if got := problems(err); !slices.Equal(got, []string{"price precision"}) {
		t.Errorf("the service itself is not above validation: %v %v", err, got)
	}
	ch.Row.Price = model.MustDecimal("1.5")
	item, err := s.items.Create(system(t), ch)
	if err != nil || item.Price.String() != "1.50" || item.Cost == nil || item.Kind != "food" || ch.Row.ID != "" {
		t.Errorf("%+v, %v; the change is %+v", item, err, ch)
	}
	item, err = s.items.Get(as(t, s.cleo), item.ID)
	if err != nil || item.Cost != nil {
		t.Errorf("the clerk gets %+v, %v", item, err)
	}
	item, err = s.items.Patch(as(t, s.cleo), item.ID, &crud.Change[Item]{Row: Item{Name: "y", Kind: "no kind"}, Set: model.Fields(ItemName)})
	if err != nil || item.Name != "y" || item.Kind != "food" || item.Cost != nil {
		t.Errorf("%+v, %v", item, err)
	}
	page, err := s.items.Find(as(t, s.cleo), &query.Query{Where: query.Term{Field: "name", Op: query.Eq, Value: "y"}, Select: []string{"name"}})
	if err != nil || page.Total != 1 || page.Data[0].Name != "y" || page.Data[0].Kind != "" {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestLink: what is not set up refuses to start.
func TestLink(t *testing.T) {
	db := storetest.SQLite(t)
	s := unlinked(t, db)
	if _, err := s.items.GetRow(as(t, nil), "x", nil); status(t, err) != 500 {
		t.Errorf("used before it was linked: %v", err)
	}
	if err := crud.Link(s.orders, s.items); err == nil || !strings.Contains(err.Error(), "points to User") {
		t.Errorf("a target is missing: %v", err)
	}
	if err := crud.Link(s.items, s.items); err == nil {
		t.Error("the same twice")
	}
	bare := newResource(t, db, s.policy, userEntity(), (*User).pointer)
	if err := crud.Link(bare); err == nil || !strings.Contains(err.Error(), "hash") {
		t.Errorf("nothing to hash with: %v", err)
	}
	serial := orderEntity()
	serial.Fields[OrderItem].ID = model.ULID
	orders := newResource(t, db, s.policy, serial, (*Order).pointer)
	if err := crud.Link(s.users, s.items, orders); err == nil || !strings.Contains(err.Error(), "ulid") {
		t.Errorf("a key of another kind: %v", err)
	}
}

func TestNew_refuses(t *testing.T) {
	db := storetest.SQLite(t)
	policy := unlinked(t, db).policy
	for name, change := range map[string]func(*model.Entity){
		"a rule that is none":         func(e *model.Entity) { e.Allow.View = []string{"Not A Rule"} },
		"a role that does not exist":  func(e *model.Entity) { e.Allow.View = []string{"emperor"} },
		"an owner that is not there":  func(e *model.Entity) { e.Allow.Update = []string{"owner"} },
		"a field rule that is none":   func(e *model.Entity) { e.Fields[ItemCost].View = []string{"!"} },
		"an owner of a field":         func(e *model.Entity) { e.Fields[ItemCost].View = []string{"owner"} },
		"another type than the row's": func(e *model.Entity) { e.Fields[ItemName].Type = model.Integer },
		"optional in the design":      func(e *model.Entity) { e.Fields[ItemName].Required = false },
		"more fields than the row": func(e *model.Entity) {
			e.Fields = append(e.Fields, model.Field{Name: "x", Column: "x", Type: model.Text})
		},
	} {
		e := itemEntity()
		change(e)
		if _, err := crud.New(db, policy, e, (*Item).pointer); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := crud.New[Item](nil, nil, nil, nil); err == nil {
		t.Error("nothing was taken")
	}
}

// TestPatch_atOnce: changes of one row do not undo each other.
func TestPatch_atOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.orders.Before(authz.Update, func(_ context.Context, ch *crud.Change[Order]) error {
			if ch.Has(OrderNote) {
				ch.Row.Amount = ch.Old.Amount + 1
			}
			return nil
		})
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if _, err := s.orders.PatchRow(as(t, s.ann), s.annOrder, fmt.Appendf(nil, `{"note":"%d"}`, i), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		order, err := s.orders.Get(as(t, s.ann), s.annOrder)
		if err != nil || order.Amount != 9 {
			t.Errorf("%+v, %v; want an amount of 9", order, err)
		}
	})
}

// TestAUZ16_lastTwoAtOnce: two who can give roles cannot remove each other.
func TestAUZ16_lastTwoAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		mia := s.account(t, "mia@example.com", "customer", "clerk", "manager")
		// Both stand between check and write, if nothing keeps them from it.
		var arrived atomic.Int32
		both := make(chan struct{})
		s.users.Before(authz.Update, func(context.Context, *crud.Change[User]) error {
			if arrived.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-time.After(300 * time.Millisecond):
			}
			return nil
		})
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, pair := range [][2]*gate.Principal{{s.max, mia}, {mia, s.max}} {
			wg.Go(func() {
				_, errs[i] = s.users.PatchRow(as(t, pair[0]), pair[1].Subject, []byte(`{"roles":["customer"]}`), nil)
			})
		}
		wg.Wait()
		left := 0
		for _, p := range []*gate.Principal{s.max, mia} {
			u, err := s.users.Get(system(t), p.Subject)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(u.Roles, "manager") {
				left++
			}
		}
		if left == 0 {
			t.Errorf("nobody is left who can give roles: %v", errs)
		}
		for _, err := range errs {
			if got := status(t, err); got != 200 && got != 409 && got != 503 {
				t.Errorf("%d: %v", got, err)
			}
		}
	})
}

// TestAUZ12_timeout: a question that takes too long gets no answer, and the
// database is free again.
func TestAUZ12_timeout(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		run(t, db, `ALTER TABLE items RENAME TO real_items;
CREATE VIEW items AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
  SELECT r.*, i FROM real_items AS r CROSS JOIN n`)
		s.items.SetTimeout(50 * time.Millisecond)
		start := time.Now()
		if _, err := s.items.FindRows(as(t, nil), &query.Query{}); status(t, err) != 503 {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		if _, err := s.orders.FindRows(as(t, s.ann), &query.Query{}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// TestCreate_missingOnce: a field that neither the body nor a hook has filled is
// missing, and not wrong as well.
func TestCreate_missingOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.items.Before(authz.Create, func(context.Context, *crud.Change[Item]) error { return nil })
		_, err := s.items.CreateRow(as(t, s.max), []byte(`{}`), nil)
		e, ok := errors.AsType[*gate.Error](err)
		if !ok {
			t.Fatal(err)
		}
		problems, ok := e.Errors.(model.Problems)
		if !ok || len(problems) == 0 {
			t.Fatalf("%#v", e.Errors)
		}
		said := map[string]string{}
		for _, p := range problems {
			if said[p.Field] != "" {
				t.Errorf("%s %s, and %s", p.Field, said[p.Field], p.Message)
			}
			said[p.Field] = p.Message
		}
	})
}
