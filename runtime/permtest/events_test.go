package permtest_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/permtest"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/live"
)

// withEvents has the service tell of its rows.
func withEvents(s *server.Service) {
	build := s.Build
	s.Build = func(a *server.App) error {
		a.Extend(live.Mount)
		return build(a)
	}
}

// TestRun_events: who hears of a row that changes, and of which fields, is as who gets
// it.
func TestRun_events(t *testing.T) {
	long(t)
	src := strings.Replace(market, ", apis: [rest, graphql]", "", 1)
	for name, tt := range map[string]struct {
		change func(*server.Service)
		patch  func(*model.Entity)
		want   []string
	}{
		"right": {change: withEvents},
		"rows": {change: withEvents, patch: func(e *model.Entity) {
			if e.Name == "OrderLine" {
				e.Allow.View = []string{"signed-in"}
			}
		}, want: []string{"customer · hear · OrderLine: want no event, got created, patched, removed (a row of somebody else)"}},
		"fields": {change: withEvents, patch: func(e *model.Entity) {
			if e.Name == "Product" {
				e.Fields[slices.IndexFunc(e.Fields, func(f model.Field) bool { return f.Name == "cost" })].View = nil
			}
		}, want: []string{"customer · hear · Product: shows cost (a row, status=published)"}},
		"streams": {change: withEvents, patch: func(e *model.Entity) {
			if e.Name == "Order" {
				e.Allow.View = []string{"public"}
			}
		}, want: []string{"anonymous · hear · Order: want 401, got 200 (events)"}},
		"nothing": {change: func(*server.Service) {}, want: []string{"anonymous · hear · Product: want 200, got 404 (events)"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, src)
			s.change, s.patch = tt.change, tt.patch
			got := wrong(t, s, func(c *permtest.Config) {
				if c.Events = true; len(tt.want) > 0 {
					only(tt.want)(c)
				}
			})
			if len(tt.want) == 0 && len(got) > 0 {
				t.Errorf("found:\n%s", strings.Join(got, "\n"))
			}
			for _, w := range tt.want {
				if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, w) }) {
					t.Errorf("nothing begins with %q:\n%s", w, strings.Join(got, "\n"))
				}
			}
		})
	}
}

// TestRun_eventsHooks: what a hook lets nobody change by itself is no fault, and what
// happens beside it is heard.
func TestRun_eventsHooks(t *testing.T) {
	long(t)
	s := newShop(t, notes)
	s.change = withEvents
	s.hooks = func(r map[string]*crud.Resource[line]) {
		r["Note"].Before(authz.Update, func(context.Context, *crud.Change[line]) error {
			return &gate.Error{Status: http.StatusConflict, Message: "What is written is written"}
		})
	}
	got := wrong(t, s, func(c *permtest.Config) {
		c.Events, c.Except = true, map[string]string{"anonymous · update · Note": "it stays"}
	})
	if len(got) > 0 {
		t.Errorf("found:\n%s", strings.Join(got, "\n"))
	}
}
