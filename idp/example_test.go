package idp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/store/sqlite"
)

// A provider over an SQLite file, with an API and a program that gets tokens for
// it.
func Example() {
	if err := example(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// issuer http://localhost:3001/
	// 200 read:menu 3600
}

func example(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "idp")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(ctx, filepath.Join(dir, "idp.db"), sqlite.Config{})
	if err != nil {
		return err
	}
	defer db.Close()
	letters, err := mail.Folder(filepath.Join(dir, "outbox"))
	if err != nil {
		return err
	}
	provider, err := idp.Open(ctx, db, idp.Config{
		Issuer: "http://localhost:3001/", Secret: []byte("at least 32 bytes, the same everywhere"), Mail: letters,
		Signup: idp.SignupConfirm, Development: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer func() { _ = provider.Close(ctx) }()
	fmt.Println("issuer", provider.Issuer())

	// What the Management API does by HTTP, a program does with the tenant.
	objects := provider.Tenant()
	if err := objects.APIs.Create(ctx, &tenant.API{
		ID: "api1", Name: "Menu", Identifier: "https://menu.example/", TokenLifetime: 3600,
		Scopes: []tenant.APIScope{{Value: "read:menu", Description: "Read the menu"}},
	}); err != nil {
		return err
	}
	if err := objects.Clients.Create(ctx, &tenant.Client{
		ID: "printer", Secret: "a secret of the printer", Name: "Printer", AppType: tenant.NonInteractive, GrantTypes: []string{"client_credentials"},
	}); err != nil {
		return err
	}
	if err := objects.Grants.Create(ctx, &tenant.ClientGrant{ID: "grant1", ClientID: "printer", Audience: "https://menu.example/", Scope: []string{"read:menu"}}); err != nil {
		return err
	}

	// http.ListenAndServe("localhost:3001", provider) would serve it.
	r := httptest.NewRequest(http.MethodPost, "http://localhost:3001/oauth/token", strings.NewReader(
		`{"grant_type":"client_credentials","client_id":"printer","client_secret":"a secret of the printer","audience":"https://menu.example/"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	provider.ServeHTTP(w, r)
	var answer struct {
		Scope     string `json:"scope"`
		ExpiresIn int    `json:"expires_in"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		return err
	}
	fmt.Println(w.Code, answer.Scope, answer.ExpiresIn)
	return nil
}
