package graphql_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func TestPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for i := range 3 {
			s.made(t, s.items, s.max, fmt.Sprintf(`{"name":"figs %d","price":3}`, i))
		}
		type page struct {
			Data []struct {
				Name   string
				Orders []struct{ Amount int }
			}
			Total                  int
			NextCursor, PrevCursor string
		}
		ask := func(document, cursor string) page {
			t.Helper()
			raw, _ := json.Marshal(map[string]string{"c": cursor})
			a := s.ask(t, s.ann, document, string(raw))
			var p page
			raw, _ = json.Marshal(a.Data["p"])
			if err := json.Unmarshal(raw, &p); err != nil || len(a.Errors) > 0 {
				t.Fatalf("%v: %s", err, a.text)
			}
			return p
		}
		const forth = `query($c: String) { p: itemsPage(orderBy:{name:asc} limit:2 after:$c) { ...all } } fragment all on ItemPage { data { name orders { amount } } total nextCursor prevCursor }`
		var names []string
		var cursors []string
		for c := ""; ; {
			p := ask(forth, c)
			for _, row := range p.Data {
				names = append(names, row.Name)
			}
			if p.Total != 5 || (p.PrevCursor == "") != (c == "") {
				t.Errorf("%+v", p)
			}
			cursors = append(cursors, p.PrevCursor)
			if c = p.NextCursor; c == "" {
				break
			}
		}
		want := []string{"figs 0", "figs 1", "figs 2", "soup", "tea"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Error(diff)
		}
		back := ask(strings.Replace(forth, "after", "before", 1), cursors[2])
		if len(back.Data) != 2 || back.Data[0].Name != "figs 2" || back.Data[1].Orders[0].Amount != 1 {
			t.Errorf("%+v", back)
		}
		p := ask(`query($c: String) { p: itemsPage(after:$c) { total __typename } }`, "")
		if p.Total != 5 || p.NextCursor != "" {
			t.Errorf("%+v", p)
		}
		first := ask(`query($c: String) { p: itemsPage(orderBy:{name:asc} limit:2 after:$c) { nextCursor } }`, "")
		a := s.ask(t, s.ann, `query($c: String) { items(orderBy:{name:asc} limit:1 after:$c) { name } }`, `{"c":"`+first.NextCursor+`"}`)
		if string(mustJSON(t, a.Data)) != `{"items":[{"name":"figs 2"}]}` {
			t.Errorf("a list with a cursor: %s", a.text)
		}
	})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestPage_attacks: what a page does not tell, and what is too much of it.
func TestPage_attacks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		cursor := s.ask(t, s.ann, `{ordersPage(limit:1) {nextCursor}}`)
		next := cursor.Data["ordersPage"].(map[string]any)["nextCursor"].(string)
		for _, tt := range []struct {
			name string
			who  *gate.Principal
			ask  string
			told []string
		}{
			{"the rows of a list that nobody may see", nil, `{ordersPage {total nextCursor data {id}}}`, []string{"UNAUTHENTICATED ordersPage"}},
			{"who may not ask is told that first", nil, `{ordersPage(after:"x" before:"y") {total}}`, []string{"UNAUTHENTICATED ordersPage"}},
			{"both ends", s.ann, `{ordersPage(after:"x" before:"y") {total}}`, []string{"BAD_USER_INPUT ordersPage"}},
			{"made up", s.ann, `{ordersPage(after:"x") {data {id}}}`, []string{"BAD_USER_INPUT ordersPage"}},
			{"of somebody else", s.bob, `{ordersPage(after:"` + next + `") {data {id}}}`, []string{"BAD_USER_INPUT ordersPage"}},
			{"one's own", s.ann, `{ordersPage(after:"` + next + `") {data {id}}}`, nil},
			{"rows twice", s.ann, `{ordersPage {a: data {id} b: data {amount}}}`, []string{"BAD_USER_INPUT ordersPage"}},
			{"merged", s.ann, `{ordersPage {data {id} data {amount}}}`, nil},
			{"a field that one may not read", nil, `{itemsPage(limit:1) {data {cost}}}`, []string{"FORBIDDEN itemsPage.data.0.cost"}},
			{"sorted by such a field", nil, `{itemsPage(orderBy:{cost:asc}) {data {name}}}`, []string{"BAD_USER_INPUT itemsPage"}},
			{"more rows than a document may ask for", s.ann, `{` + repeat(12, `p%d: itemsPage(limit:100) {data {id}} `) + `}`, []string{"LIMIT_EXCEEDED"}},
			{"more rows inside of rows", s.ann, `{itemsPage(limit:100) {data {orders(limit:100) {id}}}}`, []string{"LIMIT_EXCEEDED"}},
			{"by a fragment", s.ann, `{itemsPage(limit:100) {...f}} fragment f on ItemPage {data {...g}} fragment g on Item {orders(limit:100) {id}}`, []string{"LIMIT_EXCEEDED"}},
		} {
			if got := s.ask(t, tt.who, tt.ask); !slices.Equal(got.told(), tt.told) {
				t.Errorf("%s: %s", tt.name, got.text)
			}
		}
	})
}

func repeat(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestPage_schema: a page that is none is found when the service starts.
func TestPage_schema(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for _, wrong := range []string{
		`{ data: [Item!] count: Int }`, `{ data: [Order!] }`, `{ data: [Item!]! }`, `{ data: [Item!] total: Int! }`, `{ data: [Item!] nextCursor: ID }`,
	} {
		changed := strings.Replace(sdl, "type ItemPage { data: [Item!] total: Int nextCursor: String prevCursor: String }", "type ItemPage "+wrong, 1)
		if _, err := graphql.New(graphql.Config{SDL: changed, Entities: s.services()}); err == nil || !strings.Contains(err.Error(), "ItemPage") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
