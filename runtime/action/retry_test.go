package action_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/storetest"
)

// TestPerform_again: when the database undoes a transaction, and it runs again, the code
// gets its input as it was sent, whatever it did to it.
func TestPerform_again(t *testing.T) {
	db := storetest.Postgres(t)
	policy, err := authz.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	type input struct{ Lines []string }
	var got []string
	act := &action.Action{
		Name: "sort", Method: "POST", Path: "/api/actions/sort", Rules: []string{"public"}, Changes: true,
		Input: &action.Record{Name: "Input", Members: []action.Member{{Field: model.Field{Name: "lines", Type: model.Text}, List: true}}},
		New:   func() any { return new(input) },
		Run: func(ctx context.Context, _ string, in any) (any, error) {
			lines := in.(*input).Lines
			got = append(got, fmt.Sprint(lines))
			slices.Sort(lines)
			if len(got) > 1 {
				return nil, nil
			}
			tx, _ := crud.Tx(ctx, db)
			_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$")
			return nil, err
		},
	}
	if err := act.Bind(action.Config{DB: db, Policy: policy}); err != nil {
		t.Fatal(err)
	}
	if _, err := act.Call(t.Context(), action.Call{}, action.JSON([]byte(`{"lines":["b","a"]}`), nil)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"[b a]", "[b a]"}; !slices.Equal(got, want) {
		t.Errorf("the code got %q, want %q", got, want)
	}
}
