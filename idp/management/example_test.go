package management_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store/sqlite"
)

func Example() {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, ":memory:", sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if _, err := db.Migrate(ctx, tenant.Component, tenant.Migrations(db.Dialect())); err != nil {
		fmt.Println(err)
		return
	}
	store, err := tenant.Open(ctx, db, tenant.Config{Secret: bytes.Repeat([]byte("k"), 32)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close(ctx)
	api, err := management.New(management.Config{
		Tenant: store, Issuer: "https://login.example.com/",
		Verify: func(_ context.Context, token string) (management.Caller, error) {
			if token != "for-an-example" { // a provider verifies a JWT for api.Audience()
				return management.Caller{}, management.ErrBadToken
			}
			return management.Caller{ClientID: "deploy", Subject: "deploy@clients", Scopes: []string{"create:roles"}}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer api.Close(ctx)

	for _, method := range []string{http.MethodPost, http.MethodGet} {
		r := httptest.NewRequestWithContext(ctx, method, "/api/v2/roles", strings.NewReader(`{"name":"menu-admin"}`))
		r.Header.Set("Authorization", "Bearer for-an-example")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.Contains(w.Body.String(), "expected any of: read:roles"))
	}
	// Output:
	// 200 false
	// 403 true
}
