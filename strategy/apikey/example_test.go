package apikey_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/apikey"
)

func Example() {
	svc, err := gate.New(gate.Config{
		Permissions: func([]string) []string { return []string{"read:orders", "write:orders"} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	store := newBackend() // keys and accounts in one; this key may read
	cfg := config()
	cfg.Exposed = func(_ context.Context, k apikey.Key) { fmt.Println("revoke", k.ID) }
	if err := svc.Register("apikey", apikey.New(store, store, cfg)); err != nil {
		fmt.Println(err)
		return
	}
	done := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", svc.Guard("apikey").Require("read:orders").Protect(done))
	mux.Handle("POST /orders", svc.Guard("apikey").Require("write:orders").Protect(done))

	send := func(method, target string) {
		r := httptest.NewRequest(method, target, nil)
		r.Header.Set("X-API-Key", good)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(method, w.Code)
	}
	send("GET", "/orders")
	send("POST", "/orders")
	send("GET", "/orders?api_key="+good)
	// Output:
	// GET 200
	// POST 403
	// revoke k1
	// GET 400
}
