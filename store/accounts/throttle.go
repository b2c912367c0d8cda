package accounts

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// The limits of a [Throttle].
const (
	pairLimit     = 10 // attempts on one account from one network
	pairWindow    = 15 * time.Minute
	networkLimit  = 100 // attempts from one network, whatever the account
	networkWindow = time.Hour
	accountLimit  = 100            // attempts in a row on one account, from anywhere
	accountRest   = 24 * time.Hour // without attempts, after which counting begins anew
)

// ThrottleConfig configures [NewThrottle]. The zero value is ready for use.
type ThrottleConfig struct {
	// MaxEntries bounds each of the three tables of counters; zero means
	// 32768. Beyond it the counter untouched for longest is forgotten.
	MaxEntries int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// A Throttle slows guessing down. It lets through at most 10 failures in 15
// minutes on one account from one network, 100 an hour from one network, and
// 100 in a row on one account. A network is an IPv4 address or the /64 of an
// IPv6 address. An unknown address is a network like any other.
//
// An attempt counts as a failure from [Throttle.Begin] on, before the secret is
// looked at, so that a hundred guesses sent at once are not a hundred guesses
// checked. [Throttle.Succeed] and [Throttle.Cancel] take it back.
//
// An account with 100 failures in a row is closed to everyone until 24 hours
// have passed without an attempt being let through, or [Throttle.Reset].
//
// The counters live in this process: with n processes an attacker who reaches
// all of them has n times the attempts, and a restart forgets. A Throttle is
// safe for concurrent use; [NewThrottle] makes one.
type Throttle struct {
	now func() time.Time

	mu       sync.Mutex
	pairs    table[pairKey]
	networks table[netip.Prefix]
	accounts table[accountKey]
}

type (
	accountKey [sha256.Size]byte // names can be long, and are not ours to keep
	pairKey    struct {
		account accountKey
		network netip.Prefix
	}
)

// NewThrottle returns a Throttle without failures.
func NewThrottle(cfg ThrottleConfig) (*Throttle, error) {
	if cfg.MaxEntries < 0 {
		return nil, fmt.Errorf("throttle: negative number of entries %d", cfg.MaxEntries)
	}
	if cfg.MaxEntries == 0 {
		cfg.MaxEntries = 32768
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Throttle{
		now:      cfg.Now,
		pairs:    newTable[pairKey](cfg.MaxEntries, pairLimit, pairWindow, false),
		networks: newTable[netip.Prefix](cfg.MaxEntries, networkLimit, networkWindow, false),
		accounts: newTable[accountKey](cfg.MaxEntries, accountLimit, accountRest, true),
	}, nil
}

// Begin counts an attempt on account from addr and reports whether it may go
// on; if not, how long to wait. The account is a key that all spellings of one
// name share, for an unknown one as well: the answer says nothing about
// whether it exists. An attempt that is refused is not counted.
func (t *Throttle) Begin(account string, addr netip.Addr) (retryAfter time.Duration, ok bool) {
	pair := keys(account, addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	retryAfter = max(
		t.pairs.wait(pair, now),
		t.networks.wait(pair.network, now),
		t.accounts.wait(pair.account, now),
	)
	if retryAfter > 0 {
		return retryAfter, false
	}
	t.pairs.add(pair, now)
	t.networks.add(pair.network, now)
	t.accounts.add(pair.account, now)
	return 0, true
}

// Succeed says that an attempt which Begin let through was right. The failures
// on the account from this network and those in a row are forgotten; other
// failures of the network stay.
func (t *Throttle) Succeed(account string, addr netip.Addr) {
	pair := keys(account, addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pairs.forget(pair)
	t.accounts.forget(pair.account)
	t.networks.takeBack(pair.network)
}

// Cancel says that an attempt which Begin let through could not be decided: it
// counts for nobody.
func (t *Throttle) Cancel(account string, addr netip.Addr) {
	pair := keys(account, addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pairs.takeBack(pair)
	t.accounts.takeBack(pair.account)
	t.networks.takeBack(pair.network)
}

// Reset forgets the failures in a row on account, for instance after its
// password was reset.
func (t *Throttle) Reset(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accounts.forget(sha256.Sum256([]byte(account)))
}

func keys(account string, addr netip.Addr) pairKey {
	return pairKey{sha256.Sum256([]byte(account)), network(addr)}
}

// network returns what an attacker with one connection can hardly leave: one
// IPv4 address, or the /64 that IPv6 gives to a household.
func network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // an address that is none
	}
	return p
}
