package account_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/account/words"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/sqlite"
)

// people is an application's own table of users.
type people struct{ ann gate.Account }

func (p *people) ByLogin(_ context.Context, name string) (*gate.Account, error) {
	if name != "ann@kitchen.example" {
		return nil, gate.ErrNotAuthenticated
	}
	account := p.ann
	return &account, nil
}

func (p *people) Profile(_ context.Context, subject string) (account.Profile, error) {
	return account.Profile{Subject: subject, Login: "ann@kitchen.example", Email: "ann@kitchen.example"}, nil
}

func (p *people) SetPassword(_ context.Context, _, old, hash string) error {
	if p.ann.PasswordHash != old {
		return account.ErrChanged
	}
	p.ann.PasswordHash = hash
	return nil
}

func (p *people) SetEmail(context.Context, string, string) error { return nil }

func (p *people) ConfirmEmail(context.Context, string, string, account.Arrival) error { return nil }

// patient lets everyone try; an application gives the throttle of its log-in.
type patient struct{}

func (patient) Begin(context.Context, string) (func(gate.Outcome), error) {
	return func(gate.Outcome) {}, nil
}

// A forgotten password: the person asks, gets a letter, and sets a new one.
func Example() {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, ":memory:", sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if _, err := db.Migrate(ctx, accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := accounts.NewSessions(db, accounts.SessionsConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()
	tokens, err := accounts.NewTokens(db, accounts.TokensConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	hasher, err := password.New(password.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var outbox strings.Builder // in production: smtp.New
	letters, err := mail.NewQueue(mail.Console(&outbox), mail.QueueConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	users := &people{gate.Account{Subject: "1"}}
	flows, err := account.New(account.Config{
		Service:   "Orchard Kitchen",
		PublicURL: &url.URL{Scheme: "https", Host: "kitchen.example", Path: "/account"},
		Users:     users, Tokens: tokens, Sessions: sessions, Hasher: hasher, Policy: password.Policy{},
		Mailer: letters, Words: words.English(), Throttle: patient{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Over HTTP: mux.Handle("/account/", guard.Optional().Protect(flows.Handler("/account")))

	fmt.Println(flows.Forgot(ctx, "ann@kitchen.example"), flows.Forgot(ctx, "nobody@kitchen.example"))
	if err := letters.Close(ctx); err != nil {
		fmt.Println(err)
	}
	link, token, _ := strings.Cut(outbox.String(), "?token=")
	token, _, _ = strings.Cut(token, "\n")
	fmt.Println(link[strings.LastIndex(link, "https"):])
	fmt.Println(flows.Reset(ctx, token, "seven wet dogs sing"))
	fmt.Println(flows.Reset(ctx, token, "nine cold spoons rust"))
	fmt.Println(hasher.Verify(ctx, users.ann.PasswordHash, "seven wet dogs sing"))
	// Output:
	// <nil> <nil>
	// https://kitchen.example/account/reset
	// <nil>
	// This link cannot be used. It works once and for a limited time. Ask for a new one.: Invalid or expired token
	// true false <nil>
}
