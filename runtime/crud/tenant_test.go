package crud_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ09_rows: a rule lets nobody in to rows of another tenant, and a caller
// without one nowhere.
func TestAUZ09_rows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		one, two := d.acme, d.bolt
		for _, tt := range []struct {
			name                         string
			who                          *gate.Principal
			get, list, patch, put, drop  int
			listed                       int
			forged                       bool // a tenant that the account is not in
			counted                      string
			getOwn, patchOwn, countOfOwn int
		}{
			{name: "nobody", get: 401, list: 401, patch: 401, put: 401, drop: 401, getOwn: 401, patchOwn: 401},
			{name: "a member", who: two.member, get: 404, list: 200, patch: 404, put: 404, drop: 403, listed: 1, getOwn: 200, patchOwn: 200},
			{name: "an agent", who: two.agent, get: 404, list: 200, patch: 404, put: 404, drop: 404, listed: 1, getOwn: 200, patchOwn: 200},
			{name: "a boss", who: two.boss, get: 404, list: 200, patch: 404, put: 404, drop: 404, listed: 1, getOwn: 200, patchOwn: 200},
			{name: "in no tenant", who: d.lost, get: 404, list: 200, patch: 404, put: 404, drop: 404, getOwn: 404, patchOwn: 404},
			{name: "no tenant by that name", who: &gate.Principal{Subject: two.member.Subject, Roles: []string{"agent"}, Tenant: "' OR '1'='1"}, get: 404, list: 200, patch: 404, put: 404, drop: 404, getOwn: 404, patchOwn: 404},
			{name: "a key with the right", who: key(two.boss, "signed-in", "owner", "create:tickets"), get: 404, list: 200, patch: 404, put: 404, drop: 403, listed: 1, getOwn: 200, patchOwn: 403},
			{name: "a key of somebody above tenants", who: key(d.root, "signed-in", "owner", "manage:people"), get: 404, list: 200, patch: 404, put: 404, drop: 403, getOwn: 404, patchOwn: 404},
			{name: "above tenants", who: d.root, get: 200, list: 200, patch: 200, put: 200, drop: 409, listed: 2, getOwn: 200, patchOwn: 200},
		} {
			t.Run(tt.name, func(t *testing.T) {
				ctx := as(t, tt.who)
				_, get := d.tickets.GetRow(ctx, one.ticket, nil)
				rows, list := d.tickets.FindRows(ctx, &query.Query{})
				_, patch := d.tickets.PatchRow(ctx, one.ticket, []byte(`{"title":"x"}`), nil)
				_, put := d.tickets.UpdateRow(ctx, one.ticket, []byte(`{"title":"x"}`), nil)
				_, drop := d.tickets.RemoveRow(ctx, one.ticket, nil)
				_, getOwn := d.tickets.GetRow(ctx, two.ticket, nil)
				_, patchOwn := d.tickets.PatchRow(ctx, two.ticket, []byte(`{"title":"bolt glows"}`), nil)
				got := []int{status(t, get), status(t, list), status(t, patch), status(t, put), status(t, drop), status(t, getOwn), status(t, patchOwn)}
				if diff := gocmp.Diff([]int{tt.get, tt.list, tt.patch, tt.put, tt.drop, tt.getOwn, tt.patchOwn}, got); diff != "" {
					t.Error(diff)
				}
				if list == nil && (rows.Len() != tt.listed || rows.Total != int64(tt.listed)) {
					t.Errorf("%d rows of %d, want %d", rows.Len(), rows.Total, tt.listed)
				}
			})
		}
		// A row of another tenant is refused in the words for one that does not exist.
		_, foreign := d.tickets.GetRow(as(t, two.agent), one.ticket, nil)
		_, absent := d.tickets.GetRow(as(t, two.agent), "4711", nil)
		if strings.ReplaceAll(foreign.Error(), one.ticket, "4711") != absent.Error() {
			t.Errorf("foreign: %v; absent: %v", foreign, absent)
		}
	})
}

// TestAUZ09_tenants: the tenants themselves, and who makes one.
func TestAUZ09_tenants(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		for name, tt := range map[string]struct {
			who                  *gate.Principal
			firms, create, patch int
		}{
			"nobody":        {nil, 0, 401, 401},
			"a member":      {d.bolt.member, 1, 403, 403},
			"a boss":        {d.bolt.boss, 1, 403, 404},
			"in no tenant":  {d.lost, 0, 403, 404},
			"above tenants": {d.root, 2, 201, 200},
		} {
			if tt.who != nil {
				if got := found(t, d.firms, tt.who, query.Query{Limit: 50, Where: query.Term{Field: "name", Op: query.In, Value: []any{"acme", "bolt"}}}); len(got) != tt.firms {
					t.Errorf("%s sees %d firms, want %d", name, len(got), tt.firms)
				}
			}
			if _, err := d.firms.CreateRow(as(t, tt.who), []byte(`{"color":1}`), nil); status(t, err) != tt.create && tt.who != d.root {
				t.Errorf("%s, who may not make a firm, is told what is wrong with it: %v", name, err)
			}
			_, err := d.firms.CreateRow(as(t, tt.who), []byte(`{"name":"new of `+name+`"}`), nil)
			if got := status(t, err); got != tt.create && (got != 200 || tt.create != 201) {
				t.Errorf("%s makes a firm: %v, want %d", name, err, tt.create)
			}
			if _, err := d.firms.PatchRow(as(t, tt.who), d.acme.firm, []byte(`{"name":"acme"}`), nil); status(t, err) != tt.patch {
				t.Errorf("%s changes another firm: %v, want %d", name, err, tt.patch)
			}
		}
		if _, err := d.firms.PatchRow(as(t, d.bolt.boss), d.bolt.firm, []byte(`{"name":"Bolt"}`), nil); err != nil {
			t.Errorf("a boss changes the own firm: %v", err)
		}
	})
}

// TestAUZ08_tenantOfNewRows: the tenant of a new row is that of its maker, whatever
// the body says. Who stands above tenants names it.
func TestAUZ08_tenantOfNewRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		body := func(firm string) string { return fmt.Sprintf(`{"name":"a topic","firmId":%q}`, firm) }
		const absent = "01941f29-7c00-7a3e-8b1d-3f5a7c9e1b2d"
		for _, tt := range []struct {
			name string
			who  *gate.Principal
			body string
			want int
			why  []string
		}{
			{"into another", d.bolt.boss, body(d.acme.firm), 400, []string{"firmId read_only"}},
			{"into the own by name", d.bolt.boss, body(d.bolt.firm), 400, []string{"firmId read_only"}},
			{"into none that there is", d.bolt.boss, body(absent), 400, []string{"firmId read_only"}},
			{"into nothing", d.bolt.boss, `{"name":"x","firmId":null}`, 400, []string{"firmId read_only"}},
			{"from nowhere", d.lost, `{"name":"x"}`, 403, nil},
			{"from nowhere into one", d.lost, body(d.acme.firm), 403, nil},
			{"nobody", nil, body(d.acme.firm), 401, nil},
			{"a key of somebody above", key(d.root, "signed-in"), body(d.acme.firm), 403, nil},
			{"above, without a name", d.root, `{"name":"x"}`, 400, []string{"firmId required"}},
			{"above, into none that there is", d.root, body(absent), 400, []string{"firmId not_found"}},
			{"above", d.root, body(d.acme.firm), 200, nil},
			{"the own", d.bolt.member, `{"name":"a topic"}`, 200, nil},
		} {
			row, err := d.topics.CreateRow(as(t, tt.who), []byte(tt.body), nil)
			if got := status(t, err); got != tt.want || !slices.Equal(problems(err), tt.why) {
				t.Errorf("%s: %d %v, want %d %v", tt.name, got, problems(err), tt.want, tt.why)
				continue
			}
			if e, ok := errors.AsType[*gate.Error](err); tt.who == d.lost && (!ok || fmt.Sprint(e.Data) != "{no_tenant}" || e.Message != "Your account belongs to no tenant") {
				t.Errorf("%s: it does not say why: %v", tt.name, err)
			}
			firm := d.acme.firm
			if tt.who == d.bolt.member {
				firm = d.bolt.firm
			}
			if err == nil && members(t, row)["firmId"] != firm {
				t.Errorf("%s: the row is %s", tt.name, row.AppendJSON(nil))
			}
		}
		// All of a list, or nothing.
		if _, err := d.topics.CreateRows(as(t, d.bolt.boss), []byte(`[{"name":"y"},`+body(d.acme.firm)+`]`), nil); status(t, err) != http.StatusBadRequest {
			t.Errorf("a list with a row for another: %v", err)
		}
		rows, err := d.topics.CreateRows(as(t, d.bolt.boss), []byte(`[{"name":"y"},{"name":"z"}]`), nil)
		if err != nil || members(t, rows.At(1))["firmId"] != d.bolt.firm {
			t.Errorf("a list of the own: %v", err)
		}
		// Code of the service is told by the same type.
		made, err := d.topics.Create(as(t, d.bolt.boss), &crud.Change[Topic]{Row: Topic{Name: "go", FirmID: d.acme.firm}, Set: model.Fields(2)})
		if err != nil || made.FirmID != d.bolt.firm {
			t.Errorf("a tenant that was not set counts: %+v, %v", made, err)
		}
	})
}

// TestAUZ08_noMove: nothing moves a row to another tenant but the service itself.
func TestAUZ08_noMove(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		for _, who := range []*gate.Principal{d.bolt.member, d.bolt.boss, d.root} {
			for _, firm := range []string{d.acme.firm, d.bolt.firm} {
				body := []byte(fmt.Sprintf(`{"name":"x","firmId":%q}`, firm))
				for name, change := range map[string]func(context.Context, string, []byte, []string, ...crud.Option) (crud.Row, error){"patch": d.topics.PatchRow, "put": d.topics.UpdateRow} {
					if _, err := change(as(t, who), d.bolt.topic, body, nil); status(t, err) != http.StatusBadRequest || !slices.Equal(problems(err), []string{"firmId read_only"}) {
						t.Errorf("%s of %v: %v %v", name, who.Roles, err, problems(err))
					}
				}
			}
			if _, err := d.topics.UpdateRow(as(t, who), d.bolt.topic, []byte(`{"name":"printers"}`), nil); err != nil {
				t.Errorf("put without a tenant: %v %v", err, problems(err))
			}
		}
		row, err := d.topics.GetRow(system(t), d.bolt.topic, nil)
		if err != nil || members(t, row)["firmId"] != d.bolt.firm {
			t.Errorf("the topic is %s, %v", row.AppendJSON(nil), err)
		}
		// Not even a hook moves it for somebody who is in a tenant.
		d.topics.Before(authz.Update, func(_ context.Context, ch *crud.Change[Topic]) error { ch.Row.FirmID = d.acme.firm; return nil })
		if _, err := d.topics.PatchRow(as(t, d.bolt.boss), d.bolt.topic, []byte(`{"name":"x"}`), nil); status(t, err) != http.StatusForbidden {
			t.Errorf("a hook moves a row: %v", err)
		}
	})
}

// TestAUZ09_keys: what a row points to is in the same tenant, whoever writes it, and
// is refused like what does not exist.
func TestAUZ09_keys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		acme, bolt := d.acme, d.bolt
		keys := func(s side) map[string]string {
			return map[string]string{
				"topicId": fmt.Sprintf(`%q`, s.topic), "assigneeId": fmt.Sprintf(`%q`, s.member.Subject), "parentId": s.ticket,
				"tags": fmt.Sprintf(`{"connect":[{"id":%q}]}`, s.topic),
			}
		}
		path := func(field string) string {
			if field == "tags" {
				return "tags.connect[0]"
			}
			return field
		}
		for name, ctx := range map[string]context.Context{"a boss": as(t, bolt.boss), "above tenants": as(t, d.root), "the service": system(t)} {
			firm := ""
			if name != "a boss" {
				firm = fmt.Sprintf(`"firmId":%q,`, bolt.firm)
			}
			for field, value := range keys(acme) {
				want := []string{path(field) + " not_found"}
				body := []byte(fmt.Sprintf(`{%q:%s}`, field, value))
				if _, err := d.tickets.PatchRow(ctx, bolt.ticket, body, nil); status(t, err) != http.StatusBadRequest || !slices.Equal(problems(err), want) {
					t.Errorf("%s, patch %s: %v %v", name, field, err, problems(err))
				}
				body = []byte(fmt.Sprintf(`{"title":"x",%s%q:%s}`, firm, field, value))
				if _, err := d.tickets.CreateRow(ctx, body, nil); status(t, err) != http.StatusBadRequest || !slices.Equal(problems(err), want) {
					t.Errorf("%s, create %s: %v %v", name, field, err, problems(err))
				}
			}
			for field, value := range keys(bolt) {
				if _, err := d.tickets.CreateRow(ctx, []byte(fmt.Sprintf(`{"title":"x",%s%q:%s}`, firm, field, value)), nil); err != nil {
					t.Errorf("%s, %s of the same tenant: %v %v", name, field, err, problems(err))
				}
			}
		}
		// An entity without a tenant points to what its writer sees.
		if _, err := d.remarks.CreateRow(as(t, bolt.agent), []byte(`{"ticketId":`+acme.ticket+`}`), nil); !slices.Equal(problems(err), []string{"ticketId not_found"}) {
			t.Errorf("a remark on a ticket of another tenant: %v %v", err, problems(err))
		}
		must(as(t, d.root), t, d.remarks, `{"ticketId":`+acme.ticket+`}`)
		// To untie is to know.
		cut := []byte(fmt.Sprintf(`{"tags":{"disconnect":[{"id":%q}]}}`, acme.topic))
		if _, err := d.tickets.PatchRow(as(t, bolt.agent), bolt.ticket, cut, nil); !slices.Equal(problems(err), []string{"tags.disconnect[0] not_found"}) {
			t.Errorf("disconnect of another tenant: %v %v", err, problems(err))
		}
	})
}

// TestAUZ09_includes: rows of another tenant do not come along, even where one
// points to them already.
func TestAUZ09_includes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		acme, bolt := d.acme, d.bolt
		// As an operator did it by hand.
		for _, stmt := range []string{
			"UPDATE tickets SET topic_id = '" + acme.topic + "', assignee_id = '" + acme.member.Subject + "', parent_id = " + acme.ticket + " WHERE id = " + bolt.ticket,
			"INSERT INTO tags VALUES (" + bolt.ticket + ", '" + acme.topic + "')",
		} {
			if _, err := db.Exec(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
		}
		must(system(t), t, d.remarks, `{"ticketId":`+acme.ticket+`}`)
		include := []query.Include{{Relation: "topic"}, {Relation: "parent"}, {Relation: "tags"}}
		row, err := d.tickets.GetRow(as(t, bolt.boss), bolt.ticket, &query.Selection{Include: append(include, query.Include{Relation: "assignee"})})
		if err != nil {
			t.Fatal(err)
		}
		m := members(t, row)
		if m["topic"] != nil || m["parent"] != nil || m["assignee"] != nil {
			t.Errorf("get includes %v, %v, %v", m["topic"], m["parent"], m["assignee"])
		}
		tags, err := row.Many("tags")
		if err != nil || tags.Len() != 1 || tags.Total != 1 {
			t.Errorf("tags: %d of %d, %v", tags.Len(), tags.Total, err)
		}
		rows, err := d.tickets.FindRows(as(t, bolt.member), &query.Query{Include: include})
		if err != nil || strings.Contains(string(rows.AppendJSON(nil)), "acme") {
			t.Errorf("find includes %s, %v", rows.AppendJSON(nil), err)
		}
		rows, err = d.remarks.FindRows(as(t, bolt.member), &query.Query{Include: []query.Include{{Relation: "ticket"}}})
		if err != nil || members(t, rows.At(0))["ticket"] != nil {
			t.Errorf("a remark includes %s, %v", rows.AppendJSON(nil), err)
		}
		back, err := d.topics.GetRow(as(t, acme.member), acme.topic, &query.Selection{Include: []query.Include{{Relation: "tickets"}, {Relation: "tagged"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"tickets", "tagged"} {
			if page, err := back.Many(name); err != nil || page.Len() != 1 || page.Total != 1 {
				t.Errorf("%s: %d of %d, %v", name, page.Len(), page.Total, err)
			}
		}
	})
}

// TestAUZ09_oracles: no filter, order, search or total tells of another tenant.
func TestAUZ09_oracles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		for _, q := range []query.Query{
			{Where: query.Term{Field: "title", Op: query.StartsWith, Value: "acme"}},
			{Where: query.Term{Field: "firmId", Op: query.Eq, Value: d.acme.firm}},
			{Where: query.Term{Field: "firmId", Op: query.Ne, Value: d.bolt.firm}},
			{Where: query.Term{Field: "id", Op: query.Eq, Value: d.acme.ticket}},
			{Where: query.Or{query.Term{Field: "topicId", Op: query.Eq, Value: d.acme.topic}, query.Term{Field: "authorId", Op: query.Eq, Value: d.acme.member.Subject}}},
			{Where: query.Not{Expr: query.Term{Field: "title", Op: query.StartsWith, Value: "bolt"}}},
			{Search: "acme"},
		} {
			if got := found(t, d.tickets, d.bolt.boss, q); len(got) != 0 {
				t.Errorf("%+v finds %v", q, got)
			}
			q.CountOnly = true
			if rows, err := d.tickets.FindRows(as(t, d.bolt.boss), &q); err != nil || rows.Total != 0 {
				t.Errorf("%+v counts %d, %v", q, rows.Total, err)
			}
		}
		for _, q := range []query.Query{{}, {Sort: []query.Sort{{Field: "title"}}}, {Sort: []query.Sort{{Field: "firmId", Descending: true}}}} {
			if got := found(t, d.tickets, d.bolt.member, q); !slices.Equal(got, []string{d.bolt.ticket}) {
				t.Errorf("%+v finds %v", q, got)
			}
		}
		if rows, err := d.tickets.FindRows(as(t, d.bolt.member), &query.Query{Skip: 1}); err != nil || rows.Total != 1 || rows.Len() != 0 {
			t.Errorf("the second page: %d of %d, %v", rows.Len(), rows.Total, err)
		}
	})
}

// TestAUZ06_tenantFields: to see the rows of one's tenant does not make them one's
// own.
func TestAUZ06_tenantFields(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		for _, tt := range []struct {
			who  *gate.Principal
			seen bool
		}{{d.bolt.member, true}, {d.bolt.agent, false}, {d.bolt.boss, false}, {d.root, false}} {
			row, err := d.tickets.GetRow(as(t, tt.who), d.bolt.ticket, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, shown := members(t, row)["secret"]; shown != tt.seen {
				t.Errorf("get, %v: %t", tt.who.Roles, shown)
			}
			rows, err := d.tickets.FindRows(as(t, tt.who), &query.Query{})
			if err != nil || strings.Contains(string(rows.AppendJSON(nil)), "12345") != tt.seen {
				t.Errorf("find, %v: %s, %v", tt.who.Roles, rows.AppendJSON(nil), err)
			}
			if _, err := d.tickets.FindRows(as(t, tt.who), &query.Query{Where: query.Term{Field: "secret", Op: query.Eq, Value: "12345"}}); status(t, err) != http.StatusBadRequest {
				t.Errorf("filter, %v: %v", tt.who.Roles, err)
			}
			want := http.StatusForbidden
			if tt.seen {
				want = http.StatusOK
			}
			if _, err := d.tickets.PatchRow(as(t, tt.who), d.bolt.ticket, []byte(`{"secret":"12345"}`), nil); status(t, err) != want {
				t.Errorf("patch, %v: %v", tt.who.Roles, err)
			}
		}
	})
}

// TestAUZ10_uniqueWithinTenant: a value is taken in one tenant and free in another.
func TestAUZ10_uniqueWithinTenant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		body := []byte(`{"name":"scanners"}`)
		for _, who := range []*gate.Principal{d.acme.member, d.bolt.member} {
			if _, err := d.topics.CreateRow(as(t, who), body, nil); err != nil {
				t.Errorf("the first: %v %v", err, problems(err))
			}
			_, err := d.topics.CreateRow(as(t, who), body, nil)
			if status(t, err) != http.StatusConflict || !slices.Equal(problems(err), []string{"name taken"}) || !strings.Contains(err.Error(), "The value is already taken") {
				t.Errorf("the second: %v %v", err, problems(err))
			}
		}
	})
}

// TestAUZ02_tenantEvents: an event tells whom get would show the row.
func TestAUZ02_tenantEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		row, err := d.tickets.Snapshot(system(t), d.acme.ticket)
		if err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			who  *gate.Principal
			seen bool
		}{
			"nobody": {nil, false}, "the author": {d.acme.member, true}, "a colleague": {d.acme.agent, true}, "another tenant": {d.bolt.boss, false},
			"no tenant": {d.lost, false}, "above": {d.root, true}, "a key": {key(d.acme.boss, "signed-in"), true}, "a key of somebody above": {key(d.root, "signed-in"), false},
		} {
			if got, ok := row.View(as(t, tt.who)); ok != tt.seen || ok && got.Has(6) != (name == "the author") {
				t.Errorf("%s: %t", name, ok)
			}
		}
	})
}

// TestAUZ09_accounts: administrators of a tenant look after its accounts and no
// others; those above tenants move them.
func TestAUZ09_accounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		boss, firm := as(t, d.bolt.boss), d.bolt.firm
		row, err := d.people.CreateRow(boss, []byte(`{"email":"new@bolt.example","password":"correct horse"}`), nil)
		if err != nil || members(t, row)["firmId"] != firm {
			t.Fatalf("a new account: %v, %v", row, err)
		}
		if _, err := d.people.CreateRow(boss, []byte(fmt.Sprintf(`{"email":"x@bolt.example","password":"correct horse","firmId":%q}`, d.acme.firm)), nil); !slices.Equal(problems(err), []string{"firmId read_only"}) {
			t.Errorf("an account in another tenant: %v %v", err, problems(err))
		}
		for _, id := range []string{d.acme.member.Subject, d.lost.Subject, d.root.Subject} {
			_, get := d.people.GetRow(boss, id, nil)
			_, patch := d.people.PatchRow(boss, id, []byte(`{"password":"correct horse 2"}`), nil)
			_, drop := d.people.RemoveRow(boss, id, nil)
			if status(t, get) != 404 || status(t, patch) != 404 || status(t, drop) != 404 {
				t.Errorf("an account of others: %v, %v, %v", get, patch, drop)
			}
		}
		if got := found(t, d.people, d.bolt.boss, query.Query{}); len(got) != 4 {
			t.Errorf("the accounts of the tenant: %v", got)
		}
		taken := []byte(`{"email":"member@acme.example","password":"correct horse"}`)
		if _, err := d.people.CreateRow(boss, taken, nil); !slices.Equal(problems(err), []string{"email taken"}) {
			t.Errorf("a log-in is one's own in all tenants: %v %v", err, problems(err))
		}
		// One's own account is there for whoever is in no tenant, and nothing else.
		if got := found(t, d.people, d.lost, query.Query{}); !slices.Equal(got, []string{d.lost.Subject}) {
			t.Errorf("in no tenant: %v", got)
		}
		if _, err := d.people.PatchRow(as(t, d.lost), d.lost.Subject, []byte(fmt.Sprintf(`{"topicId":%q}`, d.acme.topic)), nil); !slices.Equal(problems(err), []string{"topicId not_found"}) {
			t.Errorf("a key into a tenant: %v %v", err, problems(err))
		}
		for who, p := range map[string]*gate.Principal{"a boss": d.bolt.boss, "lost": d.lost} {
			if _, err := d.people.PatchRow(as(t, p), p.Subject, []byte(fmt.Sprintf(`{"firmId":%q}`, d.acme.firm)), nil); !slices.Equal(problems(err), []string{"firmId read_only"}) {
				t.Errorf("%s moves: %v %v", who, err, problems(err))
			}
		}
	})
}

// TestAUZ08_moveAccount: an account moves by the hand of somebody above tenants who
// could give its roles, and leaves what it points to.
func TestAUZ08_moveAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		into := func(firm string) []byte { return []byte(fmt.Sprintf(`{"firmId":%q}`, firm)) }
		clerk := d.person(t, "clerk@example.com", "", "member", "above")
		clerk.Permissions = []string{"manage:people"}
		if _, err := d.people.PatchRow(as(t, clerk), d.bolt.boss.Subject, into(d.acme.firm), nil); status(t, err) != http.StatusForbidden {
			t.Errorf("somebody above moves a boss, whose role they cannot give: %v", err)
		}
		if _, err := d.people.PatchRow(as(t, clerk), d.bolt.member.Subject, into(d.acme.firm), nil); err != nil {
			t.Errorf("a member: %v %v", err, problems(err))
		}
		id := d.bolt.agent.Subject
		if _, err := d.people.PatchRow(as(t, d.bolt.agent), id, []byte(fmt.Sprintf(`{"topicId":%q}`, d.bolt.topic)), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := d.people.PatchRow(as(t, d.root), id, into(d.acme.firm), nil); !slices.Equal(problems(err), []string{"topicId not_found"}) {
			t.Errorf("an account keeps what it points to: %v %v", err, problems(err))
		}
		if _, err := d.people.PatchRow(as(t, d.root), id, []byte(fmt.Sprintf(`{"firmId":%q,"topicId":null}`, d.acme.firm)), nil); err != nil {
			t.Errorf("without: %v %v", err, problems(err))
		}
		if _, err := d.people.UpdateRow(as(t, d.root), id, []byte(`{"email":"agent@bolt.example"}`), nil); err != nil {
			t.Fatal(err, problems(err))
		}
		row, err := d.people.GetRow(system(t), id, nil)
		if err != nil || members(t, row)["firmId"] != d.acme.firm {
			t.Errorf("a replacement that does not name the tenant: %s, %v", row.AppendJSON(nil), err)
		}
	})
}

// TestAUZ16_lastOfTenant: the last who can give roles in a tenant stays while nobody
// above tenants can.
func TestAUZ16_lastOfTenant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		less := []byte(`{"roles":["member"]}`)
		leave := func(who *gate.Principal) error {
			_, err := d.people.RemoveRow(as(t, who), who.Subject, nil)
			return err
		}
		// root is the last above tenants: the bosses of firms are no others of the kind.
		if err := leave(d.root); status(t, err) != http.StatusConflict {
			t.Errorf("the last above tenants leaves: %v", err)
		}
		second := d.person(t, "second@example.com", "", "member", "agent", "boss", "root")
		for _, roles := range []string{`["member"]`, `["member","boss"]`} {
			if _, err := d.people.PatchRow(as(t, second), d.root.Subject, []byte(`{"roles":`+roles+`}`), nil); err != nil {
				t.Errorf("one of two: %v %v", err, problems(err))
			}
			d.root.Roles = []string{"member", "boss"}
			if err := leave(second); status(t, err) != http.StatusConflict {
				t.Errorf("the last above tenants, beside a boss of no firm: %v", err)
			}
		}
		// While there is one above, a firm may lose its last boss.
		if _, err := d.people.PatchRow(as(t, second), d.acme.boss.Subject, less, nil); err != nil {
			t.Errorf("the last boss of a firm: %v", err)
		}
		// Without one it may not, and the boss of another firm does not count.
		if _, err := d.people.RemoveRow(system(t), second.Subject, nil); err != nil {
			t.Fatal(err)
		}
		if err := leave(d.bolt.boss); status(t, err) != http.StatusConflict {
			t.Errorf("the last boss of a firm without anybody above leaves: %v", err)
		}
		other := d.person(t, "other@bolt.example", d.bolt.firm, "member", "boss")
		if _, err := d.people.PatchRow(as(t, other), d.bolt.boss.Subject, []byte(`{"email":"b@bolt.example"}`), nil); status(t, err) != http.StatusForbidden {
			t.Errorf("one who could not give all of the roles: %v", err)
		}
		if err := leave(other); err != nil {
			t.Errorf("one of two bosses: %v", err)
		}
		if err := leave(d.lost); err != nil {
			t.Errorf("a boss of no firm, who gave roles to nobody: %v", err)
		}
	})
}

// TestAUZ09_signUp: where everybody may make accounts, a new one is in no tenant.
func TestAUZ09_signUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db, func(people *model.Entity) { people.Allow.Create = []string{"public"} })
		for name, who := range map[string]*gate.Principal{"nobody": nil, "member": d.bolt.member, "boss": d.bolt.boss} {
			body := fmt.Sprintf(`{"email":"%s@new.example","password":"correct horse"}`, name)
			id := must(as(t, who), t, d.people, body)
			row, err := d.people.GetRow(system(t), id, nil)
			if err != nil || members(t, row)["firmId"] != nil {
				t.Errorf("%s makes %s, %v", name, row.AppendJSON(nil), err)
			}
			body = fmt.Sprintf(`{"email":"%s@new2.example","password":"correct horse","firmId":%q}`, name, d.bolt.firm)
			if _, err := d.people.CreateRow(as(t, who), []byte(body), nil); !slices.Equal(problems(err), []string{"firmId read_only"}) {
				t.Errorf("%s signs up into a tenant: %v %v", name, err, problems(err))
			}
			body = fmt.Sprintf(`{"email":"%s@new3.example","password":"correct horse","topicId":%q}`, name, d.bolt.topic)
			if _, err := d.people.CreateRow(as(t, who), []byte(body), nil); !slices.Equal(problems(err), []string{"topicId not_found"}) {
				t.Errorf("%s makes an account in no tenant that points into one: %v %v", name, err, problems(err))
			}
		}
		must(as(t, d.root), t, d.people, fmt.Sprintf(`{"email":"x@new.example","password":"correct horse","firmId":%q}`, d.bolt.firm))
	})
}
