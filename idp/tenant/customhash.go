package tenant

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"github.com/gatewright/gate/password"
)

// A customHash is custom_password_hash of Auth0's bulk import.
type customHash struct {
	Algorithm string `json:"algorithm"`
	Hash      struct {
		encodedBytes

		Digest string        `json:"digest"` // of hmac
		Key    *encodedBytes `json:"key"`
	} `json:"hash"`
	Salt *struct {
		encodedBytes

		Position string `json:"position"`
	} `json:"salt"`
	Password *struct {
		Encoding string `json:"encoding"`
	} `json:"password"`
	KeyLength   int `json:"keylen"`
	Cost        int `json:"cost"`
	BlockSize   int `json:"blockSize"`
	Parallel    int `json:"parallelization"`
	ParallelAlt int `json:"parallelism"`
}

type encodedBytes struct {
	Value    string `json:"value"`
	Encoding string `json:"encoding"`
}

// customAlgorithms are those that encode reads. Of Auth0's there are not ldap and
// md4.
const customAlgorithms = "argon2, bcrypt, hmac, md5, pbkdf2, scrypt, sha1, sha256, sha512"

// encode returns the hash in a form that package password reads.
func (c *customHash) encode() (string, error) {
	if c.Password != nil && c.Password.Encoding != "" && c.Password.Encoding != "utf8" {
		return "", fmt.Errorf("passwords in %q are not supported, utf8 is", cut(c.Password.Encoding, 40))
	}
	switch algorithm := strings.ToLower(c.Algorithm); algorithm {
	case "bcrypt", "argon2", "pbkdf2":
		return c.text(algorithm)
	case "scrypt":
		return c.scrypt()
	case "md5", "sha1", "sha256", "sha512", "hmac":
		return c.digest(algorithm)
	case "":
		return "", errors.New("no algorithm; there are " + customAlgorithms)
	default:
		return "", fmt.Errorf("algorithm %q is not supported; there are %s", cut(algorithm, 40), customAlgorithms)
	}
}

// text returns a hash that carries its parameters and its salt.
func (c *customHash) text(algorithm string) (string, error) {
	if c.Salt != nil && c.Salt.Value != "" {
		return "", fmt.Errorf("the salt of %s belongs into its hash", algorithm)
	}
	prefix := map[string]string{"bcrypt": "$2", "argon2": "$argon2", "pbkdf2": "$pbkdf2-"}[algorithm]
	switch {
	case c.Hash.Encoding != "" && c.Hash.Encoding != "utf8":
		return "", fmt.Errorf("hash of %s is a text, its encoding utf8", algorithm)
	case !strings.HasPrefix(c.Hash.Value, prefix):
		return "", fmt.Errorf("hash of %s does not begin with %s", algorithm, prefix)
	}
	return c.Hash.Value, nil
}

// digest returns a hash of one pass, or of an HMAC, with its salt before the
// password unless it says suffix.
func (c *customHash) digest(algorithm string) (string, error) {
	if c.Hash.Encoding != "hex" && c.Hash.Encoding != "base64" {
		return "", fmt.Errorf("hash of %s needs the encoding hex or base64", algorithm)
	}
	d := password.Digest{Function: algorithm}
	var err error
	if d.Sum, err = c.Hash.decode(); err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	switch keyed := algorithm == "hmac"; {
	case keyed && (c.Hash.Key == nil || c.Hash.Key.Value == "" || c.Hash.Digest == ""):
		return "", errors.New("hash of hmac needs a digest and a key")
	case !keyed && (c.Hash.Key != nil || c.Hash.Digest != ""):
		return "", fmt.Errorf("digest and key are of hmac, not of %s", algorithm)
	case keyed:
		d.Function = strings.ToLower(c.Hash.Digest)
		if d.Key, err = c.Hash.Key.decode(); err != nil {
			return "", fmt.Errorf("key: %w", err)
		}
	}
	if c.Salt != nil {
		if p := c.Salt.Position; p != "prefix" && p != "suffix" {
			return "", fmt.Errorf("the position of the salt of %s is prefix or suffix", algorithm)
		}
		d.Suffix = c.Salt.Position == "suffix"
		if d.Salt, err = c.Salt.decode(); err != nil {
			return "", fmt.Errorf("salt: %w", err)
		}
	}
	return d.Encode()
}

func (c *customHash) scrypt() (string, error) {
	if c.Salt == nil || c.Salt.Position != "" {
		return "", errors.New("scrypt needs a salt without a position")
	}
	if c.Cost < 2 || bits.OnesCount(uint(c.Cost)) != 1 {
		return "", errors.New("cost is not a power of two")
	}
	parallel := max(c.Parallel, c.ParallelAlt)
	if c.BlockSize < 1 || parallel < 1 {
		return "", errors.New("blockSize or parallelization is missing")
	}
	sum, err := c.Hash.decode()
	if err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	salt, err := c.Salt.decode()
	if err != nil {
		return "", fmt.Errorf("salt: %w", err)
	}
	if c.KeyLength != 0 && c.KeyLength != len(sum) {
		return "", fmt.Errorf("hash of %d bytes is not one of keylen %d", len(sum), c.KeyLength)
	}
	return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", bits.TrailingZeros(uint(c.Cost)), c.BlockSize, parallel,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

func (e encodedBytes) decode() ([]byte, error) {
	switch e.Encoding {
	case "hex":
		return hex.DecodeString(e.Value)
	case "base64":
		return base64.RawStdEncoding.DecodeString(strings.TrimRight(e.Value, "="))
	case "utf8", "":
		return []byte(e.Value), nil
	}
	return nil, fmt.Errorf("encoding %q is not supported", cut(e.Encoding, 40))
}
