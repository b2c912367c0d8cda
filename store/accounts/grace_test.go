package accounts_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

func TestSES06_grace(t *testing.T) {
	cfg := accounts.RefreshConfig{Grace: 5 * time.Second, Key: key}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, tt := range []struct {
			name   string
			client gate.Client
			after  time.Duration
			again  bool
		}{
			{"same client", laptop, 4999 * time.Millisecond, true},
			{"mapped address", gate.Client{Address: netip.MustParseAddr("::ffff:192.0.2.7"), UserAgent: laptop.UserAgent}, 0, true},
			{"too late", laptop, 5 * time.Second, false},
			{"other address", gate.Client{Address: thief.Address, UserAgent: laptop.UserAgent}, 0, false},
			{"other agent", gate.Client{Address: laptop.Address, UserAgent: thief.UserAgent}, 0, false},
			{"no address", gate.Client{UserAgent: laptop.UserAgent}, 0, false},
			{"nobody", gate.Client{}, 0, false},
		} {
			t.Run(tt.name, func(t *testing.T) {
				f := newFamily(t, db, cfg)
				child := f.use(t, f.first, laptop)
				f.clock.advance(tt.after)
				if !tt.again {
					f.refuse(t, f.first, tt.client, gate.ErrReused)
					f.expectEnded(t)
					return
				}
				if again := f.use(t, f.first, tt.client); again != child {
					t.Errorf("another child, %q", again)
				}
				next := f.use(t, child, laptop)
				f.refuse(t, f.first, laptop, gate.ErrReused) // the child is in use
				f.expectEnded(t)
				f.refuse(t, next, laptop, gate.ErrNotAuthenticated)
			})
		}
	})
}

// TestSES06_graceWithoutAddress: who comes from nowhere is not known again.
func TestSES06_graceWithoutAddress(t *testing.T) {
	f := newFamily(t, storetest.SQLite(t), accounts.RefreshConfig{Grace: time.Second, Key: key})
	f.use(t, f.first, gate.Client{UserAgent: "x"})
	f.refuse(t, f.first, gate.Client{UserAgent: "x"}, gate.ErrReused)
}

// TestSES06_graceSameHousehold: the addresses of one household change.
func TestSES06_graceSameHousehold(t *testing.T) {
	f := newFamily(t, storetest.SQLite(t), accounts.RefreshConfig{Grace: time.Second, Key: key})
	child := f.use(t, f.first, gate.Client{Address: netip.MustParseAddr("2001:db8:1:2::1")})
	if again := f.use(t, f.first, gate.Client{Address: netip.MustParseAddr("2001:db8:1:2:ffff::2")}); again != child {
		t.Error("another child")
	}
	f.refuse(t, f.first, gate.Client{Address: netip.MustParseAddr("2001:db8:1:3::1")}, gate.ErrReused)
}

// TestSES06_otherKey: a child sealed with another key cannot be given again.
func TestSES06_otherKey(t *testing.T) {
	db := storetest.SQLite(t)
	f := newFamily(t, db, accounts.RefreshConfig{Grace: time.Second, Key: key})
	f.use(t, f.first, laptop)
	var err error
	f.tokens, err = accounts.NewRefreshTokens(f.Sessions, accounts.RefreshConfig{
		Grace: time.Second, Key: bytes.Repeat([]byte{8}, 32), Now: f.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.refuse(t, f.first, laptop, gate.ErrReused)
}

// TestSES06_graceChildInUse: a child that is used is not given again, whoever
// used it; here a process that knows no grace and erases nothing.
func TestSES06_graceChildInUse(t *testing.T) {
	f := newFamily(t, storetest.SQLite(t), accounts.RefreshConfig{Grace: time.Second, Key: key})
	child := f.use(t, f.first, laptop)
	without, err := accounts.NewRefreshTokens(f.Sessions, accounts.RefreshConfig{Now: f.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := without.Use(t.Context(), child, laptop); err != nil {
		t.Fatal(err)
	}
	f.refuse(t, f.first, laptop, gate.ErrReused)
	f.expectEnded(t)
}
