package jwe

import (
	"errors"
	"fmt"
	"strings"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/gatewright/gate/internal/base64url"
	"github.com/gatewright/gate/jose"
)

// The sizes of encrypted tokens, in bytes: unless configured, and at most.
const (
	defaultMaxSize = 8 << 10
	ceilingMaxSize = 16 << 10
)

// contentType is the "cty" of a token in a token, in its canonical spelling.
const contentType = "jwt"

// A Config says how a [Codec] encrypts, and what it decrypts.
type Config struct {
	// Algorithm is how the key of a token is found. It is required.
	Algorithm Algorithm
	// Encryption is how a token is encrypted; empty means A256GCM.
	Encryption Encryption
	// Key encrypts, and decrypts unless it is a public key. It is required and
	// has to fit Algorithm; for Direct also Encryption, with a secret of 16, 32,
	// 32 or 64 bytes in the order of the constants.
	Key *Key
	// Previous lists keys that decrypt only: those that Key took over from, until
	// their last token has expired. No two keys have the same name.
	Previous []*Key
	// MaxSize is how many bytes an encrypted token may have: 0 means 8 KiB, more
	// than 16 KiB is refused.
	MaxSize int
}

// A Codec encrypts and decrypts tokens with one algorithm. It is safe for
// concurrent use. The zero value decrypts nothing and refuses to encrypt.
type Codec struct {
	alg       Algorithm
	enc       Encryption
	suite     suite
	maxSize   int
	keys      map[string]*Key
	encrypter gojose.Encrypter
}

// NewCodec returns a codec after checking cfg: unknown algorithms, keys that do
// not fit, names that are taken and limits above their ceiling are refused.
func NewCodec(cfg Config) (*Codec, error) {
	if cfg.Encryption == "" {
		cfg.Encryption = A256GCM
	}
	if cfg.MaxSize == 0 {
		cfg.MaxSize = defaultMaxSize
	}
	s, ok := cfg.Encryption.suite()
	switch {
	case !cfg.Algorithm.known():
		return nil, fmt.Errorf("encryption: algorithm %q is not supported", cfg.Algorithm)
	case !ok:
		return nil, fmt.Errorf("encryption: %q is not supported", cfg.Encryption)
	case cfg.MaxSize < 0 || cfg.MaxSize > ceilingMaxSize:
		return nil, fmt.Errorf("encryption: maximum size %d is not in 0 to %d", cfg.MaxSize, ceilingMaxSize)
	}
	c := &Codec{alg: cfg.Algorithm, enc: cfg.Encryption, suite: s, maxSize: cfg.MaxSize, keys: make(map[string]*Key)}
	for _, k := range append([]*Key{cfg.Key}, cfg.Previous...) {
		if err := c.add(k); err != nil {
			return nil, fmt.Errorf("encryption: %w", err)
		}
	}
	var err error
	if c.encrypter, err = c.newEncrypter(cfg.Key); err != nil {
		return nil, fmt.Errorf("encryption: %w", err)
	}
	return c, nil
}

func (c *Codec) add(k *Key) error {
	if k == nil || k.material == nil {
		return errors.New("there is no key")
	}
	if _, ok := c.keys[k.id]; ok {
		return fmt.Errorf("the name %q is taken", k.id)
	}
	if err := c.checkFit(k.material()); err != nil {
		return fmt.Errorf("%v: %w", k, err)
	}
	c.keys[k.id] = k
	return nil
}

func (c *Codec) checkFit(m material) error {
	size := 0
	switch c.alg {
	case Direct:
		size = c.suite.key
	case A256KW:
		size = wrapSize
	case RSAOAEP256:
		if m.rsa == nil {
			return fmt.Errorf("%s needs an RSA key", c.alg)
		}
		return nil
	default:
		if m.ec == nil {
			return fmt.Errorf("%s needs an elliptic-curve key", c.alg)
		}
		return nil
	}
	if len(m.secret) != size {
		return fmt.Errorf("%s with %s needs a secret of %d bytes", c.alg, c.enc, size)
	}
	return nil
}

func (c *Codec) newEncrypter(k *Key) (gojose.Encrypter, error) {
	to := gojose.Recipient{Algorithm: gojose.KeyAlgorithm(c.alg), KeyID: k.id}
	switch m := k.material(); {
	case m.secret != nil:
		to.Key = m.secret
	case m.rsa != nil:
		to.Key = m.rsa
	default:
		to.Key = m.ec
	}
	options := new(gojose.EncrypterOptions).WithContentType("JWT")
	return gojose.NewEncrypter(gojose.ContentEncryption(c.enc), to, options)
}

// Encrypt returns token, which is a signed token in compact form, in an encrypted
// one. Anything else is refused, and so is what gets bigger than the maximum
// size.
func (c *Codec) Encrypt(token string) (string, error) {
	if c.encrypter == nil {
		return "", errors.New("encrypt token: the codec is not configured")
	}
	if !signed(token) {
		return "", errors.New("encrypt token: it is not a signed token")
	}
	sealed, err := c.encrypter.Encrypt([]byte(token))
	if err != nil {
		return "", fmt.Errorf("encrypt token: %w", err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("encrypt token: %w", err)
	}
	if len(text) > c.maxSize {
		return "", fmt.Errorf("encrypt token: it has %d bytes, more than %d", len(text), c.maxSize)
	}
	return text, nil
}

// Decrypt returns the signed token in an encrypted one. Nobody has verified it:
// give it to a [jose.Verifier]. Whatever is wrong, the error is
// [jose.ErrDecryption] and nothing else, and a token with a bad key takes as long
// as one with a good key and a bad text.
func (c *Codec) Decrypt(token string) (inner string, err error) {
	defer func() {
		if recover() != nil { // a key or a library with a flaw is no reason to end
			inner, err = "", jose.ErrDecryption
		}
	}()
	if len(token) > c.maxSize {
		return "", jose.ErrDecryption
	}
	text, h, ok := c.open(token)
	if !ok || h.cty != contentType || !signed(string(text)) {
		return "", jose.ErrDecryption
	}
	return string(text), nil
}

// find returns the key named kid. A token that names none is for the only key.
func (c *Codec) find(kid string) *Key {
	if kid == "" && len(c.keys) == 1 {
		for _, k := range c.keys {
			return k
		}
	}
	return c.keys[kid]
}

// signed reports whether token looks like a signed token in compact form.
func signed(token string) bool {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return false
	}
	for _, part := range parts {
		if _, ok := base64url.Append(nil, part); !ok || part == "" {
			return false
		}
	}
	return true
}
