package crud_test

import (
	"net/http"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestOwner_ofOthers: where rows are owned by those who log in beside the accounts,
// the word for owners lets in no account, whatever roles and ids it has: it is told
// so, and not that there are no rows.
func TestOwner_ofOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := unlinked(t, db)
		users, orders := userEntity(), orderEntity()
		users.LogsIn = true
		orders.Allow.List, orders.Allow.View, orders.Allow.Create = []string{"owner"}, []string{"owner", "manager"}, []string{"owner"}
		s.users = newResource(t, db, s.policy, users, (*User).pointer)
		s.orders = newResource(t, db, s.policy, orders, (*Order).pointer)
		s.users.UsePasswords(hasher{})
		if err := crud.Link(s.users, s.items, s.orders); err != nil {
			t.Fatal(err)
		}
		ann := s.account(t, "ann@example.com")
		account := &gate.Principal{Subject: ann.Subject, Roles: []string{"customer", "manager"}}
		stranger := &gate.Principal{Subject: "Guest/" + ann.Subject}
		ann.Subject = "User/" + ann.Subject
		s.soup = s.item(t, "soup", "4.50", "1.20")
		id := s.order(t, ann)

		for name, tt := range map[string]struct {
			who                                *gate.Principal
			list, view, create, update, remove int
		}{
			"the owner":        {ann, http.StatusOK, http.StatusOK, http.StatusOK, http.StatusOK, http.StatusOK},
			"an account":       {account, http.StatusForbidden, http.StatusOK, http.StatusForbidden, http.StatusOK, http.StatusForbidden},
			"a row of another": {stranger, http.StatusForbidden, http.StatusForbidden, http.StatusForbidden, http.StatusForbidden, http.StatusForbidden},
			"nobody":           {nil, http.StatusUnauthorized, http.StatusUnauthorized, http.StatusUnauthorized, http.StatusUnauthorized, http.StatusUnauthorized},
		} {
			ctx := as(t, tt.who)
			check := func(what string, err error, want int) {
				if got := status(t, err); got != want {
					t.Errorf("%s, %s: %d, want %d", name, what, got, want)
				}
			}
			_, err := s.orders.Find(ctx, &query.Query{})
			check("list", err, tt.list)
			_, err = s.orders.Get(ctx, id)
			check("view", err, tt.view)
			made, err := s.orders.CreateRow(ctx, []byte(`{"itemId":"`+s.soup+`"}`), nil)
			check("create", err, tt.create)
			_, err = s.orders.PatchRow(ctx, id, []byte(`{"amount":2}`), nil)
			check("update", err, tt.update)
			if made.ID == "" {
				made.ID = id
			}
			_, err = s.orders.Remove(ctx, made.ID)
			check("delete", err, tt.remove)
		}
	})
}
