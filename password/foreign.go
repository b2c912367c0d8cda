package password

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"
)

// parseForeign reads the formats of Django and Werkzeug, which begin with a name
// instead of a $ and whose salt is plain text.
func parseForeign(encoded string) (stored, error) {
	name, rest, _ := strings.Cut(encoded, "$")
	switch name {
	case "pbkdf2_sha256": // Django
		return parseDjangoPBKDF2(pbkdf2SHA256, rest)
	case "scrypt":
		return parseDjangoScrypt(rest)
	case "argon2":
		return parseDjangoArgon2(rest)
	case "bcrypt": // the password itself
		return parse(rest)
	case "bcrypt_sha256": // its SHA-256 in hexadecimal digits
		s, err := parse(rest)
		if err == nil && s.algorithm != bcryptHash {
			err = fmt.Errorf("%w: not bcrypt", ErrUnsupportedHash)
		}
		s.algorithm = bcryptDigest
		return s, err
	}
	return parseWerkzeug(name, rest)
}

// parseDjangoPBKDF2 reads iterations$salt$sum.
func parseDjangoPBKDF2(a algorithm, rest string) (stored, error) {
	params, rest, _ := strings.Cut(rest, "$")
	k, err := pbkdf2Kind(a, params)
	if err != nil {
		return stored{}, err
	}
	return plainSalt(k, rest, base64.StdEncoding.Strict().DecodeString)
}

func pbkdf2Kind(a algorithm, iterations string) (kind, error) {
	n, err := number(iterations)
	switch {
	case err != nil:
		return kind{}, err
	case n > maxIterations:
		return kind{}, ErrTooCostly
	case n < 1:
		return kind{}, fmt.Errorf("%w: parameters out of range", ErrUnsupportedHash)
	}
	return kind{algorithm: a, cost: n}, nil
}

// parseDjangoScrypt reads N$salt$r$p$sum.
func parseDjangoScrypt(rest string) (stored, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 {
		return stored{}, fmt.Errorf("%w: not N, salt, r, p and sum", ErrUnsupportedHash)
	}
	k, err := scryptOf(parts[0], parts[2], parts[3])
	if err != nil {
		return stored{}, err
	}
	return plainSalt(k, parts[1]+"$"+parts[4], base64.StdEncoding.Strict().DecodeString)
}

// scryptOf returns the kind of scrypt with these parameters, N as it is.
func scryptOf(cost, block, parallel string) (kind, error) {
	var n [3]uint32
	for i, text := range []string{cost, block, parallel} {
		var err error
		if n[i], err = number(text); err != nil {
			return kind{}, err
		}
	}
	if bits.OnesCount32(n[0]) != 1 {
		return kind{}, fmt.Errorf("%w: N is not a power of two", ErrUnsupportedHash)
	}
	return scryptKind(uint32(bits.TrailingZeros32(n[0])), n[1], n[2]) //nolint:gosec // at most 31
}

// parseDjangoArgon2 reads the PHC string without its $.
func parseDjangoArgon2(rest string) (stored, error) {
	if !strings.HasPrefix(rest, "argon2id$") && !strings.HasPrefix(rest, "argon2i$") {
		return stored{}, fmt.Errorf("%w: not argon2id or argon2i", ErrUnsupportedHash)
	}
	return parse("$" + rest)
}

// parseWerkzeug reads pbkdf2:sha256:iterations and scrypt:N:r:p, each followed by
// $salt$sum in hexadecimal digits.
func parseWerkzeug(method, rest string) (stored, error) {
	parts := strings.Split(method, ":")
	var (
		k   kind
		err error
	)
	switch {
	case len(parts) == 3 && parts[0] == "pbkdf2" && parts[1] == "sha256":
		k, err = pbkdf2Kind(pbkdf2SHA256, parts[2])
	case len(parts) == 3 && parts[0] == "pbkdf2" && parts[1] == "sha512":
		k, err = pbkdf2Kind(pbkdf2SHA512, parts[2])
	case len(parts) == 4 && parts[0] == "scrypt":
		k, err = scryptOf(parts[1], parts[2], parts[3])
	default:
		return stored{}, fmt.Errorf("%w: unknown algorithm", ErrUnsupportedHash)
	}
	if err != nil {
		return stored{}, err
	}
	return plainSalt(k, rest, hex.DecodeString)
}

// plainSalt reads salt$sum where the salt is used as it is written.
func plainSalt(k kind, rest string, decode func(string) ([]byte, error)) (stored, error) {
	salt, text, ok := strings.Cut(rest, "$")
	if !ok || len(salt) < minSalt || len(salt) > maxSalt {
		return stored{}, fmt.Errorf("salt: %w: %d bytes", ErrUnsupportedHash, len(salt))
	}
	if strings.ContainsAny(text, "\r\n") { // encoding/base64 skips them
		return stored{}, fmt.Errorf("sum: %w", ErrUnsupportedHash)
	}
	sum, err := decode(text)
	if err != nil || len(sum) < minSum || len(sum) > maxSum {
		return stored{}, fmt.Errorf("sum: %w: %d bytes", ErrUnsupportedHash, len(sum))
	}
	k.size = len(sum)
	return stored{kind: k, salt: []byte(salt), sum: sum}, nil
}
