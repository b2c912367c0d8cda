package password_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/gatewright/gate/password"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	sum, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// The sums are those of RFC 2202 and RFC 4231, test case 2, and of FIPS 180-4's
// functions of the word that everybody hashed.
func TestDigest(t *testing.T) {
	h, err := password.New(password.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const whole = "what do ya want for nothing?"
	for name, tt := range map[string]struct {
		function, key, salt, text, sum string
		suffix                         bool
	}{
		"md5":                 {"md5", "", "", "password", "5f4dcc3b5aa765d61d8327deb882cf99", false},
		"sha1":                {"sha1", "", "", "password", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", false},
		"sha256":              {"sha256", "", "", "password", "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", false},
		"sha256, salt before": {"sha256", "", "pass", "word", "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", false},
		"sha256, salt behind": {"sha256", "", "word", "pass", "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", true},
		"sha512": {
			"sha512", "", "", "password",
			"b109f3bbbc244eb82441917ed06d618b9008dd09b3befd1b5e07394c706a8bb980b1d7785e5976ec049b46df5f1326af5a2ea6d103fd07c95385ffab0cacbc86", false,
		},
		"hmac md5":               {"md5", "Jefe", "", whole, "750c783e6ab0b503eaa86e310a5db738", false},
		"hmac sha1":              {"sha1", "Jefe", "", whole, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", false},
		"hmac sha224":            {"sha224", "Jefe", "", whole, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44", false},
		"hmac sha256":            {"sha256", "Jefe", "", whole, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", false},
		"hmac sha256, both ways": {"sha256", "Jefe", whole[16:], whole[:16], "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", true},
	} {
		d := password.Digest{Function: tt.function, Salt: []byte(tt.salt), Suffix: tt.suffix, Sum: unhex(t, tt.sum)}
		if tt.key != "" {
			d.Key = []byte(tt.key)
		}
		text, err := d.Encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if ok, rehash, err := h.Verify(t.Context(), text, tt.text); err != nil || !ok || !rehash {
			t.Errorf("%s: %t, to be replaced %t, %v", name, ok, rehash, err)
		}
		for _, wrong := range []string{"", tt.text + "x", tt.salt + tt.text, tt.text + tt.salt + " "} {
			if ok, _, err := h.Verify(t.Context(), text, wrong); ok && wrong != tt.text {
				t.Errorf("%s: %q is let in, %v", name, wrong, err)
			}
		}
		if tt.salt != "" { // at the other end it is another hash
			d.Suffix = !d.Suffix
			if text, err = d.Encode(); err != nil {
				t.Fatal(err)
			}
			if ok, _, err := h.Verify(t.Context(), text, tt.text); ok || err != nil {
				t.Errorf("%s, salt at the other end: %t %v", name, ok, err)
			}
		}
	}
}

func TestDigest_refused(t *testing.T) {
	sum := make([]byte, 16)
	for name, d := range map[string]password.Digest{
		"nothing":          {},
		"unknown function": {Function: "md4", Sum: sum},
		"parameters":       {Function: "md5,salt=suffix", Sum: sum},
		"short sum":        {Function: "md5", Sum: sum[:15]},
		"sum of another":   {Function: "sha1", Sum: sum},
		"empty key":        {Function: "md5", Key: []byte{}, Sum: sum},
		"long key":         {Function: "md5", Key: make([]byte, 257), Sum: sum},
		"long salt":        {Function: "md5", Salt: make([]byte, 65), Sum: sum},
	} {
		if text, err := d.Encode(); !errors.Is(err, password.ErrUnsupportedHash) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for _, text := range []string{
		"$digest$", "$digest$f=md5$$", "$digest$f=md5,salt=middle$$AAAAAAAAAAAAAAAAAAAAAA", "$digest$f=md5,salt=prefix$AAAAAAAAAAAAAAAAAAAAAA",
		"$digest$f=md5,salt=prefix$$AAAAAAAAAAAAAAAAAAAAAA==", "$hmac$f=md5,salt=prefix$$AAAAAAAAAAAAAAAAAAAAAA",
		"$hmac$f=md5,salt=prefix$$$AAAAAAAAAAAAAAAAAAAAAA", "$digest$f=md5,salt=prefix$\n$AAAAAAAAAAAAAAAAAAAAAA",
	} {
		if err := password.CheckHash(text); !errors.Is(err, password.ErrUnsupportedHash) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := password.CheckHash("$digest$f=md5,salt=prefix$$" + strings.Repeat("A", 22)); err != nil {
		t.Error(err)
	}
}
