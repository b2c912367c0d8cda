package anonymous_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/anonymous"
)

func Example() {
	svc, err := gate.New(gate.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	visitors := anonymous.New(anonymous.Config{Permissions: []string{"read:menu"}})
	if err := svc.Register("anonymous", visitors); err != nil {
		fmt.Println(err)
		return
	}
	done := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("GET /menu", svc.Guard("anonymous").Require("read:menu").Protect(done)) // after "jwt", where there are tokens
	mux.Handle("POST /menu", svc.Guard("anonymous").Require("write:menu").Protect(done))

	for _, method := range []string{http.MethodGet, http.MethodPost} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, "/menu", nil))
		fmt.Println(method, w.Code < 400)
	}
	// Output:
	// GET true
	// POST false
}
