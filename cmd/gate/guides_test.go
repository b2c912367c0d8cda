package main

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block returns the code block of a guide that contains a text.
func block(t *testing.T, guide, with string) string {
	t.Helper()
	for _, m := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, "../../docs/guides/"+guide), -1) {
		if strings.Contains(m[1], with) {
			return m[1]
		}
	}
	t.Fatalf("%s has no block with %q", guide, with)
	return ""
}

// TestGuides builds and runs the code of the guides as it is printed, and then
// with authentication turned off.
func TestGuides(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	yaml := read(t, "../../examples/restaurant/gate.yaml")
	dir := design(t, yaml)
	gate := gateBinary(t)
	r := dev(t, gate, dir)

	write(t, filepath.Join(dir, "app", "kiosk.go"), block(t, "authentication.md", "type Kiosk"))
	hooks := block(t, "service.md", "func configure")
	register := strings.TrimSpace(block(t, "authentication.md", "a.Auth.Register"))
	last := strings.LastIndex(hooks, "return nil\n}")
	hooks = hooks[:last] + register + "\n}\n"
	write(t, filepath.Join(dir, "app", "hooks.go"), hooks)
	for {
		if e := r.await("change"); e["status"] == "restarted" {
			break
		}
	}
	admin, _ := r.login(r.admin.Email, r.admin.Password)
	r.want(201, "POST", "/api/items", admin, `{"name":"Figs","price":7.5}`)
	r.want(409, "POST", "/api/items", admin, `{"name":"Toast with pineapple","price":7.5}`)
	if a := r.want(200, "GET", "/api/menu-of-the-day", "", ""); a.body != "Figs, 7.50\n" {
		t.Errorf("menu of the day: %q", a.body)
	}
	for code, want := range map[string]int{"4711": 200, "4712": 401} {
		req, err := http.NewRequest("GET", r.url+"/api/me/permissions", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Kiosk", code)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("kiosk %s: %s, want %d", code, res.Status, want)
		}
	}

	off := strings.NewReplacer("auth-core: {", "auth-core: {enabled: false, ", "auth-jwt: {", "auth-jwt: {enabled: false, ", "auth-session: {", "auth-session: {enabled: false, ",
		"\n  admin: {", "\n  admin: {enabled: false, ").Replace(yaml)
	write(t, filepath.Join(dir, "gate.yaml"), off)
	if e := r.await("change"); e["status"] != "restarted" {
		t.Fatalf("authentication off: %v", e)
	}
	r.want(200, "GET", "/api/items", "", "")
	r.want(403, "POST", "/api/items", "", `{"name":"Figs","price":7.5}`)
}
