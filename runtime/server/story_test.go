package server_test

import (
	"strings"
	"testing"
)

// TestStory is the story that the README tells with curl.
func TestStory(t *testing.T) {
	r := start(t, options{})
	if got, want := r.do("GET", "/api/items", "").is(200).Body, `{"total":0,"limit":25,"skip":0,"data":[]}`; got != want {
		t.Errorf("the empty list is %s, want %s", got, want)
	}
	const dish = `{"name":"Figs and honey","price":7.50}`
	if got := r.do("POST", "/api/items", dish).is(401).Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
		t.Errorf("WWW-Authenticate is %q", got)
	}

	user := r.do("POST", "/api/users", `{"email":"Maria@kitchen.example","password":"`+goodPassword+`"}`).is(201)
	if strings.Contains(user.Body, "password") || strings.Contains(user.Body, "argon2") {
		t.Errorf("the new account shows its password: %s", user.Body)
	}
	const login = `{"strategy":"local","email":"maria@KITCHEN.example","password":"` + goodPassword + `"}`
	in := r.do("POST", "/api/authentication", login).is(201)
	if !strings.HasPrefix(in.Body, `{"accessToken":"`) || strings.Contains(in.Body, "argon2") || strings.Contains(in.Body, `"password"`) {
		t.Errorf("the log-in answers %s", in.Body)
	}
	got := in.json()
	token, _ := got["accessToken"].(string)
	account, _ := got["user"].(map[string]any)
	how, _ := got["authentication"].(map[string]any)
	if account["email"] != "Maria@kitchen.example" || how["strategy"] != "local" || how["payload"] == nil {
		t.Errorf("the log-in answers %s", in.Body)
	}
	bearer := []string{"Authorization", "Bearer " + token}
	r.do("POST", "/api/items", dish, bearer...).is(403)
	me := r.do("GET", "/api/me", "", bearer...).is(200).json()
	if me["id"] != account["id"] {
		t.Errorf("me is %v", me)
	}
	if got, want := r.do("GET", "/api/me/permissions", "", bearer...).is(200).Body, `{"roles":["customer"],"permissions":[],"entities":{`; !strings.HasPrefix(got, want) {
		t.Errorf("permissions are %s, want %s", got, want)
	}

	r.signUp("ada@kitchen.example", "customer", "menu-admin")
	ada := r.login("ada@kitchen.example")
	made := r.do("POST", "/api/items", dish, ada...).is(201)
	id, _ := made.json()["id"].(string)
	if got, want := made.Header.Get("Location"), "/api/items/"+id; got != want {
		t.Errorf("Location is %q, want %q", got, want)
	}
	if !strings.Contains(made.Body, `"price":7.50`) {
		t.Errorf("the price lost its digits: %s", made.Body)
	}
	path := "/api/items/" + id
	if got := r.do("PATCH", path, `{"price":8.25}`, ada...).is(200).Body; !strings.Contains(got, `"price":8.25`) {
		t.Errorf("PATCH answers %s", got)
	}
	if got := r.do("PUT", path, `{"name":"Figs","price":1}`, ada...).is(200).json(); got["name"] != "Figs" || got["id"] != id {
		t.Errorf("PUT answers %v", got)
	}
	r.do("GET", path, "").is(200)
	r.do("DELETE", path, "", bearer...).is(403)
	if got := r.do("DELETE", path, "", ada...).is(200).json()["id"]; got != id {
		t.Errorf("DELETE answers the id %v", got)
	}
	r.do("GET", path, "").is(404)

	again := r.do("POST", "/api/authentication", `{"strategy":"jwt","accessToken":"`+token+`"}`).is(201).json()
	if again["accessToken"] != token {
		t.Error("the token was exchanged for another")
	}
	r.do("DELETE", "/api/authentication", "", bearer...).is(200)
	for _, dead := range []answer{
		r.do("GET", "/api/me", "", bearer...),
		r.do("GET", "/api/items", "", bearer...),
		r.do("DELETE", "/api/authentication", "", bearer...),
		r.do("POST", "/api/authentication", `{"strategy":"jwt","accessToken":"`+token+`"}`),
	} {
		dead.is(401)
	}
	r.do("GET", "/api/me", "", ada...).is(200)
}
