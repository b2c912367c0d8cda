package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// branches is a service in which relations lead from what everybody sees to what
// nobody should: the accounts behind orders, and what dishes cost.
const branches = `gate: 1
service: {name: branches, module: example.com/branches, apis: [rest, graphql]}
roles:
  user: {default: true}
  admin: {permissions: ["*"]}
plugins:
  auth-core: {entity: User}
  auth-jwt: {algorithm: HS256}
entities:
  Restaurant:
    fields: {name: {type: text, required: true}}
    allow: {view: public, list: public, create: admin, update: signed-in}
  MenuItem:
    fields:
      name: {type: text, required: true}
      cost: integer
      restaurant: {type: relation, to: Restaurant, required: true, inverse: menuItems}
    allow: {view: public, list: public, create: admin, update: admin}
    fieldRules: {cost: {view: admin, create: admin, update: admin}}
  Order:
    fields:
      user: {type: relation, to: User, required: true, inverse: orders}
      restaurant: {type: relation, to: Restaurant, required: true, inverse: orders}
      item: {type: relation, to: MenuItem, required: true, inverse: orders}
    owner: user
    allow: {view: [owner, admin], list: [owner, admin], create: signed-in}
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      roles: roles
    owner: id
    allow: {view: [owner, admin], list: admin, create: public, update: owner}
    fieldRules: {roles: {create: admin, update: admin}}
`

// TestRelationsOpenNothing tries on both surfaces of a generated service what was
// found in services of another generator: each relation was a way around the rules.
func TestRelationsOpenNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	r := dev(t, gateBinary(t), design(t, branches))
	admin, _ := r.login(r.admin.Email, r.admin.Password)
	id := func(a answer) string { return fmt.Sprint(a.object(t)["id"]) }
	restaurant := id(r.want(201, "POST", "/api/restaurants", admin, `{"name":"Roma"}`))
	item := id(r.want(201, "POST", "/api/menu-items", admin, `{"name":"Pasta","cost":4711,"restaurantId":"`+restaurant+`"}`))
	var guests []string
	for _, email := range []string{"ann@example.com", "bob@example.com"} {
		r.want(201, "POST", "/api/users", "", `{"email":"`+email+`","password":"correct horse battery"}`)
		guest, _ := r.login(email, "correct horse battery")
		r.want(201, "POST", "/api/orders", guest, `{"restaurantId":"`+restaurant+`","itemId":"`+item+`"}`)
		guests = append(guests, guest)
	}
	secrets := []string{"ann@example.com", "bob@example.com", "admin", "4711", "$argon2"}
	silent := func(what string, a answer, but ...string) {
		t.Helper()
		for _, s := range secrets {
			if strings.Contains(a.body, s) && !strings.Contains(strings.Join(but, " "), s) {
				t.Errorf("%s tells %q: %s", what, s, a.body)
			}
		}
		for _, s := range but {
			if !strings.Contains(a.body, s) {
				t.Errorf("%s does not tell %q: %s", what, s, a.body)
			}
		}
	}
	ask := func(auth, document string) answer {
		return r.want(200, "POST", "/api/graphql", auth, fmt.Sprintf(`{"query":%q}`, document))
	}

	// S4: a stranger, through what is public.
	silent("S4 over GraphQL", ask("", `{restaurants{name orders{user{email roles}} menuItems{name cost}}}`), "Pasta", "UNAUTHENTICATED")
	silent("S4 over REST", r.want(401, "GET", "/api/restaurants?$include=orders.user", "", ""))
	silent("S4, costs over REST", r.want(200, "GET", "/api/restaurants?$include=menuItems", "", ""), "Pasta")
	silent("S4, by name over REST", r.want(400, "GET", "/api/restaurants?$include[menuItems][$select]=cost", "", ""))

	// S5: somebody with an account, through what is theirs.
	silent("S5 over GraphQL", ask(guests[0], `{orders{user{email} item{name cost orders{user{email}}}}}`), "Pasta", "ann@example.com")
	silent("S5 over REST", r.want(200, "GET", "/api/orders?$include=user,item.orders.user", guests[0], ""), "Pasta", "ann@example.com")
	silent("S5, accounts over REST", r.want(200, "GET", "/api/restaurants?$include=orders.user", guests[1], ""), "bob@example.com")
	silent("an administrator", r.want(200, "GET", "/api/restaurants?$limit=5&$include=menuItems.orders.user", admin, ""), "4711", "ann@example.com", "bob@example.com")

	// S1 and S6: comparing with what one may not read, S2 and S3: writing through relations.
	for _, q := range []string{"orders.user.password[$startsWith]=$a", "orders[user][password][$startsWith]=$a", "menuItems.cost[$gte]=4000", "$include[menuItems][cost][$gte]=4000"} {
		if a := r.ask("GET", "/api/restaurants?$limit=0&"+q, guests[0], ""); a.status != 400 {
			t.Errorf("%s: %d %s", q, a.status, a.body)
		}
	}
	total := func(auth, raw string) any {
		return r.want(200, "GET", "/api/restaurants?$limit=0&"+raw, auth, "").object(t)["total"]
	}
	r.want(401, "GET", "/api/restaurants?orders.user.email[$startsWith]=ann", "", "")
	if mine, other := total(guests[0], "orders.user.email[$startsWith]=ann"), total(guests[0], "orders.user.email[$startsWith]=bob"); mine != 1.0 || other != 0.0 {
		t.Errorf("restaurants by guests: %v of one's own, %v of another", mine, other)
	}
	if all := total(admin, "orders.user.email[$startsWith]=bob"); all != 1.0 {
		t.Errorf("restaurants by guests, for an administrator: %v", all)
	}
	silent("S1 over GraphQL", ask(guests[0], `{restaurantsCount(where:{orders:{some:{user:{email:{startsWith:"bob"}}}}})}`), `"restaurantsCount":0`)
	silent("S6 over GraphQL", ask(guests[0], `{restaurantsCount(where:{menuItems:{some:{cost:{gte:4000}}}})}`), "BAD_USER_INPUT")
	r.want(400, "POST", "/api/graphql", guests[0], `{"query":"{restaurantsCount(where:{orders:{some:{user:{password:{startsWith:\"$a\"}}}}})}"}`)

	path := "/api/restaurants/" + restaurant
	r.want(400, "PATCH", path, guests[0], `{"orders":{"update":{"where":{},"data":{"user":{"update":{"roles":["admin"]}}}}}}`)
	r.want(403, "PATCH", path, guests[0], `{"menuItems":{"create":[{"name":"Free","cost":0}]}}`)
	r.want(403, "PATCH", path, guests[0], `{"menuItems":{"connect":[{"id":"`+item+`"}]}}`)
	r.want(403, "POST", path+"/menu-items", guests[0], `{"name":"Free","cost":0}`)
	r.want(401, "GET", path+"/orders", "", "")
	silent("orders of a restaurant", r.want(200, "GET", path+"/orders?$include=user", guests[0], ""), "ann@example.com")
	silent("S3 over GraphQL", ask(guests[0], `mutation{updateRestaurant(id:"`+restaurant+`",input:{orders:{create:[{item:{create:{name:"Free",restaurantId:"`+restaurant+`"}}}]}}){id}}`), "FORBIDDEN")
	if page := r.want(200, "GET", path+"/menu-items", "", "").object(t); page["total"] != 1.0 {
		t.Errorf("a menu item was made: %v", page)
	}
	r.want(200, "PATCH", path, admin, `{"name":"Roma due","menuItems":{"create":[{"name":"Fish","cost":12},{"name":"Soup"}]}}`)
	r.want(201, "POST", path+"/menu-items", admin, `{"name":"Bread"}`)
	if page := r.want(200, "GET", path+"/menu-items", "", "").object(t); page["total"] != 4.0 {
		t.Errorf("menu items: %v", page)
	}

	// The log-in of GraphQL is that of REST.
	enter := `mutation{login(strategy:"local",credentials:{email:"ann@example.com",password:"%s"}){accessToken}}`
	silent("a wrong password", ask("", fmt.Sprintf(enter, "incorrect horse battery")), `{"login":null}`, "UNAUTHENTICATED")
	var in struct {
		Data struct{ Login struct{ AccessToken string } }
	}
	if a := ask("", fmt.Sprintf(enter, "correct horse battery")); json.Unmarshal([]byte(a.body), &in) != nil || in.Data.Login.AccessToken == "" {
		t.Fatalf("log in: %s", a.body)
	}
	silent("me", ask("Bearer "+in.Data.Login.AccessToken, `{me{email orders{restaurant{name}}}}`), "ann@example.com", "Roma due")
	silent("me as nobody", ask("", `{me{email}}`), "UNAUTHENTICATED")
}
