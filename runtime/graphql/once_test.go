package graphql_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestOnce_notKept: a mutation with an Idempotency-Key is refused and not made, as it
// would be made again; a query is answered.
func TestOnce_notKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ask := func(document string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(gate.ContextWithPrincipal(t.Context(), s.max), http.MethodPost, "/api/graphql", strings.NewReader(`{"query":"`+document+`"}`))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Idempotency-Key", "k")
			w := httptest.NewRecorder()
			s.api.ServeHTTP(w, r)
			return w
		}
		before := s.dump(t)
		if w := ask(`mutation {createItem(input: {name: \"figs\", price: 1}) {id}}`); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "Idempotency-Key") {
			t.Errorf("a mutation: %d %s", w.Code, w.Body)
		}
		if s.dump(t) != before {
			t.Error("it was made")
		}
		if w := ask(`{items {name}}`); w.Code != http.StatusOK {
			t.Errorf("a query: %d %s", w.Code, w.Body)
		}
	})
}
