// Package throttle slows guessing down: a [Throttle] stands before every door
// where a secret is presented, a [Limiter] before everything else that must not
// happen too often, such as sending letters.
//
// # What is counted
//
// A Throttle lets through at most
//
//   - 10 failures in 15 minutes on one account from one network. The tenth
//     closes the account to that network for 15 minutes, the next tenth for
//     30, then 60 and so on up to 12 hours; a success, or 24 hours without an
//     attempt being let through, begin anew.
//   - 100 failures an hour from one network, whatever the account.
//   - 100 failures in a row on one account, from anywhere. It is closed then
//     until 24 hours have passed without an attempt being let through, or
//     [Throttle.Reset].
//
// A network is an IPv4 address or the /64 of an IPv6 address; an unknown
// address is a network like any other. What is refused is not counted, so that
// asking does not prolong the wait. [Rules] are for a service whose
// administrators want it stricter.
//
// # The owner is not locked out
//
// Whoever guesses from many networks closes the account to strangers, not to
// its owner: a browser in which the account logged in before holds a device
// token ([Throttle.IssueDevice]). With it the browser has a budget of its own,
// 10 failures in 15 minutes with the same growing waits and 100 in a row, and
// the counters above are neither asked nor moved.
//
// # Several processes
//
// With a database the counters are shared by all processes that use it. A
// database that does not answer is an error: nobody is let in, and nothing is
// held against anybody. The tables belong to this package. A service creates
// them with its own, and calls [Throttle.Sweep] every few minutes:
//
//	_, err := db.Migrate(ctx, throttle.Component, throttle.Migrations(db.Dialect()))
package throttle

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/seal"
	"github.com/gatewright/gate/store"
)

// Config configures [New] and [NewLimiter]. The zero value is ready for use in
// one process.
type Config struct {
	// DB holds the counters; nil means that they live in this process, which
	// forgets them when it ends and shares them with none.
	DB *store.DB
	// Secret keys the hashes that stand for accounts and networks, and the
	// device tokens. Required with a database: at least 32 bytes, the same in
	// each process. Keys are derived from it (RFC 5869), so it may serve other
	// purposes too. Empty without a database means a random one: device tokens
	// end with the process.
	Secret []byte
	// MaxEntries bounds the counters: in memory those of each kind, where the
	// one untouched for longest is forgotten, zero meaning 32768; in the
	// database those that [Throttle.Sweep] leaves, zero meaning a million.
	MaxEntries int
	// Logger gets what went wrong without changing the answer; nil means
	// slog.Default().
	Logger *slog.Logger
	// Now is the clock; nil means time.Now. Processes that share a database
	// agree on the time to within seconds.
	Now func() time.Time
}

const (
	minSecret     = 32
	memoryEntries = 32768
	storedEntries = 1_000_000
	endTimeout    = 5 * time.Second
)

// A Throttle implements [gate.Throttle]. The address of the client comes from
// [gate.ClientFromContext], the device token from [ContextWithDevice]. It is
// safe for concurrent use; [New] makes one.
type Throttle struct {
	keeper  keeper
	names   names
	devices devices
	log     *slog.Logger
	now     func() time.Time
}

var _ gate.Throttle = (*Throttle)(nil)

// New returns a throttle.
func New(cfg Config) (*Throttle, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	t := &Throttle{keeper: newKeeper(cfg), log: cfg.Logger, now: cfg.Now}
	if t.names, err = seal.Key(cfg.Secret, "gate throttle counter"); err != nil {
		return nil, err
	}
	if t.devices.key, err = seal.Key(cfg.Secret, "gate throttle device"); err != nil {
		return nil, err
	}
	return t, nil
}

// complete checks the configuration and fills in what may be left out.
func (cfg Config) complete() (Config, error) {
	switch {
	case cfg.MaxEntries < 0:
		return cfg, fmt.Errorf("throttle: negative number of entries %d", cfg.MaxEntries)
	case len(cfg.Secret) == 0 && cfg.DB != nil:
		return cfg, errors.New("throttle: counters in a database need a secret")
	case len(cfg.Secret) != 0 && len(cfg.Secret) < minSecret:
		return cfg, fmt.Errorf("throttle: a secret of %d bytes is shorter than %d", len(cfg.Secret), minSecret)
	case len(cfg.Secret) == 0:
		cfg.Secret = make([]byte, minSecret)
		_, _ = rand.Read(cfg.Secret) // never fails
	}
	if cfg.DB == nil {
		cfg.MaxEntries = cmp.Or(cfg.MaxEntries, memoryEntries)
	} else {
		cfg.MaxEntries = cmp.Or(cfg.MaxEntries, storedEntries)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg, nil
}

// Account returns the name under which attempts on a known account are counted,
// by whatever name it was found.
func Account(subject string) string { return "subject:" + subject }

// Begin implements [gate.Throttle]. Account is a name that all spellings of one
// account share, [Account] for one that exists; an unknown one is counted like
// any other, so the answer says nothing about whether it is there.
//
// The attempt counts as a failure from here on. A success forgets the failures
// on the account from this network and those in a row, and takes this attempt
// off the network's; one that could not be decided counts for nobody. An error
// that is no refusal means that the database did not answer.
func (t *Throttle) Begin(ctx context.Context, account string) (func(gate.Outcome), error) {
	return t.BeginWith(ctx, account, Rules{})
}

// counters returns what an attempt counts for. The order is that in which
// their rows are locked, the same for every attempt.
func (t *Throttle) counters(ctx context.Context, account string, now time.Time, rules Rules) []counter {
	if id, ok := t.devices.check(deviceFromContext(ctx), account, now); ok {
		return []counter{{key: t.names.key(kindDevice, account, id), rule: deviceRule().atMost(rules.Attempts, attempts)}}
	}
	network := networkFromContext(ctx)
	pair := t.names.key(kindPair, account, network)
	if rules.AnyNetwork {
		pair = t.names.key(kindPair, account)
	}
	counters := []counter{{key: pair, rule: pairRule().atMost(rules.Attempts, attempts)}}
	if !rules.SpareNetwork {
		counters = append(counters, counter{
			key: t.names.key(kindNetwork, network), rule: networkRule().atMost(rules.NetworkAttempts, networkAttempts), shared: true,
		})
	}
	return append(counters, counter{key: t.names.key(kindAccount, account), rule: accountRule()})
}

// end records how an attempt ended, whether or not its sender still waits.
func (t *Throttle) end(ctx context.Context, at int64, counters []counter, o gate.Outcome) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := t.keeper.change(ctx, t.now().UnixMilli(), counters, func(records []*record) bool {
		for i, c := range counters {
			if o == gate.Succeeded && !c.shared {
				*records[i] = record{}
			} else {
				c.rule.takeBack(records[i], at)
			}
		}
		return true
	})
	if err != nil {
		t.log.WarnContext(ctx, "attempt stays counted as a failure", "outcome", o.String(), "err", err)
	}
}

// Reset forgets the failures on account: those in a row, and those of the
// client and the device in ctx. It is for an owner who proved otherwise who
// he is, as with a password reset.
func (t *Throttle) Reset(ctx context.Context, account string) error {
	now := t.now()
	network := networkFromContext(ctx)
	counters := []counter{
		{key: t.names.key(kindPair, account, network), rule: pairRule()},
		{key: t.names.key(kindPair, account), rule: pairRule()},
		{key: t.names.key(kindAccount, account), rule: accountRule()},
	}
	if id, ok := t.devices.check(deviceFromContext(ctx), account, now); ok {
		counters = append(counters, counter{key: t.names.key(kindDevice, account, id), rule: deviceRule()})
	}
	err := t.keeper.change(ctx, now.UnixMilli(), counters, func(records []*record) bool {
		for _, r := range records {
			*r = record{}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("reset throttle: %w", err)
	}
	return nil
}

// Sweep deletes the counters that count no more, those of every [Limiter] on
// the same database too, and beyond [Config.MaxEntries] those that would be the
// next to go. It returns how many. A service calls it every few minutes, in
// however many processes; without a database there is little to do.
func (t *Throttle) Sweep(ctx context.Context) (int, error) {
	n, err := t.keeper.sweep(ctx, t.now().UnixMilli())
	if err != nil {
		return n, fmt.Errorf("sweep throttle: %w", err)
	}
	return n, nil
}
