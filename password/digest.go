package password

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // verified, never made
	"crypto/sha1" //nolint:gosec // verified, never made
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// maxKey bounds the key of an HMAC.
const maxKey = 256

// digestFunc returns a hash function by the name that Auth0 gives it; nil when
// there is none.
func digestFunc(name string) func() hash.Hash {
	switch name {
	case "md5":
		return md5.New
	case "sha1":
		return sha1.New
	case "sha224":
		return sha256.New224
	case "sha256":
		return sha256.New
	case "sha384":
		return sha512.New384
	case "sha512":
		return sha512.New
	}
	return nil
}

// A Digest is a hash that was made by one pass of a fast function, with a salt
// before or behind the password, as older systems did. Whoever steals it guesses
// billions of passwords a second: it is verified and replaced, never made.
type Digest struct {
	// Function is md5, sha1, sha224, sha256, sha384 or sha512.
	Function string
	// Key makes it an HMAC; nil means the function alone.
	Key []byte
	// Salt may be empty. It comes before the password unless Suffix.
	Salt   []byte
	Suffix bool
	Sum    []byte
}

// Encode returns the hash as [Hasher.Verify] reads it:
//
//	$digest$f=md5,salt=prefix$SALT$SUM
//	$hmac$f=sha256,salt=suffix$KEY$SALT$SUM
//
// with key, salt and sum in base64 without padding. The error is
// [ErrUnsupportedHash]: an unknown function, a sum of another size, a key of none
// or over 256 bytes, or a salt over 64.
func (d Digest) Encode() (string, error) {
	if d.Key != nil && len(d.Key) == 0 {
		return "", fmt.Errorf("%w: the key is empty", ErrUnsupportedHash)
	}
	name, key, position := "digest", "", "prefix"
	b64 := base64.RawStdEncoding.EncodeToString
	if d.Key != nil {
		name, key = "hmac", b64(d.Key)+"$"
	}
	if d.Suffix {
		position = "suffix"
	}
	text := fmt.Sprintf("$%s$f=%s,salt=%s$%s%s$%s", name, d.Function, position, key, b64(d.Salt), b64(d.Sum))
	_, err := parse(text)
	return text, err
}

// parseDigest reads what follows the name.
func parseDigest(a algorithm, rest string) (stored, error) {
	parts := strings.Split(rest, "$")
	if a == digestSum {
		parts = slices.Insert(parts, min(1, len(parts)), "")
	}
	if len(parts) != 4 {
		return stored{}, fmt.Errorf("%w: not parameters, key, salt and sum", ErrUnsupportedHash)
	}
	params, ok := strings.CutPrefix(parts[0], "f=")
	function, position, found := strings.Cut(params, ",salt=")
	f := digestFunc(function)
	switch {
	case !ok || !found || position != "prefix" && position != "suffix":
		return stored{}, fmt.Errorf("%w: parameters are not f and salt", ErrUnsupportedHash)
	case f == nil:
		return stored{}, fmt.Errorf("%w: unknown function", ErrUnsupportedHash)
	}
	var raw [3][]byte
	for i, part := range parts[1:] {
		var err error
		if raw[i], err = base64.RawStdEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return stored{}, fmt.Errorf("%w: not base64 without padding", ErrUnsupportedHash)
		}
	}
	key, salt, sum := raw[0], raw[1], raw[2]
	switch {
	case len(sum) != f().Size():
		return stored{}, fmt.Errorf("sum: %w: %d bytes", ErrUnsupportedHash, len(sum))
	case len(salt) > maxSalt:
		return stored{}, fmt.Errorf("salt: %w: %d bytes", ErrUnsupportedHash, len(salt))
	case a == digestMAC && (len(key) == 0 || len(key) > maxKey):
		return stored{}, fmt.Errorf("key: %w: %d bytes", ErrUnsupportedHash, len(key))
	}
	k := kind{algorithm: a, function: function, size: len(sum)}
	return stored{kind: k, key: key, salt: salt, sum: sum, suffix: position == "suffix"}, nil
}

// matchDigest computes a sum in one pass and compares it in constant time.
func matchDigest(s stored, password string) bool {
	f := digestFunc(s.function)
	h := f()
	if s.algorithm == digestMAC {
		h = hmac.New(f, s.key)
	}
	text := append(slices.Clone(s.salt), password...)
	if s.suffix {
		text = append([]byte(password), s.salt...)
	}
	_, _ = h.Write(text) // never an error
	return subtle.ConstantTimeCompare(h.Sum(nil), s.sum) == 1
}
