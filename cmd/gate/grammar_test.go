package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestAmplicationGrammar generates, builds and runs a service for the clients of one
// that Amplication had generated, and does with it what they do.
func TestAmplicationGrammar(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	yaml := strings.Replace(branches, "apis: [rest, graphql]}", "rest: amplication}", 1)
	yaml = strings.Replace(yaml, "item: {type: relation, to: MenuItem, required: true, inverse: orders}", "items: {type: relation, to: MenuItem, many: true, inverse: orders}", 1)
	yaml = strings.Replace(yaml, "create: signed-in}\n  User", "create: signed-in, update: owner}\n  User", 1)
	r := dev(t, gateBinary(t), design(t, yaml))
	login := func(name, password string, status int) (token, id string) {
		t.Helper()
		a := r.want(status, "POST", "/api/login", "", `{"username":"`+name+`","password":"`+password+`"}`)
		if status != 201 {
			return "", ""
		}
		in := a.object(t)
		if _, ok := in["roles"].([]any); !ok || in["username"] != name {
			t.Errorf("the log-in of %s answers %s", name, a.body)
		}
		return "Bearer " + fmt.Sprint(in["accessToken"]), fmt.Sprint(in["id"])
	}
	id := func(a answer) string { return fmt.Sprint(a.object(t)["id"]) }
	admin, _ := login(r.admin.Email, r.admin.Password, 201)
	login(r.admin.Email, "wrong", 401)

	restaurant := id(r.want(201, "POST", "/api/restaurants", admin, `{"name":"Roma"}`))
	path := "/api/restaurants/" + restaurant
	var items []string
	for _, name := range []string{"Pasta", "Fish", "Soup"} {
		a := r.want(201, "POST", "/api/menuItems", admin, `{"name":"`+name+`","cost":4711,"restaurant":{"id":"`+restaurant+`"}}`)
		if !strings.Contains(a.body, `"restaurant":{"id":"`+restaurant+`"}`) || strings.Contains(a.body, "restaurantId") {
			t.Errorf("a new row: %s", a.body)
		}
		items = append(items, `{"id":"`+id(a)+`"}`)
	}
	r.want(201, "POST", "/api/users", "", `{"email":"ann@example.com","password":"correct horse battery"}`)
	ann, self := login("ann@example.com", "correct horse battery", 201)

	for query, want := range map[string]string{
		"orderBy[name]=desc&take=2":                                "Soup Pasta",
		"orderBy[name]=asc&skip=1":                                 "Pasta Soup",
		"where[name][startsWith]=Pa":                               "Pasta",
		"where[name][not]=Soup&orderBy[name]=asc":                  "Fish Pasta",
		"where[restaurant][name][equals]=Roma&orderBy[name]=asc":   "Fish Pasta Soup",
		"where[restaurant][menuItems][none][name]=Soup":            "",
		"where%5Bname%5D%5Bin%5D%5B0%5D=Soup&orderBy%5Bid%5D=desc": "Soup",
	} {
		a := r.want(200, "GET", "/api/menuItems?"+query, "", "")
		if got := called(a.body); got != want || !strings.HasPrefix(a.body, "[") || strings.Contains(a.body, "4711") {
			t.Errorf("%s: %s", query, a.body)
		}
	}
	order := id(r.want(201, "POST", "/api/orders", ann, `{"restaurant":{"id":"`+restaurant+`"},"items":{"connect":[`+items[0]+`]}}`))
	lines := "/api/orders/" + order + "/items"
	r.want(201, "POST", lines, ann, "["+items[1]+"]")
	r.want(200, "PATCH", lines, ann, "["+items[1]+","+items[2]+"]")
	r.want(200, "DELETE", lines, ann, "["+items[1]+"]")
	if a := r.want(200, "GET", lines, ann, ""); called(a.body) != "Soup" {
		t.Errorf("lines of an order: %s", a.body)
	}
	if a := r.want(200, "GET", "/api/orders/"+order, ann, ""); !strings.Contains(a.body, `"user":{"id":"`+self+`"}`) {
		t.Errorf("an order: %s", a.body)
	}
	r.want(200, "PATCH", path, ann, `{"name":"Roma due"}`)

	r.want(401, "GET", "/api/restaurants?where[orders][some][user][password][startsWith]=$2b", "", "")
	r.want(400, "GET", "/api/restaurants?where[orders][some][user][password][startsWith]=$2b", ann, "")
	r.want(400, "GET", "/api/menuItems?where[cost][gte]=1", ann, "")
	r.want(400, "PATCH", path, ann, `{"orders":{"update":{"where":{},"data":{"user":{"update":{"roles":["admin"]}}}}}}`)
	r.want(400, "PATCH", path, ann, `{"menuItems":{"create":[{"name":"Free","cost":0}]}}`)
	r.want(403, "POST", path+"/menuItems", ann, "["+items[0]+"]")
	r.want(403, "PATCH", path+"/menuItems", ann, "[]")
	r.want(401, "GET", path+"/orders", "", "")
	if doc := r.want(200, "GET", "/api/openapi.json", "", ""); !strings.Contains(doc.body, "/api/login") || !strings.Contains(doc.body, "where.MenuItem") {
		t.Error("the document does not tell of it")
	}
}

// called returns the names in an answer, in their order.
func called(body string) string {
	var names []string
	for i, part := range strings.Split(body, `"name":"`) {
		if name, _, ok := strings.Cut(part, `"`); ok && i > 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}
