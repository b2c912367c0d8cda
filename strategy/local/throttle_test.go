package local_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/local"
)

// counter notes what it is told.
type counter struct {
	wait  time.Duration
	calls []string
}

func (c *counter) note(what, account string, addr netip.Addr) {
	c.calls = append(c.calls, what+" "+account+" "+addr.String())
}

func (c *counter) Begin(account string, addr netip.Addr) (time.Duration, bool) {
	c.note("begin", account, addr)
	return c.wait, c.wait == 0
}
func (c *counter) Succeed(account string, addr netip.Addr) { c.note("succeed", account, addr) }
func (c *counter) Cancel(account string, addr netip.Addr)  { c.note("cancel", account, addr) }

func TestCountWith(t *testing.T) {
	ctx := gate.ContextWithClient(t.Context(), gate.Client{Address: netip.MustParseAddr("192.0.2.1")})
	for name, tt := range map[string]struct {
		user, password string
		hasher         error
		last           string
	}{
		"right":     {"ada", password, nil, "succeed subject:7 192.0.2.1"},
		"wrong":     {"ada", "wrong", nil, "begin subject:7 192.0.2.1"},
		"unknown":   {"eve", password, nil, "begin login:eve 192.0.2.1"},
		"undecided": {"ada", password, errors.New("down"), "cancel subject:7 192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &counter{}
			s := local.New(newUsers(), &hasher{err: tt.hasher}, local.Config{Throttle: local.CountWith(c)})
			_, _ = s.Verify(ctx, tt.user, tt.password)
			if diff := cmp.Diff(tt.last, c.calls[len(c.calls)-1]); diff != "" {
				t.Error(diff)
			}
		})
	}
	h := &hasher{}
	s := local.New(newUsers(), h, local.Config{Throttle: local.CountWith(&counter{wait: time.Minute})})
	_, err := s.Verify(ctx, "ada", password)
	refusal, ok := errors.AsType[*gate.AuthError](err)
	if !ok || refusal.Code != gate.ErrTooManyRequests || refusal.RetryAfter != time.Minute || h.verified != 0 {
		t.Errorf("got %v after %d hashes", err, h.verified)
	}
}
