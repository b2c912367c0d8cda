package cookie_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/cookie"
)

func Example() {
	svc, err := gate.New(gate.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	store := newBackend() // sessions and accounts in one
	if err := svc.Register("cookie", cookie.New(store, store, cookie.Config{})); err != nil {
		fmt.Println(err)
		return
	}
	orders := svc.Guard("cookie").Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gate.PrincipalFromContext(r.Context())
		fmt.Fprintf(w, "orders of %s", p.Subject)
	}))

	r := httptest.NewRequest(http.MethodPost, "https://shop.example/orders", nil)
	r.AddCookie(&http.Cookie{Name: gate.DefaultCookieName, Value: good})
	for _, site := range []string{"same-origin", "cross-site"} {
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		orders.ServeHTTP(w, r)
		fmt.Println(site, w.Code)
	}
	// Output:
	// same-origin 200
	// cross-site 403
}
