package jose

// VerifySignature reports whether sig is the key's signature of input.
func (k *Key) VerifySignature(input string, sig []byte) bool { return k.verify([]byte(input), sig) }

// SignRaw signs input, whatever it is.
func (k *Key) SignRaw(input string) ([]byte, error) { return k.sign([]byte(input)) }

// Remembered returns the number of tokens in the cache.
func (v *Verifier) Remembered() int { return v.cache.len() }

// ParseClaims is the reader of claims.
func ParseClaims(text string) (*Claims, error) {
	c := new(Claims)
	if err := parseClaims(text, c); err != nil {
		return nil, err
	}
	return c, nil
}

// PublicKey returns the public half as crypto has it.
func (k *Key) PublicKey() any { return k.public }

// ParseHeader is the reader of headers.
func ParseHeader(text string) (alg Algorithm, kid, kind string, err error) {
	h, err := parseHeader(text)
	if err != nil {
		return "", "", "", err
	}
	return h.alg, h.kid, h.kind, nil
}
