package jose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A KeySource finds the keys that tokens are verified with. It is asked each
// time a token comes, also one that was verified before, so it has to be quick
// and safe for concurrent use.
type KeySource interface {
	// Key returns the key named kid. Without a name it returns the only key of
	// algorithm alg. A key that does not exist is [ErrUnknownKey]; an algorithm
	// that no key has may be [ErrAlgorithm]; every other error means that it
	// could not be decided.
	Key(ctx context.Context, kid string, alg Algorithm) (*Key, error)
}

var _ KeySource = (*KeySet)(nil)

// A KeyState is where in its life a key of a [KeySet] is. The zero value is no
// state.
type KeyState uint8

// The states, in the order in which a key goes through them. What comes after is
// not a state: the key is not in the set any more.
const (
	// KeyPublished means that the key verifies and is in the JWKS, and signs
	// nothing: not yet, or since another one took over.
	KeyPublished KeyState = iota + 1
	// KeySigning means that new tokens are signed with the key.
	KeySigning
	// KeyRetired means that the key verifies until a time, and signs nothing.
	KeyRetired
)

// String implements [fmt.Stringer]: "published", "signing" or "retired".
func (s KeyState) String() string {
	switch s {
	case KeyPublished:
		return "published"
	case KeySigning:
		return "signing"
	case KeyRetired:
		return "retired"
	default:
		return "no state"
	}
}

// A KeyInfo says about a key of a [KeySet] what anybody may know.
type KeyInfo struct {
	// ID is the name of the key.
	ID string
	// Algorithm is the one algorithm of the key.
	Algorithm Algorithm
	// State is where in its life the key is.
	State KeyState
	// Until is when a retired key stops to verify; zero for all others.
	Until time.Time
}

// A KeySet holds our own keys by their names, and which of them signs. Reading
// takes no lock and sees every change at once. The zero value is an empty set
// ready to use, a nil one can be read; a KeySet must not be copied.
//
// A key is rotated in four steps. [KeySet.Add] publishes the new one; when those
// who verify have fetched it, which is after the maximum age of
// [KeySet.Handler] at the latest, [KeySet.Use] makes it the one that signs;
// [KeySet.Retire] lets the old one verify until its last token has expired; then
// it is gone by itself. [KeySet.Remove] is for a key that was stolen.
type KeySet struct {
	// Now is the clock that retired keys are measured by; nil means time.Now.
	// It is set before the set is used and never after.
	Now func() time.Time

	writing sync.Mutex
	current atomic.Pointer[snapshot]
}

// NewKeySet returns a set of keys, of which the first that can sign is the one
// that signs. No keys make an empty set. See [KeySet.Add] for what is refused.
func NewKeySet(keys ...*Key) (*KeySet, error) {
	s := new(KeySet)
	for _, k := range keys {
		if err := s.Add(k); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Add publishes a key: it verifies and is in the JWKS. It also signs when the
// set had no key that does. The key must come from a constructor of this
// package, and its name must be new to the set, also when it is empty.
func (s *KeySet) Add(k *Key) error {
	if !k.usable() {
		return errors.New("add key: there is none")
	}
	return s.change(func(list []slot) ([]slot, error) {
		if find(list, k.kid) != nil {
			return nil, fmt.Errorf("add key: the name %q is taken", k.kid)
		}
		state := KeyPublished
		if k.CanSign() && !slices.ContainsFunc(list, slot.signing) {
			state = KeySigning
		}
		return append(list, slot{kid: k.kid, key: k, state: state}), nil
	})
}

// Use makes the key named kid the one that signs; the one that did is published
// from now on. The key has to be in the set, and whoever verifies has to know it
// by now. A retired key can be used again.
func (s *KeySet) Use(kid string) error {
	return s.change(func(list []slot) ([]slot, error) {
		next := find(list, kid)
		switch {
		case next == nil:
			return nil, fmt.Errorf("use key %q: %w", kid, ErrUnknownKey)
		case !next.key.CanSign():
			return nil, fmt.Errorf("use key %q: it can only verify", kid)
		}
		for i := range list {
			if list[i].signing() {
				list[i].state = KeyPublished
			}
		}
		next.state, next.until = KeySigning, 0
		return list, nil
	})
}

// Retire lets the key named kid verify until then and not a moment longer: from
// then on it is not in the set any more, and its tokens are refused even when
// they were verified before. A time that has passed takes it out at once, the
// zero time is refused. So is the key that signs: another one has to be used
// first. Retiring a key again moves its end.
func (s *KeySet) Retire(kid string, until time.Time) error {
	return s.change(func(list []slot) ([]slot, error) {
		old := find(list, kid)
		switch {
		case old == nil:
			return nil, fmt.Errorf("retire key %q: %w", kid, ErrUnknownKey)
		case old.signing():
			return nil, fmt.Errorf("retire key %q: it signs", kid)
		case until.IsZero():
			return nil, fmt.Errorf("retire key %q: there is no time until when", kid)
		}
		old.state, old.until = KeyRetired, max(until.UnixMilli(), 1)
		return list, nil
	})
}

// Remove takes the key named kid out of the set, and reports whether it was in.
// Its tokens are refused from now on, including those that were verified
// before. When it was the one that signs, the newest key that can and is not
// retired takes over; without one nothing is signed any more.
func (s *KeySet) Remove(kid string) bool {
	err := s.change(func(list []slot) ([]slot, error) {
		old := find(list, kid)
		if old == nil {
			return nil, ErrUnknownKey
		}
		signed := old.signing()
		list = slices.DeleteFunc(list, func(e slot) bool { return e.kid == kid })
		if !signed {
			return list, nil
		}
		for i := range slices.Backward(list) {
			if list[i].state == KeyPublished && list[i].key.CanSign() {
				list[i].state = KeySigning
				break
			}
		}
		return list, nil
	})
	return err == nil
}

// Keys returns what is in the set, in the order in which it was added. The list
// is the caller's own.
func (s *KeySet) Keys() []KeyInfo {
	list := s.load().alive(s)
	infos := make([]KeyInfo, len(list))
	for i, e := range list {
		infos[i] = KeyInfo{ID: e.kid, Algorithm: e.key.alg, State: e.state}
		if e.until != 0 {
			infos[i].Until = time.UnixMilli(e.until)
		}
	}
	return infos
}

// Signing returns the key that signs, nil when there is none.
func (s *KeySet) Signing() *Key { return s.load().signing }

// ByID returns the key named kid.
func (s *KeySet) ByID(kid string) (*Key, bool) {
	e := s.load().find(kid)
	if e == nil || s.over(e) {
		return nil, false
	}
	return e.key, true
}

// Key implements [KeySource]. It never fails for want of anything.
func (s *KeySet) Key(_ context.Context, kid string, alg Algorithm) (*Key, error) {
	now := s.load()
	if kid == "" {
		return s.only(now, alg.canonical())
	}
	if e := now.find(kid); e != nil && !s.over(e) {
		return e.key, nil
	}
	return nil, ErrUnknownKey
}

// only returns the only key of an algorithm.
func (s *KeySet) only(now *snapshot, alg Algorithm) (*Key, error) {
	var found *Key
	for i := range now.list {
		switch e := &now.list[i]; {
		case e.key.alg != alg || s.over(e):
		case found != nil:
			return nil, ErrUnknownKey
		default:
			found = e.key
		}
	}
	if found == nil {
		return nil, ErrAlgorithm
	}
	return found, nil
}

// JWKS returns the public document of the set (RFC 7517 §5): the public halves
// of all keys that have one, in the order in which they were added.
func (s *KeySet) JWKS() []byte { return bytes.Clone(s.document().body) }

// MarshalJSON implements [encoding/json.Marshaler] and returns what JWKS returns.
func (s *KeySet) MarshalJSON() ([]byte, error) { return s.JWKS(), nil }

// document returns the public document of this moment.
func (s *KeySet) document() document {
	now := s.load()
	list := now.alive(s)
	if len(list) == len(now.list) {
		return now.public
	}
	return newDocument(list) // until the next change; a set seldom has many keys
}

// over reports whether the time of a retired key has come.
func (s *KeySet) over(e *slot) bool { return e.until != 0 && e.until <= s.now() }

func (s *KeySet) now() int64 {
	if s.Now != nil {
		return s.Now().UnixMilli()
	}
	return time.Now().UnixMilli()
}

func (s *KeySet) load() *snapshot {
	if s == nil {
		return nothing
	}
	if now := s.current.Load(); now != nil {
		return now
	}
	return nothing
}

// change replaces what is there by what next makes of a copy of it, without the
// keys whose time has come.
func (s *KeySet) change(next func(list []slot) ([]slot, error)) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	list, err := next(slices.Clone(s.load().alive(s)))
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(e slot) bool { return s.over(&e) })
	s.current.Store(newSnapshot(list))
	return nil
}
