package crud_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store/storetest"
)

// TestMay: what a caller is told that they may do is what the rules let them do.
func TestMay(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	const (
		dish    = `"view":["id","name","price","kind","image","createdAt","updatedAt"]`
		written = `["name","price","kind","image"]`
		costly  = `["name","price","cost","kind","image"]`
	)
	for name, tt := range map[string]struct {
		who                  *gate.Principal
		users, items, orders string // empty: nothing at all
	}{
		"nobody": {
			nil,
			`{"create":"all","fields":{"view":[],"create":["email","password","name"],"update":[]}}`,
			`{"view":"all","list":"all","fields":{` + dish + `,"create":[],"update":[]}}`,
			"",
		},
		"a customer": {
			s.ann,
			`{"view":"some","create":"all","update":"some","delete":"some","fields":{"view":["id","email","roles","name"],"create":["email","password","name"],"update":["email","password","name"]}}`,
			`{"view":"all","list":"all","fields":{` + dish + `,"create":[],"update":[]}}`,
			`{"view":"all","list":"all","create":"all","update":"some","delete":"some","fields":{"view":["id","buyerId","itemId","amount","note","rating","paid"],"create":["itemId","amount","note"],"update":["itemId","amount","note","rating"]}}`,
		},
		"a clerk": {
			s.cleo,
			`{"view":"some","create":"all","update":"some","delete":"some","fields":{"view":["id","email","roles","name"],"create":["email","password","name"],"update":["email","password","name"]}}`,
			`{"view":"all","list":"all","create":"all","update":"all","fields":{` + dish + `,"create":` + written + `,"update":` + written + `}}`,
			`{"view":"all","list":"all","create":"all","update":"some","delete":"some","fields":{"view":["id","buyerId","itemId","amount","note","rating","paid"],"create":["itemId","amount","note"],"update":["itemId","amount","note","rating"]}}`,
		},
		"a manager": {
			s.max,
			`{"view":"all","list":"all","create":"all","update":"all","delete":"all","fields":{"view":["id","email","roles","name"],"create":["email","password","roles","name"],"update":["email","password","roles","name"]}}`,
			`{"view":"all","list":"all","create":"all","update":"all","delete":"all","fields":{"view":["id","name","price","cost","kind","image","createdAt","updatedAt"],"create":` + costly + `,"update":` + costly + `}}`,
			`{"view":"all","list":"all","create":"all","update":"all","delete":"some","fields":{"view":["id","buyerId","itemId","amount","note","rating","paid"],"create":["itemId","amount","note","paid"],"update":["itemId","amount","note","rating","paid"]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if tt.who != nil {
				ctx = gate.ContextWithPrincipal(ctx, tt.who)
			}
			told(ctx, t, s.users, tt.users)
			told(ctx, t, s.items, tt.items)
			told(ctx, t, s.orders, tt.orders)
		})
	}
	may, anything := s.users.May(authz.System(t.Context()))
	if !anything || may.Delete != crud.AllRows || len(may.Fields.Update) == 0 {
		t.Errorf("the service itself may %v", may)
	}
}

func told(ctx context.Context, t *testing.T, s crud.Service, want string) {
	t.Helper()
	may, anything := s.May(ctx)
	got, err := json.Marshal(may)
	if err != nil {
		t.Fatal(err)
	}
	if anything != (want != "") || anything && string(got) != want {
		t.Errorf("%s: %t\n got %s\nwant %s", s.Entity().Plural, anything, got, want)
	}
}
