package realtime_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gatewright/gate/runtime/realtime"
)

func Example() {
	rt, err := realtime.New(realtime.Config{Origins: []string{"https://app.example.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /api/socket", rt.WebSocket())
	mux.Handle("GET /api/events", rt.Events())

	r := httptest.NewRequest(http.MethodGet, "/api/socket", http.NoBody)
	r.Header.Set("Origin", "https://evil.example")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code)
	fmt.Println(rt.Close(context.Background()))
	// Output:
	// 403
	// <nil>
}
