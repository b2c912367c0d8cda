package password

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// CheckHash reports whether an encoded hash may come into a store. An import calls
// it for each row: the error wraps [ErrUnsupportedHash], or [ErrTooCostly] for a
// hash that takes over sixteen times as long as one of the defaults: whoever tries
// passwords would keep others waiting. [Hasher.Verify] accepts what passes, and
// costlier ones that a store has already. It computes nothing.
func CheckHash(encoded string) error {
	s, err := parse(encoded)
	if err != nil {
		return err
	}
	if work := s.work(); work > maxWork {
		return fmt.Errorf("%w: about %d times a hash of this package, over %d", ErrTooCostly, work/unitWork, maxWork/unitWork)
	}
	return nil
}

// parse reads an encoded hash and refuses one that costs too much.
func parse(encoded string) (stored, error) {
	if len(encoded) > maxEncoded {
		return stored{}, fmt.Errorf("%w: over %d bytes", ErrUnsupportedHash, maxEncoded)
	}
	rest, ok := strings.CutPrefix(encoded, "$")
	if !ok {
		return parseForeign(encoded)
	}
	name, rest, _ := strings.Cut(rest, "$")
	var (
		s   stored
		err error
	)
	switch name {
	case "argon2id":
		s, err = parseArgon2(argon2id, rest)
	case "argon2i":
		s, err = parseArgon2(argon2i, rest)
	case "2a", "2b", "2y":
		name = "bcrypt"
		s, err = parseBcrypt(encoded, rest)
	case "scrypt":
		s, err = parseScrypt(rest)
	case "pbkdf2-sha256":
		s, err = parsePBKDF2(pbkdf2SHA256, rest)
	case "pbkdf2-sha512":
		s, err = parsePBKDF2(pbkdf2SHA512, rest)
	case "digest":
		s, err = parseDigest(digestSum, rest)
	case "hmac":
		s, err = parseDigest(digestMAC, rest)
	default:
		return stored{}, fmt.Errorf("%w: unknown algorithm", ErrUnsupportedHash)
	}
	if err != nil {
		return stored{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// encodeArgon2 writes the PHC string of an argon2id hash.
func encodeArgon2(s stored) string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", s.memory, s.cost, s.threads,
		base64.RawStdEncoding.EncodeToString(s.salt), base64.RawStdEncoding.EncodeToString(s.sum))
}

// parseArgon2 reads v=19$m=…,t=…,p=…$salt$sum.
func parseArgon2(a algorithm, rest string) (stored, error) {
	rest, ok := strings.CutPrefix(rest, "v=19$")
	if !ok {
		return stored{}, fmt.Errorf("%w: not version 1.3", ErrUnsupportedHash)
	}
	params, rest, _ := strings.Cut(rest, "$")
	n, err := numbers(params, "m", "t", "p")
	if err != nil {
		return stored{}, err
	}
	memory, passes, threads := n[0], n[1], n[2]
	if memory > maxMemory || passes > maxPasses || threads > maxThreads {
		return stored{}, ErrTooCostly
	}
	if passes < 1 || threads < 1 || memory < 8*threads {
		return stored{}, fmt.Errorf("%w: parameters out of range", ErrUnsupportedHash)
	}
	return parseSum(kind{algorithm: a, cost: passes, memory: memory, threads: threads}, rest)
}

// parseBcrypt reads cc$ and 53 characters of salt and sum.
func parseBcrypt(encoded, rest string) (stored, error) {
	digits, rest, _ := strings.Cut(rest, "$")
	if len(digits) != 2 {
		return stored{}, fmt.Errorf("%w: cost is not two digits", ErrUnsupportedHash)
	}
	cost, err := number(strings.TrimPrefix(digits, "0"))
	if err != nil {
		return stored{}, err
	}
	if cost > maxBcryptCost {
		return stored{}, ErrTooCostly
	}
	const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if cost < 4 || len(rest) != 53 || strings.Trim(rest, alphabet) != "" {
		return stored{}, ErrUnsupportedHash
	}
	return stored{kind: kind{algorithm: bcryptHash, cost: cost}, text: encoded}, nil
}

// parseScrypt reads ln=…,r=…,p=…$salt$sum, the format of PHC and passlib.
func parseScrypt(rest string) (stored, error) {
	params, rest, _ := strings.Cut(rest, "$")
	n, err := numbers(params, "ln", "r", "p")
	if err != nil {
		return stored{}, err
	}
	ln, r, p := n[0], n[1], n[2]
	k, err := scryptKind(ln, r, p)
	if err != nil {
		return stored{}, err
	}
	return parseSum(k, rest)
}

// scryptKind returns the kind of scrypt with N = 2^ln.
func scryptKind(ln, r, p uint32) (kind, error) {
	if ln > maxScryptLog || r > maxScryptBlock || p > maxScryptParallel {
		return kind{}, ErrTooCostly
	}
	if size := uint64(128) * uint64(r) << ln; size > maxScryptSize || size*uint64(p) > maxScryptWork {
		return kind{}, ErrTooCostly
	}
	if ln < 1 || r < 1 || p < 1 {
		return kind{}, fmt.Errorf("%w: parameters out of range", ErrUnsupportedHash)
	}
	return kind{algorithm: scryptHash, cost: ln, memory: r, threads: p}, nil
}

// parsePBKDF2 reads 29000$salt$sum as passlib writes it, and i=29000$… or
// i=29000,l=32$… as PHC does.
func parsePBKDF2(a algorithm, rest string) (stored, error) {
	params, rest, _ := strings.Cut(rest, "$")
	params = strings.TrimPrefix(params, "i=")
	params, length, hasLength := strings.Cut(params, ",l=")
	k, err := pbkdf2Kind(a, params)
	if err != nil {
		return stored{}, err
	}
	s, err := parseSum(k, rest)
	if err != nil {
		return stored{}, err
	}
	if n, err := number(length); hasLength && (err != nil || int(n) != s.size) {
		return stored{}, fmt.Errorf("%w: length is not that of the sum", ErrUnsupportedHash)
	}
	return s, nil
}

// parseSum reads salt$sum.
func parseSum(k kind, rest string) (stored, error) {
	salt, sum, _ := strings.Cut(rest, "$")
	s := stored{kind: k}
	var err error
	if s.salt, err = decode(salt, minSalt, maxSalt); err != nil {
		return stored{}, fmt.Errorf("salt: %w", err)
	}
	if s.sum, err = decode(sum, minSum, maxSum); err != nil {
		return stored{}, fmt.Errorf("sum: %w", err)
	}
	s.size = len(s.sum)
	return s, nil
}

// decode reads base64 without padding; passlib writes . where others write +.
func decode(text string, least, most int) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // encoding/base64 skips them
		return nil, fmt.Errorf("%w: not base64", ErrUnsupportedHash)
	}
	b, err := base64.RawStdEncoding.Strict().DecodeString(strings.ReplaceAll(text, ".", "+"))
	if err != nil {
		return nil, fmt.Errorf("%w: not base64", ErrUnsupportedHash)
	}
	if len(b) < least || len(b) > most {
		return nil, fmt.Errorf("%w: %d bytes", ErrUnsupportedHash, len(b))
	}
	return b, nil
}

// numbers reads name=number,… with exactly the names given, in their order.
func numbers(params string, names ...string) ([]uint32, error) {
	parts := strings.Split(params, ",")
	if len(parts) != len(names) {
		return nil, fmt.Errorf("%w: parameters are not %s", ErrUnsupportedHash, strings.Join(names, ", "))
	}
	values := make([]uint32, len(names))
	for i, name := range names {
		text, ok := strings.CutPrefix(parts[i], name+"=")
		if !ok {
			return nil, fmt.Errorf("%w: parameters are not %s", ErrUnsupportedHash, strings.Join(names, ", "))
		}
		var err error
		if values[i], err = number(text); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// number reads a decimal number without sign and leading zero. One that is too
// long to count is too costly, whatever it counts.
func number(text string) (uint32, error) {
	if text == "" || strings.Trim(text, "0123456789") != "" || (text[0] == '0' && len(text) > 1) {
		return 0, fmt.Errorf("%w: not a number", ErrUnsupportedHash)
	}
	if len(text) > 9 {
		return 0, ErrTooCostly
	}
	var n uint32
	for _, digit := range []byte(text) {
		n = n*10 + uint32(digit-'0')
	}
	return n, nil
}
