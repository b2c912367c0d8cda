package password_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/password"
)

// imported are hashes of "seven wet dogs sing" as the standard tools of others
// compute them, where nothing else is said.
var imported = map[string]string{
	"Django pbkdf2":          "pbkdf2_sha256$1000$saltsaltsalt$4G1rVNlNBacf0Vfu1VNStZWYZOFkNl0egnoXiWCUOxA=",
	"Django scrypt":          "scrypt$1024$saltsaltsalt$8$1$jtg0fRoYQPlLbJ9vdF27pn606oEatan280Wm8/k+wSLnCGBToIYaY0UGDCp26uN10Zj31/Rg2rL/FlqUltv4RQ==",
	"Werkzeug pbkdf2":        "pbkdf2:sha256:1000$saltsaltsalt$e06d6b54d94d05a71fd157eed55352b5959864e164365d1e827a178960943b10",
	"Werkzeug pbkdf2 sha512": "pbkdf2:sha512:1000$saltsaltsalt$6f44f4c34359e95b0c1c587aaf1ff5484739a6e070d79bce29aa3074a3282d1d1f9d70005cb6a604067d851b32c1998f6db0613858861ee0810098ba5781dfb4",
	"Werkzeug scrypt":        "scrypt:1024:8:1$saltsaltsalt$8ed8347d1a1840f94b6c9f6f745dbba67eb4ea811ab5a9f6f345a6f3f93ec122e7086053a0861a6345060c2a76eae375d198f7d7f460dab2ff165a9496dbf845",
}

// argon2i is the one of the reference implementation's tests, of "password".
const argon2i = "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"

func TestVerify_imported(t *testing.T) {
	h := newHasher(t, password.Config{})
	hashes := maps.Clone(imported)
	hashes["argon2i"], hashes["Django argon2i"] = argon2i, "argon2"+argon2i
	hashes["Django bcrypt"] = "bcrypt$" + bcryptABC
	for name, encoded := range hashes {
		t.Run(name, func(t *testing.T) {
			pw := "seven wet dogs sing"
			switch {
			case strings.Contains(encoded, "argon2i"):
				pw = "password"
			case strings.HasPrefix(encoded, "bcrypt"):
				pw = "abc"
			}
			ok, rehash, err := h.Verify(t.Context(), encoded, pw)
			if !ok || !rehash || err != nil {
				t.Errorf("Verify = %t, %t, %v, want true, true", ok, rehash, err)
			}
			if ok, _, err := h.Verify(t.Context(), encoded, pw+" "); ok || err != nil {
				t.Errorf("another password: %t, %v", ok, err)
			}
		})
	}
}

func TestVerify_bcryptOfDigest(t *testing.T) {
	const digest80 = "$2a$04$cDrnPIorf7/LE0gkW62FouI.ebrkpOQBju/iM/kcGkZrthsjbbONC" // of the digest of 80 times a
	h := newHasher(t, password.Config{})
	encoded := "bcrypt_sha256$" + digest80
	long := strings.Repeat("a", 80)
	if ok, rehash, err := h.Verify(t.Context(), encoded, long); !ok || !rehash || err != nil {
		t.Errorf("Verify = %t, %t, %v, want true, true", ok, rehash, err)
	}
	if ok, _, err := h.Verify(t.Context(), encoded, long[:79]+"b"); ok || err != nil {
		t.Errorf("another one of 80 bytes: %t, %v", ok, err)
	}
}

func TestPWD04_importedCosts(t *testing.T) {
	for encoded, want := range map[string]error{
		"pbkdf2_sha256$1000000000$saltsaltsalt$4G1rVNlNBacf0Vfu1VNStZWYZOFkNl0egnoXiWCUOxA=": password.ErrTooCostly,
		"pbkdf2_sha256$5000001$saltsaltsalt$4G1rVNlNBacf0Vfu1VNStZWYZOFkNl0egnoXiWCUOxA=":    password.ErrTooCostly,
		"pbkdf2:sha256:5000001$saltsaltsalt$" + strings.Repeat("00", 32):                     password.ErrTooCostly,
		"scrypt:1048576:8:1$saltsaltsalt$" + strings.Repeat("00", 32):                        password.ErrTooCostly,
		"scrypt:32768:8:33$saltsaltsalt$" + strings.Repeat("00", 32):                         password.ErrTooCostly,
		"scrypt$1048576$saltsaltsalt$8$1$AAAAAAAAAAAAAAAAAAAAAA==":                           password.ErrTooCostly,
		"bcrypt$$2b$31$" + bcryptABC[7:]:                                                     password.ErrTooCostly,
		"bcrypt_sha256$$2b$16$" + bcryptABC[7:]:                                              password.ErrTooCostly,
		"argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA":           password.ErrTooCostly,
		"argon2$bcrypt$x":                           password.ErrUnsupportedHash,
		"argon2$argon2d$v=19$m=65536,t=2,p=1$x$y":   password.ErrUnsupportedHash,
		"bcrypt_sha256$" + argon2i:                  password.ErrUnsupportedHash,
		"bcrypt$bcrypt$bcrypt$" + bcryptABC:         nil,
		"scrypt:1000:8:1$saltsaltsalt$00":           password.ErrUnsupportedHash,
		"scrypt:0:8:1$saltsaltsalt$00":              password.ErrUnsupportedHash,
		"pbkdf2:sha1:1000$saltsaltsalt$00":          password.ErrUnsupportedHash,
		"pbkdf2:sha256$saltsaltsalt$00":             password.ErrUnsupportedHash,
		"pbkdf2_sha256$1000$salt$AAAA":              password.ErrUnsupportedHash,
		"pbkdf2_sha256$1000$saltsaltsalt$AAAA":      password.ErrUnsupportedHash,
		"pbkdf2_sha256$0$saltsaltsalt$AAAA":         password.ErrUnsupportedHash,
		"md5$salt$5f4dcc3b5aa765d61d8327deb882cf99": password.ErrUnsupportedHash,
		"5f4dcc3b5aa765d61d8327deb882cf99":          password.ErrUnsupportedHash,
		"plain text":                                password.ErrUnsupportedHash,
	} {
		if err := password.CheckHash(encoded); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("CheckHash(%q) = %v, want %v", encoded, err, want)
		}
	}
}

// TestPWD09_expectEach: refusals take the time of every kind in the store from
// the first one on.
func TestPWD09_expectEach(t *testing.T) {
	h := newHasher(t, password.Config{})
	h.Cheap()
	taken := h.Record()
	all := slices.Concat([]string{"", "damaged", bcryptABC}, slices.Collect(maps.Values(imported)))
	unusable, err := h.ExpectEach(each(all, nil))
	if unusable != 1 || err != nil {
		t.Errorf("ExpectEach = %d, %v, want 1 hash that is not usable", unusable, err)
	}
	if err := h.Burn(context.Background(), "whatever"); err != nil {
		t.Fatal(err)
	}
	if log := taken(); len(log) != 5 { // pbkdf2 sha256 and scrypt are of one kind in both formats
		t.Errorf("a refusal computes %d hashes, want 5: %q", len(log), log)
	}
	if _, err := h.ExpectEach(each(nil, errors.New("the disk is on fire"))); err == nil {
		t.Error("the error of the store is lost")
	}
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprintf("pbkdf2_sha256$%d$saltsaltsalt$4G1rVNlNBacf0Vfu1VNStZWYZOFkNl0egnoXiWCUOxA=", 1000+i))
	}
	if unusable, err := h.ExpectEach(each(many, nil)); unusable != 0 || err != nil {
		t.Errorf("too many kinds: %d, %v", unusable, err)
	}
}

func each(hashes []string, err error) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, h := range hashes {
			if !yield(h, nil) {
				return
			}
		}
		if err != nil {
			yield("", err)
		}
	}
}
