package crud_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store/storetest"
)

// TestSwallowed: a hook that goes on after a statement of its own failed, which on
// PostgreSQL ended the transaction, hides nothing: what let another one pass runs
// again, and the rest is the answer that it would have been, or a fault that says so.
func TestSwallowed(t *testing.T) {
	raise := func(code string) string {
		return "DO $$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '" + code + "'; END $$"
	}
	more := func(ctx context.Context, s *shop) error {
		_, err := s.items.Find(ctx, &query.Query{})
		return err
	}
	for name, tt := range map[string]struct {
		stmt   string
		then   func(ctx context.Context, s *shop) error // what the hook does, and returns
		status int
		runs   int
		log    string
	}{
		"a deadlock, and nothing":          {raise("40P01"), nil, 200, 2, ""},
		"a deadlock, and more":             {raise("40P01"), more, 200, 2, ""},
		"a serialization failure, and 409": {raise("40001"), func(context.Context, *shop) error { return &gate.Error{Status: http.StatusConflict} }, 200, 2, ""},
		"a timeout, and nothing":           {raise("57014"), nil, 503, 1, ""},
		"a timeout, and more":              {raise("57014"), more, 503, 1, ""},
		"a fault, and nothing":             {"SELECT 1/0", nil, 500, 1, "division by zero"},
		"a fault, and more":                {"SELECT 1/0", more, 500, 1, "division by zero"},
		"a fault, and a refusal":           {"SELECT 1/0", func(context.Context, *shop) error { return &gate.Error{Status: http.StatusConflict} }, 409, 1, ""},
		"a name that is taken":             {"INSERT INTO items SELECT * FROM items", nil, 409, 1, ""},
		"a part that is undone":            {"", nil, 200, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, storetest.Postgres(t))
			runs := 0
			s.items.After(authz.Update, func(ctx context.Context, _ *crud.Change[Item]) error {
				if runs++; runs > 1 {
					return nil
				}
				exec := func(ctx context.Context, stmt string) error {
					tx, _ := crud.Tx(ctx, s.db)
					_, err := tx.ExecContext(ctx, stmt)
					return err
				}
				if tt.stmt == "" {
					_ = crud.InTx(ctx, s.db, func(ctx context.Context) error { return exec(ctx, "SELECT 1/0") })
					return more(ctx, s)
				}
				if exec(ctx, tt.stmt) == nil {
					t.Error("the statement did not fail")
				}
				if tt.then != nil {
					return tt.then(ctx, s)
				}
				return nil
			})
			_, err := s.items.PatchRow(as(t, s.max), s.soup, []byte(`{"price":7}`), nil)
			if got := status(t, err); got != tt.status || runs != tt.runs {
				t.Errorf("%d in %d runs, want %d in %d", got, runs, tt.status, tt.runs)
			}
			if tt.log != "" && (!strings.Contains(err.Error(), tt.log) || !strings.Contains(err.Error(), "the code went on")) {
				t.Errorf("it does not say what failed: %v", err)
			}
			if e, ok := errors.AsType[*gate.Error](err); ok && e.Status == 503 && e.RetryAfter == 0 {
				t.Error("503 without Retry-After")
			}
		})
	}
}
