package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/jose"
)

// accept lists the media types of key sets (RFC 7517 §8.5).
const accept = "application/jwk-set+json, application/json"

// An answer is a good one.
type answer struct {
	keys *snapshot
	life time.Duration // how long it is fresh
}

// fetch asks the issuer. Requests do not overlap.
func (s *Set) fetch(ctx context.Context) (*answer, error) {
	if err := s.locate(ctx); err != nil {
		return nil, fmt.Errorf("find the key set: %w", err)
	}
	doc, err := s.client.Get(ctx, s.location, accept)
	if err != nil {
		s.forgetLocation()
		return nil, err
	}
	keys, skipped, err := jose.ParsePublicJWKS(doc.Body, s.cfg.Algorithms...)
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("parse JWKS: no usable key: %w", errors.Join(skipped...))
	}
	if err != nil {
		s.forgetLocation()
		return nil, err
	}
	return &answer{keys: newSnapshot(keys), life: lifetime(doc.Header)}, nil
}

func (s *Set) locate(ctx context.Context) error {
	if s.cfg.Locate == nil || s.location != "" && time.Since(s.located) < locationLife {
		return nil
	}
	location, err := s.cfg.Locate(ctx)
	if err != nil {
		return err
	}
	s.location, s.located = location, time.Now()
	return nil
}

func (s *Set) forgetLocation() {
	if s.cfg.Locate != nil {
		s.location = ""
	}
}

// lifetime returns how long an answer with this header is fresh (RFC 9111
// §4.2.1), within our bounds.
func lifetime(h http.Header) time.Duration {
	life := defaultRefresh
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return MinRefresh
		case "max-age":
			life = seconds(strings.Trim(value, `"`)) - seconds(h.Get("Age"))
		}
	}
	return min(max(life, MinRefresh), MaxRefresh)
}

// seconds returns how long text says, zero when it does not.
func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// few is how many keys are looked through faster than looked up.
const few = 4

// A snapshot is what a set is at one moment; it does not change.
type snapshot struct {
	list  []*jose.Key // when they are few
	byID  map[string]*jose.Key
	byAlg map[jose.Algorithm]*jose.Key // those of which there is one
}

func newSnapshot(keys []*jose.Key) *snapshot {
	n := &snapshot{byID: make(map[string]*jose.Key, len(keys)), byAlg: make(map[jose.Algorithm]*jose.Key)}
	if len(keys) <= few {
		n.list = keys
	}
	count := make(map[jose.Algorithm]int)
	for _, k := range keys {
		n.byID[k.ID()] = k
		if count[k.Algorithm()]++; count[k.Algorithm()] == 1 {
			n.byAlg[k.Algorithm()] = k
		} else {
			delete(n.byAlg, k.Algorithm())
		}
	}
	return n
}

// find returns the key named kid, or without a name the only one of alg; nil
// when there is none.
func (n *snapshot) find(kid string, alg jose.Algorithm) *jose.Key {
	if n == nil {
		return nil
	}
	if kid == "" {
		return n.byAlg[canonical(alg)]
	}
	if n.list == nil {
		return n.byID[kid]
	}
	for _, k := range n.list {
		if k.ID() == kid {
			return k
		}
	}
	return nil
}
