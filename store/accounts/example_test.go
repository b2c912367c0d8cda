package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/sqlite"
)

// open returns a database with the tables.
func open(ctx context.Context) (*store.DB, error) {
	db, err := sqlite.Open(ctx, ":memory:", sqlite.Config{})
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx, accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func ExampleSessions() {
	ctx := context.Background()
	db, err := open(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	sessions, err := accounts.NewSessions(db, accounts.SessionsConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	id, err := sessions.Create(ctx, gate.Session{
		Subject: "42", Entity: "user", Strategy: "local", ExpiresAt: time.Now().Add(time.Hour),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sessions.Active(ctx, id, "42"))
	fmt.Println(sessions.End(ctx, id))
	fmt.Println(sessions.Active(ctx, id, "42"))
	// Output:
	// true <nil>
	// <nil>
	// false <nil>
}

func ExampleRefreshTokens() {
	ctx := context.Background()
	db, err := open(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	sessions, err := accounts.NewSessions(db, accounts.SessionsConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()
	refresh, err := accounts.NewRefreshTokens(sessions, accounts.RefreshConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := sessions.Create(ctx, gate.Session{Subject: "42", Entity: "user", ExpiresAt: time.Now().Add(30 * 24 * time.Hour)})
	if err != nil {
		fmt.Println(err)
		return
	}
	first, err := refresh.Issue(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}

	session, second, err := refresh.Use(ctx, first.Token, gate.Client{})
	fmt.Println(session.Subject, second.Token != first.Token, err)
	_, _, err = refresh.Use(ctx, first.Token, gate.Client{}) // once more: somebody stole it
	fmt.Println(errors.Is(err, gate.ErrReused))
	_, _, err = refresh.Use(ctx, second.Token, gate.Client{})
	fmt.Println(errors.Is(err, gate.ErrNotAuthenticated))
	// Output:
	// 42 true <nil>
	// true
	// true
}

func ExampleTokens() {
	ctx := context.Background()
	db, err := open(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	tokens, err := accounts.NewTokens(db, accounts.TokensConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, _, err := tokens.Issue(ctx, accounts.ResetPassword, accounts.Claim{Entity: "user", Subject: "42", Address: "ann@example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}

	claim, err := tokens.Peek(ctx, accounts.ResetPassword, token) // the page
	fmt.Println(claim.Address, err)
	claim, err = tokens.Redeem(ctx, accounts.ResetPassword, token) // its button
	fmt.Println(claim.Subject, err)
	_, err = tokens.Redeem(ctx, accounts.ResetPassword, token)
	fmt.Println(err)
	// Output:
	// ann@example.com <nil>
	// 42 <nil>
	// Invalid or expired token
}

func ExampleAPIKeys() {
	ctx := context.Background()
	db, err := open(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	keys, err := accounts.NewAPIKeys(db, accounts.APIKeysConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer keys.Close()
	text, _, err := keys.Create(ctx, accounts.NewKey{
		Entity: "user", Subject: "42", Name: "deploy", Scopes: []string{"read:items"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	fmt.Println(text[:8], len(text))
	key, err := keys.Find(ctx, text)
	fmt.Println(key.Name, key.Scopes, err)
	_, err = keys.Find(ctx, strings.Replace(text, "_live_", "_test_", 1))
	fmt.Println(err)
	// Output:
	// gk_live_ 74
	// deploy [read:items] <nil>
	// Invalid API key
}
