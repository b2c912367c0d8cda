package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

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

// TestAmplication_rows: what its clients know, from the first route to the last.
func TestAmplication_rows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newBistro(t, db)
		for _, tt := range []struct{ query, want string }{
			{"orderBy[name]=asc", "Cake Soup Wine"},
			{"orderBy[0][name]=desc&take=2", "Wine Soup"},
			{"orderBy[name]=asc&take=1&skip=1", "Soup"},
			{"take=0", ""},
			{"where[name]=Soup", "Soup"},
			{"where[name][contains]=ou", "Soup"},
			{"where[name][not]=Soup&orderBy[name]=asc", "Cake Wine"},
			{"where[name][in][]=Soup&where[name][in][]=Wine&orderBy[name]=asc", "Soup Wine"},
			{"where[restaurant][name]=Olive", "Wine"},
			{"where[restaurant][isNot][name]=Olive&orderBy[name]=asc", "Cake Soup"},
			{"where[restaurant][id]=" + figs + "&orderBy[name]=desc", "Soup Cake"},
			{"where[restaurantId][equals]=" + olive, "Wine"},
			{"orderBy[restaurantId]=desc&orderBy[name]=asc", "Wine Cake Soup"},
			{"where[OR][0][name]=Wine&where[OR][1][name]=Cake&orderBy[name]=asc", "Cake Wine"},
			{"where[restaurant][is][menuItems][some][name]=Cake&orderBy[name]=asc", "Cake Soup"},
		} {
			w := n.do(noOne, "GET", "/api/menuItems?"+tt.query, "")
			if got := called(w.Body.String()); w.Code != http.StatusOK || got != tt.want || !strings.HasPrefix(w.Body.String(), "[") {
				t.Errorf("%s: %d %s", tt.query, w.Code, w.Body)
			}
		}
		is(t, n.do(noOne, "GET", "/api/menuItems/"+soup, ""), 200, `{"id":"`+soup+`","name":"Soup","restaurant":{"id":"`+figs+`"}}`)
		is(t, n.do(noOne, "GET", "/api/menuItems?take=0", ""), 200, `[]`)
		is(t, n.do(noOne, "GET", "/api/menuItems/"+figs, ""), 404)
		is(t, n.do(noOne, "GET", "/api/menuItems/"+soup+"?select[name]=true", ""), 400)

		// A page that is full leads to the next one.
		w := n.do(noOne, "GET", "/api/menuItems?take=2&orderBy[name]=asc&skip=0", "")
		if got, want := w.Header().Get("Link"), `</api/menuItems?take=2&orderBy[name]=asc&skip=2>; rel="next"`; got != want {
			t.Errorf("Link: %s, want %s", got, want)
		}
		if got := n.do(noOne, "GET", "/api/menuItems?take=2&orderBy[name]=asc&skip=2", "").Header().Get("Link"); got != "" {
			t.Errorf("Link behind the last page: %s", got)
		}

		w = n.do(guest, "POST", "/api/orders", `{"name":"Brunch","restaurant":{"id":"`+figs+`"},"items":{"connect":[{"id":"`+soup+`"},{"id":"`+cake+`"}]}}`)
		id, _ := row(t, w)["id"].(string)
		is(t, w, 201, `{"id":"`+id+`","name":"Brunch","restaurant":{"id":"`+figs+`"},"user":{"id":"`+ann+`"}}`)
		if got := called(n.do(guest, "GET", "/api/orders/"+id+"/items?orderBy[name]=asc", "").Body.String()); got != "Cake Soup" {
			t.Errorf("items of a new order: %s", got)
		}
		is(t, n.do(guest, "PATCH", "/api/orders/"+id, `{"name":"Late brunch","restaurant":{"id":"`+olive+`"},"items":{"disconnect":[{"id":"`+cake+`"}]}}`), 200,
			`{"id":"`+id+`","name":"Late brunch","restaurant":{"id":"`+olive+`"},"user":{"id":"`+ann+`"}}`)
		is(t, n.do(manager, "PATCH", "/api/menuItems/"+soup, `{"restaurant":null,"cost":5}`), 200, `{"id":"`+soup+`","name":"Soup","cost":5,"restaurant":null}`)
		is(t, n.do(manager, "POST", "/api/menuItems", `[{"name":"Tea"},{"name":"Milk"}]`), 400)
		is(t, n.do(admin, "DELETE", "/api/orders/"+lunch, ""), 200, `{"id":"`+lunch+`","name":"Lunch","restaurant":{"id":"`+figs+`"},"user":{"id":"`+ann+`"}}`)
		is(t, n.do(guest, "GET", "/api/orders/"+lunch, ""), 404)

		for _, method := range []string{"PUT", "POST"} { // there are no such routes
			is(t, n.do(guest, method, "/api/orders/"+id, `{}`), http.StatusMethodNotAllowed)
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			is(t, n.do(guest, method, "/api/orders?where[name]=Feast", `{}`), http.StatusMethodNotAllowed)
		}
	})
}

// TestAmplication_relations: the routes of a relation to many, of both kinds.
func TestAmplication_relations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newBistro(t, db)
		list := func(path string) string {
			t.Helper()
			w := n.do(manager, "GET", path+"?orderBy[name]=asc", "")
			is(t, w, 200)
			return called(w.Body.String())
		}
		body := func(ids ...string) string { return `[{"id":"` + strings.Join(ids, `"},{"id":"`) + `"}]` }
		for _, path := range []string{"/api/restaurants/" + olive + "/menuItems", "/api/orders/" + feast + "/items"} {
			is(t, n.do(manager, "POST", path, body(soup, wine)), 201, "")
			is(t, n.do(manager, "POST", path, body(soup)), 201, "") // again
			if got := list(path); got != "Soup Wine" {
				t.Errorf("%s: connected: %s", path, got)
			}
			is(t, n.do(manager, "PATCH", path, body(cake, soup)), 200, "")
			if got := list(path); got != "Cake Soup" {
				t.Errorf("%s: set: %s", path, got)
			}
			is(t, n.do(manager, "DELETE", path, body(cake, wine)), 200, "")
			if got := list(path); got != "Soup" {
				t.Errorf("%s: disconnected: %s", path, got)
			}
			is(t, n.do(manager, "PATCH", path, `[]`), 200, "")
			if got := list(path); got != "" {
				t.Errorf("%s: set to nothing: %s", path, got)
			}
			for _, bad := range []string{
				``, `{}`, `null`, `{"id":"` + soup + `"}`, `[{"id":"` + soup + `"}`, `[{"id":"` + soup + `"}],"name":"x"`, `["` + soup + `"]`, `[{}]`,
				`[{"id":"` + figs + `"}]`, `[{"id":"` + soup + `","name":"x"}]`, `[{"name":"Soup"}]`,
			} {
				for _, method := range []string{"POST", "PATCH", "DELETE"} {
					w := n.do(manager, method, path, bad)
					refused := w.Code == 400 || w.Code == 415
					if idle := method == "DELETE" && strings.Contains(bad, figs); !refused && !idle { // which is not connected
						t.Errorf("%s %s %s: %d %s", method, path, bad, w.Code, w.Body)
					}
				}
			}
			is(t, n.do(manager, "POST", path+"?take=1", body(soup)), 400)
			if got := list(path); got != "" {
				t.Errorf("%s: refused and done: %s", path, got)
			}
		}
		for _, path := range []string{"/api/restaurants/" + olive + "/menuItems", "/api/orders/" + feast + "/items"} {
			for range 5 {
				codes := make(chan int)
				for _, one := range []string{soup, cake, wine} {
					go func() { codes <- n.do(manager, "PATCH", path, body(one)).Code }()
				}
				for range 3 {
					if code := <-codes; code != 200 {
						t.Errorf("%s: set at the same time: %d", path, code)
					}
				}
				if got := list(path); strings.Contains(got, " ") || got == "" {
					t.Errorf("%s: set to one each, it leads to %s", path, got)
				}
			}
		}
		is(t, n.do(manager, "PATCH", "/api/restaurants/"+olive+"/menuItems", body(soup), "If-Match", `"v7"`), 412)
		is(t, n.do(manager, "GET", "/api/restaurants/"+soup+"/menuItems", ""), 404)
		is(t, n.do(manager, "POST", "/api/restaurants/"+soup+"/menuItems", body(soup)), 404)
		is(t, n.do(manager, "PATCH", "/api/restaurants/"+soup+"/menuItems", body(soup)), 404)
	})
}

// TestAmplication_attacks are those that the services of Amplication did not stand,
// in the words in which they were made.
func TestAmplication_attacks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newBistro(t, db)
		get := func(as, path string, status int) string {
			t.Helper()
			w := n.do(as, "GET", path, "")
			is(t, w, status)
			return w.Body.String()
		}
		// S1: nobody reads a hash by asking what it begins with, whoever asks, by
		// whatever way, and is told no more than of a field that is not there.
		const oracle = "/api/restaurants?where[orders][some][user][password][startsWith]=$2b$10$ab"
		get(noOne, oracle, 401)
		for _, as := range []string{guest, ghost, manager, admin} {
			for _, path := range []string{
				oracle, "/api/orders?where[user][password][startsWith]=$2b", "/api/orders?where[user][is][password][isNull]=false",
				"/api/orders?where[NOT][user][password][startsWith]=$2b",
			} {
				body := get(as, path, 400)
				if made := strings.ReplaceAll(path, "[password]", "[passwort]"); strings.ReplaceAll(get(as, made, 400), "passwort", "password") != body {
					t.Errorf("%s tells more than of a field that is not there: %s", path, body)
				}
			}
			get(as, "/api/users?where[password][startsWith]=$2b&orderBy[password]=asc", map[bool]int{true: 400, false: 403}[as == admin])
		}
		// S2 and S3: nobody writes other rows by way of one that they may write.
		for _, body := range []string{
			`{"orders":{"update":{"where":{"id":"` + lunch + `"},"data":{"user":{"update":{"roles":["admin"]}}}}}}`,
			`{"orders":{"update":[{"where":{"id":"` + lunch + `"},"data":{"name":"Hacked"}}]}}`,
			`{"orders":{"create":[{"name":"Hacked"}]}}`,
			`{"orders":{"connectOrCreate":[{"where":{"id":"` + lunch + `"},"create":{"name":"Hacked"}}]}}`,
			`{"orders":{"deleteMany":{}}}`, `{"orders":{"set":[]}}`, `{"orders":{"upsert":[]}}`, `{"orders":[]}`, `{"orders":null}`,
			`{"menuItems":{"create":[{"name":"Hacked"}]}}`,
			`{"menuItems":{"update":[{"where":{"id":"` + soup + `"},"data":{"cost":0}}]}}`,
			`{"name":"Hacked","menuItems":{"delete":[{"id":"` + soup + `"}]}}`,
			`{"version":7}`,
		} {
			is(t, n.do(noOne, "PATCH", "/api/restaurants/"+figs, body), 401)
			if w := n.do(guest, "PATCH", "/api/restaurants/"+figs, body); w.Code != 400 && w.Code != 412 {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		for _, body := range []string{
			`{"name":"x","restaurant":{"create":{"name":"Hacked"}}}`, `{"name":"x","restaurant":{"update":{"name":"Hacked"}}}`,
			`{"name":"x","restaurant":{"connect":{"id":"` + figs + `"}}}`, `{"name":"x","restaurant":{"id":"` + figs + `"},"user":{"update":{"roles":["admin"]}}}`,
			`{"name":"x","restaurant":{"id":"` + figs + `"},"user":{"id":"` + bob + `"}}`,
			`{"name":"x","restaurant":{"id":"` + figs + `"},"userId":"` + bob + `"}`,
		} {
			if w := n.do(guest, "POST", "/api/orders", body); w.Code != 400 && w.Code != 403 {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		// What may be connected changes the row at the far end, and is judged there.
		items := "/api/restaurants/" + olive + "/menuItems"
		for _, method := range []string{"POST", "PATCH", "DELETE"} {
			for _, body := range []string{`[{"id":"` + soup + `"}]`, `[]`, `{}`, `null`} { // and what is wrong with it is not for them
				is(t, n.do(noOne, method, items, body), 401)
				is(t, n.do(guest, method, "/api/menuItems/"+soup+"/orders", body), 403)
			}
		}
		is(t, n.do(guest, "POST", items, `[{"id":"`+soup+`"}]`), 403)
		is(t, n.do(guest, "PATCH", items, `[{"id":"`+soup+`"}]`), 403)
		is(t, n.do(guest, "PATCH", items, `[]`), 403)
		is(t, n.do(guest, "DELETE", items, `[{"id":"`+wine+`"}]`), 403)
		long := "[" + strings.Repeat(`{"id":"`+soup+`"},`, 200) + `{"id":"` + soup + `"}]`
		if w := n.do(manager, "PATCH", items, long); w.Code != 400 || !strings.Contains(w.Body.String(), "names too many rows") {
			t.Errorf("a list of 201 rows: %d %s", w.Code, w.Body)
		}
		is(t, n.do(other, "POST", "/api/orders/"+lunch+"/items", `[{"id":"`+cake+`"}]`), 403)
		is(t, n.do(other, "PATCH", "/api/orders/"+lunch+"/items", `[]`), 403)
		is(t, n.do(other, "DELETE", "/api/orders/"+lunch+"/items", `[{"id":"`+soup+`"}]`), 403)
		is(t, n.do(guest, "PATCH", "/api/users/"+ann, `{"roles":["admin"]}`), 403)
		is(t, n.do(guest, "PATCH", "/api/users/"+bob, `{"name":"Hacked"}`), 404)
		if got := called(get(manager, "/api/menuItems?orderBy[name]=asc&where[restaurant][id]="+figs, 200)); got != "Cake Soup" {
			t.Errorf("somebody moved what is on the menu: %s", got)
		}
		if body := get(admin, "/api/users?orderBy[name]=asc", 200); strings.Contains(body, "Hacked") || strings.Count(body, `"roles":["user"]`) != 2 {
			t.Errorf("accounts were changed: %s", body)
		}
		if body := get(manager, "/api/restaurants", 200) + get(guest, "/api/orders", 200); strings.Contains(body, "Hacked") {
			t.Errorf("rows were changed: %s", body)
		}
		// S4 and S5: relations are not followed past the rules of the rows there.
		get(noOne, "/api/restaurants/"+figs+"/orders", 401)
		get(guest, "/api/users/"+bob+"/orders", 404)
		get(noOne, "/api/restaurants?where[orders][some][name]=Lunch", 401)
		get(guest, "/api/orders?include[user]=true", 400)
		for _, path := range []string{"/api/menuItems", "/api/menuItems/" + soup, "/api/restaurants/" + figs + "/menuItems", "/api/orders/" + lunch + "/items"} {
			if body := get(guest, path, 200); strings.Contains(body, "cost") || strings.Contains(body, "password") {
				t.Errorf("%s shows what is hidden: %s", path, body)
			}
			if body := get(manager, path, 200); !strings.Contains(body, `"cost":4`) {
				t.Errorf("%s hides what is not: %s", path, body)
			}
		}
		// S6: what one may not read one may not ask about either, nor sort by.
		for _, query := range []string{
			"where[cost][gte]=4", "where[cost]=4", "where[cost][isNull]=true", "orderBy[cost]=asc", "where[OR][0][cost]=4", "where[NOT][cost]=4",
			"where[orders][some][items][some][cost][gte]=4", "where[restaurant][menuItems][some][cost]=4",
		} {
			body := get(guest, "/api/menuItems?"+query, 400)
			if made := get(guest, "/api/menuItems?"+strings.ReplaceAll(query, "[cost]", "[kost]"), 400); strings.ReplaceAll(made, "kost", "cost") != body {
				t.Errorf("%s tells more than of a field that is not there: %s", query, body)
			}
			get(manager, "/api/menuItems?"+query, 200)
		}
		is(t, n.do(guest, "GET", "/api/restaurants/"+figs+"/menuItems?where[cost][gte]=4", ""), 400)
		// S8: a role that nobody knows is no fault.
		get(ghost, "/api/orders", 200)
		is(t, n.do(ghost, "POST", "/api/menuItems", `{"name":"x"}`), 403)
		// S10: nor is a field that is not there.
		get(noOne, "/api/restaurants?where[nothing][equals]=1", 400)
	})
}
