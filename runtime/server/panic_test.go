package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/crud"
)

// TestPanic_afterCommit: what was written is answered as written, and the log says
// whose code panicked, and where.
func TestPanic_afterCommit(t *testing.T) {
	told := 0
	r := start(t, options{configure: func(a *App) error {
		a.Items.OnChange(func(context.Context, crud.Changed) { burn(12) })
		a.Items.OnChange(func(context.Context, crud.Changed) { told++ })
		return nil
	}})
	r.signUp("max@example.com", "menu-admin")
	r.do("POST", "/api/items", `{"name":"Soup","price":1}`, r.login("max@example.com")...).is(201)
	if told != 1 {
		t.Errorf("the other one was told %d times", told)
	}
	for _, want := range []string{`"msg":"panic after a commit","err":"fire"`, `"listener":"github.com/gatewright/gate/runtime/server_test.TestPanic_afterCommit`} {
		if !strings.Contains(r.logged(), want) {
			t.Errorf("%s is not in the log:\n%s", want, r.logged())
		}
	}
	if n := strings.Count(r.logged(), "panic_test.go:"); n < 13 {
		t.Errorf("the stack has %d of 13 calls:\n%s", n, r.logged())
	}
}

// burn panics behind some more calls.
func burn(calls int) {
	if calls == 1 {
		panic("fire")
	}
	burn(calls - 1)
}
