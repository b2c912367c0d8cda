package apikey_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
	"github.com/gatewright/gate/strategy/apikey"
)

// stored fits the store of the product to the strategy.
func stored(keys *accounts.APIKeys) apikey.KeysFunc {
	return func(ctx context.Context, text string) (apikey.Key, error) {
		k, err := keys.Find(ctx, text)
		return apikey.Key{
			ID: k.ID, Subject: k.Subject, Entity: k.Entity, Scopes: k.Scopes, ExpiresAt: k.ExpiresAt, Networks: k.Networks,
		}, err
	}
}

// TestKEY01_wholeWay sends a key of the store of the product.
func TestKEY01_wholeWay(t *testing.T) {
	db := storetest.SQLite(t)
	if _, err := db.Migrate(t.Context(), accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	keys, err := accounts.NewAPIKeys(db, accounts.APIKeysConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	text, key, err := keys.Create(t.Context(), accounts.NewKey{Entity: "user", Subject: "7", Name: "ci", Scopes: []string{"read:*"}})
	if err != nil {
		t.Fatal(err)
	}
	var exposed []string
	cfg := apikey.Config{Exposed: func(_ context.Context, k apikey.Key) { exposed = append(exposed, k.ID) }}
	st := apikey.New(stored(keys), newBackend(), cfg)
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"right":     {text, nil},
		"cut":       {text[:len(text)-1], gate.ErrNotAuthenticated},
		"extended":  {text + "0", gate.ErrNotAuthenticated},
		"mistyped":  {text[:30] + "~" + text[31:], gate.ErrNotAuthenticated},
		"the other": {good, gate.ErrNotAuthenticated},
	} {
		c, _, err := st.Parse(header(tt.text)())
		if err != nil {
			t.Fatal(err)
		}
		if p, err := st.Authenticate(t.Context(), c); !errors.Is(err, tt.want) || err == nil && p.Subject != "7" {
			t.Errorf("%s: got %v and %v, want %v", name, p, err, tt.want)
		}
	}
	c, _, err := st.Parse(httptest.NewRequest(http.MethodGet, "/?token="+text, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Authenticate(t.Context(), c); !errors.Is(err, gate.ErrBadRequest) || len(exposed) != 1 || exposed[0] != key.ID {
		t.Errorf("in a URL: %v, exposed %v", err, exposed)
	}
}
