package graphql_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestWhere_relations finds rows by other rows, with the answers of REST.
func TestWhere_relations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.like(t)
		for _, tt := range []struct {
			list, where, params string
		}{
			{"orders", `{item:{name:{eq:"tea"}}}`, "item.name=tea"},
			{"orders", `{item:{kind:{eq:hot_drink}}}`, "item.kind=hot-drink"},
			{"orders", `{NOT:{item:{name:{startsWith:"te"}}}}`, "$not[item.name][$startsWith]=te"},
			{"orders", `{buyer:{email:{eq:"ann@example.com"}}}`, "buyer.email=ann@example.com"},
			{"orders", `{item:{orders:{some:{amount:{eq:2}}}}}`, "item.orders.amount=2"},
			{"items", `{orders:{some:{amount:{eq:1}}}}`, "orders.amount=1"},
			{"items", `{orders:{none:{amount:{eq:1}}}}`, "orders[$none][amount]=1"},
			{"items", `{orders:{every:{amount:{gt:1}}, some:{paid:{eq:false}}}}`, "orders[$every][amount][$gt]=1&orders[$some][paid]=false"},
			{"items", `{orders:{some:{note:{startsWith:"no"}}}}`, "orders.note[$startsWith]=no"},
			{"items", `{orders:{some:{buyer:{name:{null:true}}}}}`, "orders.buyer.name[$null]=true"},
			{"items", `{likedBy:{some:{email:{startsWith:"bob"}}}}`, "likedBy.email[$startsWith]=bob"},
			{"items", `{likedBy:{some:{orders:{some:{item:{cost:{gt:1}}}}}}}`, "likedBy[orders][item][cost][$gt]=1"},
			{"items", `{OR:[{orders:{some:{item:{cost:{gt:1}}}}},{name:{eq:"tea"}}]}`, "$or[0][orders.item.cost][$gt]=1&$or[1][name]=tea"},
			{"users", `{likes:{none:{name:{eq:"soup"}}}}`, "likes[$none][name]=soup"},
			{"users", `{likes:{some:{cost:{lt:1}}}}`, "likes.cost[$lt]=1"},
		} {
			for name, who := range s.callers() {
				a := s.ask(t, who, `{`+tt.list+`(where:`+tt.where+`,orderBy:[{id:asc}]){id} `+tt.list+`Count(where:`+tt.where+`)}`)
				status, page := s.restPage(t, who, "/api/"+tt.list+"?"+strings.NewReplacer("%3D", "=", "%26", "&").Replace(url.QueryEscape(tt.params)))
				if code := map[int]string{200: "", 400: "BAD_USER_INPUT", 401: "UNAUTHENTICATED", 403: "FORBIDDEN"}[status]; a.code() != code {
					t.Errorf("%s, %s: %v, and REST %d %v", name, tt.where, a.told(), status, page)
					continue
				}
				if status != 200 {
					continue
				}
				if diff := cmp.Diff(picked(page, "id"), a.Data[tt.list]); diff != "" || a.Data[tt.list+"Count"] != page["total"] {
					t.Errorf("%s, %s (-REST +GraphQL):\n%s%v of %v", name, tt.where, diff, a.Data[tt.list+"Count"], page["total"])
				}
			}
		}
	})
}

// TestWhere_relationsRefused: what would find everything, or what one may not read.
func TestWhere_relationsRefused(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for _, tt := range []struct {
		name, ask, variables string
		who                  *gate.Principal
		code, field          string
	}{
		{"nothing", `{orders(where:{item:{}}){id}}`, "", s.max, "BAD_USER_INPUT", "item"},
		{"null", `{orders(where:{item:null}){id}}`, "", s.max, "BAD_USER_INPUT", "item"},
		{"none of nothing", `{items(where:{orders:{none:{}}}){id}}`, "", s.max, "BAD_USER_INPUT", "where"},
		{"null of many", `{items(where:{orders:{some:null}}){id}}`, "", s.max, "BAD_USER_INPUT", "where"},
		{"a variable that is not there", `query($w: OrderWhere) {items(where:{orders:{some:$w}}){id}}`, `{}`, s.max, "BAD_USER_INPUT", "orders"},
		{"S6", `{itemsCount(where:{orders:{some:{item:{cost:{gt:1}}}}})}`, "", s.ann, "BAD_USER_INPUT", "orders.item.cost"},
		{"one's own rows alone", `{items(where:{orders:{some:{note:{eq:"no salt"}}}}){id}}`, "", s.max, "BAD_USER_INPUT", "orders.note"},
		{"a secret", `{items(where:{likedBy:{some:{password:{startsWith:"ha"}}}}){id}}`, "", s.max, "GRAPHQL_VALIDATION_FAILED", ""},
		{"a secret in a variable", `query($w: ItemWhere) {items(where:$w){id}}`, `{"w":{"likedBy":{"some":{"password":{"startsWith":"ha"}}}}}`, s.max, "BAD_USER_INPUT", ""},
		{"three relations", `{items(where:{orders:{some:{item:{orders:{some:{amount:{eq:1}}}}}}}){id}}`, "", s.max, "BAD_USER_INPUT", "orders.item.orders"},
		{"accounts", `{items(where:{likedBy:{some:{email:{eq:"x"}}}}){id}}`, "", s.ann, "FORBIDDEN", "likedBy"},
		{"orders, as nobody", `{items(where:{orders:{some:{amount:{eq:1}}}}){id}}`, "", nil, "UNAUTHENTICATED", "orders"},
	} {
		var a answer
		if tt.variables == "" {
			a = s.ask(t, tt.who, tt.ask)
		} else {
			a = s.ask(t, tt.who, tt.ask, tt.variables)
		}
		field := ""
		if len(a.Errors) > 0 && len(a.Errors[0].Extensions.Fields) > 0 {
			field = a.Errors[0].Extensions.Fields[0].Field
		}
		if a.code() != tt.code || field != tt.field {
			t.Errorf("%s: %s %q, want %s %q", tt.name, a.text, field, tt.code, tt.field)
		}
	}
}

// TestNested writes rows inside of rows, as REST does: the same words, the same
// rules, all or nothing.
func TestNested(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for _, tt := range []struct {
			name  string
			who   *gate.Principal
			ask   string
			want  string
			told  []string
			field string
		}{
			{"connect one", s.ann, `mutation {createOrder(input:{item:{connect:{id:"TEA"}}}) {item {name}}}`, `{"createOrder":{"item":{"name":"tea"}}}`, nil, ""},
			{"create one", s.max, `mutation {createOrder(input:{amount:3,item:{create:{name:"pie",price:"3.50",cost:1,kind:hot_drink}}}) {amount item {name price cost kind}}}`, `{"createOrder":{"amount":3,"item":{"cost":1.00,"kind":"hot_drink","name":"pie","price":3.50}}}`, nil, ""},
			{"create many", s.max, `mutation {createItem(input:{name:"fig",price:1,orders:{create:[{amount:2},{amount:4,note:"two"}]}}) {name orders(orderBy:{amount:asc}) {amount note}}}`, `{"createItem":{"name":"fig","orders":[{"amount":2,"note":null},{"amount":4,"note":"two"}]}}`, nil, ""},
			{"one value for a list", s.max, `mutation {updateItem(id:"TEA",input:{likedBy:{connect:{id:"ANN"}}}) {likedBy {email}}}`, `{"updateItem":{"likedBy":[{"email":"ann@example.com"}]}}`, nil, ""},
			{"disconnect", s.max, `mutation {updateItem(id:"TEA",input:{likedBy:{disconnect:[{id:"ANN"}],connect:[{id:"BOB"}]}}) {likedBy {email}}}`, `{"updateItem":{"likedBy":[{"email":"bob@example.com"}]}}`, nil, ""},
			{"two levels", s.max, `mutation {updateUser(id:"MAX",input:{orders:{create:[{item:{create:{name:"nut",price:1,likedBy:{connect:[{id:"MAX"}]}}}}]}}) {likes {name}}}`, `{"updateUser":{"likes":[{"name":"nut"}]}}`, nil, ""},
			{"S3: a row that one may not make", s.ann, `mutation {createOrder(input:{item:{create:{name:"free",price:0}}}) {id}}`, `{"createOrder":null}`, []string{"FORBIDDEN createOrder"}, "item.create"},
			{"S3: through two relations", s.ann, `mutation {updateUser(id:"ANN",input:{orders:{create:[{item:{create:{name:"free",price:0}}}]}}) {id}}`, `{"updateUser":null}`, []string{"FORBIDDEN updateUser"}, "orders.create[0].item.create"},
			{"a field that one may not write", s.cleo, `mutation {createOrder(input:{item:{create:{name:"free",price:1,cost:0}}}) {id}}`, `{"createOrder":null}`, []string{"FORBIDDEN createOrder"}, "item.create.cost"},
			{"a row out of sight", s.cleo, `mutation {updateItem(id:"TEA",input:{likedBy:{connect:[{id:"ANN"}]}}) {id}}`, `{"updateItem":null}`, []string{"BAD_USER_INPUT updateItem"}, "likedBy.connect[0]"},
			{"orders of others", s.cleo, `mutation {updateItem(id:"TEA",input:{orders:{connect:[{id:1}]}}) {id}}`, `{"updateItem":null}`, []string{"FORBIDDEN updateItem"}, "orders.connect[0]"},
			{"orders for others", s.max, `mutation {updateUser(id:"ANN",input:{orders:{create:[{itemId:"TEA"}]}}) {id}}`, `{"updateUser":null}`, []string{"BAD_USER_INPUT updateUser"}, "orders.create[0].buyerId"},
			{"the key twice", s.ann, `mutation {createOrder(input:{itemId:"TEA",item:{connect:{id:"TEA"}}}) {id}}`, `{"createOrder":null}`, []string{"BAD_USER_INPUT createOrder"}, "item"},
			{"no key at all", s.ann, `mutation {createOrder(input:{amount:1}) {id}}`, `{"createOrder":null}`, []string{"BAD_USER_INPUT createOrder"}, "itemId"},
			{"null", s.max, `mutation {updateItem(id:"TEA",input:{likedBy:{connect:null}}) {id}}`, `{"updateItem":null}`, []string{"BAD_USER_INPUT updateItem"}, "likedBy.connect"},
			{"null for all", s.max, `mutation {updateItem(id:"TEA",input:{likedBy:null}) {id}}`, `{"updateItem":null}`, []string{"BAD_USER_INPUT updateItem"}, "likedBy"},
			{"S2", s.ann, `mutation {updateOrder(id:1,input:{buyer:{update:{roles:["manager"]}}}) {id}}`, "null", []string{"GRAPHQL_VALIDATION_FAILED"}, ""},
			{"S2, by set", s.max, `mutation {updateItem(id:"TEA",input:{likedBy:{set:[]}}) {id}}`, "null", []string{"GRAPHQL_VALIDATION_FAILED"}, ""},
		} {
			a := s.ask(t, tt.who, strings.NewReplacer("TEA", s.tea, "ANN", s.ann.Subject, "BOB", s.bob.Subject, "MAX", s.max.Subject).Replace(tt.ask))
			raw, err := json.Marshal(a.Data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(raw)); diff != "" || !slices.Equal(a.told(), tt.told) {
				t.Errorf("%s: %v (-want +got):\n%s", tt.name, a.text, diff)
			}
			if tt.field != "" && len(a.Errors) > 0 && (len(a.Errors[0].Extensions.Fields) == 0 || a.Errors[0].Extensions.Fields[0].Field != tt.field) {
				t.Errorf("%s: %s, want %s", tt.name, a.text, tt.field)
			}
		}
		if a := s.ask(t, nil, `{itemsCount(where:{name:{eq:"free"}})}`); a.text != `{"data":{"itemsCount":0}}` {
			t.Errorf("something was kept: %s", a.text)
		}
	})
}

// TestNew_nested: a schema whose filters or inputs lead elsewhere is none.
func TestNew_nested(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for name, change := range map[string][2]string{
		"a filter":          {"buyer: UserWhere item", "buyer: ItemWhere item"},
		"a filter of many":  {"input OrderListWhere { some: OrderWhere", "input OrderListWhere { some: ItemWhere"},
		"an input":          {"input OrderItemLinkInput { create: CreateItemInput", "input OrderItemLinkInput { create: CreateUserInput"},
		"a relation":        {"item: OrderItemLinkInput }", "seller: OrderItemLinkInput }"},
		"a secret, written": {"input OrderItemLinkInput { create: CreateItemInput", "input OrderItemLinkInput { create: NopeInput } input NopeInput { nope: String"},
	} {
		broken := strings.Replace(sdl, change[0], change[1], 1)
		if broken == sdl {
			t.Fatalf("%s changes nothing", name)
		}
		if _, err := graphql.New(graphql.Config{SDL: broken, Entities: s.services(), Login: s.door}); err == nil {
			t.Errorf("%s: a schema that leads elsewhere is taken", name)
		}
	}
}
