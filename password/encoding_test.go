package password_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gatewright/gate/password"
)

func TestPWD04_costIsBoundedBeforeAnyWork(t *testing.T) {
	const tail = "$c2l4dGVlbiBieXRlIHN0cg$NE2NJ9zuwkIBSY0dgPi2YdvZIPB3853HT8gG4tyFxN4"
	tests := map[string]struct {
		encoded string
		want    error
	}{
		"argon2 memory":         {"$argon2id$v=19$m=4194304,t=2,p=1" + tail, password.ErrTooCostly},
		"argon2 memory by one":  {"$argon2id$v=19$m=262145,t=2,p=1" + tail, password.ErrTooCostly},
		"argon2 memory at most": {"$argon2id$v=19$m=262144,t=10,p=4" + tail, nil},
		"argon2 memory wraps":   {"$argon2id$v=19$m=4294967296,t=2,p=1" + tail, password.ErrTooCostly},
		"argon2 memory endless": {"$argon2id$v=19$m=" + strings.Repeat("9", 200) + ",t=2,p=1" + tail, password.ErrTooCostly},
		"argon2 passes":         {"$argon2id$v=19$m=19456,t=11,p=1" + tail, password.ErrTooCostly},
		"argon2 threads":        {"$argon2id$v=19$m=19456,t=2,p=5" + tail, password.ErrTooCostly},
		"argon2 threads wrap":   {"$argon2id$v=19$m=19456,t=2,p=257" + tail, password.ErrTooCostly},
		"argon2 no threads":     {"$argon2id$v=19$m=19456,t=2,p=0" + tail, password.ErrUnsupportedHash},
		"argon2 no passes":      {"$argon2id$v=19$m=19456,t=0,p=1" + tail, password.ErrUnsupportedHash},
		"argon2 little memory":  {"$argon2id$v=19$m=31,t=1,p=4" + tail, password.ErrUnsupportedHash},
		"bcrypt 31":             {"$2b$31$" + bcryptABC[7:], password.ErrTooCostly},
		"bcrypt 31 alone":       {"$2b$31$", password.ErrTooCostly},
		"bcrypt 16":             {"$2b$16$" + bcryptABC[7:], password.ErrTooCostly},
		"bcrypt 15":             {"$2b$15$" + bcryptABC[7:], nil},
		"bcrypt 3":              {"$2b$03$" + bcryptABC[7:], password.ErrUnsupportedHash},
		"scrypt memory":         {"$scrypt$ln=19,r=8,p=1" + tail, password.ErrTooCostly},
		"scrypt at most":        {"$scrypt$ln=18,r=8,p=4" + tail, nil},
		"scrypt work":           {"$scrypt$ln=18,r=8,p=5" + tail, password.ErrTooCostly},
		"scrypt block":          {"$scrypt$ln=1,r=1025,p=1" + tail, password.ErrTooCostly},
		"scrypt block at most":  {"$scrypt$ln=1,r=1024,p=256" + tail, nil},
		"scrypt shift":          {"$scrypt$ln=63,r=8,p=1" + tail, password.ErrTooCostly},
		"scrypt threads":        {"$scrypt$ln=1,r=1,p=1000000" + tail, password.ErrTooCostly},
		"scrypt nothing":        {"$scrypt$ln=0,r=8,p=1" + tail, password.ErrUnsupportedHash},
		"scrypt no block":       {"$scrypt$ln=10,r=0,p=1" + tail, password.ErrUnsupportedHash},
		"pbkdf2 10^9":           {"$pbkdf2-sha256$i=1000000000" + tail, password.ErrTooCostly},
		"pbkdf2 by one":         {"$pbkdf2-sha512$5000001" + tail, password.ErrTooCostly},
		"pbkdf2 at most":        {"$pbkdf2-sha512$5000000" + tail, nil},
		"pbkdf2 none":           {"$pbkdf2-sha256$0" + tail, password.ErrUnsupportedHash},
	}
	h := newHasher(t, password.Config{})
	taken := h.Record()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.want == nil { // verified, though an import may refuse it
				if err := h.Expect(tt.encoded); err != nil && !errors.Is(err, password.ErrTooManyKinds) {
					t.Errorf("Expect: %v", err)
				}
				return
			}
			if err := password.CheckHash(tt.encoded); !errors.Is(err, tt.want) {
				t.Errorf("CheckHash: %v, want %v", err, tt.want)
			}
			if ok, _, err := h.Verify(t.Context(), tt.encoded, "abc"); ok || !errors.Is(err, tt.want) {
				t.Errorf("Verify = %t, %v, want false, %v", ok, err, tt.want)
			}
			if err := h.Expect(tt.encoded); !errors.Is(err, tt.want) {
				t.Errorf("Expect: %v, want %v", err, tt.want)
			}
		})
	}
	if log := taken(); len(log) != 0 {
		t.Errorf("hashes computed: %q, want none", log)
	}
}

func TestCheckHash_damaged(t *testing.T) {
	const argon = "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlIHN0cg$NE2NJ9zuwkIBSY0dgPi2YdvZIPB3853HT8gG4tyFxN4"
	if err := password.CheckHash(argon); err != nil {
		t.Fatal(err)
	}
	swap := func(old, with string) string { return strings.Replace(argon, old, with, 1) }
	tests := map[string]string{
		"empty":                "",
		"plain text":           "correct horse",
		"dollar":               "$",
		"no name":              "$$",
		"argon2d":              swap("argon2id", "argon2d"),
		"case":                 swap("argon2id", "ARGON2ID"),
		"argon2 1.0":           swap("v=19$", "v=16$"),
		"argon2 no version":    swap("v=19$", ""),
		"order":                swap("m=19456,t=2", "t=2,m=19456"),
		"parameter missing":    swap(",p=1", ""),
		"parameter twice":      swap("p=1", "p=1,p=1"),
		"parameter of a key":   swap("p=1", "p=1,keyid=Zm9v"),
		"sign":                 swap("m=19456", "m=+19456"),
		"leading zero":         swap("m=19456", "m=019456"),
		"minus":                swap("m=19456", "m=-1"),
		"hexadecimal":          swap("m=19456", "m=0x4c00"),
		"other digits":         swap("m=19456", "m=１９４５６"),
		"no number":            swap("m=19456", "m="),
		"padding":              argon + "=",
		"new line in the sum":  argon[:len(argon)-4] + "\n" + argon[len(argon)-4:],
		"trailing new line":    argon + "\n",
		"trailing field":       argon + "$",
		"loose last bits":      argon[:len(argon)-1] + "5",
		"no sum":               argon[:strings.LastIndex(argon, "$")],
		"empty sum":            argon[:strings.LastIndex(argon, "$")+1],
		"short sum":            argon[:strings.LastIndex(argon, "$")+1] + "AAAA",
		"long sum":             argon + strings.Repeat("A", 80),
		"short salt":           swap("c2l4dGVlbiBieXRlIHN0cg", "c2l4"),
		"long":                 argon + strings.Repeat("$", 600),
		"bcrypt 2x":            strings.Replace(bcryptABC, "$2b", "$2x", 1),
		"bcrypt 2":             strings.Replace(bcryptABC, "$2b", "$2", 1),
		"bcrypt cut":           bcryptABC[:59],
		"bcrypt longer":        bcryptABC + "A",
		"bcrypt alphabet":      bcryptABC[:59] + "=",
		"bcrypt cost of one":   strings.Replace(bcryptABC, "$05$", "$5$", 1),
		"bcrypt cost of three": strings.Replace(bcryptABC, "$05$", "$005$", 1),
		"bcrypt cost letters":  strings.Replace(bcryptABC, "$05$", "$xx$", 1),
		"pbkdf2 length":        "$pbkdf2-sha256$i=4096,l=31$c2l4dGVlbiBieXRlIHN0cg$OIpCdevhrY9he2KrCImiz2nHpuP8w+K4HSrsiPDghv4",
		"pbkdf2 no length":     "$pbkdf2-sha256$i=4096,l=$c2l4dGVlbiBieXRlIHN0cg$OIpCdevhrY9he2KrCImiz2nHpuP8w+K4HSrsiPDghv4",
		"pbkdf2 sha1":          "$pbkdf2$4096$c2l4dGVlbiBieXRlIHN0cg$OIpCdevhrY9he2KrCImiz2nHpuP8w+K4HSrsiPDghv4",
	}
	for name, encoded := range tests {
		t.Run(name, func(t *testing.T) {
			err := password.CheckHash(encoded)
			if !errors.Is(err, password.ErrUnsupportedHash) {
				t.Fatalf("CheckHash(%q) = %v, want ErrUnsupportedHash", encoded, err)
			}
			if salt := "c2l4dGVlbiBieXRlIHN0cg"; strings.Contains(err.Error(), salt) {
				t.Errorf("the error shows the hash: %v", err)
			}
		})
	}
}

func TestPWD04_lengthIsBounded(t *testing.T) {
	err := password.CheckHash("$argon2id$" + strings.Repeat("x", 1<<20))
	if !errors.Is(err, password.ErrUnsupportedHash) || !strings.Contains(err.Error(), "over 512 bytes") {
		t.Errorf("CheckHash: %v, want a refusal for the length", err)
	}
}

func FuzzCheckHash(f *testing.F) {
	for _, seed := range []string{
		bcryptABC,
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
		"$pbkdf2-sha256$i=4096,l=32$c2l4dGVlbiBieXRlIHN0cg$OIpCdevhrY9he2KrCImiz2nHpuP8w+K4HSrsiPDghv4",
		"$pbkdf2-sha512$4096$c2l4dGVlbiBieXRlIHN0cg$OIpCdevhrY9he2KrCImiz2nHpuP8w+K4HSrsiPDghv4",
		"$argon2id$v=19$m=4194304,t=2,p=1$$", "", "$", "$2b$", "$2b$31$",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		err := password.CheckHash(encoded)
		if err != nil {
			if !errors.Is(err, password.ErrUnsupportedHash) && !errors.Is(err, password.ErrTooCostly) {
				t.Fatalf("CheckHash: %v is of no kind", err)
			}
			return
		}
		memory, work, ok := password.Work(encoded)
		if !ok || memory > 256<<20 || work > 10*256<<20 {
			t.Errorf("%q takes %d bytes and %d steps", encoded, memory, work)
		}
		if !strings.HasPrefix(encoded, "$argon2id$") || strings.Contains(encoded, ".") {
			return
		}
		if again, err := password.Reencode(encoded); err != nil || again != encoded {
			t.Errorf("written again: %q, %v, want %q", again, err, encoded)
		}
	})
}
