package query_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestReader_manyShapes: more texts than are kept, by many at once, all get
// their answer.
func TestReader_manyShapes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := query.NewReader(db)
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for i := range 300 {
					want := int64((i*7 + worker) % 260)
					s := query.Statement{SQL: fmt.Appendf(nil, "SELECT %d + CAST($1 AS integer)", want), Args: []any{int64(1)}}
					rows, err := r.Query(t.Context(), &s)
					if err != nil {
						t.Error(err)
						return
					}
					var got int64
					for rows.Next() {
						err = rows.Scan(&got)
					}
					if err != nil || rows.Err() != nil || got != want+1 {
						t.Errorf("%d, want %d: %v %v", got, want+1, err, rows.Err())
					}
					_ = rows.Close()
				}
			})
		}
		wg.Wait()
		if _, err := r.Query(t.Context(), &query.Statement{SQL: []byte("SELECT nonsense FROM nowhere")}); err == nil {
			t.Error("nonsense was answered")
		}
	})
}
