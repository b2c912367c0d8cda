package jose

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate/internal/base64url"
)

// The limits of a VerifierConfig.
const (
	defaultLeeway = 30 * time.Second
	ceilingLeeway = time.Minute
)

// AccessTokenType is the type of access tokens (RFC 9068 §2.1).
const AccessTokenType = "at+jwt"

// maxHeader bounds the headers that are remembered, in bytes.
const maxHeader = 512

// A VerifierConfig says which tokens a [Verifier] accepts.
type VerifierConfig struct {
	// Keys finds the key of a token. It is required.
	Keys KeySource
	// Issuer is the one issuer, compared byte by byte. It is required.
	Issuer string
	// Audience lists for whom a token may be; one has to match. It is required.
	Audience []string
	// Type lists what kinds of token are accepted; nil means [AccessTokenType]
	// alone. Case and the prefix "application/" do not matter. An empty string
	// stands for a token that does not say.
	Type []string
	// IDToken has to be set to accept ID tokens. Otherwise a token of the type
	// "JWT", or of none, that has a nonce or an at_hash is refused: an ID token
	// is not for carrying around (RFC 8725 §3.12).
	IDToken bool
	// Leeway is for clocks that differ: 0 means 30 s, less than 0 none, and
	// more than a minute is refused.
	Leeway time.Duration
	// MaxAge is how long after "iat" a token is accepted at most, whatever
	// its expiry says; 0 means for ever.
	MaxAge time.Duration
	// MaxSize is how many bytes a token may have: 0 means 8 KiB, more than
	// 16 KiB is refused.
	MaxSize int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// CacheSize is how many verified tokens are remembered, rounded down to a
	// multiple of 8: 0 means 10,000, less than 0 none.
	CacheSize int
}

// A Verifier accepts tokens of one kind from one issuer. What it accepts is
// fixed when it is made. It is safe for concurrent use; the zero value refuses
// every token.
type Verifier struct {
	cfg     VerifierConfig
	cache   *cache
	last    atomic.Pointer[lastHeader] // the header that was in the last new token
	scratch sync.Pool                  // of *scratch
}

// A scratch is the memory that one verification needs for a while.
type scratch struct {
	token []byte
	part  []byte // what one part of the token spells
}

// A lastHeader is a header and how it was written.
type lastHeader struct {
	header
	raw string
}

// NewVerifier returns a verifier after checking cfg: no keys, an empty issuer,
// an empty audience and limits above their ceilings are refused.
func NewVerifier(cfg VerifierConfig) (*Verifier, error) {
	switch {
	case cfg.Keys == nil:
		return nil, errors.New("verifier: there are no keys")
	case cfg.Issuer == "":
		return nil, errors.New("verifier: there is no issuer")
	case len(cfg.Audience) == 0 || slices.Contains(cfg.Audience, ""):
		return nil, errors.New("verifier: there is no audience, or an empty one")
	case cfg.Leeway > ceilingLeeway:
		return nil, fmt.Errorf("verifier: leeway %v is more than %v", cfg.Leeway, ceilingLeeway)
	case cfg.MaxAge < 0:
		return nil, fmt.Errorf("verifier: maximum age %v is negative", cfg.MaxAge)
	case cfg.MaxSize < 0 || cfg.MaxSize > ceilingMaxSize:
		return nil, fmt.Errorf("verifier: maximum size %d is not in 0 to %d", cfg.MaxSize, ceilingMaxSize)
	}
	cfg.Audience = slices.Clone(cfg.Audience)
	if len(cfg.Type) == 0 {
		cfg.Type = []string{AccessTokenType}
	}
	cfg.Type = slices.Clone(cfg.Type)
	for i, typ := range cfg.Type {
		cfg.Type[i] = canonicalType(typ)
	}
	if cfg.Leeway == 0 {
		cfg.Leeway = defaultLeeway
	}
	cfg.Leeway = max(cfg.Leeway, 0)
	if cfg.MaxSize == 0 {
		cfg.MaxSize = defaultMaxSize
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = defaultCacheSize
	}
	return &Verifier{cfg: cfg, cache: newCache(cfg.CacheSize)}, nil
}

// Verify returns the claims of a token that is good: signed by a key of the
// source, of the right type, issuer and audience, and now is its time. They are
// shared and must not be changed. Otherwise it returns nil and one of the
// reasons of [Error]; ErrUnavailable, and it alone, says nothing about the
// token.
//
// ctx is for the key source.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	if v.cfg.Keys == nil {
		return nil, fmt.Errorf("%w: the verifier is not configured", ErrUnavailable)
	}
	if len(token) > v.cfg.MaxSize {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrMalformed, v.cfg.MaxSize)
	}
	now := v.cfg.Now()
	tmp, _ := v.scratch.Get().(*scratch)
	if tmp == nil {
		tmp = new(scratch)
	}
	defer v.scratch.Put(tmp)
	tmp.token = append(tmp.token[:0], token...)
	sum := sha256.Sum256(tmp.token)
	if e := v.cache.get(&sum); e != nil && v.stillGood(ctx, e, now.Unix()) {
		return &e.claims, nil
	}
	return v.verify(ctx, token, &sum, now, tmp)
}

// stillGood reports whether a token that was verified before is so now: it is
// its time, and the source has its key. Otherwise it is verified anew.
func (v *Verifier) stillGood(ctx context.Context, e *entry, now int64) bool {
	if now < e.from || now >= e.until {
		return false
	}
	key, err := v.cfg.Keys.Key(ctx, e.kid, e.key.alg)
	if err == nil && key.Equal(e.key) {
		return true
	}
	if err == nil || errors.Is(err, ErrUnknownKey) {
		v.cache.drop(e)
	}
	return false
}

func (v *Verifier) verify(
	ctx context.Context, token string, sum *[sha256.Size]byte, now time.Time, tmp *scratch,
) (*Claims, error) {
	head, payload, sig, ok := split(token)
	if !ok {
		return nil, fmt.Errorf("%w: not three parts", ErrMalformed)
	}
	h, err := v.header(head, tmp)
	if err != nil {
		return nil, err
	}
	epoch := v.cache.currentEpoch()
	key, err := v.cfg.Keys.Key(ctx, h.kid, h.alg)
	if err != nil {
		return nil, sourceError(err)
	}
	if !key.usable() {
		return nil, ErrUnknownKey
	}
	if key.alg != h.alg {
		return nil, ErrAlgorithm
	}
	if !signed(key, tmp, len(head)+1+len(payload), sig) {
		return nil, ErrSignature
	}
	// From here on the token is genuine.
	e := &entry{sum: *sum, key: key, kid: h.kid}
	if err := e.read(payload, tmp); err != nil {
		return nil, err
	}
	if err := v.check(&e.claims, h.kind, now); err != nil {
		return nil, err
	}
	v.remember(e, epoch, now.Unix())
	v.rememberHeader(h, head)
	return &e.claims, nil
}

// split returns the three parts of a token.
func split(token string) (head, payload, sig string, ok bool) {
	first := strings.IndexByte(token, '.')
	if first <= 0 {
		return "", "", "", false
	}
	second := strings.IndexByte(token[first+1:], '.')
	if second <= 0 {
		return "", "", "", false
	}
	second += first + 1
	sig = token[second+1:]
	return token[:first], token[first+1 : second], sig, strings.IndexByte(sig, '.') < 0
}

// header reads a header, unless it is the one of the last new token.
func (v *Verifier) header(raw string, tmp *scratch) (*header, error) {
	if last := v.last.Load(); last != nil && last.raw == raw {
		return &last.header, nil
	}
	text, ok := tmp.decode(raw)
	if !ok {
		return nil, fmt.Errorf("%w: header: not base64url", ErrMalformed)
	}
	return parseHeader(string(text))
}

// decode returns what s spells, until it is called again.
func (tmp *scratch) decode(s string) ([]byte, bool) {
	b, ok := base64url.Append(tmp.part[:0], s)
	if ok {
		tmp.part = b
	}
	return b, ok
}

func (v *Verifier) rememberHeader(h *header, raw string) {
	if len(raw) > maxHeader {
		return
	}
	if last := v.last.Load(); last == nil || last.raw != raw {
		v.last.Store(&lastHeader{header: *h, raw: strings.Clone(raw)})
	}
}

// signed reports whether sig spells the signature of the first size bytes of the
// token.
func signed(key *Key, tmp *scratch, size int, sig string) bool {
	b, ok := tmp.decode(sig)
	return ok && key.verify(tmp.token[:size], b)
}

// read reads the claims of a genuine token.
func (e *entry) read(payload string, tmp *scratch) error {
	text, ok := tmp.decode(payload)
	if !ok {
		return fmt.Errorf("%w: claims: not base64url", ErrMalformed)
	}
	e.claims.Audience = e.audience[:0]
	if err := parseClaims(string(text), &e.claims); err != nil {
		return fmt.Errorf("%w: claims: %w", ErrMalformed, err)
	}
	return nil
}

// check compares the claims of a genuine token with what is wanted.
func (v *Verifier) check(c *Claims, kind string, now time.Time) error {
	if !slices.Contains(v.cfg.Type, kind) {
		return ErrType
	}
	if !v.cfg.IDToken && (kind == "jwt" || kind == "") {
		if _, ok := c.Extra["nonce"]; ok {
			return fmt.Errorf("%w: an ID token", ErrType)
		}
		if _, ok := c.Extra["at_hash"]; ok {
			return fmt.Errorf("%w: an ID token", ErrType)
		}
	}
	if c.Issuer != v.cfg.Issuer {
		return ErrIssuer
	}
	if !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(v.cfg.Audience, a) }) {
		return ErrAudience
	}
	return v.checkTime(c, now)
}

func (v *Verifier) checkTime(c *Claims, now time.Time) error {
	early, late := now.Add(-v.cfg.Leeway), now.Add(v.cfg.Leeway)
	switch {
	case c.Expiry.IsZero():
		return fmt.Errorf("%w: it has no expiry", ErrMalformed)
	case !c.Expiry.After(early):
		return &TimeError{ErrExpired, c.Expiry}
	case c.NotBefore.After(late):
		return &TimeError{ErrNotYetValid, c.NotBefore}
	case c.IssuedAt.After(late):
		return &TimeError{ErrNotYetValid, c.IssuedAt}
	case v.cfg.MaxAge == 0:
		return nil
	case c.IssuedAt.IsZero() || !c.IssuedAt.Add(v.cfg.MaxAge).After(early):
		return fmt.Errorf("%w: it is older than %v", ErrExpired, v.cfg.MaxAge)
	default:
		return nil
	}
}

// remember keeps a token that was verified, until it expires: the leeway is for
// those that come for the first time.
func (v *Verifier) remember(e *entry, epoch uint64, now int64) {
	c := &e.claims
	e.until = c.Expiry.Unix()
	if v.cfg.MaxAge > 0 {
		e.until = min(e.until, c.IssuedAt.Add(v.cfg.MaxAge).Unix())
	}
	e.from = now
	if e.until > now {
		v.cache.put(e, epoch, now)
	}
}

// Forget drops the remembered tokens whose ID ("jti") or session ("sid") is one
// of ids, after a logout for example. The next time they come they are verified
// anew; that they are still good is for the caller to deny.
func (v *Verifier) Forget(ids ...string) {
	v.cache.dropAll(func(e *entry) bool {
		session, _ := e.claims.String("sid")
		return e.claims.ID != "" && slices.Contains(ids, e.claims.ID) ||
			session != "" && slices.Contains(ids, session)
	})
}

// Purge drops all remembered tokens.
func (v *Verifier) Purge() {
	v.cache.dropAll(func(*entry) bool { return true })
}
