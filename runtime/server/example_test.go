package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"

	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"
)

// A service can be asked without a program around it, as its tests do.
func ExampleOpen() {
	cfg, err := config.Load(config.Options{
		Environ:     []string{"AUTH_SECRET=vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"},
		Addr:        "127.0.0.1:0",
		Database:    ":memory:",
		SecretBytes: 32,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	quiet := slog.New(slog.DiscardHandler)
	srv, err := server.Open(context.Background(), restaurant(true, false, nil), cfg, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	w := httptest.NewRecorder()
	srv.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/api/items", nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"total":0,"limit":25,"skip":0,"data":[]}
}
