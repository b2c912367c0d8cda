package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/store/throttle"
)

// Attack protection, as the Management API sets it. It makes the provider
// stricter than it is by itself, and never less strict: what package throttle
// counts is counted whether or not a protection is enabled, and an account is
// closed after ten failures from one network at the latest.

// A guard is what the settings say about guessing.
type guard struct {
	rules throttle.Rules
	// trusted networks have the usual rules on an account in place of stricter
	// ones, spared ones are not closed as a whole.
	trusted, spared []netip.Prefix
	tellOwner       bool // that the account was closed
	signups         int  // an hour from one network
	lenient         bool // towards leaked passwords at log-in: they are only logged
}

// How many accounts one network may make in an hour. Where each takes a letter
// before there is one, there are as many as letters for it.
const (
	usualSignups     = 50
	confirmedSignups = 20
)

func (p *Provider) signupsAnHour(g *guard) int {
	if p.cfg.Signup == SignupConfirm {
		return min(g.signups, confirmedSignups)
	}
	return g.signups
}

// A protection is a document of attack protection. The names of shields are
// block, user_notification and admin_notification; the last has no effect beyond
// the log, which has all.
type protection struct {
	Enabled     bool     `json:"enabled"`
	Shields     []string `json:"shields"`
	Allowlist   []string `json:"allowlist"`
	MaxAttempts int      `json:"max_attempts"`
	Mode        string   `json:"mode"`
	Stage       map[string]struct {
		MaxAttempts int `json:"max_attempts"`
	} `json:"stage"`
}

func newGuard(documents map[string]json.RawMessage) (g guard, problems []error) {
	g.tellOwner, g.signups = true, usualSignups
	read := func(name string) (d protection, ok bool) {
		raw := documents[name]
		if len(raw) == 0 {
			return d, false
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			return d, false
		}
		return d, true
	}
	networks := func(name string, list []string) []netip.Prefix {
		all, errs := parseNetworks(list)
		for _, err := range errs {
			problems = append(problems, fmt.Errorf("%s: allowlist: %w", name, err))
		}
		return all
	}
	const brute, suspicious, breached = "brute-force-protection", "suspicious-ip-throttling", "breached-password-detection"
	if d, ok := read(brute); ok {
		g.tellOwner = d.Enabled && slices.Contains(d.Shields, "user_notification")
		if d.Enabled {
			g.rules.Attempts, g.rules.AnyNetwork = d.MaxAttempts, d.Mode == "count_per_identifier"
			g.trusted = networks(brute, d.Allowlist)
		}
	}
	if d, ok := read(suspicious); ok {
		g.spared = networks(suspicious, d.Allowlist)
		if d.Enabled {
			g.rules.NetworkAttempts = d.Stage["pre-login"].MaxAttempts
			if n := d.Stage["pre-user-registration"].MaxAttempts; n > 0 {
				g.signups = min(n, usualSignups)
			}
		}
	}
	if d, ok := read(breached); ok {
		g.lenient = !d.Enabled || !slices.Contains(d.Shields, "block")
	}
	return g, problems
}

// parseNetworks reads addresses and networks. One that is very wide is refused:
// it would switch off what it is an exception from.
func parseNetworks(list []string) (networks []netip.Prefix, problems []error) {
	for _, text := range list {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			var addr netip.Addr
			if addr, err = netip.ParseAddr(text); err == nil {
				addr = addr.Unmap().WithZone("")
				network = netip.PrefixFrom(addr, addr.BitLen())
			}
		}
		least := 32
		if network.Addr().Is4() {
			least = 16
		}
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%q is no address and no network", text))
		case network.Bits() < least:
			problems = append(problems, fmt.Errorf("%s is wider than /%d", network, least))
		default:
			networks = append(networks, network.Masked())
		}
	}
	return networks, problems
}

func within(addr netip.Addr, networks []netip.Prefix) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// rulesFor returns the rules for a client.
func (g *guard) rulesFor(ctx context.Context) throttle.Rules {
	client, _ := gate.ClientFromContext(ctx)
	rules := g.rules
	if within(client.Address, g.trusted) {
		rules.Attempts, rules.AnyNetwork = 0, false
	}
	rules.SpareNetwork = within(client.Address, g.spared)
	return rules
}

// tooMany notes a log-in that was refused because there were too many failures
// before: of an account, whose owner is told, or of a network.
func (p *Provider) tooMany(r *http.Request, c *tenant.Client, who *tenant.User, err error) {
	if errors.Is(err, throttle.ErrNetwork) {
		p.recordRefused(r, &p.shutOut, "limit_mu", c, nil, "Too many attempts from one network")
		return
	}
	p.recordRefused(r, &p.shutOut, "limit_wc", c, who, "Too many attempts")
	p.tellClosed(r, c, who)
}

// tellClosed tells the owner that an account is closed, once a day. An address
// that was not confirmed may be that of a stranger.
func (p *Provider) tellClosed(r *http.Request, c *tenant.Client, u *tenant.User) {
	ctx := r.Context()
	if u == nil || u.Email == "" || !u.EmailVerified || u.Blocked {
		return
	}
	now := p.configured(ctx)
	if !now.guard.tellOwner || !p.closures.first(u.ID, p.now()) {
		return
	}
	client, _ := gate.ClientFromContext(ctx)
	letter := login.Letter{Account: u.Email, When: p.now(), Where: addressText(client)}
	if c != nil {
		letter.Application = c.Name
	}
	// All that takes time is done later: how long a refusal takes does not tell
	// that there is an account. The language is not that of whoever guesses.
	err := p.mails.Later(ctx, func(ctx context.Context) (mail.Message, bool, error) {
		if wait, err := p.closed.Allow(ctx, u.ID); err != nil || wait > 0 {
			return mail.Message{}, false, err
		}
		m, err := now.words.Write(login.MailBlocked, "", letter)
		return outgoing(u.Email, m), err == nil, err
	})
	if err != nil {
		p.log.ErrorContext(ctx, "letter was not sent", "err", err)
	}
}

// outgoing addresses a letter.
func outgoing(to string, m login.Message) mail.Message {
	return mail.Message{To: to, Subject: strings.ReplaceAll(m.Subject, ",", " "), Text: m.Text, HTML: m.HTML}
}

// closures remembers whose closure was told by this process, so that a flood of
// guesses does not fill the queue of letters.
type closures struct {
	mu   sync.Mutex
	told map[string]time.Time
}

const maxClosures = 4096

func (c *closures) first(userID string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.told[userID]; ok && now.Sub(at) < time.Hour {
		return false
	}
	if c.told == nil || len(c.told) >= maxClosures {
		c.told = map[string]time.Time{}
	}
	c.told[userID] = now
	return true
}

// leaked reports whether a log-in with a password that leaked is refused.
func (p *Provider) leaked(r *http.Request, c *tenant.Client, u *tenant.User, text string) bool {
	ctx := r.Context()
	if p.cfg.Breach == nil || !p.cfg.Breach.Leaked(ctx, text) {
		return false
	}
	p.record(r, "pwd_leak", c, u, "The password is in a list of leaked ones", nil)
	return !p.configured(ctx).guard.lenient
}

// blocks shows and opens closed accounts (user-blocks of the Management API). The
// throttle knows accounts and networks by hashes alone; from where a user was
// tried, the log has.
type blocks struct{ *Provider }

var _ management.Blocks = blocks{}

const maxAttempted = 2000 // entries that are looked through

// BlockedFor returns where somebody with this address or user name may not log
// in from.
func (b blocks) BlockedFor(ctx context.Context, identifier string) ([]management.Block, error) {
	var list []management.Block
	err := b.each(ctx, identifier, func(conn *tenant.Connection, u *tenant.User, places []gate.Client) error {
		guard := b.configured(ctx).guard
		for _, place := range places {
			ctx := gate.ContextWithClient(ctx, place)
			wait, err := b.throttle.Wait(ctx, throttle.Account(u.ID), guard.rulesFor(ctx))
			if err != nil {
				return err
			}
			if wait > 0 {
				list = append(list, management.Block{Identifier: identifier, IP: addressText(place), Connection: conn.Name})
			}
		}
		return nil
	})
	return list, err
}

// Unblock forgets the failures.
func (b blocks) Unblock(ctx context.Context, identifier string) error {
	return b.each(ctx, identifier, func(_ *tenant.Connection, u *tenant.User, places []gate.Client) error {
		var errs []error
		for _, place := range append(places, gate.Client{}) {
			errs = append(errs, b.throttle.Reset(gate.ContextWithClient(ctx, place), throttle.Account(u.ID)))
		}
		return errors.Join(errs...)
	})
}

// each calls do for each user with this log-in, with where they were tried from
// in the last day: no closure outlives it without another attempt.
func (b blocks) each(ctx context.Context, identifier string, do func(*tenant.Connection, *tenant.User, []gate.Client) error) error {
	if err := b.tenant.FlushLogs(ctx); err != nil {
		return err
	}
	list, err := b.tenant.Connections.List(ctx)
	if err != nil {
		return err
	}
	for _, conn := range list {
		if conn.Strategy != tenant.Database {
			continue
		}
		u, _, err := b.tenant.UserByLogin(ctx, conn.Name, canonical(identifier))
		if errors.Is(err, tenant.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		entries, err := b.tenant.FailedAttempts(ctx, u.ID, b.now().Add(-24*time.Hour), maxAttempted)
		if err != nil {
			return err
		}
		if err := do(conn, u, placesOf(entries)); err != nil {
			return err
		}
	}
	return nil
}

// placesOf returns the clients of entries, one of each network.
func placesOf(entries []*tenant.Log) []gate.Client {
	seen := map[netip.Prefix]bool{}
	var list []gate.Client
	for _, e := range entries {
		addr, err := parseAddr(e.IP)
		if network := networkOf(addr); err == nil && !seen[network] {
			seen[network] = true
			list = append(list, gate.Client{Address: addr})
		}
	}
	return list
}
