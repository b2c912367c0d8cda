package accounts_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

// TestPWD11_endIn: what ends with a change in one transaction ends with it, or not
// at all; who listens hears of it after the commit.
func TestPWD11_endIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		heard := listen(s)
		kept, ended, other := login(t, s, c, "1"), login(t, s, c, "1"), login(t, s, c, "2")
		var told func(context.Context)
		end := func(result error) error {
			return db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) (err error) {
				if told, err = s.EndSubjectIn(ctx, tx, "user", "1", kept); err != nil {
					return err
				}
				return result
			})
		}
		refused := errors.New("refused")
		if err := end(refused); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		expectActive(t, s, ended, "1", true)
		if err := end(nil); err != nil {
			t.Fatal(err)
		}
		if got := heard(); got != nil {
			t.Errorf("heard before the commit: %v", got)
		}
		told(t.Context())
		if diff := cmp.Diff([]string{ended}, heard()); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
		expectActive(t, s, ended, "1", false)
		expectActive(t, s, kept, "1", true)
		expectActive(t, s, other, "2", true)
	})
}
