package throttle

import (
	"context"
	"fmt"
	"time"

	"github.com/gatewright/gate"
)

// Rules make a throttle stricter for one attempt than it is by itself. The zero
// value changes nothing, and so does a number above its range: nothing here makes
// guessing easier on an account.
type Rules struct {
	// Attempts is how many failures close an account to a network, or a device
	// its budget: 1 to 10; zero means 10.
	Attempts int
	// AnyNetwork counts these for the account alone, from wherever they come.
	// Whoever knows the name of an account can close it then to all but the
	// browsers that it has a device token in.
	AnyNetwork bool
	// NetworkAttempts is how many failures an hour close everything to a network:
	// 1 to 100; zero means 100.
	NetworkAttempts int
	// SpareNetwork does not count for the network as a whole: for an address
	// behind which a company is. What counts for the account goes on.
	SpareNetwork bool
}

// An Error tells refusals apart; a target for errors.Is.
type Error string

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// ErrNetwork is in the chain of a refusal that is for a network, and has nothing
// to do with the account.
const ErrNetwork Error = "too many failures from this network"

// BeginWith is [Throttle.Begin] under rules of the caller. Attempts on one
// account are counted together, whatever the rules of each.
func (t *Throttle) BeginWith(ctx context.Context, account string, rules Rules) (func(gate.Outcome), error) {
	now := t.now()
	counters := t.counters(ctx, account, now, rules)
	wait, err := t.keeper.count(ctx, now.UnixMilli(), counters)
	switch {
	case err != nil:
		return nil, fmt.Errorf("count attempt: %w", err)
	case wait > 0:
		refusal := &gate.AuthError{
			Code: gate.ErrTooManyRequests, Message: "Too many tries. Wait, or reset your password.", RetryAfter: wait,
		}
		if onlyNetwork(counters) {
			refusal.Err = ErrNetwork
		}
		return nil, refusal
	}
	return func(o gate.Outcome) {
		if o != gate.Failed {
			t.end(ctx, now.UnixMilli(), counters, o)
		}
	}, nil
}

// onlyNetwork reports whether no counter of the account itself refuses.
func onlyNetwork(counters []counter) bool {
	for _, c := range counters {
		if c.wait > 0 && !c.shared {
			return false
		}
	}
	return true
}

// Wait returns how long an account is closed to the client in ctx, under rules:
// zero if it is not, or if all that is closed is the network. It counts nothing,
// and does not regard a device token.
func (t *Throttle) Wait(ctx context.Context, account string, rules Rules) (time.Duration, error) {
	now := t.now()
	counters := t.counters(ContextWithDevice(ctx, ""), account, now, rules)
	var wait time.Duration
	err := t.keeper.change(ctx, now.UnixMilli(), counters, func(records []*record) bool {
		for i, c := range counters {
			if !c.shared {
				wait = max(wait, c.rule.wait(records[i], now.UnixMilli()))
			}
		}
		return false
	})
	if err != nil {
		return 0, fmt.Errorf("read throttle: %w", err)
	}
	return wait, nil
}
