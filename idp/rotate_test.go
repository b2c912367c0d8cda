package idp_test

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// JKS-08: however often the Management API rotates, no token is signed with a key
// that was published a moment ago.
func TestJKS08_rotateTwice(t *testing.T) {
	s, c := withClock(t)
	rotate := func(token string) string {
		t.Helper()
		kid, _ := mustManage(t, s, token, http.StatusCreated, "POST", "keys/signing/rotate", "")["kid"].(string)
		return kid
	}
	signs := func() string {
		t.Helper()
		kid, _ := header(t, managementToken(t, s))["kid"].(string)
		return kid
	}
	token, first := managementToken(t, s), signs()
	second := rotate(token)
	if got := signs(); got != first || second == first {
		t.Errorf("%s signs, which was published with the provider; before it %s", got, first)
	}
	c.turn(2 * time.Hour)
	token = managementToken(t, s)
	copied := jwksKeys(t, s) // by somebody who verifies
	if got := rotate(token); got != second && first == signs() {
		t.Errorf("rotated to %s", got)
	}
	current := signs()
	if current == first {
		t.Fatal("the key that was published two hours ago does not sign")
	}
	if _, ok := copied.ByID(current); !ok {
		t.Errorf("%s signs, and is in no copy of the keys", current)
	}
	next := rotate(token)
	if again := rotate(token); again != next || next == current {
		t.Errorf("rotated from %s to %s and then %s", current, next, again)
	}
	if got := signs(); got != current {
		t.Errorf("%s signs, which was published a moment ago", got)
	}
	var since time.Time
	_, list := manage(t, s, token, "GET", "keys/signing", "")
	for _, item := range list.([]any) {
		key := item.(map[string]any)
		if key["kid"] != next {
			continue
		}
		text, _ := key["current_since"].(string)
		since, _ = time.Parse(time.RFC3339, text)
		if key["next"] != true || key["current"] != false {
			t.Errorf("the next key: next %v, current %v", key["next"], key["current"])
		}
	}
	if wait := since.Sub(c.now()); wait < 55*time.Minute || wait > time.Hour {
		t.Errorf("the list says that the next key signs in %v", wait)
	}
	c.turn(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	eventually(t, func() bool { return signs() == next })
	cancel()
	<-done
}
