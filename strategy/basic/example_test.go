package basic_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/basic"
)

func Example() {
	svc, err := gate.New(gate.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	users := newBackend() // verifier and users in one
	if err := svc.Register("basic", basic.New(users, users, basic.Config{Realm: "orders"})); err != nil {
		fmt.Println(err)
		return
	}
	orders := svc.Guard("basic").Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gate.PrincipalFromContext(r.Context())
		fmt.Fprintf(w, "orders of %s", p.Subject)
	}))

	for _, password := range []string{"correct horse battery", "guess"} {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.SetBasicAuth("ada", password)
		w := httptest.NewRecorder()
		orders.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header()["Www-Authenticate"])
	}
	// Output:
	// 200 []
	// 401 [Basic realm="orders", charset="UTF-8"]
}
