package crud_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ01_matrix tries every action as everybody, on every entity.
func TestAUZ01_matrix(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ghost := &gate.Principal{Subject: s.ann.Subject, Roles: []string{"ghost"}}
		noRole := &gate.Principal{Subject: s.bob.Subject}
		callers := []struct {
			name string
			who  *gate.Principal
		}{{"nobody", nil}, {"ghost", ghost}, {"noRole", noRole}, {"ann", s.ann}, {"bob", s.bob}, {"clerk", s.cleo}, {"manager", s.max}}
		// One column for each caller, in that order. Writes are tried with a
		// body that is wrong, so that nothing changes: 400 is a yes.
		want := map[string][]int{
			"item get":     {200, 200, 200, 200, 200, 200, 200},
			"item find":    {200, 200, 200, 200, 200, 200, 200},
			"item create":  {401, 403, 403, 403, 403, 400, 400},
			"item update":  {401, 403, 403, 403, 403, 400, 400},
			"item remove":  {401, 403, 403, 403, 403, 403, 409},
			"order get":    {401, 200, 200, 200, 200, 200, 200}, // an order of ann's
			"order find":   {401, 200, 200, 200, 200, 200, 200},
			"order create": {401, 400, 400, 400, 400, 400, 400},
			"order update": {401, 400, 403, 400, 403, 403, 400},
			"user get":     {401, 200, 404, 200, 404, 404, 200}, // ann's account
			"user find":    {401, 403, 403, 403, 403, 403, 200},
			"user create":  {400, 400, 400, 400, 400, 400, 400},
			"user update":  {401, 400, 404, 400, 404, 404, 400},
			"user remove":  {401, 409, 404, 409, 404, 404, 409}, // the order is hers
		}
		services := map[string]struct {
			crud.Service
			id string
		}{"item": {s.items, s.soup}, "order": {s.orders, s.annOrder}, "user": {s.users, s.ann.Subject}}
		wrong := []byte(`{"nonsense":1}`)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			entity, action, _ := strings.Cut(name, " ")
			r := services[entity]
			for i, c := range callers {
				ctx, err := as(t, c.who), error(nil)
				switch action {
				case "get":
					_, err = r.GetRow(ctx, r.id, nil)
				case "find":
					_, err = r.FindRows(ctx, &query.Query{})
				case "create":
					_, err = r.CreateRow(ctx, wrong, nil)
				case "update":
					_, err = r.PatchRow(ctx, r.id, wrong, nil)
					_, err2 := r.UpdateRow(ctx, r.id, wrong, nil)
					if status(t, err) != status(t, err2) {
						t.Errorf("%s as %s: PATCH %v, PUT %v", name, c.name, err, err2)
					}
				case "remove":
					_, err = r.RemoveRow(ctx, r.id, nil)
				}
				if got := status(t, err); got != want[name][i] {
					t.Errorf("%s as %s: %d (%v), want %d", name, c.name, got, err, want[name][i])
				}
			}
		}
	})
}

// TestAUZ04_fields sends every field as everybody and looks which are shown.
func TestAUZ04_fields(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		tests := []struct {
			name  string
			who   *gate.Principal
			get   crud.Service
			id    string
			shown string
		}{
			{"item as nobody", nil, s.items, s.soup, "createdAt id image kind name price updatedAt"},
			{"item as clerk", s.cleo, s.items, s.soup, "createdAt id image kind name price updatedAt"},
			{"item as manager", s.max, s.items, s.soup, "cost createdAt id image kind name price updatedAt"},
			{"own order", s.ann, s.orders, s.annOrder, "amount buyerId id itemId note paid rating"},
			{"other's order", s.ann, s.orders, s.bobOrder, "amount buyerId id itemId paid rating"},
			{"other's order as manager", s.max, s.orders, s.bobOrder, "amount buyerId id itemId paid rating"},
			{"own account", s.ann, s.users, s.ann.Subject, "email id name roles"},
			{"AUZ06 account as manager", s.max, s.users, s.ann.Subject, "email id name roles"},
		}
		for _, tt := range tests {
			row, err := tt.get.GetRow(as(t, tt.who), tt.id, nil)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			got := strings.Join(slices.Sorted(maps.Keys(members(t, row))), " ")
			if got != tt.shown {
				t.Errorf("%s shows %s, want %s", tt.name, got, tt.shown)
			}
		}
	})
}

func TestAUZ04_writes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		tests := []struct {
			name     string
			who      *gate.Principal
			service  crud.Service
			id       string // "" creates
			body     string
			status   int
			problems []string
		}{
			{"all wrong at once", s.cleo, s.items, "", `{"id":"x","createdAt":"2026-01-01T00:00:00Z","cost":1,"name":"","price":-1,"hack":true,"kind":"tool"}`, 400, []string{
				"id read_only", "createdAt read_only", "cost forbidden", "name too_short", "price too_small", "hack unknown", "kind not_in_list",
			}},
			{"only rights are missing", s.cleo, s.items, "", `{"name":"x","price":1,"cost":1}`, 403, []string{"cost forbidden"}},
			{"missing", s.cleo, s.items, "", `{}`, 400, []string{"name required", "price required"}},
			{"null", s.cleo, s.items, "", `{"name":null,"price":null}`, 400, []string{"name required", "price required"}},
			{"patch a forbidden field", s.cleo, s.items, s.soup, `{"cost":1}`, 403, []string{"cost forbidden"}},
			{"patch another id", s.cleo, s.items, s.soup, `{"id":"` + s.tea + `"}`, 400, []string{"id read_only"}},
			{"patch with its id", s.cleo, s.items, s.soup, `{"id":"` + s.soup + `"}`, 200, nil},
			{"put without required", s.cleo, s.items, s.soup, `{"kind":"food"}`, 400, []string{"name required", "price required"}},
			{"owner on create", s.ann, s.orders, "", `{"buyerId":"` + s.bob.Subject + `","itemId":"` + s.soup + `"}`, 400, []string{"buyerId read_only"}},
			{"give away", s.ann, s.orders, s.annOrder, `{"buyerId":"` + s.bob.Subject + `"}`, 400, []string{"buyerId read_only"}},
			{"nobody's field", s.ann, s.orders, "", `{"itemId":"` + s.soup + `","rating":5}`, 403, []string{"rating forbidden"}},
			{"manager's field", s.ann, s.orders, s.annOrder, `{"paid":true}`, 403, []string{"paid forbidden"}},
			{"owner's field as manager", s.max, s.orders, s.annOrder, `{"rating":5}`, 403, []string{"rating forbidden"}},
			{"owner's field as owner", s.ann, s.orders, s.annOrder, `{"rating":5}`, 200, nil},
			{"sign-up as manager", nil, s.users, "", `{"email":"eve@example.com","password":"long enough","roles":["manager"]}`, 403, []string{"roles forbidden"}},
			{"sign-up over somebody", nil, s.users, "", `{"id":"` + s.ann.Subject + `","email":"eve@example.com","password":"long enough"}`, 400, []string{"id read_only"}},
			{"weak password", nil, s.users, "", `{"email":"eve@example.com","password":"short"}`, 400, []string{"password weak"}},
			{"password like the address", nil, s.users, "", `{"email":"eve@example.com","password":"eve@example.com1"}`, 400, []string{"password weak"}},
			{"not an object", s.cleo, s.items, "", `[]`, 400, []string{" malformed"}},
			{"twice", s.cleo, s.items, "", `{"name":"a","name":"b"}`, 400, []string{" malformed"}},
			{"proto", s.cleo, s.items, s.soup, `{"__proto__":{"roles":["manager"]}}`, 400, []string{"__proto__ unknown"}},
			{"S2 nested", s.cleo, s.items, s.soup, `{"orders":{"update":{"where":{"id":1},"data":{"paid":true}}}}`, 400, []string{"orders unknown"}},
			{"S3 nested", s.ann, s.orders, "", `{"item":{"create":{"name":"x","price":0}},"itemId":"` + s.soup + `"}`, 400, []string{"item unknown"}},
			{"key of nothing", s.ann, s.orders, "", `{"itemId":"01890000-0000-7000-8000-000000000000"}`, 400, []string{"itemId not_found"}},
			{"key that is none", s.ann, s.orders, "", `{"itemId":"' OR 1=1"}`, 400, []string{"itemId format"}},
		}
		for _, tt := range tests {
			var err error
			if tt.id == "" {
				_, err = tt.service.CreateRow(as(t, tt.who), []byte(tt.body), nil)
			} else if strings.HasPrefix(tt.name, "put") {
				_, err = tt.service.UpdateRow(as(t, tt.who), tt.id, []byte(tt.body), nil)
			} else {
				_, err = tt.service.PatchRow(as(t, tt.who), tt.id, []byte(tt.body), nil)
			}
			if got := status(t, err); got != tt.status {
				t.Errorf("%s: %d (%v), want %d", tt.name, got, err, tt.status)
			}
			if diff := gocmp.Diff(tt.problems, problems(err)); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
		}
	})
}

// TestAUZ05_oracles asks by fields that one may not read: S1, S6 and S10.
func TestAUZ05_oracles(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	unknown := func(name string) []query.Query {
		return []query.Query{
			{Where: query.Term{Field: name, Op: query.Gte, Value: "1"}},
			{Where: query.Term{Field: name, Op: query.StartsWith, Value: "ab"}},
			{Where: query.Not{Expr: query.Or{query.Term{Field: name, Op: query.Null, Value: true}}}},
			{Sort: []query.Sort{{Field: name}}},
			{Select: []string{name}},
		}
	}
	for _, tt := range []struct {
		who     *gate.Principal
		service crud.Service
		field   string
	}{
		{nil, s.items, "cost"},
		{s.cleo, s.items, "cost"},
		{s.max, s.users, "password"},
		{s.ann, s.orders, "note"},
		{s.max, s.orders, "note"},
		{nil, s.items, "t1.password"},
		{nil, s.items, "owner.password"},
		{nil, s.items, `name" OR 1=1 --`},
	} {
		hidden, bogus := unknown(tt.field), unknown("bogus")
		for i := range hidden {
			if tt.field == "note" && hidden[i].Select != nil {
				continue // readable in one's own rows, and shown there
			}
			_, err := tt.service.FindRows(as(t, tt.who), &hidden[i])
			_, want := tt.service.FindRows(as(t, tt.who), &bogus[i])
			if status(t, err) != http.StatusBadRequest || status(t, want) != http.StatusBadRequest {
				t.Errorf("%s, query %d: %v and %v", tt.field, i, err, want)
			}
			if got := strings.ReplaceAll(fmt.Sprint(err, problems(err)), tt.field, "bogus"); got != fmt.Sprint(want, problems(want)) {
				t.Errorf("%s, query %d: %s, an unknown field: %v", tt.field, i, got, want)
			}
		}
	}
	rows, err := s.orders.FindRows(as(t, s.ann), &query.Query{Select: []string{"note", "amount"}})
	if want := `[{"id":1,"amount":1,"note":"no salt"},{"id":2,"amount":1}]`; err != nil || string(rows.AppendJSON(nil)) != want {
		t.Errorf("select of a field of one's own rows: %s, %v", rows.AppendJSON(nil), err)
	}
	if _, err := s.items.GetRow(as(t, s.cleo), s.soup, &query.Selection{Fields: []string{"cost"}}); status(t, err) != http.StatusBadRequest {
		t.Errorf("select of a hidden field: %v", err)
	}
	if _, err := s.items.FindRows(as(t, s.max), &query.Query{Sort: []query.Sort{{Field: "cost"}}, Where: query.Term{Field: "cost", Op: query.Gt, Value: "1"}}); err != nil {
		t.Errorf("those who may read the cost: %v", err)
	}
}

// TestAUZ03_swappedIDs: what is out of sight answers as what is not there.
func TestAUZ03_swappedIDs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ids := []string{s.bob.Subject, "01890000-0000-7000-8000-000000000000", "", "1", "' OR '1'='1", strings.Repeat("x", 1000)}
		ctx := as(t, s.ann)
		for _, id := range ids {
			_, get := s.users.GetRow(ctx, id, nil)
			_, patch := s.users.PatchRow(ctx, id, []byte(`{"name":"x"}`), nil)
			_, put := s.users.UpdateRow(ctx, id, []byte(`{"email":"x@example.com"}`), nil)
			_, remove := s.users.RemoveRow(ctx, id, nil)
			for _, err := range []error{get, patch, put, remove} {
				if got := status(t, err); got != http.StatusNotFound {
					t.Errorf("%.20q: %d (%v)", id, got, err)
				}
				if text := fmt.Sprint(err); text != fmt.Sprint(get) {
					t.Errorf("%.20q: %s, get says %v", id, text, get)
				}
			}
		}
		// A row that is seen may still not be changed by others.
		_, err := s.orders.PatchRow(ctx, s.bobOrder, []byte(`{"note":"mine"}`), nil)
		if got := status(t, err); got != http.StatusForbidden {
			t.Errorf("change of an order of somebody else: %d", got)
		}
		_, err = s.orders.RemoveRow(as(t, s.max), s.bobOrder, nil)
		if got := status(t, err); got != http.StatusForbidden {
			t.Errorf("removal of an order of somebody else: %d", got)
		}
	})
}

// TestAUZ10_totals: what one may not list is not counted.
func TestAUZ10_totals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		policy := unlinked(t, db).policy
		e := orderEntity()
		e.Allow.List = []string{"owner"}
		users := newResource(t, db, policy, userEntity(), (*User).pointer)
		users.UsePasswords(hasher{})
		items := newResource(t, db, policy, itemEntity(), (*Item).pointer)
		orders := newResource(t, db, policy, e, (*Order).pointer)
		if err := crud.Link(users, items, orders); err != nil {
			t.Fatal(err)
		}
		s := &shop{db: db, users: users, items: items, orders: orders}
		s.soup = s.item(t, "soup", "1", "1")
		s.ann, s.bob = s.account(t, "ann@example.com"), s.account(t, "bob@example.com")
		for range 3 {
			s.order(t, s.ann)
			s.order(t, s.bob)
		}
		for _, q := range []query.Query{{}, {Limit: 1}, {CountOnly: true}, {Skip: 2}, {Where: query.Term{Field: "note", Op: query.Eq, Value: "no salt"}}} {
			rows, err := orders.FindRows(as(t, s.ann), &q)
			if err != nil {
				t.Fatal(err)
			}
			if rows.Total != 3 {
				t.Errorf("%+v: total %d, want 3", q, rows.Total)
			}
			if body := string(rows.AppendJSON(nil)); strings.Contains(body, s.bob.Subject) {
				t.Errorf("%+v shows %s", q, body)
			}
		}
	})
}

// TestAUZ06_canary: the hash of a password is in no answer and no error.
func TestAUZ06_canary(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	ctx := as(t, s.max)
	var said []string
	say := func(v any, err error) {
		if row, ok := v.(crud.Row); ok && err == nil {
			said = append(said, string(row.AppendJSON(nil)))
		}
		said = append(said, fmt.Sprintf("%+v %+v %v", v, err, problems(err)))
	}
	ok := func(v crud.Row, err error) { say(v, err) }
	ok(s.users.GetRow(ctx, s.ann.Subject, nil))
	ok(s.users.PatchRow(ctx, s.ann.Subject, []byte(`{"name":"Ann"}`), nil))
	ok(s.users.CreateRow(ctx, []byte(`{"email":"ann@example.com","password":"correct horse"}`), nil))
	ok(s.users.CreateRow(as(t, nil), []byte(`{"email":"eve@example.com","password":"correct horse"}`), nil))
	ok(s.users.PatchRow(as(t, s.ann), s.ann.Subject, []byte(`{"password":"correct horse 2"}`), nil))
	row, err := s.users.Get(system(t), s.ann.Subject)
	say(*row, err)
	page, err := s.users.Find(system(t), &query.Query{})
	say(page.Data, err)
	rows, err := s.users.FindRows(system(t), &query.Query{})
	say(string(rows.AppendJSON(nil)), err)
	for _, text := range said {
		if strings.Contains(text, "correct horse") {
			t.Errorf("a password or its hash in %s", text)
		}
	}
	// Out of sight, the maker gets the id and what was sent.
	row2, err := s.users.CreateRow(as(t, nil), []byte(`{"email":"fay@example.com","password":"correct horse"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(members(t, row2)))
	if diff := gocmp.Diff([]string{"email", "id"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestAUZ08_rows: an update is judged on the row before and after it.
func TestAUZ08_rows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		policy := unlinked(t, db).policy
		e := orderEntity()
		e.Fields[OrderBuyer].Update = []string{"signed-in"} // the field opens; the row does not
		e.Fields[OrderBuyer].Create = []string{"signed-in"}
		e.Allow.Create = []string{"owner", "manager"}
		users := newResource(t, db, policy, userEntity(), (*User).pointer)
		users.UsePasswords(hasher{})
		items := newResource(t, db, policy, itemEntity(), (*Item).pointer)
		orders := newResource(t, db, policy, e, (*Order).pointer)
		if err := crud.Link(users, items, orders); err != nil {
			t.Fatal(err)
		}
		s := &shop{db: db, users: users, items: items, orders: orders}
		s.soup = s.item(t, "soup", "1", "1")
		s.ann, s.bob = s.account(t, "ann@example.com"), s.account(t, "bob@example.com")
		s.max = s.account(t, "max@example.com", "manager")
		mine, theirs := s.order(t, s.ann), s.order(t, s.bob)
		toBob, toAnn := []byte(`{"buyerId":"`+s.bob.Subject+`"}`), []byte(`{"buyerId":"`+s.ann.Subject+`"}`)

		if _, err := orders.PatchRow(as(t, s.ann), mine, toBob, nil); status(t, err) != 403 {
			t.Errorf("give away: %v", err)
		}
		if _, err := orders.PatchRow(as(t, s.ann), theirs, toAnn, nil); status(t, err) != 403 {
			t.Errorf("take over: %v", err)
		}
		body := fmt.Appendf(nil, `{"itemId":%q,"buyerId":%q}`, s.soup, s.bob.Subject)
		if _, err := orders.CreateRow(as(t, s.ann), body, nil); status(t, err) != 403 {
			t.Errorf("create for another: %v", err)
		}
		if _, err := orders.PatchRow(as(t, s.max), mine, toBob, nil); err != nil {
			t.Errorf("move as manager: %v", err)
		}
		if _, err := orders.CreateRow(as(t, s.max), body, nil); err != nil {
			t.Errorf("create for another as manager: %v", err)
		}
	})
}

// TestAUZ07_keys: a key may only point to a row that the writer may get, and a
// row out of sight is refused as one that is not there.
func TestAUZ07_keys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		policy := unlinked(t, db).policy
		e := orderEntity()
		e.Fields[OrderBuyer].Update, e.Fields[OrderBuyer].Create = []string{"signed-in"}, []string{"signed-in"}
		e.Allow.Update = []string{"signed-in"}
		users := newResource(t, db, policy, userEntity(), (*User).pointer)
		users.UsePasswords(hasher{})
		items := newResource(t, db, policy, itemEntity(), (*Item).pointer)
		orders := newResource(t, db, policy, e, (*Order).pointer)
		if err := crud.Link(users, items, orders); err != nil {
			t.Fatal(err)
		}
		s := &shop{db: db, users: users, items: items, orders: orders}
		s.soup = s.item(t, "soup", "1", "1")
		s.ann, s.bob = s.account(t, "ann@example.com"), s.account(t, "bob@example.com")
		s.max = s.account(t, "max@example.com", "manager")
		mine := s.order(t, s.ann)
		to := func(id string) []byte { return fmt.Appendf(nil, `{"buyerId":%q,"itemId":%q}`, id, s.soup) }
		for _, id := range []string{s.bob.Subject, "01890000-0000-7000-8000-000000000000"} {
			_, create := orders.CreateRow(as(t, s.ann), to(id), nil)
			_, patch := orders.PatchRow(as(t, s.ann), mine, to(id), nil)
			_, put := orders.UpdateRow(as(t, s.ann), mine, to(id), nil)
			for _, err := range []error{create, patch, put} {
				if status(t, err) != 400 || !slices.Equal(problems(err), []string{"buyerId not_found"}) {
					t.Errorf("%s: %v %v", id, err, problems(err))
				}
			}
		}
		if _, err := orders.CreateRow(as(t, s.ann), to(s.ann.Subject), nil); err != nil {
			t.Errorf("a key of one's own row: %v", err)
		}
		if _, err := orders.PatchRow(as(t, s.max), mine, to(s.bob.Subject), nil); err != nil {
			t.Errorf("a key of a row in sight: %v", err)
		}
	})
}

// TestAUZ16_roles: who may make whom what.
func TestAUZ16_roles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		root := s.account(t, "root@example.com", "root")
		support := s.account(t, "sue@example.com", "support")
		tests := []struct {
			name string
			who  *gate.Principal
			id   string
			body string
			want int
		}{
			{"a role that one lacks", root, s.ann.Subject, `{"roles":["customer","manager"]}`, 403},
			{"a role with fewer permissions that one lacks", root, s.ann.Subject, `{"roles":["customer","support"]}`, 403},
			{"a role that does not exist", root, s.ann.Subject, `{"roles":["emperor"]}`, 400},
			{"one's own roles", s.max, s.max.Subject, `{"roles":["customer","clerk"]}`, 403},
			{"one's own roles, more", s.ann, s.ann.Subject, `{"roles":["manager"]}`, 403},
			{"without the right", support, s.ann.Subject, `{"roles":["support"]}`, 403},
			{"take what one lacks", root, s.cleo.Subject, `{"roles":["customer"]}`, 403},
			{"password of a manager", support, s.max.Subject, `{"password":"new password"}`, 403},
			{"address of a manager", support, s.max.Subject, `{"email":"mine@example.com"}`, 403},
			{"name of a manager", support, s.max.Subject, `{"name":"Max"}`, 200},
			{"password of a customer", support, s.ann.Subject, `{"password":"new password"}`, 200},
			{"a role that one has", s.max, s.ann.Subject, `{"roles":["customer","clerk"]}`, 200},
			{"take a role that one has", s.max, s.ann.Subject, `{"roles":["customer"]}`, 200},
			{"roles as they are", s.max, s.max.Subject, `{"roles":["customer","clerk","manager"]}`, 200},
		}
		for _, tt := range tests {
			_, err := s.users.PatchRow(as(t, tt.who), tt.id, []byte(tt.body), nil)
			if got := status(t, err); got != tt.want {
				t.Errorf("%s: %d (%v), want %d", tt.name, got, err, tt.want)
			}
		}
		if _, err := s.users.RemoveRow(as(t, support), s.max.Subject, nil); status(t, err) != 403 {
			t.Errorf("removal of a manager: %v", err)
		}
		// root and max can give roles, but max not the role of root: the last root
		// stays, and cannot be lowered either.
		if _, err := s.users.Remove(as(t, root), root.Subject); status(t, err) != 409 {
			t.Errorf("removal of the last who can give a role: %v", err)
		}
		second := s.account(t, "rob@example.com", "root")
		if _, err := s.users.Remove(as(t, root), root.Subject); err != nil {
			t.Fatal(err)
		}
		if _, err := s.users.Remove(as(t, second), second.Subject); status(t, err) != 409 {
			t.Errorf("removal of the second, now the last: %v", err)
		}
		// When root is gone, max must stay.
		if _, err := s.users.Remove(system(t), second.Subject); err != nil {
			t.Fatal(err)
		}
		if _, err := s.users.Remove(as(t, s.max), s.max.Subject); status(t, err) != 409 {
			t.Errorf("removal of the last manager: %v", err)
		}
		other := s.account(t, "mia@example.com", "manager")
		if _, err := s.users.Remove(as(t, s.max), s.max.Subject); err != nil {
			t.Errorf("removal of a manager when there is another: %v", err)
		}
		if _, err := s.users.Patch(system(t), other.Subject, &crud.Change[User]{
			Row: User{Roles: []string{"customer"}}, Set: model.Fields(UserRoles),
		}); err != nil {
			t.Errorf("the service itself: %v", err)
		}
		u, err := s.users.CreateRow(as(t, nil), []byte(`{"email":"new@example.com","password":"long enough"}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		created, err := s.users.Get(system(t), u.ID)
		if err != nil || !slices.Equal(created.Roles, []string{"customer"}) {
			t.Errorf("roles after sign-up: %v, %v", created, err)
		}
	})
}

// TestConflicts: what is taken, and what others need.
func TestConflicts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		_, err := s.users.CreateRow(as(t, nil), []byte(`{"email":"ANN@example.com","password":"long enough"}`), nil)
		if status(t, err) != 409 || !slices.Equal(problems(err), []string{"email taken"}) {
			t.Errorf("taken address: %v %v", err, problems(err))
		}
		_, err = s.items.PatchRow(as(t, s.cleo), s.soup, []byte(`{"name":"tea"}`), nil)
		if status(t, err) != 409 || !slices.Equal(problems(err), []string{"name taken"}) {
			t.Errorf("taken name: %v %v", err, problems(err))
		}
		if e := fmt.Sprint(err); strings.Contains(e, "tea") {
			t.Errorf("the value in %s", e)
		}
		_, err = s.items.RemoveRow(as(t, s.max), s.soup, nil)
		if status(t, err) != 409 || cmp.Or(problems(err)...) != "" {
			t.Errorf("removal of an item that is ordered: %v", err)
		}
		if _, err := s.items.RemoveRow(as(t, s.max), s.tea, nil); err != nil {
			t.Errorf("removal of an item that is not: %v", err)
		}
		_, err = s.users.PatchRow(as(t, s.ann), s.ann.Subject, []byte(`{"password":"busy busy busy"}`), nil)
		if status(t, err) != 503 {
			t.Errorf("busy hasher: %v", err)
		}
		// Nothing is hashed for a row that its sender cannot change.
		for _, id := range []string{s.max.Subject, "01a200b7-851e-7f26-9e3f-5b57d3a64e00"} {
			_, err = s.users.PatchRow(as(t, s.ann), id, []byte(`{"password":"busy busy busy"}`), nil)
			if status(t, err) != 404 {
				t.Errorf("a password for somebody else: %v", err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		_, get := s.items.GetRow(as(t, s.ann), s.soup, nil)
		_, find := s.items.FindRows(as(t, s.ann), &query.Query{})
		_, create := s.items.CreateRow(as(t, s.cleo), []byte(`{"name":"x","price":1}`), nil)
		_, patch := s.items.PatchRow(as(t, s.cleo), s.soup, []byte(`{"name":"x"}`), nil)
		_, remove := s.items.RemoveRow(as(t, s.max), s.soup, nil)
		_, order := s.orders.CreateRow(as(t, s.ann), []byte(`{"itemId":"`+s.soup+`"}`), nil)
		for _, err := range []error{get, find, create, patch, remove, order} {
			if status(t, err) != 503 {
				t.Errorf("without a database: %v", err)
			}
		}
	})
}

// TestAUZ16_blindGranter: who may write roles and see no account cannot give any.
// Where only such a one is left, the last who can stays.
func TestAUZ16_blindGranter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := unlinked(t, db)
		policy, err := authz.NewPolicy(append(roles(), authz.Role{Name: "blind", Permissions: []string{"write:users"}}))
		if err != nil {
			t.Fatal(err)
		}
		e := userEntity()
		e.Allow.Update = []string{"owner", "manage:users", "write:users"}
		for i := range e.Fields {
			if e.Fields[i].Type == model.Roles {
				e.Fields[i].Update = []string{"manage:roles", "write:users"}
			}
		}
		s.users = newResource(t, db, policy, e, (*User).pointer)
		s.users.UsePasswords(hasher{})
		if err := crud.Link(s.users, s.items, s.orders); err != nil {
			t.Fatal(err)
		}
		s.account(t, "blind@example.com", "blind")
		last := s.account(t, "max@example.com", "customer", "clerk", "manager")
		if _, err := s.users.Remove(as(t, last), last.Subject); status(t, err) != 409 {
			t.Errorf("removal of the last who can give roles: %v", err)
		}
	})
}

// Who is refused an action is told which permission would do, and no role; nobody
// learns by it whether there is a row.
func TestNeeds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		const nobodys = "01890000-0000-7000-8000-000000000000"
		list := func(ctx context.Context) error { _, err := s.users.FindRows(ctx, &query.Query{}); return err }
		create := func(ctx context.Context) error { _, err := s.items.CreateRow(ctx, []byte(`{}`), nil); return err }
		update := func(id string) func(context.Context) error {
			return func(ctx context.Context) error { _, err := s.items.PatchRow(ctx, id, []byte(`{}`), nil); return err }
		}
		remove := func(ctx context.Context) error { _, err := s.items.RemoveRow(ctx, s.soup, nil); return err }
		for name, tt := range map[string]struct {
			do   func(ctx context.Context) error
			want string
		}{
			"list":         {list, "This needs the permission manage:users"},
			"create":       {create, "This needs the permission create:items"},
			"update":       {update(s.soup), "This needs the permission update:items"},
			"nobody's row": {update(nobodys), "This needs the permission update:items"},
			"a role":       {remove, "403"},
		} {
			if err := tt.do(as(t, s.ann)); status(t, err) != http.StatusForbidden || fmt.Sprint(err) != tt.want {
				t.Errorf("%s: %v", name, err)
			}
			if err := tt.do(as(t, nil)); status(t, err) != http.StatusUnauthorized || fmt.Sprint(err) == tt.want {
				t.Errorf("%s, nobody: %v", name, err)
			}
		}
	})
}

// TestAUZ03_sentByHooks: of a row that goes out of the caller's sight, they are answered
// the id and what they sent, and not what a hook set.
func TestAUZ03_sentByHooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := conditioned(t, db, nil, func(e *model.Entity) {
			e.Allow.View, e.Allow.Update = []string{"manager"}, []string{"signed-in"}
			e.Fields[OrderNote].View = []string{"manager"}
			e.Conditions = append(e.Conditions, model.Condition{Action: "view", Rules: []string{"signed-in"}, Where: where("amount", int64(1))})
		})
		s.orders.Before(authz.Update, func(_ context.Context, ch *crud.Change[Order]) error {
			internal := "internal"
			ch.Row.Note = &internal
			ch.Set.Add(OrderNote)
			return nil
		})
		one := s.order(t, s.ann)
		row, err := s.orders.PatchRow(as(t, s.ann), one, []byte(`{"amount":2}`), nil)
		if got := string(row.AppendJSON(nil)); err != nil || got != `{"id":`+one+`,"amount":2}` {
			t.Errorf("a change answers %s %v", got, err)
		}
		many := s.order(t, s.ann)
		rows, err := s.orders.PatchRows(as(t, s.ann), is("amount", "1"), []byte(`{"amount":3}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(rows.AppendJSON(nil)); !strings.Contains(got, `{"id":`+many+`,"amount":3}`) {
			t.Errorf("a change of many answers %s", got)
		}
		own, err := s.orders.Patch(as(t, s.ann), s.order(t, s.ann), &crud.Change[Order]{Row: Order{Amount: 4}, Set: model.Fields(OrderAmount)})
		if err != nil || own.Amount != 4 || own.Note != nil {
			t.Errorf("own code is answered %+v %v", own, err)
		}
	})
}
