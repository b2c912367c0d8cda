package graphql_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestPatience: a change may take the time that its hooks ask for, and those behind it in
// the document are not begun when it took too long.
func TestPatience(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		left := time.Duration(0)
		s.items.Before(authz.Create, func(ctx context.Context, _ *crud.Change[Item]) error {
			if !crud.Extend(ctx, s.db, time.Hour) {
				t.Error("there is no transaction")
			}
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			return nil
		})
		const one = `createItem(input:{price:1 name:"one"}) {name}`
		if a := s.ask(t, s.max, "mutation {"+one+"}"); len(a.told()) > 0 || left < 59*time.Minute {
			t.Errorf("it has %v: %s", left, a.text)
		}
		s.api.SetPatience(0)
		a := s.ask(t, s.max, `mutation {a: deleteItems(where:{name:{eq:"one"}}) {name} b: `+one+"}")
		if !slices.Equal(a.told(), []string{"UNAVAILABLE a", "UNAVAILABLE b"}) || !strings.Contains(a.text, "was not begun") {
			t.Error(a.text)
		}
		if a := s.ask(t, s.max, `{items {name}}`); !slices.Equal(a.told(), []string{"UNAVAILABLE items"}) {
			t.Errorf("a question: %s", a.text)
		}
	})
}
