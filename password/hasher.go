package password

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gatewright/gate/internal/hashcost"
)

// Config says what new hashes cost and how many are computed at a time. The zero
// value is the recommended one: argon2id with 19456 KiB, two passes and one thread,
// one hash for each core, 32 callers waiting for each.
type Config struct {
	Memory  uint32 // KiB; 0 means 19456, which is also the least
	Passes  uint32 // 0 means 2, which is also the least
	Threads uint8  // 0 means 1

	Concurrency int // hashes at a time; 0 means GOMAXPROCS, which is also the most
	Queue       int // callers that may wait; 0 means 32 for each hash at a time
}

// Hasher hashes and verifies passwords. It is safe for concurrent use; the zero
// value is not usable, see [New].
type Hasher struct {
	current kind
	queue   *queue
	match   func(stored, string) (bool, error) // the function of this name; tests count

	mu      sync.RWMutex
	kinds   []kind // in use, current first; replaced, never changed
	foreign uint64 // the work of all but the current one
}

// New returns a Hasher, or an error when the configuration is weaker than the
// defaults or costlier than what Verify would grant a stored hash.
func New(c Config) (*Hasher, error) {
	k := kind{
		algorithm: argon2id,
		cost:      orDefault(c.Passes, defaultPasses),
		memory:    orDefault(c.Memory, leastMemory()),
		threads:   uint32(orDefault(c.Threads, defaultThreads)),
		size:      sumSize,
	}
	cores := runtime.GOMAXPROCS(0)
	concurrency := orDefault(c.Concurrency, cores)
	waiting := orDefault(c.Queue, 32*concurrency)
	switch {
	case k.memory < leastMemory() || k.memory > maxMemory:
		return nil, fmt.Errorf("password: memory of %d KiB is not between %d and %d", k.memory, leastMemory(), maxMemory)
	case k.cost < defaultPasses || k.cost > maxPasses:
		return nil, fmt.Errorf("password: %d passes are not between %d and %d", k.cost, defaultPasses, maxPasses)
	case k.threads > maxThreads:
		return nil, fmt.Errorf("password: %d threads are more than %d", k.threads, maxThreads)
	case concurrency < 1 || concurrency > cores:
		return nil, fmt.Errorf("password: concurrency of %d is not between 1 and GOMAXPROCS, %d", concurrency, cores)
	case waiting < 1:
		return nil, fmt.Errorf("password: queue of %d is less than 1", waiting)
	}
	return &Hasher{current: k, queue: newQueue(concurrency, waiting), match: match, kinds: []kind{k}}, nil
}

// leastMemory is the memory of a hash, which only tests may lower.
func leastMemory() uint32 {
	if hashcost.Lowered() {
		return 64
	}
	return defaultMemory
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// Hash returns the argon2id hash of a new password as a PHC string. It does not
// judge the password, see [Policy.Check].
//
// The error is [ErrMalformed], [ErrTooLong] or [ErrEmpty] for a password that
// cannot be one, [ErrBusy] when too many callers wait, and the context's own when
// that ended first.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", ErrEmpty
	}
	if err := CheckText(password); err != nil {
		return "", err
	}
	release, err := h.queue.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()

	s := stored{kind: h.current, salt: make([]byte, saltSize)}
	rand.Read(s.salt) // never fails: it ends the process instead
	if s.sum, err = s.derive(norm.NFKC.String(password), s.salt); err != nil {
		return "", err
	}
	return encodeArgon2(s), nil
}

// Verify reports whether the password belongs to the encoded hash, and if so
// whether the hash should be replaced by a new one: because it is of another kind,
// of other parameters, or of a password that was not in NFKC. The replacement must
// only be written over this very hash, so that a change of password meanwhile wins.
//
// The empty hash stands for an account without a password: nothing belongs to it,
// at the price of any other refusal. The empty password belongs to no hash. Of a
// password for bcrypt only the first 72 bytes count, as for those who made the
// hash; rehash is then true, and the new hash counts them all.
//
// An error means that nothing could be decided: [ErrMalformed] or [ErrTooLong] for
// a password that cannot be one, whatever the hash is; [ErrUnsupportedHash] or
// [ErrTooCostly] for the hash; one that is [ErrBusy]; or the context's own, when it
// ended before the comparison began.
func (h *Hasher) Verify(ctx context.Context, encoded, password string) (ok, rehash bool, err error) {
	if err := CheckText(password); err != nil {
		return false, false, err
	}
	candidate := h.current.dummy()
	if encoded != "" {
		if candidate, err = parse(encoded); err != nil {
			return false, false, err
		}
	}
	_ = h.use(candidate.kind) // a kind too many is verified all the same
	release, err := h.queue.acquire(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()

	spellings := spell(candidate.algorithm, password)
	for _, spelling := range spellings {
		ok, err := h.match(candidate, spelling)
		if err != nil {
			return false, false, err
		}
		if ok && encoded != "" && password != "" {
			return true, h.stale(candidate) || spelling != norm.NFKC.String(spelling), nil
		}
	}
	return false, false, h.burn(candidate.kind, spellings)
}

// Burn does the work of a refusal where there is no hash to verify: the user is
// unknown, disabled or locked. Its error is the one that [Hasher.Verify] would
// have returned, and must be answered as that one is: who drops it tells by a
// 401 among 503s which users do not exist.
func (h *Hasher) Burn(ctx context.Context, password string) error {
	_, _, err := h.Verify(ctx, "", password)
	return err
}

// Expect counts the kind of a stored hash among those whose time a refusal takes:
// eight at most, which together take no longer than seventeen hashes of the
// defaults. Others are verified all the same, and their refusals take longer.
// Call it at start with one hash of each kind in the store, and for what is
// imported later. The error wraps [ErrUnsupportedHash], [ErrTooCostly] or
// [ErrTooManyKinds].
func (h *Hasher) Expect(encoded string) error {
	s, err := parse(encoded)
	if err != nil {
		return err
	}
	return h.use(s.kind)
}

// ExpectEach calls [Hasher.Expect] for hashes of the store, for instance those
// of the last thousand accounts that logged in: at start, so that the first
// refusals take no less time than later ones. Kinds too many are left out. Hashes that
// cannot be verified are counted, for the log; an error is that of the sequence.
func (h *Hasher) ExpectEach(hashes iter.Seq2[string, error]) (unusable int, err error) {
	for encoded, err := range hashes {
		if err != nil {
			return unusable, fmt.Errorf("read password hashes: %w", err)
		}
		if encoded == "" {
			continue // an account without a password
		}
		switch err := h.Expect(encoded); {
		case errors.Is(err, ErrTooManyKinds): // a cheaper one may come
		case err != nil:
			unusable++
		}
	}
	return unusable, nil
}

// use adds a kind to those in use.
func (h *Hasher) use(k kind) error {
	if slices.Contains(h.inUse(), k) {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case slices.Contains(h.kinds, k):
		return nil
	case len(h.kinds) >= maxKinds || h.foreign+k.work() > maxWork:
		return ErrTooManyKinds
	}
	h.foreign += k.work()
	h.kinds = append(slices.Clip(h.kinds), k)
	return nil
}

func (h *Hasher) inUse() []kind {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.kinds
}

// burn completes a refusal: it computes a hash of every kind in use but the one
// that was paid for already. It does not stop when whoever asks has gone: what is
// refused already would be called undecided, and not be counted as a guess.
func (h *Hasher) burn(paid kind, spellings []string) error {
	for _, k := range h.inUse() {
		if k == paid {
			continue
		}
		for _, spelling := range spellings {
			if _, err := h.match(k.dummy(), spelling); err != nil {
				return err
			}
		}
	}
	return nil
}

// stale reports whether a new hash would be of another make.
func (h *Hasher) stale(s stored) bool {
	return s.kind != h.current || len(s.salt) != saltSize
}

// CheckText reports whether a password can be one at all: nil, [ErrTooLong] or
// [ErrMalformed]. [Hasher.Hash] and [Hasher.Verify] call it before all else.
func CheckText(password string) error {
	switch {
	case len(password) > MaxBytes:
		return ErrTooLong
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return ErrMalformed
	case utf8.RuneCountInString(password) > MaxRunes:
		return ErrTooLong
	}
	return nil
}

// spell returns the spellings of a password to try, the likeliest first: argon2id
// hashes are mostly ours and thus of NFKC, the others never are.
func spell(a algorithm, password string) []string {
	normal := norm.NFKC.String(password)
	switch {
	case normal == password:
		return []string{password}
	case a == argon2id:
		return []string{normal, password}
	}
	return []string{password, normal}
}
