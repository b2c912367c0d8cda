package graphql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestMany changes and removes the rows that a filter chooses. What may not be done
// changes nothing, and who may not do it is told that before anything else.
func TestMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		prices := func() string {
			return s.ask(t, s.max, `{items(orderBy:{name:asc}) {name price}}`).text
		}
		before := prices()
		for _, tt := range []struct {
			name string
			who  *gate.Principal
			ask  string
			told []string
		}{
			{"as nobody", nil, `mutation {updateItems(where:{name:{eq:"soup"}} input:{price:9}) {id}}`, []string{"UNAUTHENTICATED updateItems"}},
			{"without the right", s.ann, `mutation {updateItems(where:{name:{eq:"soup"}} input:{price:9}) {id}}`, []string{"FORBIDDEN updateItems"}},
			{"a clerk deletes nothing", s.cleo, `mutation {deleteItems(where:{name:{eq:"soup"}}) {id}}`, []string{"FORBIDDEN deleteItems"}},
			{"all, without the right", s.ann, `mutation {updateItems(where:{} input:{price:9}) {id}}`, []string{"FORBIDDEN updateItems"}},
			{"all", s.max, `mutation {updateItems(where:{} input:{price:9}) {id}}`, []string{"BAD_USER_INPUT updateItems"}},
			{"all, by nothing to compare with", s.max, `mutation($n: String) {deleteItems(where:{name:{eq:$n}}) {id}}`, []string{"BAD_USER_INPUT deleteItems"}},
			{"all, as not what finds nothing", s.max, `mutation {deleteItems(where:{NOT:{OR:[]}}) {id}}`, []string{"BAD_USER_INPUT deleteItems"}},
			{"all, as not in nothing", s.max, `mutation {deleteItems(where:{NOT:{AND:[{name:{eq:"x"}} {name:{in:[]}}]}}) {id}}`, []string{"BAD_USER_INPUT deleteItems"}},
			{"all, as outside of nothing", s.max, `mutation {deleteItems(where:{name:{nin:[]}}) {id}}`, []string{"BAD_USER_INPUT deleteItems"}},
			{"all, as none of nothing", s.max, `mutation {updateItems(where:{orders:{none:{OR:[]}}} input:{price:9}) {id}}`, []string{"BAD_USER_INPUT updateItems"}},
			{"all, without a filter", s.max, `mutation {deleteItems {id}}`, []string{"GRAPHQL_VALIDATION_FAILED"}},
			{"by a field that one may not read", s.cleo, `mutation {updateItems(where:{cost:{gt:0}} input:{price:9}) {id}}`, []string{"BAD_USER_INPUT updateItems"}},
			{"a field that one may not write", s.cleo, `mutation {updateItems(where:{name:{eq:"soup"}} input:{cost:9}) {id}}`, []string{"FORBIDDEN updateItems"}},
			{"with other rows", s.max, `mutation {updateItems(where:{name:{eq:"soup"}} input:{price:9}) {id orders {id}}}`, []string{"BAD_USER_INPUT updateItems"}},
			{"one that is still needed", s.max, `mutation {deleteItems(where:{price:{gt:0}}) {id}}`, []string{"CONFLICT deleteItems"}},
			{"more than a document may answer", s.max, `mutation {` + repeat(11, `m%d: updateItems(where:{name:{eq:"soup"}} input:{price:9}) {id} `) + `}`, []string{"LIMIT_EXCEEDED"}},
		} {
			if got := s.ask(t, tt.who, tt.ask); !slices.Equal(got.told(), tt.told) {
				t.Errorf("%s: %s", tt.name, got.text)
			}
			if now := prices(); now != before {
				t.Fatalf("%s changed something: %s", tt.name, now)
			}
		}
		a := s.ask(t, s.cleo, `mutation {updateItems(where:{price:{gt:0}} input:{price:"7.50"}) {name price cost}}`)
		if want := []string{"FORBIDDEN updateItems.0.cost", "FORBIDDEN updateItems.1.cost"}; !slices.Equal(a.told(), want) || strings.Count(a.text, `"price":7.50`) != 2 {
			t.Errorf("a clerk: %s", a.text)
		}
		// Others' orders are seen, and not changed.
		a = s.ask(t, s.ann, `mutation {updateOrders(where:{amount:{gt:0}} input:{amount:3}) {id amount}}`)
		if string(mustJSON(t, a.Data)) != `{"updateOrders":[{"amount":3,"id":"`+s.annOrder+`"}]}` {
			t.Errorf("one's own: %s", a.text)
		}
		s.made(t, s.items, s.max, `{"name":"figs","price":1}`)
		a = s.ask(t, s.max, `mutation {deleteItems(where:{name:{eq:"figs"}}) {name}}`)
		if a.text != `{"data":{"deleteItems":[{"name":"figs"}]}}` {
			t.Errorf("a manager: %s", a.text)
		}
	})
}

// TestMany_schema: a change of many rows without a filter is found when the service
// starts.
func TestMany_schema(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for _, wrong := range []string{"(where: ItemWhere)", "(id: ID!)"} {
		changed := strings.Replace(sdl, "deleteItems(where: ItemWhere!)", "deleteItems"+wrong, 1)
		if _, err := graphql.New(graphql.Config{SDL: changed, Entities: s.services(), Login: s.door}); err == nil || !strings.Contains(err.Error(), "deleteItems") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
