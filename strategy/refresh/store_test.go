package refresh_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
	"github.com/gatewright/gate/strategy/refresh"
)

var (
	_ refresh.Tokens = (*accounts.RefreshTokens)(nil)
	_ refresh.Ender  = (*accounts.Sessions)(nil)
)

// pin lets ada in.
type pin struct{}

func (pin) Authenticate(context.Context, gate.Credentials) (*gate.Principal, error) {
	return &gate.Principal{Subject: "7"}, nil
}

// service returns a service that keeps its sessions in a database.
func service(t *testing.T, subjects refresh.Subjects) *gate.Service {
	t.Helper()
	db := storetest.SQLite(t)
	if _, err := db.Migrate(t.Context(), accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	sessions, err := accounts.NewSessions(db, accounts.SessionsConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sessions.Close() })
	tokens, err := accounts.NewRefreshTokens(sessions, accounts.RefreshConfig{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.NewHMACKey("k1", jose.HS256, []byte(strings.Repeat("0123456789abcdef", 4)))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	svc, err := gate.New(gate.Config{
		Keys: keys, Issuer: "https://gate.test", Audience: []string{"test"},
		AuthStrategies: []string{"pin", "refresh"}, Sessions: sessions, RefreshTokens: tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		svc.Register("pin", pin{}),
		svc.Register("refresh", refresh.New(tokens, subjects, refresh.Config{Sessions: sessions})),
		svc.Setup(),
	)
	if err != nil {
		t.Fatal(err)
	}
	return svc
}

func credentials(token string) gate.Credentials {
	return gate.Credentials{Strategy: "refresh", Fields: fields(token)}
}

// TestSES06_oneWinner has many present one token at once, with the store of the
// product: one of them gets the next, and then the family is over.
func TestSES06_oneWinner(t *testing.T) {
	svc := service(t, &backend{})
	first, err := svc.Create(t.Context(), gate.Credentials{Strategy: "pin"})
	if err != nil {
		t.Fatal(err)
	}
	next, err := svc.Create(t.Context(), credentials(first.Refresh.Token))
	if err != nil || next.Principal.SessionID == "" || next.Refresh.Token == first.Refresh.Token {
		t.Fatalf("%v, %v", next, err)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		wins []*gate.Result
	)
	for range 50 {
		wg.Go(func() {
			result, err := svc.Create(t.Context(), credentials(next.Refresh.Token))
			if err != nil && !errors.Is(err, gate.ErrNotAuthenticated) {
				t.Errorf("could not decide: %v", err)
			}
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				wins = append(wins, result)
			}
		})
	}
	wg.Wait()
	if len(wins) != 1 {
		t.Fatalf("%d of 50 got a new token, want 1", len(wins))
	}
	if _, err := svc.Create(t.Context(), credentials(wins[0].Refresh.Token)); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("the winner's token after the reuse: %v", err)
	}
	if _, err := svc.VerifyAccessToken(t.Context(), wins[0].AccessToken); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("the winner's access token after the reuse: %v", err)
	}
}

// TestLOG13_goneWithItsSession takes the account away between two uses: its
// access tokens die with the attempt to renew them.
func TestLOG13_goneWithItsSession(t *testing.T) {
	b := &backend{}
	svc := service(t, b)
	first, err := svc.Create(t.Context(), gate.Credentials{Strategy: "pin"})
	if err != nil {
		t.Fatal(err)
	}
	b.subjects = gate.ErrNotAuthenticated
	if _, err := svc.Create(t.Context(), credentials(first.Refresh.Token)); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("renewed: %v", err)
	}
	if _, err := svc.VerifyAccessToken(t.Context(), first.AccessToken); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("the access token: %v", err)
	}
}

// TestSES07_isNoBearer presents a refresh token where access tokens belong.
func TestSES07_isNoBearer(t *testing.T) {
	svc := service(t, &backend{})
	first, err := svc.Create(t.Context(), gate.Credentials{Strategy: "pin"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.VerifyAccessToken(t.Context(), first.Refresh.Token); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("as an access token: %v", err)
	}
	if _, err := svc.Authenticate(t.Context(), credentials(first.Refresh.Token)); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("without renewal: %v", err)
	}
	if _, err := svc.Remove(t.Context(), "", credentials(first.Refresh.Token)); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("to log out: %v", err)
	}
	if _, err := svc.Create(t.Context(), credentials(first.Refresh.Token)); err != nil {
		t.Errorf("it was used up by that: %v", err)
	}
}
