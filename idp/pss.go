package idp

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store/keyring"
)

// pssSuffix ends the name of an RSA key where it signs with PS256. Who verifies
// holds a key to the one algorithm that the key set says, so that it is there twice.
const pssSuffix = ".ps256"

// pssKeys are the keys of the RSA ring for PS256. They come and go with those.
type pssKeys struct {
	ring *keyring.Keyring

	mu    sync.Mutex
	known map[string]*jose.Key // by their names in the ring
}

// signing returns the key that signs now.
func (k *pssKeys) signing() (*jose.Key, error) { return k.of(k.ring.Keys().Signing()) }

// of returns a key of the ring for PS256.
func (k *pssKeys) of(key *jose.Key) (*jose.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if pss, ok := k.known[key.ID()]; ok {
		return pss, nil
	}
	private, err := rsaKey(key)
	if err != nil {
		return nil, fmt.Errorf("key %s for PS256: %w", key.ID(), err)
	}
	pss, err := jose.NewPrivateKey(key.ID()+pssSuffix, jose.PS256, private)
	if err != nil {
		return nil, fmt.Errorf("key %s for PS256: %w", key.ID(), err)
	}
	k.known[key.ID()] = pss
	return pss, nil
}

// Key implements [jose.KeySource].
func (k *pssKeys) Key(ctx context.Context, kid string, alg jose.Algorithm) (*jose.Key, error) {
	name, ok := strings.CutSuffix(kid, pssSuffix)
	if !ok {
		return k.ring.Key(ctx, kid, alg) // one for another algorithm, which is refused for it
	}
	key, err := k.ring.Key(ctx, name, jose.RS256)
	if err != nil {
		return nil, err
	}
	return k.of(key)
}
