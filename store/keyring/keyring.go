// Package keyring keeps the keys that sign tokens in the database, sealed, and
// changes them without anybody noticing: the next key is published well before
// it signs, and the one before verifies until its last token has expired.
//
// # Several processes
//
// All processes on one database have the same keys. Which of them signs depends
// on the rows and on the clock alone, so nobody has to be asked: one process
// makes the next key, all learn of it within a minute, and all turn to it at
// the time that its row says. A process that cannot reach the database goes on
// with what it knows.
//
// # A key that leaked
//
// [Keyring.Remove] takes a key out at once: its tokens are refused by this
// process from then on, and by the others within a minute, in which they may
// also still sign with it. When it was the one that signs, the next key takes
// over although verifiers elsewhere may not have fetched it yet; those that
// fetch on an unknown key find it.
//
// # Several rings
//
// A service that signs with several algorithms has a ring for each, told apart
// by [Config.Ring]. They share the table and may share the secret, and know
// nothing of each other.
//
// # The secret
//
// Private keys are sealed with AES-256-GCM under a key derived from
// [Config.Secret] (RFC 5869), and bound to their name, algorithm and ring. Without
// the secret they are lost, and with another one [Open] says
// [ErrWrongSecret] and changes nothing. A dump of the database signs nothing.
//
// The table belongs to this package. A service creates it with its own:
//
//	_, err := db.Migrate(ctx, keyring.Component, keyring.Migrations(db.Dialect()))
package keyring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/gatewright/gate/internal/seal"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store"
)

// An Error is a condition that callers act on; a target for errors.Is.
type Error string

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// The conditions.
const (
	// ErrWrongSecret means that the keys in the database were sealed with
	// another secret than [Config.Secret], or that a row was tampered with.
	ErrWrongSecret Error = "signing keys were sealed with another secret"
	// ErrNoKey means that there is no key with this name.
	ErrNoKey Error = "no such signing key"
)

// Config configures [Open].
type Config struct {
	// Ring is the name of the ring: lower-case letters, digits and hyphens, at
	// most 63. Empty is a name like the others.
	Ring string
	// Algorithm is that of the keys to be made; required. When it changes, the
	// next key is made at once, and those before go on verifying.
	Algorithm jose.Algorithm
	// Secret seals private keys: at least 32 bytes, the same in each process;
	// required. Keys are derived from it, so it may serve other purposes too.
	Secret []byte
	// KeepFor is the longest life of a token that the keys sign, and so how
	// long a key that signs no more still verifies; required.
	KeepFor time.Duration
	// RotateEvery is how long a key signs; zero means 90 days, and less than
	// zero until [Keyring.Rotate].
	RotateEvery time.Duration
	// AlwaysNext has the key after the one that signs made at once, and not
	// [Config.PublishBefore] its time: verifiers know it long before, and
	// [Keyring.Promote] takes nobody by surprise. When RotateEvery is less than
	// zero, that key waits for Promote or Rotate.
	AlwaysNext bool
	// PublishBefore is how long a key is known before it signs: at least twice
	// as long as verifiers keep our key set without asking again. Zero means an
	// hour; the least is five minutes.
	PublishBefore time.Duration
	// Logger gets what happens to keys; nil means slog.Default().
	Logger *slog.Logger
	// Now is the clock; nil means time.Now. Processes that share a database
	// agree on the time to within a minute.
	Now func() time.Time
}

const (
	minSecret     = 32
	pollEvery     = time.Minute
	askEvery      = 10 * time.Second // for unknown keys, at most
	margin        = 2 * pollEvery    // until each process has turned to the next key
	rotateEvery   = 90 * 24 * time.Hour
	publishBefore = time.Hour
	minPublish    = 5 * time.Minute
	dbTimeout     = 10 * time.Second
)

var ringName = regexp.MustCompile(`^[a-z0-9-]{0,63}$`)

// A Keyring is the keys of a service. It is safe for concurrent use; [Open]
// makes one, and [Keyring.Run] keeps it in step.
type Keyring struct {
	db   *store.DB
	cfg  Config
	seal sealer
	keys *jose.KeySet

	refreshing sync.Mutex // one at a time

	mu      sync.Mutex
	rows    []row    // by generation
	present []string // in keys
	looked  *look
}

var _ jose.KeySource = (*Keyring)(nil)

// Open returns the keys in a database whose schema has the [Migrations], and
// makes the first when there is none. Every key has to open with the secret:
// otherwise it is [ErrWrongSecret].
func Open(ctx context.Context, db *store.DB, cfg Config) (*Keyring, error) {
	cfg, err := cfg.complete(db)
	if err != nil {
		return nil, err
	}
	box, err := seal.New(cfg.Secret, "gate keyring seal")
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	k := &Keyring{db: db, cfg: cfg, keys: new(jose.KeySet), seal: sealer{box, cfg.Ring}}
	if err := k.Refresh(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// complete checks the configuration and fills in what may be left out.
func (cfg Config) complete(db *store.DB) (Config, error) {
	cfg.RotateEvery = cmp.Or(cfg.RotateEvery, rotateEvery)
	cfg.PublishBefore = cmp.Or(cfg.PublishBefore, publishBefore)
	switch {
	case db == nil:
		return cfg, errors.New("keyring: no database")
	case !ringName.MatchString(cfg.Ring):
		return cfg, fmt.Errorf("keyring: %q is not the name of a ring", cfg.Ring)
	case !supported(cfg.Algorithm):
		return cfg, fmt.Errorf("keyring: unknown algorithm %q", cfg.Algorithm)
	case len(cfg.Secret) < minSecret:
		return cfg, fmt.Errorf("keyring: a secret of %d bytes is shorter than %d", len(cfg.Secret), minSecret)
	case cfg.KeepFor <= 0:
		return cfg, errors.New("keyring: the longest life of a token is not given")
	case cfg.PublishBefore < minPublish:
		return cfg, fmt.Errorf("keyring: %v is too short to publish a key, want %v or more", cfg.PublishBefore, minPublish)
	case cfg.RotateEvery > 0 && cfg.RotateEvery < 2*cfg.PublishBefore:
		return cfg, fmt.Errorf("keyring: rotation every %v does not leave %v to publish the next key", cfg.RotateEvery, cfg.PublishBefore)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg, nil
}

// Keys returns the key set of the ring: always the same one, in which keys come,
// sign and go.
func (k *Keyring) Keys() *jose.KeySet { return k.keys }

// Key implements [jose.KeySource]. For a key that it does not know it asks the
// database, at most once in ten seconds, and whoever comes meanwhile waits for
// that. When the database does not answer, the error is not
// [jose.ErrUnknownKey], for as long as it is not asked again.
func (k *Keyring) Key(ctx context.Context, kid string, alg jose.Algorithm) (*jose.Key, error) {
	key, err := k.keys.Key(ctx, kid, alg)
	if !errors.Is(err, jose.ErrUnknownKey) {
		return key, err
	}
	if err := k.look(ctx); err != nil {
		return nil, err
	}
	return k.keys.Key(ctx, kid, alg)
}

// A look is one look at the database for unknown keys.
type look struct {
	at   time.Time
	done chan struct{} // closed when err is set
	err  error
}

// look reads the keys again, unless that was done a moment ago, and returns what
// came of it.
func (k *Keyring) look(ctx context.Context) error {
	l, mine := k.lastLook()
	if mine {
		// Others wait for it: it does not end with the one who began it.
		l.err = k.Refresh(context.WithoutCancel(ctx))
		close(l.done)
		return l.err
	}
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return fmt.Errorf("keyring: look for a key: %w", ctx.Err())
	}
}

// lastLook returns the last look, or a new one for the caller to take when it is
// time.
func (k *Keyring) lastLook() (l *look, mine bool) {
	now := k.cfg.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.looked != nil && now.Sub(k.looked.at) < askEvery {
		return k.looked, false
	}
	k.looked = &look{at: now, done: make(chan struct{})}
	return k.looked, true
}

// Run keeps the keys in step until ctx ends: it reads them every minute, makes
// the next one when it is time and turns to it when its time has come. What
// goes wrong is logged and tried again. A service runs it once, in a goroutine
// of its own.
func (k *Keyring) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := k.Refresh(ctx); err != nil && ctx.Err() == nil {
			k.cfg.Logger.ErrorContext(ctx, "signing keys not read", "err", err)
		}
		timer.Reset(k.next())
	}
}

// next returns how long nothing happens, a minute at most.
func (k *Keyring) next() time.Duration {
	now := k.cfg.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	wait := pollEvery
	for i := range k.rows {
		if until := k.rows[i].signsFrom.Sub(now); until > 0 {
			wait = min(wait, until)
		}
	}
	return wait
}

// Refresh does at once what [Keyring.Run] does every minute. Even when the
// database does not answer, and with that error, it turns to the key whose time
// has come.
func (k *Keyring) Refresh(ctx context.Context) error {
	k.refreshing.Lock()
	defer k.refreshing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	err := k.read(ctx)
	if err == nil {
		err = k.extend(ctx)
	}
	if err != nil {
		err = fmt.Errorf("keyring: %w", err)
	}
	return errors.Join(err, k.apply(ctx))
}

// apply brings the key set into step with the rows and the clock.
func (k *Keyring) apply(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.rows) == 0 {
		return nil
	}
	now := k.cfg.Now()
	var wanted []string
	for i, r := range k.rows {
		if !now.Before(k.over(k.rows, i)) {
			continue
		}
		wanted = append(wanted, r.id)
		if slices.Contains(k.present, r.id) {
			continue
		}
		if err := k.keys.Add(r.key); err != nil {
			return fmt.Errorf("keyring: %w", err)
		}
		k.present = append(k.present, r.id)
	}
	if id := k.rows[current(k.rows, now)].id; k.keys.Signing().ID() != id {
		if err := k.keys.Use(id); err != nil {
			return fmt.Errorf("keyring: %w", err)
		}
		k.cfg.Logger.InfoContext(ctx, "signing key in use", "kid", id)
	}
	for _, id := range k.present { // after Use: what signs is not taken away
		if !slices.Contains(wanted, id) {
			k.keys.Remove(id)
			k.cfg.Logger.InfoContext(ctx, "signing key removed", "kid", id)
		}
	}
	k.present = wanted
	return nil
}
