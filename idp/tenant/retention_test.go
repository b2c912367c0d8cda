package tenant_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// logged returns type, address and address in the details of each entry, the
// oldest first.
func logged(t *testing.T, s *tenant.Store) [][3]string {
	t.Helper()
	list, _, err := s.SearchLogs(t.Context(), tenant.LogQuery{Limit: 100})
	must(t, err)
	var all [][3]string
	for i := range list {
		e := list[len(list)-1-i]
		request, _ := e.Details["request"].(map[string]any)
		ip, _ := request["ip"].(string)
		all = append(all, [3]string{e.Type, e.IP, ip})
	}
	return all
}

// AUD-04: without a setting failed log-ins go after 90 days, all else after
// 400, and after 30 days nobody sees from which address somebody came.
func TestAUD04_logs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		ctx := t.Context()
		for _, e := range []tenant.Log{
			{Type: "s", IP: "192.0.2.77", Details: map[string]any{"request": map[string]any{"ip": "192.0.2.77"}, "n": 1}},
			{Type: "fp", IP: "2001:db8:1:2::3"},
			{Type: "limit_wc", IP: "::ffff:198.51.100.9"},
			{Type: "sapi", IP: "nonsense"},
			{Type: "scp"},
		} {
			s.Record(ctx, e)
		}
		must(t, s.FlushLogs(ctx))
		for _, step := range []struct {
			days int
			want [][3]string
		}{
			{29, [][3]string{
				{"s", "192.0.2.77", "192.0.2.77"}, {"fp", "2001:db8:1:2::3"}, {"limit_wc", "::ffff:198.51.100.9"}, {"sapi", "nonsense"}, {"scp"},
			}},
			{31, [][3]string{
				{"s", "192.0.2.0/24", "192.0.2.0/24"}, {"fp", "2001:db8:1::/48"}, {"limit_wc", "198.51.100.0/24"}, {"sapi"}, {"scp"},
			}},
			{91, [][3]string{{"s", "192.0.2.0/24", "192.0.2.0/24"}, {"sapi"}, {"scp"}}},
			{401, nil},
		} {
			c.advance(time.Duration(step.days)*24*time.Hour - c.Now().Sub(newClock().Now()))
			_, err := s.Sweep(ctx)
			must(t, err)
			if diff := cmp.Diff(step.want, logged(t, s)); diff != "" {
				t.Errorf("after %d days (-want +got):\n%s", step.days, diff)
			}
		}
	})
}

// AUD-04: the settings decide otherwise, and a second sweep finds what came
// since the first.
func TestAUD04_settings(t *testing.T) {
	c := newClock()
	s := open(t, storetest.SQLite(t), c.Now)
	ctx := t.Context()
	_, err := s.UpdateSettings(ctx, func(set *tenant.Settings) error {
		set.LogRetentionDays, set.FailedLogRetentionDays, set.LogAddressDays = -1, 2, 1
		return nil
	})
	must(t, err)
	for range 3 {
		s.Record(ctx, tenant.Log{Type: "s", IP: "192.0.2.1"})
		s.Record(ctx, tenant.Log{Type: "f", IP: "192.0.2.1"})
		must(t, s.FlushLogs(ctx))
		c.advance(36 * time.Hour)
		_, err := s.Sweep(ctx)
		must(t, err)
	}
	want := [][3]string{{"s", "192.0.2.0/24"}, {"s", "192.0.2.0/24"}, {"s", "192.0.2.0/24"}, {"f", "192.0.2.0/24"}}
	if diff := cmp.Diff(want, logged(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.advance(3000 * 24 * time.Hour)
	_, err = s.Sweep(ctx)
	must(t, err)
	if got := logged(t, s); len(got) != 3 {
		t.Errorf("kept for ever: %v", got)
	}
}

// AUD-04: more entries than fit into one batch, of the same millisecond.
func TestAUD04_batches(t *testing.T) {
	c := newClock()
	s := open(t, storetest.SQLite(t), c.Now)
	ctx := t.Context()
	for range 1100 {
		s.Record(ctx, tenant.Log{Type: "s", IP: "192.0.2.1"})
	}
	must(t, s.FlushLogs(ctx))
	c.advance(31 * 24 * time.Hour)
	_, err := s.Sweep(ctx)
	must(t, err)
	whole, _, err := s.SearchLogs(ctx, tenant.LogQuery{Q: `ip:"192.0.2.1"`, Limit: 10})
	must(t, err)
	if len(whole) > 0 {
		t.Errorf("%d addresses are whole", len(whole))
	}
}
