package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/realtime"
	"github.com/gatewright/gate/store"
)

// A listener is a connection without a network.
type listener struct {
	*realtime.Conn

	t    testing.TB
	told chan realtime.Event
	end  chan error
}

func request(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// listen connects somebody and subscribes to what they may.
func listen(t testing.TB, s *shop, name string) *listener {
	t.Helper()
	token := ""
	if name != "" {
		token = s.token(t, name)
	}
	c, err := s.rt.Open(request(token))
	check(t, err)
	l := &listener{Conn: c, t: t, told: make(chan realtime.Event, 1000), end: make(chan error, 1)}
	check(t, c.SubscribeAll(t.Context()))
	go func() {
		l.end <- c.Run(context.WithoutCancel(t.Context()), func(_ context.Context, e realtime.Event) error {
			l.told <- e
			return nil
		})
	}()
	return l
}

// until returns what is told before the next event of that name.
func (l *listener) until(name string) []string {
	l.t.Helper()
	var list []string
	for {
		select {
		case e := <-l.told:
			if e.Name == name {
				return list
			}
			list = append(list, e.Name+" "+string(e.Data))
		case err := <-l.end:
			l.t.Fatalf("closed: %v after %q", err, list)
		}
	}
}

var everybody = []string{"", "ann", "bob", "cleo", "max"}

// TestAUZ02_sameAsGet: whatever the rules, an event tells somebody what a get
// would answer them, and nothing to those whom it would refuse.
func TestAUZ02_sameAsGet(t *testing.T) {
	when := func(rule, field string, values ...any) model.Condition {
		return model.Condition{Action: "view", Rules: []string{rule}, Where: []model.Clause{{Field: field, Values: values}}}
	}
	remark := when("signed-in", "text", "milk", "wine")
	remark.Field = "remark"
	for _, tt := range []struct {
		rule       []string
		conditions []model.Condition
	}{
		{rule: []string{"public"}},
		{rule: []string{"signed-in"}},
		{rule: []string{"owner"}},
		{rule: []string{"manager"}},
		{rule: []string{"owner", "manager"}},
		{rule: []string{"clerk", "owner"}},
		{rule: []string{"nobody"}},
		{[]string{"manager"}, []model.Condition{when("public", "text", "bread"), when("owner", "remark")}},
		{nil, []model.Condition{when("signed-in", "shared"), remark}},
		{[]string{"public"}, []model.Condition{remark}},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			s := newShop(t, func(_ *realtime.Config, _ *gate.Config, notes *model.Entity) {
				notes.Allow.View, notes.Conditions = tt.rule, tt.conditions
			})
			listeners := map[string]*listener{}
			for _, name := range everybody {
				listeners[name] = listen(t, s, name)
			}
			var id string
			get := func(name string) string {
				row, err := s.notes.GetRow(s.as(t, name), id, nil)
				if err != nil {
					return ""
				}
				return string(row.AppendJSON(nil))
			}
			patch := func(body string) func() error {
				return func() error { _, err := s.notes.PatchRow(s.as(t, "max"), id, []byte(body), nil); return err }
			}
			for _, step := range []struct {
				name string
				do   func() error
			}{
				{"created", func() error { id = s.newNote(t, "milk"); return nil }},
				{"patched", patch(`{"text":"bread"}`)},
				{"patched", patch(`{"remark":"never pays"}`)}, // a field that owners do not see
				{"patched", patch(`{"shared":"with ann"}`)},   // and one that managers do not
				{"patched", patch(`{"ownerId":"bob"}`)},       // out of one's sight, into another's
				{"updated", func() error {
					_, err := s.notes.UpdateRow(s.as(t, "bob"), id, []byte(`{"text":"wine"}`), nil)
					return err
				}},
				{"removed", func() error { _, err := s.notes.RemoveRow(s.as(t, "bob"), id, nil); return err }},
			} {
				before := map[string]string{}
				for _, name := range everybody {
					before[name] = get(name)
				}
				_ = step.do() // who may not see a row may not change it, and then nobody is told
				s.newItem(t, `{"name":"bell","price":1}`)
				for _, name := range everybody {
					var want []string
					switch after := get(name); {
					case before[name] == after:
					case after == "":
						want = []string{"notes removed " + `{"id":` + id + `}`}
					default:
						want = []string{"notes " + step.name + " " + after}
					}
					if got := listeners[name].until("items created"); !slices.Equal(got, want) {
						t.Errorf("%s: %q is told %q, want %q", step.name, name, got, want)
					}
				}
			}
		})
	}
}

// TestAUZ02_snapshot: every rule of a row with every rule of a field.
func TestAUZ02_snapshot(t *testing.T) {
	rules := [][]string{{"public"}, {"signed-in"}, {"owner"}, {"manager"}, {"clerk", "owner"}, {"nobody"}}
	for _, row := range rules {
		for _, field := range rules {
			s := newShop(t, func(_ *realtime.Config, _ *gate.Config, notes *model.Entity) {
				notes.Allow.View, notes.Fields[4].View = row, field
			})
			id := s.newNote(t, "milk")
			snapshot, err := s.notes.Snapshot(t.Context(), id)
			check(t, err)
			for _, name := range everybody {
				want, err := s.notes.GetRow(s.as(t, name), id, nil)
				got, ok := snapshot.View(s.as(t, name))
				if ok != (err == nil) || ok && string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
					t.Errorf("row %v, field %v, %q: snapshot %v, get %v", row, field, name, ok, err)
				}
			}
			for _, id := range []string{"4711", "x", ""} {
				if none, err := s.notes.Snapshot(t.Context(), id); err != nil || none.Exists() {
					t.Errorf("snapshot of %q: %v", id, err)
				}
			}
		}
	}
}

// TestAUZ02_rolesCountAtOnce: an event is judged by the roles of its moment.
func TestAUZ02_rolesCountAtOnce(t *testing.T) {
	s := newShop(t, nil)
	max, cleo := listen(t, s, "max"), listen(t, s, "cleo")
	s.set("max")
	s.set("cleo", "manager")
	s.newNote(t, "milk")
	s.newItem(t, `{"name":"bell","price":1}`)
	if got := max.until("items created"); len(got) > 0 {
		t.Errorf("who was manager is told %q", got)
	}
	if got := cleo.until("items created"); len(got) != 1 || !strings.HasPrefix(got[0], "notes created") {
		t.Errorf("who is manager now is told %q", got)
	}
}

// TestAUZ06_hiddenFields: no event has a value that its reader may not read, and
// a change of such values alone is no event.
func TestAUZ06_hiddenFields(t *testing.T) {
	s := newShop(t, nil)
	nobody, manager := listen(t, s, ""), listen(t, s, "max")
	id := s.newItem(t, `{"name":"soup","price":4,"cost":4711}`)
	if e := <-nobody.told; string(e.Data) != `{"id":"`+id+`","name":"soup","price":4}` {
		t.Errorf("nobody is told %s", e.Data)
	}
	if e := <-manager.told; !strings.Contains(string(e.Data), "4711") {
		t.Errorf("a manager is told %s", e.Data)
	}
	_, err := s.items.PatchRow(s.as(t, "max"), id, []byte(`{"cost":4712}`), nil)
	check(t, err)
	if e := <-manager.told; !strings.Contains(string(e.Data), "4712") {
		t.Errorf("a manager is told %s", e.Data)
	}
	_, err = s.items.RemoveRow(s.as(t, "max"), id, nil)
	check(t, err)
	if got := nobody.until("items removed"); len(got) > 0 {
		t.Errorf("nobody is told of a hidden change: %q", got)
	}
}

// TestAUZ06_stamps: what the service itself writes with a change of values that one may
// not read does not tell of it.
func TestAUZ06_stamps(t *testing.T) {
	s := newShop(t, func(_ *realtime.Config, _ *gate.Config, notes *model.Entity) {
		notes.Version = "version"
		notes.Fields = append(notes.Fields,
			model.Field{Name: "version", Column: "version", Type: model.Integer, Required: true, ReadOnly: true, Default: int64(1)},
			model.Field{Name: "updatedAt", Column: "updated_at", Type: model.UpdatedAt, Required: true})
	})
	ann, manager := listen(t, s, "ann"), listen(t, s, "max")
	id := s.newNote(t, "milk")
	ann.until("notes created")
	manager.until("notes created")
	patch := func(body string) {
		t.Helper()
		_, err := s.notes.PatchRow(s.as(t, "max"), id, []byte(body), nil)
		check(t, err)
	}
	patch(`{"remark":"never pays"}`)
	if e := <-manager.told; e.Name != "notes patched" {
		t.Errorf("a manager is told %s", e.Name)
	}
	patch(`{"text":"tea"}`)
	if e := <-ann.told; !strings.Contains(string(e.Data), "tea") || values(t, e.Data)["version"] != 3.0 {
		t.Errorf("the owner is told %s", e.Data)
	}
	s.newItem(t, `{"name":"bell","price":1}`)
	if got := ann.until("items created"); len(got) > 0 {
		t.Errorf("the owner is told of a hidden change: %q", got)
	}
}

// TestSES09_slow: who does not take events is closed, and delays nobody.
func TestSES09_slow(t *testing.T) {
	s := newShop(t, nil)
	quick := listen(t, s, "ann")
	c, err := s.rt.Open(request(""))
	check(t, err)
	check(t, c.Subscribe(t.Context(), "items"))
	end := make(chan error, 1)
	go func() {
		end <- c.Run(context.WithoutCancel(t.Context()), func(ctx context.Context, _ realtime.Event) error {
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	for i := range 400 {
		s.newItem(t, `{"name":"n`+strconv.Itoa(i)+`","price":1}`)
		quick.until("items created")
	}
	if err := <-end; !errors.Is(err, realtime.Slow) {
		t.Errorf("closed: %v", err)
	}
}

func TestEvents_resume(t *testing.T) {
	s := newShop(t, nil)
	first := stream(t, s, "", "?entities=items", nil)
	if got := first.res.Header; got.Get("Content-Type") != "text/event-stream" || got.Get("Cache-Control") != "no-store" || got.Get("Content-Encoding") != "" {
		t.Errorf("headers %v", got)
	}
	s.newItem(t, `{"name":"soup","price":4,"cost":1}`)
	seen := first.next()
	if seen["event"] != "items created" || values(t, []byte(seen["data"]))["name"] != "soup" || values(t, []byte(seen["data"]))["cost"] != nil {
		t.Fatalf("first event %v", seen)
	}
	first.cancel()

	s.newNote(t, "milk") // of an entity that was not asked for
	gone := s.newItem(t, `{"name":"figs","price":9}`)
	s.newItem(t, `{"name":"tea","price":2}`)
	_, err := s.items.RemoveRow(s.as(t, "max"), gone, nil)
	check(t, err)
	back := stream(t, s, "", "?entities=items", http.Header{"Last-Event-Id": {seen["id"]}})
	if e := back.next(); e["event"] != "items created" || values(t, []byte(e["data"]))["name"] != "tea" {
		t.Errorf("missed %v", e) // the figs are gone, and not shown any more
	}
	if e := back.next(); e["event"] != "items removed" || e["data"] != `{"id":"`+gone+`"}` {
		t.Errorf("missed %v", e)
	}
	for _, id := range []string{"other-7", "x", seen["id"] + "000", "-1", strings.Repeat("9", 100)} {
		if e := stream(t, s, "", "?entities=items", http.Header{"Last-Event-Id": {id}}).next(); e["event"] != "reset" {
			t.Errorf("back from %q: %v", id, e)
		}
	}
	for range 600 {
		s.newItem(t, `{"name":"tea","price":2}`)
	}
	if e := stream(t, s, "", "?entities=items", http.Header{"Last-Event-Id": {seen["id"]}}).next(); e["event"] != "reset" {
		t.Errorf("back after too long: %v", e)
	}
}

// A stream that breaks before its first event loses none: the client knows from
// where on it was told, also after a reset.
func TestEvents_quiet(t *testing.T) {
	s := newShop(t, nil)
	s.newItem(t, `{"name":"soup","price":4}`)
	for _, header := range []http.Header{nil, {"Last-Event-Id": {"other-7"}}} {
		first := stream(t, s, "", "?entities=items", header)
		id := first.began()
		first.cancel()
		if id == "" {
			t.Fatalf("a stream of %v begins without an id", header)
		}
		s.newItem(t, `{"name":"figs","price":9}`)
		back := stream(t, s, "", "?entities=items", http.Header{"Last-Event-Id": {id}})
		for {
			e := back.next()
			if e["event"] != "items created" {
				t.Fatalf("missed %v", e)
			}
			if values(t, []byte(e["data"]))["name"] == "figs" {
				break
			}
		}
	}
}

func TestEvents_refused(t *testing.T) {
	s := newShop(t, nil)
	ann := s.token(t, "ann")
	for _, tt := range []struct {
		token, query string
		want         int
	}{
		{"", "", 400},
		{"", "?entities=", 400},
		{"", "?entities=items&x=1", 400},
		{"", "?entities=ghosts", 404},
		{"", "?entities=items,notes", 401},
		{"x", "?entities=items", 401},
		{ann, "?entities=items&entities=notes", 200},
	} {
		if es := stream(t, s, tt.token, tt.query, nil); es.res.StatusCode != tt.want {
			t.Errorf("%q: %s, want %d", tt.query, es.res.Status, tt.want)
		}
	}
}

// TestEvents_longerThanRequests: the time-outs of requests, two seconds here, do
// not end a stream.
func TestEvents_longerThanRequests(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(_ *realtime.Config, c *gate.Config, _ *model.Entity) { c.ExpiresIn = 4e9 })
	es := stream(t, s, s.token(t, "ann"), "?entities=items", nil)
	if e := es.next(); e["data"] != "expired" {
		t.Errorf("the stream ended with %v", e)
	}
}

// TestAUZ12_busyAccount: what one account keeps busy is not in the way of events for
// others, whoever is told first.
func TestAUZ12_busyAccount(t *testing.T) {
	s := newShop(t, nil)
	for range 16 {
		listen(t, s, "ann")
	}
	bob, cleo := listen(t, s, "bob"), listen(t, s, "cleo")
	for _, at := range []string{"192.0.2.1", "192.0.2.2"} { // her whole share, while bob and cleo have something to be told
		turn, err := s.db.Turn(t.Context(), store.Caller{Account: "ann", Network: netip.PrefixFrom(netip.MustParseAddr(at), 32)}, time.Minute)
		check(t, err)
		defer turn.End()
	}
	for range 5 {
		s.newItem(t, `{"name":"soup","price":1}`)
	}
	for range 5 {
		bob.until("items created")
		cleo.until("items created")
	}
}
