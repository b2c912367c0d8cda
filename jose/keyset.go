package jose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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

// A KeySet holds our own keys by their names, and which of them signs. Reading
// takes no lock and sees every change at once. The zero value is an empty set
// ready to use, a nil one can be read; a KeySet must not be copied.
type KeySet struct {
	writing sync.Mutex
	current atomic.Pointer[snapshot]
}

// A snapshot is what a set is at one moment; it does not change.
type snapshot struct {
	list    []*Key // in the order in which they were added
	byID    map[string]*Key
	byAlg   map[Algorithm]*Key // nil where there are several
	signing *Key
	public  []byte // the JWKS
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

// Add adds a key for verifying; it also signs when the set had no key that does.
// The key must come from a constructor of this package, and its name must be new
// to the set, also when it is empty.
func (s *KeySet) Add(k *Key) error {
	if !k.usable() {
		return errors.New("add key: there is none")
	}
	return s.change(func(old *snapshot) (*snapshot, error) {
		if _, ok := old.byID[k.kid]; ok {
			return nil, fmt.Errorf("add key: the name %q is taken", k.kid)
		}
		signing := old.signing
		if signing == nil && k.CanSign() {
			signing = k
		}
		return newSnapshot(append(slices.Clone(old.list), k), signing)
	})
}

// Use makes the key named kid the one that signs. It has to be in the set, and
// whoever verifies has to know it by now.
func (s *KeySet) Use(kid string) error {
	return s.change(func(old *snapshot) (*snapshot, error) {
		k, ok := old.byID[kid]
		switch {
		case !ok:
			return nil, fmt.Errorf("use key %q: %w", kid, ErrUnknownKey)
		case !k.CanSign():
			return nil, fmt.Errorf("use key %q: it can only verify", kid)
		}
		return newSnapshot(old.list, k)
	})
}

// Remove takes the key named kid out of the set, and reports whether it was in.
// Its tokens are refused from now on, including those that were verified
// before. When it was the one that signs, the newest key that can takes over;
// without one nothing is signed any more.
func (s *KeySet) Remove(kid string) bool {
	err := s.change(func(old *snapshot) (*snapshot, error) {
		k, ok := old.byID[kid]
		if !ok {
			return nil, ErrUnknownKey
		}
		list := slices.DeleteFunc(slices.Clone(old.list), func(other *Key) bool { return other == k })
		signing := old.signing
		if signing == k {
			signing = nil
			for _, other := range slices.Backward(list) {
				if other.CanSign() {
					signing = other
					break
				}
			}
		}
		return newSnapshot(list, signing)
	})
	return err == nil
}

// Signing returns the key that signs, nil when there is none.
func (s *KeySet) Signing() *Key { return s.load().signing }

// ByID returns the key named kid.
func (s *KeySet) ByID(kid string) (*Key, bool) {
	k, ok := s.load().byID[kid]
	return k, ok
}

// Key implements [KeySource]. It never fails for want of anything.
func (s *KeySet) Key(_ context.Context, kid string, alg Algorithm) (*Key, error) {
	now := s.load()
	if kid != "" {
		if k := now.byID[kid]; k != nil {
			return k, nil
		}
		return nil, ErrUnknownKey
	}
	k, ok := now.byAlg[alg.canonical()]
	switch {
	case !ok:
		return nil, ErrAlgorithm
	case k == nil:
		return nil, ErrUnknownKey
	}
	return k, nil
}

// JWKS returns the public document of the set (RFC 7517 §5): the public halves
// of all keys that have one, in the order in which they were added.
func (s *KeySet) JWKS() []byte { return bytes.Clone(s.load().public) }

// MarshalJSON implements [encoding/json.Marshaler] and returns what JWKS returns.
func (s *KeySet) MarshalJSON() ([]byte, error) { return s.JWKS(), nil }

func (s *KeySet) load() *snapshot {
	if s != nil {
		if now := s.current.Load(); now != nil {
			return now
		}
	}
	return &snapshot{public: []byte(`{"keys":[]}`)}
}

// change replaces what is there by what next makes of it.
func (s *KeySet) change(next func(old *snapshot) (*snapshot, error)) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	now, err := next(s.load())
	if err != nil {
		return err
	}
	s.current.Store(now)
	return nil
}

func newSnapshot(list []*Key, signing *Key) (*snapshot, error) {
	n := &snapshot{
		list:    list,
		byID:    make(map[string]*Key, len(list)),
		byAlg:   make(map[Algorithm]*Key),
		signing: signing,
		public:  []byte(`{"keys":[`),
	}
	for _, k := range list {
		n.byID[k.kid] = k
		if _, several := n.byAlg[k.alg]; several {
			n.byAlg[k.alg] = nil
		} else {
			n.byAlg[k.alg] = k
		}
		if k.Symmetric() {
			continue
		}
		doc, err := k.MarshalJSON()
		if err != nil {
			return nil, err
		}
		if n.public[len(n.public)-1] != '[' {
			n.public = append(n.public, ',')
		}
		n.public = append(n.public, doc...)
	}
	n.public = append(n.public, `]}`...)
	return n, nil
}
