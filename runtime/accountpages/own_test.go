package accountpages_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/runtime/auth"
)

func TestDevices(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	r.signUp("eve@kitchen.example")
	const evil = `<script>alert(1)</script>"'>`
	b := r.logIn(maria, "User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	b.get("/account/devices").is(http.StatusOK, "Firefox on Linux", "this device", "Only this device is logged in.", "UTC").lacks("everywhere else")
	second := r.logIn(maria, "User-Agent", evil)
	eve := r.logIn("eve@kitchen.example", "User-Agent", "eves-own")
	page := b.get("/account/devices").is(http.StatusOK, "&lt;script&gt;alert(1)&lt;/script&gt;", "everywhere else").lacks("<script", "eves-own")
	ids := regexp.MustCompile(`name="session" value="([^"]+)"`).FindAllStringSubmatch(page.Body, -1)
	if len(ids) != 2 || ids[1][1] != "others" {
		t.Fatalf("buttons are %v", ids)
	}
	// One of somebody else is not there, whoever asks.
	eve.post("/account/devices", "session", ids[0][1]).leads("/account/devices?ended=gone")
	second.get("/account").is(http.StatusOK)
	b.post("/account/devices", "session", ids[0][1]).leads("/account/devices?ended=one")
	b.get("/account/devices?ended=one").is(http.StatusOK, `role="status"`, "That device is logged out.")
	b.get("/account/devices?ended=<script>").is(http.StatusOK).lacks(`role="status"`, "<script")
	second.get("/account/devices").leads("/account/login?next=%2Faccount%2Fdevices")
	second.post("/account/devices", "session", "others").leads("/account/login?next=%2Faccount%2Fdevices")
	third := r.logIn(maria)
	b.post("/account/devices", "session", "others").leads("/account/devices?ended=others")
	third.get("/account").leads("/account/login?next=%2Faccount")
	b.get("/account").is(http.StatusOK)
	eve.get("/account").is(http.StatusOK)
	b.post("/account/devices").leads("/account/devices?ended=gone")
}

func TestPassword(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	b, second := r.logIn(maria), r.logIn(maria)
	change := func(current, next string) answer {
		return b.post("/account/password", "current", current, "password", next)
	}
	b.get("/account/password").is(http.StatusOK, `autocomplete="current-password"`, `autocomplete="new-password"`, `value="`+maria+`"`)
	a := change("wrong-Gravel-oyster-29", other).is(http.StatusBadRequest, "<title>Not changed: ", "The current password is not right.", "current-error")
	a.lacks("wrong-Gravel", other)
	change("", other).is(http.StatusBadRequest, "The current password is not right.")
	change(good, "short").is(http.StatusBadRequest, "The password must have at least 15 characters", "password-error").lacks(`"short"`)
	second.get("/account").is(http.StatusOK)
	change(good, other).leads("/account?done=password")
	b.get("/account?done=password").is(http.StatusOK, "Your password is changed.")
	second.get("/account").leads("/account/login?next=%2Faccount")
	r.browser().post("/account/login", "login", maria, "password", good).is(http.StatusUnauthorized)
	r.browser().post("/account/login", "login", maria, "password", other).leads("/account")
	// Which of the two inputs counts is what the box says.
	shown := r.browser()
	shown.post("/account/login", "login", maria, "password", other, "password_shown", good, "password_reveal", "1").is(http.StatusUnauthorized)
	shown.post("/account/login", "login", maria, "password", good, "password_shown", other, "password_reveal", "1").leads("/account")
	var last answer
	for range 60 {
		if last = change("wrong-Gravel-oyster-29", good); last.Status != http.StatusBadRequest {
			break
		}
	}
	last.is(http.StatusTooManyRequests, "Too many tries", `role="alert"`)
	if strings.Contains(r.log.String(), "Gravel") || strings.Contains(r.log.String(), "walnut") {
		t.Error("a password is in the log")
	}
}

func TestKeys(t *testing.T) {
	r := start(t, options{keys: true})
	r.signUp(maria)
	r.signUp("eve@kitchen.example")
	b, eve := r.logIn(maria), r.logIn("eve@kitchen.example")
	b.get("/account/keys").is(http.StatusOK, "There are no keys yet.", "What is yours", "Make key")
	make := func(fields ...string) answer { return b.post("/account/keys", fields...) }
	make("name", "", "days", "90").is(http.StatusBadRequest, "Name is required.", "Choose one at least.")
	make("name", "x", "days", "90", "scope write:everything", "1").is(http.StatusForbidden, "Not made")
	make("name", "x", "days", "9000", "scope owner", "1").is(http.StatusBadRequest)
	b.send(http.MethodPost, "/account/keys", encode("name", "x", "days", "90", "scope owner", "1"), "Sec-Fetch-Site", "cross-site").is(http.StatusForbidden)
	b.get("/account/keys").is(http.StatusOK, "There are no keys yet.")

	const evil = `<b>till</b>`
	page := make("name", evil, "days", "30", "scope owner", "1").is(http.StatusCreated, "Copy it now.", "&lt;b&gt;till").lacks(evil)
	text := regexp.MustCompile(`<pre[^>]*>([^<]+)</pre>`).FindStringSubmatch(page.Body)
	list := b.get("/account/keys").is(http.StatusOK, "&lt;b&gt;till", "never used", "What is yours")
	if text == nil || strings.Contains(list.Body, text[1]) {
		t.Fatalf("the key is shown never, or again: %s", list.words())
	}
	id := regexp.MustCompile(`/account/keys\?revoke=([\w-]+)`).FindStringSubmatch(list.Body)
	if id == nil {
		t.Fatalf("nothing revokes it: %s", list.words())
	}
	eve.get("/account/keys?revoke=" + id[1]).leads("/account/keys") // which is not there for her
	eve.post("/account/keys", "revoke", id[1]).leads("/account/keys?done=revoke")
	b.get("/account/keys?revoke="+id[1]).is(http.StatusOK, "Revoke this key?")
	b.get("/account/keys").is(http.StatusOK, "till") // neither she nor a link did it
	b.post("/account/keys", "revoke", id[1]).leads("/account/keys?done=revoke")
	b.get("/account/keys?done=revoke").is(http.StatusOK, "The key is revoked.", "There are no keys yet.")
	if strings.Contains(r.log.String(), text[1]) {
		t.Error("the key is in the log")
	}
}

// TestKeysAskAgain sees that a session that somebody left open makes no key.
func TestKeysAskAgain(t *testing.T) {
	r := start(t, options{keys: true, change: func(c *auth.Config) { c.StepUp = time.Nanosecond }})
	r.signUp(maria)
	b := r.logIn(maria)
	b.get("/account/keys").is(http.StatusOK, "Log in again").lacks("Make key<")
	b.post("/account/keys", "name", "x", "days", "90", "scope owner", "1").leads("/account/login?again=1&next=%2Faccount%2Fkeys")
	b.get("/account/login?again=1&next=%2Faccount%2Fkeys").is(http.StatusOK, `name="password"`)
	b.post("/account/login", "login", maria, "password", good, "next", "/account/keys").leads("/account/keys")
}
