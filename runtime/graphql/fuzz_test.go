package graphql_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/gatewright/gate/store/storetest"
)

// FuzzRequest sends any document and any variables as nobody: the answer is JSON,
// never a fault, and never names what nobody may know.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ document, variables string }{
		{`{ items(where: {price: {lt: 3}, OR: [{name: {contains: "ou"}}]}, orderBy: [{name: asc}], limit: 1, skip: 1) { id name ...f } } fragment f on Item { kind cost }`, `{}`},
		{`query($w: ItemWhere, $n: Int) { items(where: $w, limit: $n) { id @skip(if: false) } itemsCount(where: {NOT: $w}) }`, `{"w":{"AND":[{"id":{"in":["x"]}}]},"n":2}`},
		{`mutation($i: CreateItemInput!) { createItem(input: $i) { id } }`, `{"i":{"name":"x","price":"1.0","kind":"hot_drink"}}`},
		{`{ user(id: 1) { id } x: __typename }`, `null`},
		{`{ users(where: {email: {startsWith: "a"}}) { email } }`, `{"a":[1,{"b":null}]}`},
	} {
		f.Add(seed.document, seed.variables)
	}
	s := newShop(f, storetest.SQLite(f))
	f.Fuzz(func(t *testing.T, document, variables string) {
		if !json.Valid([]byte(variables)) {
			variables = "{}"
		}
		got := s.ask(t, nil, document, variables)
		if got.status != http.StatusOK && got.status != http.StatusBadRequest && got.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%d %s", got.status, got.text)
		}
		for _, e := range got.Errors {
			if e.Extensions.Code == "INTERNAL" || e.Extensions.Code == "" {
				t.Errorf("%q %s: %s\n%s", document, variables, got.text, s.log)
			}
		}
		if _, ok := got.Data["users"].([]any); ok {
			t.Errorf("nobody sees users: %s", got.text)
		}
	})
}
