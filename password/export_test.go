package password

import (
	"context"
	"fmt"
	"sync"
)

// Acquire takes a slot of the queue, as a hash does.
func (h *Hasher) Acquire(ctx context.Context) (release func(), err error) {
	return h.queue.acquire(ctx)
}

// Observe calls before and after around every hash that is computed to verify.
func (h *Hasher) Observe(before, after func()) {
	inner := h.match
	h.match = func(s stored, password string) (bool, error) {
		before()
		defer after()
		return inner(s, password)
	}
}

// Record returns a function that empties and returns the list of hashes computed
// since: the kind and the spelling of the password.
func (h *Hasher) Record() func() []string {
	var mu sync.Mutex
	var log []string
	inner := h.match
	h.match = func(s stored, password string) (bool, error) {
		mu.Lock()
		log = append(log, fmt.Sprintf("%v %+q", s.kind, password))
		mu.Unlock()
		return inner(s, password)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		taken := log
		log = nil
		return taken
	}
}

// Cheap makes all hashes fail without work.
func (h *Hasher) Cheap() { h.match = func(stored, string) (bool, error) { return false, nil } }

// Reencode parses an argon2id hash and writes it again.
func Reencode(encoded string) (string, error) {
	s, err := parse(encoded)
	if err != nil {
		return "", err
	}
	return encodeArgon2(s), nil
}

// Work returns an upper bound of the memory in bytes and of the work in bytes
// touched (or iterations) that an encoded hash asks for.
func Work(encoded string) (memory, work uint64, ok bool) {
	s, err := parse(encoded)
	if err != nil {
		return 0, 0, false
	}
	switch s.algorithm {
	case argon2id, argon2i:
		memory = uint64(s.memory) << 10
		return memory, memory * uint64(s.cost), true
	case bcryptHash, bcryptDigest:
		return 4096, 1 << s.cost, true
	case scryptHash:
		memory = uint64(128) * uint64(s.memory) << s.cost
		return memory, memory * uint64(s.threads), true
	default:
		return 0, uint64(s.cost), true
	}
}
