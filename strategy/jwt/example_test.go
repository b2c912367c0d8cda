package jwt_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/jwt"
)

func Example() {
	svc, err := gate.New(gate.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A *gate.Service with keys verifies tokens; here a table does.
	if err := svc.Register("jwt", jwt.New(newTokens(), newSubjects(), jwt.Config{Realm: "orders"})); err != nil {
		fmt.Println(err)
		return
	}
	orders := svc.Guard("jwt").Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gate.PrincipalFromContext(r.Context())
		fmt.Fprintf(w, "orders of %s", p.Subject)
	}))

	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	for _, token := range []string{"good.a.b", "bad.a.b"} {
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		orders.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body.Len() > 0, w.Header()["Www-Authenticate"])
	}
	// Output:
	// 200 true []
	// 401 true [Bearer realm="orders", error="invalid_token"]
}
