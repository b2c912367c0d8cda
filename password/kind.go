package password

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

type algorithm uint8

const (
	argon2id algorithm = iota + 1
	bcryptHash
	scryptHash
	pbkdf2SHA256
	pbkdf2SHA512
	argon2i
	bcryptDigest // bcrypt of the SHA-256 in hexadecimal digits
	digestSum    // one pass of a fast function
	digestMAC    // its HMAC
)

// kind is an algorithm with its parameters: all that decides what a hash costs.
type kind struct {
	algorithm algorithm
	cost      uint32 // argon2: passes; bcrypt and scrypt: log2; PBKDF2: iterations
	memory    uint32 // argon2: KiB; scrypt: block size r
	threads   uint32 // argon2 and scrypt: parallelism p
	size      int    // bytes of the sum
	function  string // digest and HMAC
}

// work estimates how long a hash takes, next to unitWork. The figures are those of
// a server of today, rounded: bcrypt with cost 9, 8 MiB of scrypt, 75000 iterations
// of PBKDF2 with SHA-256 and 25000 with SHA-512 take as long as a hash of ours.
func (k kind) work() uint64 {
	cost, memory, threads, blocks := uint64(k.cost), uint64(k.memory), uint64(k.threads), uint64(k.size) //nolint:gosec // of 64 bytes at most
	switch k.algorithm {
	case argon2id, argon2i:
		return cost * memory * unitWork / (defaultPasses * defaultMemory)
	case bcryptHash, bcryptDigest:
		return unitWork << cost >> 9
	case scryptHash:
		return memory * threads << cost * unitWork >> 16 // 128·N·r·p of 8 MiB
	case pbkdf2SHA256:
		return cost * ((blocks + 31) / 32) * unitWork / 75_000
	case pbkdf2SHA512:
		return cost * ((blocks + 63) / 64) * unitWork / 25_000
	}
	return 0
}

// stored is a hash as it was read from its string.
type stored struct {
	kind
	salt, sum []byte
	text      string // bcrypt: the whole string, as x/crypto/bcrypt wants it
	key       []byte // HMAC
	suffix    bool   // digest and HMAC: the salt is behind the password
}

// match computes the hash of the password and compares. It is where all the time
// of this package is spent.
func match(s stored, password string) (bool, error) {
	switch s.algorithm {
	case bcryptHash:
		return matchBcrypt(s.text, password)
	case digestSum, digestMAC:
		return matchDigest(s, password), nil
	case bcryptDigest:
		return matchBcrypt(s.text, fmt.Sprintf("%x", sha256.Sum256([]byte(password))))
	}
	sum, err := s.derive(password, s.salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, s.sum) == 1, nil
}

// matchBcrypt reads the first 72 bytes, as those did who made the hash.
func matchBcrypt(text, password string) (bool, error) {
	err := bcrypt.CompareHashAndPassword([]byte(text), []byte(password[:min(len(password), bcryptBytes)]))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("bcrypt: %w: %w", ErrUnsupportedHash, err)
	}
	return true, nil
}

// derive computes the sum of a password; the kinds are bounded when they are read.
func (k kind) derive(password string, salt []byte) (sum []byte, err error) {
	switch k.algorithm {
	case argon2id:
		return argon2.IDKey([]byte(password), salt, k.cost, k.memory, uint8(k.threads), uint32(k.size)), nil //nolint:gosec // bounded by maxThreads and maxSum
	case argon2i:
		return argon2.Key([]byte(password), salt, k.cost, k.memory, uint8(k.threads), uint32(k.size)), nil //nolint:gosec // bounded by maxThreads and maxSum
	case scryptHash:
		sum, err = scrypt.Key([]byte(password), salt, 1<<k.cost, int(k.memory), int(k.threads), k.size)
	case pbkdf2SHA256:
		sum, err = iterate(sha256.New, k, password, salt)
	case pbkdf2SHA512:
		sum, err = iterate(sha512.New, k, password, salt)
	default:
		return nil, ErrUnsupportedHash
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupportedHash, err)
	}
	return sum, nil
}

func iterate(h func() hash.Hash, k kind, password string, salt []byte) ([]byte, error) {
	return pbkdf2.Key(h, password, salt, int(k.cost), k.size)
}

// dummy returns a hash of the kind that belongs to nobody.
func (k kind) dummy() stored {
	s := stored{kind: k, salt: make([]byte, saltSize), sum: make([]byte, k.size)}
	if k.algorithm == bcryptHash || k.algorithm == bcryptDigest {
		s.text = fmt.Sprintf("$2b$%02d$%s", k.cost, strings.Repeat(".", 53))
	}
	return s
}
