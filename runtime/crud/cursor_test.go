package crud_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func newSamples(t *testing.T, db *store.DB) *crud.Resource[Sample] {
	t.Helper()
	run(t, db, sampleSchemas[db.Dialect()])
	policy, err := authz.NewPolicy([]authz.Role{{Name: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	res := newResource(t, db, policy, sampleEntity(model.CUID2), (*Sample).pointer)
	if err := crud.Link(res); err != nil {
		t.Fatal(err)
	}
	return res
}

// walk reads all pages, forwards or backwards, and returns the ids in the order of
// the query. Between is called after each page.
func walk(t *rapid.T, res *crud.Resource[Sample], q query.Query, backward bool, between func()) []string {
	var ids []string
	q.Cursor = &query.Cursor{Before: backward}
	for {
		page, err := res.Find(authz.System(t.Context()), &q)
		if err != nil {
			t.Fatalf("%+v: %v %v", q, err, problems(err))
		}
		if len(page.Data) > q.Limit {
			t.Fatalf("%d rows of %d", len(page.Data), q.Limit)
		}
		var got []string
		for _, row := range page.Data {
			got = append(got, row.ID)
		}
		next := page.Next
		if backward {
			ids, next = append(got, ids...), page.Previous
		} else {
			ids = append(ids, got...)
		}
		if next == "" {
			return ids
		}
		if len(got) != q.Limit {
			t.Fatalf("%d rows of %d, and there are more", len(got), q.Limit)
		}
		q.Cursor = &query.Cursor{Text: next, Before: backward}
		between()
	}
}

// TestCursor_agreesWithMemory reads random lists page by page, and compares them with
// the same lists in memory.
func TestCursor_agreesWithMemory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		res := newSamples(t, db)
		rows := samples(t, res, 25)
		o := oracle{e: res.Entity()}
		rapid.Check(t, func(rt *rapid.T) {
			q := drawQuery(rt, res.Entity())
			q.Skip, q.Limit = 0, rapid.IntRange(3, 20).Draw(rt, "rows")
			var want []string
			for _, row := range o.answer(rows, q) {
				want = append(want, row.ID)
			}
			got := walk(rt, res, q, rapid.Bool().Draw(rt, "backward"), func() {})
			if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("%+v: %s", q, diff)
			}
		})
	})
}

// TestCursor_whileRowsChange changes, deletes and adds rows between pages: those that
// nobody touches come once, and in their order.
func TestCursor_whileRowsChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		res := newSamples(t, db)
		still := samples(t, res, 14)
		o := oracle{e: res.Entity()}
		var moving []string
		for _, row := range samples(t, res, 6) {
			moving = append(moving, row.ID)
		}
		rapid.Check(t, func(rt *rapid.T) {
			q := drawQuery(rt, res.Entity())
			q.Skip, q.Limit = 0, rapid.IntRange(3, 8).Draw(rt, "rows")
			got := walk(rt, res, q, rapid.Bool().Draw(rt, "backward"), func() { disturb(rt, res, moving) })
			var want []string
			for _, row := range o.answer(still, q) {
				want = append(want, row.ID)
			}
			got = slices.DeleteFunc(got, func(id string) bool {
				return !slices.ContainsFunc(still, func(s *Sample) bool { return s.ID == id })
			})
			if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("%+v: %s", q, diff)
			}
		})
	})
}

// disturb replaces the values of one row, or the row by another.
func disturb(t *rapid.T, res *crud.Resource[Sample], moving []string) {
	i := rapid.IntRange(0, len(moving)-1).Draw(t, "row")
	body := []byte(drawRow(t, res.Entity()))
	ctx := authz.System(t.Context())
	if rapid.Bool().Draw(t, "change") {
		if _, err := res.UpdateRow(ctx, moving[i], body, nil); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := res.RemoveRow(ctx, moving[i], nil); err != nil {
		t.Fatal(err)
	}
	row, err := res.CreateRow(ctx, body, nil)
	if err != nil {
		t.Fatal(err)
	}
	moving[i] = row.ID
}

// TestCursor_refused: a cursor that was made up, or for somebody or something else,
// is refused in the same words.
func TestCursor_refused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for i := range 5 {
			s.item(t, fmt.Sprintf("item %d", i), "1.00", "0.50")
		}
		byPrice := query.Query{Limit: 2, Sort: []query.Sort{{Field: "price"}}, Cursor: &query.Cursor{}}
		first, err := s.items.FindRows(as(t, s.ann), &byPrice)
		if err != nil {
			t.Fatal(err)
		}
		good := first.Next
		ask := func(who *gate.Principal, change func(*query.Query)) error {
			q := byPrice
			q.Cursor = &query.Cursor{Text: good}
			change(&q)
			_, err := s.items.FindRows(as(t, who), &q)
			return err
		}
		if err := ask(s.ann, func(*query.Query) {}); err != nil {
			t.Fatal(err)
		}
		if err := ask(s.ann, func(q *query.Query) { q.Limit, q.Select = 3, []string{"name"} }); err != nil {
			t.Errorf("another size of pages: %v", err)
		}
		cursor := func(text string) func(*query.Query) {
			return func(q *query.Query) { q.Cursor = &query.Cursor{Text: text} }
		}
		raw, _ := base64.RawURLEncoding.DecodeString(good)
		flipped := func(i int) string {
			b := slices.Clone(raw)
			b[i] ^= 1
			return base64.RawURLEncoding.EncodeToString(b)
		}
		users, err := s.users.FindRows(system(t), &query.Query{Limit: 1, Cursor: &query.Cursor{}})
		if err != nil {
			t.Fatal(err)
		}
		other, err := s.items.FindRows(as(t, s.ann), &query.Query{Limit: 2, Cursor: &query.Cursor{}})
		if err != nil {
			t.Fatal(err)
		}
		var words string
		for _, tt := range []struct {
			name   string
			who    *gate.Principal
			change func(*query.Query)
		}{
			{"made up", s.ann, cursor("abc")},
			{"no base64", s.ann, cursor("%%%")},
			{"padded", s.ann, cursor(good + "=")},
			{"too long", s.ann, cursor(strings.Repeat("A", 10_000))},
			{"cut", s.ann, cursor(good[:len(good)-4])},
			{"another version", s.ann, cursor(flipped(0))},
			{"another salt", s.ann, cursor(flipped(3))},
			{"another value", s.ann, cursor(flipped(20))},
			{"another seal", s.ann, cursor(flipped(len(raw) - 1))},
			{"another order", s.ann, func(q *query.Query) { q.Sort[0].Descending = true }},
			{"no order", s.ann, func(q *query.Query) { q.Sort = nil }},
			{"one more order", s.ann, func(q *query.Query) { q.Sort = append(slices.Clip(q.Sort), query.Sort{Field: "name"}) }},
			{"other conditions", s.ann, func(q *query.Query) { q.Where = query.Term{Field: "kind", Op: query.Eq, Value: "food"} }},
			{"a search", s.ann, func(q *query.Query) { q.Search = "soup" }},
			{"of another list", s.ann, cursor(other.Next)},
			{"of other rows", s.ann, cursor(users.Next)},
			{"of somebody else", s.bob, cursor(good)},
			{"of nobody", nil, cursor(good)},
		} {
			byPrice.Sort = []query.Sort{{Field: "price"}}
			err := ask(tt.who, tt.change)
			if got := problems(err); status(t, err) != 400 || !slices.Equal(got, []string{" format"}) {
				t.Errorf("%s: %v %v", tt.name, err, got)
				continue
			}
			text := fmt.Sprint(err.(*gate.Error).Errors) //nolint:errorlint // status has looked
			if words == "" {
				words = text
			}
			if text != words {
				t.Errorf("%s: %q, and others are told %q", tt.name, text, words)
			}
		}
	})
}

// TestCursor_fields: a cursor by a field that its owner may not read any more is
// refused like one that never was, before it is opened.
func TestCursor_fields(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		q := &query.Query{Limit: 1, Sort: []query.Sort{{Field: "cost"}}, Cursor: &query.Cursor{}}
		rows, err := s.items.FindRows(as(t, s.max), q)
		if err != nil || rows.Next == "" {
			t.Fatalf("%+v, %v", rows, err)
		}
		q.Cursor.Text = rows.Next
		demoted := *s.max
		demoted.Roles = nil
		_, err = s.items.FindRows(as(t, &demoted), q)
		if got := problems(err); status(t, err) != 400 || !slices.Equal(got, []string{"cost unknown"}) {
			t.Errorf("%v %v", err, got)
		}
		if strings.Contains(rows.Next, "0.10") || strings.Contains(rows.Next, base64.RawURLEncoding.EncodeToString([]byte("0.10"))) {
			t.Error("the cursor shows the cost")
		}
	})
}

// TestCursor_pages tells what a page says of others.
func TestCursor_pages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db) // soup and tea
		s.item(t, "figs", "3.00", "1.00")
		byName := func(cursor *query.Cursor) *crud.Page[Item] {
			page, err := s.items.Find(t.Context(), &query.Query{Limit: 2, Sort: []query.Sort{{Field: "name"}}, Select: []string{"price"}, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range page.Data {
				if row.Name != "" {
					t.Errorf("a row has %q, which was not selected", row.Name)
				}
			}
			return page
		}
		first := byName(&query.Cursor{})
		if first.Next == "" || first.Previous != "" || first.Total != 3 || len(first.Data) != 2 {
			t.Fatalf("%+v", first)
		}
		s.item(t, "cake", "3.00", "1.00")
		second := byName(&query.Cursor{Text: first.Next})
		if second.Next != "" || second.Previous == "" || len(second.Data) != 1 || second.Data[0].ID != s.tea {
			t.Errorf("%+v", second)
		}
		if second.Total != 3 {
			t.Errorf("the total is %d: it is that of the first page", second.Total)
		}
		last := byName(&query.Cursor{Before: true})
		if last.Next != "" || last.Previous == "" || last.Total != 4 || len(last.Data) != 2 || last.Data[1].ID != s.tea {
			t.Errorf("%+v", last)
		}
		before := byName(&query.Cursor{Text: second.Previous, Before: true})
		if before.Next == "" || before.Previous == "" || len(before.Data) != 2 || before.Data[1].ID != s.soup {
			t.Errorf("%+v", before)
		}
		none, err := s.items.Find(t.Context(), &query.Query{CountOnly: true, Cursor: &query.Cursor{}})
		if err != nil || none.Total != 4 || none.Next+none.Previous != "" || len(none.Data) > 0 {
			t.Errorf("%+v, %v", none, err)
		}
		_, err = s.items.Find(t.Context(), &query.Query{Skip: 1, Cursor: &query.Cursor{}})
		if status(t, err) != 400 {
			t.Errorf("skip and cursor: %v", err)
		}
	})
}

// TestCursor_keys: processes with one key take each other's cursors, others do not.
func TestCursor_keys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		one := newSamples(t, db)
		samples(t, one, 3)
		policy, err := authz.NewPolicy([]authz.Role{{Name: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		two := newResource(t, db, policy, sampleEntity(model.CUID2), (*Sample).pointer)
		if err := crud.Link(two); err != nil {
			t.Fatal(err)
		}
		pass := func() error {
			t.Helper()
			rows, err := one.FindRows(t.Context(), &query.Query{Limit: 1, Cursor: &query.Cursor{}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = two.FindRows(t.Context(), &query.Query{Limit: 1, Cursor: &query.Cursor{Text: rows.Next}})
			return err
		}
		if err := pass(); status(t, err) != 400 {
			t.Errorf("keys of their own: %v", err)
		}
		one.SealCursors([]byte("a key of 32 bytes, more or less."))
		two.SealCursors([]byte("a key of 32 bytes, more or less."))
		if err := pass(); err != nil {
			t.Errorf("the same key: %v", err)
		}
		long := query.Query{Limit: 1, Where: query.Term{Field: "text", Op: query.StartsWith, Value: "xx"}, Sort: []query.Sort{{Field: "text"}}, Cursor: &query.Cursor{}}
		for _, want := range []int{200, 400} { // of one row there is no next
			if _, err := one.CreateRow(t.Context(), []byte(`{"text":"`+strings.Repeat("x", 5000)+`"}`), nil); err != nil {
				t.Fatal(err)
			}
			_, err = one.FindRows(t.Context(), &long)
			if got := problems(err); status(t, err) != want || want == 400 && !slices.Equal(got, []string{" too_long"}) {
				t.Errorf("a value that is too long: %v %v", err, got)
			}
		}
	})
}

// TestCursor_related: a cursor through the rows of one row is of no other row's, nor
// of all of them.
func TestCursor_related(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		type list struct{ entity, id, relation string }
		lists := []list{
			{"Restaurant", "ROMA", "dishes"},
			{"Restaurant", "OSLO", "dishes"},
			{"Tag", "HOT", "dishes"},
			{"Tag", "VEG", "dishes"},
			{"Order", "1", "dishes"},
			{"Dish", "", ""},
		}
		find := func(l list, cursor string) (*crud.Rows, error) {
			q := &query.Query{Limit: 1, Cursor: &query.Cursor{Text: cursor}}
			if l.relation == "" {
				return w.all[l.entity].FindRows(as(t, w.max), q)
			}
			return w.all[l.entity].FindRelated(as(t, w.max), ids(l.id), l.relation, q)
		}
		opened := 0
		for _, from := range lists {
			rows, err := find(from, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, to := range lists {
				_, err := find(to, rows.Next)
				switch {
				case rows.Next == "":
				case from == to && err == nil:
					opened++
				case from == to || status(t, err) != 400:
					t.Errorf("%v in %v: %v", from, to, err)
				}
			}
		}
		if opened < 3 {
			t.Errorf("%d lists have a second page", opened)
		}
		_, err := w.all["Restaurant"].FindRows(as(t, w.max), &query.Query{Include: []query.Include{{Relation: "dishes", Query: query.Query{Cursor: &query.Cursor{}}}}})
		if got := problems(err); !slices.Equal(got, []string{"dishes format"}) {
			t.Errorf("a cursor of rows inside of rows: %v", got)
		}
	})
}

// TestCursor_tenant: who is moved to another tenant begins anew.
func TestCursor_tenant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		must(as(t, d.acme.member), t, d.topics, `{"name":"screens"}`)
		rows, err := d.topics.FindRows(as(t, d.acme.member), &query.Query{Limit: 1, Cursor: &query.Cursor{}})
		if err != nil || rows.Next == "" {
			t.Fatalf("%+v, %v", rows, err)
		}
		moved := *d.acme.member
		moved.Tenant = d.bolt.firm
		_, err = d.topics.FindRows(as(t, &moved), &query.Query{Limit: 1, Cursor: &query.Cursor{Text: rows.Next}})
		if status(t, err) != 400 {
			t.Errorf("in another tenant: %v", err)
		}
	})
}
