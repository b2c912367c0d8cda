package password_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/gatewright/gate/password"
)

func newHasher(t testing.TB, c password.Config) *password.Hasher {
	t.Helper()
	h, err := password.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hashOf(t testing.TB, h *password.Hasher, pw string) string {
	t.Helper()
	encoded, err := h.Hash(t.Context(), pw)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func bcryptOf(t testing.TB, pw string, cost int) string {
	t.Helper()
	b, err := bcrypt.GenerateFromPassword([]byte(pw), cost)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// verify fails the test on an error.
func verify(t testing.TB, h *password.Hasher, encoded, pw string) (ok, rehash bool) {
	t.Helper()
	ok, rehash, err := h.Verify(t.Context(), encoded, pw)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return ok, rehash
}

func TestPWD01_weakConfigurationIsRefused(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	tests := map[string]struct {
		config password.Config
		ok     bool
	}{
		"zero":                {password.Config{}, true},
		"stated":              {password.Config{Memory: 19456, Passes: 2, Threads: 1, Concurrency: 1, Queue: 1}, true},
		"stronger":            {password.Config{Memory: 65536, Passes: 3, Threads: 4}, true},
		"ceiling":             {password.Config{Memory: 262144, Passes: 10, Threads: 4}, true},
		"memory 8192":         {password.Config{Memory: 8192}, false},
		"memory one less":     {password.Config{Memory: 19455}, false},
		"one pass":            {password.Config{Passes: 1}, false},
		"memory over ceiling": {password.Config{Memory: 262145}, false},
		"passes over ceiling": {password.Config{Passes: 11}, false},
		"threads":             {password.Config{Threads: 5}, false},
		"concurrency":         {password.Config{Concurrency: cores + 1}, false},
		"no concurrency":      {password.Config{Concurrency: -1}, false},
		"no queue":            {password.Config{Queue: -1}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, err := password.New(tt.config)
			if (err == nil) != tt.ok || (h != nil) != tt.ok {
				t.Errorf("New(%+v) = %v, %v, want ok %t", tt.config, h, err, tt.ok)
			}
		})
	}
}

func TestPWD01_newHashesArePHC(t *testing.T) {
	h := newHasher(t, password.Config{})
	first, second := hashOf(t, h, "one password for two"), hashOf(t, h, "one password for two")
	if first == second {
		t.Error("two hashes of one password are the same: no salt")
	}
	phc := regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`)
	if !phc.MatchString(first) {
		t.Errorf("Hash = %q, want a PHC string", first)
	}
	if again, err := password.Reencode(first); err != nil || again != first {
		t.Errorf("parsed and written again: %q, %v, want %q", again, err, first)
	}
	if ok, rehash := verify(t, h, first, "one password for two"); !ok || rehash {
		t.Errorf("Verify = %t, rehash %t, want true, false", ok, rehash)
	}
	if ok, _ := verify(t, h, first, "one password for too"); ok {
		t.Error("another password is accepted")
	}
}

func TestPWD02_refusedBeforeHashing(t *testing.T) {
	h := newHasher(t, password.Config{Concurrency: 1, Queue: 1})
	taken := h.Record()
	release, err := h.Acquire(t.Context()) // with the only slot gone, a hash would have to wait
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // and waiting would be this error

	tests := map[string]struct {
		password string
		want     error
	}{
		"1 MB":                   {strings.Repeat("x", 1<<20), password.ErrTooLong},
		"257 code points":        {strings.Repeat("é", 257), password.ErrTooLong},
		"1028 bytes":             {strings.Repeat("😀", 257), password.ErrTooLong},
		"1 MB that is not UTF-8": {strings.Repeat("\xff", 1<<20), password.ErrTooLong},
		"not UTF-8":              {"fifteen letters\xff", password.ErrMalformed},
		"lone surrogate":         {"fifteen letters\xed\xa0\x80", password.ErrMalformed},
		"NUL":                    {"fifteen letters\x00", password.ErrMalformed},
		"256 code points":        {strings.Repeat("é", 256), context.Canceled},
		"1024 bytes":             {strings.Repeat("😀", 256), context.Canceled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := h.Hash(ctx, tt.password); !errors.Is(err, tt.want) {
				t.Errorf("Hash: %v, want %v", err, tt.want)
			}
			if _, _, err := h.Verify(ctx, bcryptABC, tt.password); !errors.Is(err, tt.want) {
				t.Errorf("Verify: %v, want %v", err, tt.want)
			}
			if err := h.Burn(ctx, tt.password); !errors.Is(err, tt.want) {
				t.Errorf("Burn: %v, want %v", err, tt.want)
			}
		})
	}
	if log := taken(); len(log) != 0 {
		t.Errorf("hashes computed: %q, want none", log)
	}
}

func TestPWD02_nothingIsTrimmedOrCut(t *testing.T) {
	h := newHasher(t, password.Config{})
	const pw = "A Pass Phrase of Words"
	encoded := hashOf(t, h, pw)
	for _, other := range []string{pw + " ", " " + pw, strings.ToLower(pw), pw + "\n", pw[:len(pw)-1]} {
		if ok, _ := verify(t, h, encoded, other); ok {
			t.Errorf("%q passes for %q", other, pw)
		}
	}
	long := strings.Repeat("ab", 127) + "c"
	if ok, _ := verify(t, h, hashOf(t, h, long+"d"), long+"e"); ok {
		t.Error("the last of 256 code points does not count")
	}
}

func TestPWD02_emptyPasswordBelongsToNothing(t *testing.T) {
	h := newHasher(t, password.Config{})
	if _, err := h.Hash(t.Context(), ""); !errors.Is(err, password.ErrEmpty) {
		t.Errorf("Hash: %v, want ErrEmpty", err)
	}
	for _, encoded := range []string{bcryptOf(t, "", bcrypt.MinCost), ""} {
		if ok, _ := verify(t, h, encoded, ""); ok {
			t.Errorf("the empty password is accepted for %q", encoded)
		}
	}
}

func TestPWD03_bcryptIsVerifiedAndReplaced(t *testing.T) {
	h := newHasher(t, password.Config{})
	common := strings.Repeat("0123456789ab", 6) // 72 bytes
	one, two := common+"one tail", common+"two tail"
	imported := bcryptOf(t, common, bcrypt.MinCost) // what the original made of either

	for _, pw := range []string{one, two} {
		if ok, rehash := verify(t, h, imported, pw); !ok || !rehash {
			t.Errorf("imported: Verify = %t, rehash %t, want true, true", ok, rehash)
		}
	}
	replaced := hashOf(t, h, one)
	if !strings.HasPrefix(replaced, "$argon2id$") {
		t.Errorf("new hash is %q, want argon2id", replaced)
	}
	if ok, rehash := verify(t, h, replaced, one); !ok || rehash {
		t.Errorf("replaced: Verify = %t, rehash %t, want true, false", ok, rehash)
	}
	if ok, _ := verify(t, h, replaced, two); ok {
		t.Error("after the rehash the tail still does not count")
	}
	if ok, _ := verify(t, h, replaced, common); ok {
		t.Error("after the rehash the first 72 bytes are enough")
	}
}

// Hashes that others made: libcrypt (bcrypt), OpenSSL through Python's hashlib
// (scrypt, PBKDF2), passlib's documentation, the reference code of argon2.
const (
	bcryptABC = "$2b$05$abcdefghijklmnopqrstuuRWUgMyyCUnsDr8evYotXg5ZXVF/HhzS"
	german    = "Grüße aus Köln"
)

func TestVerify_hashesFromElsewhere(t *testing.T) {
	h := newHasher(t, password.Config{})
	tests := map[string]struct{ encoded, password string }{
		"bcrypt 2b":     {bcryptABC, "abc"},
		"bcrypt 2a":     {"$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i", "abc"},
		"bcrypt 2y":     {"$2y$05$abcdefghijklmnopqrstuuHvGdZDEanK7yrqWa358SPCvFlhmF5wC", german},
		"bcrypt long":   {"$2b$05$abcdefghijklmnopqrstuuGUnCqbfgs3htOkLrFduUjAyLBw1Rq/u", strings.Repeat("a", 72) + "tail"},
		"scrypt":        {"$scrypt$ln=10,r=8,p=2$c2l4dGVlbiBieXRlIHN0cg$NE2NJ9zuwkIBSY0dgPi2YdvZIPB3853HT8gG4tyFxN4", german},
		"scrypt lib":    {"$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "password"},
		"pbkdf2-sha256": {"$pbkdf2-sha256$i=4096,l=32$c2l4dGVlbiBieXRlIHN0cg$OIpCdevhrY9he2KrCImiz2nHpuP8w+K4HSrsiPDghv4", german},
		"pbkdf2 lib":    {"$pbkdf2-sha256$8000$XAuBMIYQQogxRg$tRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE", "password"},
		"pbkdf2-sha512": {"$pbkdf2-sha512$4096$c2l4dGVlbiBieXRlIHN0cg$zSeyYyYfRAbbZQ.F75Z1oeLQ/fn1CRb2.ZDQ5pccF5n7q9bra89EXLYTI67feuNf0y9vA2uXZFfjcTb8Dv2SWg", german},
		"argon2id":      {"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := password.CheckHash(tt.encoded); err != nil {
				t.Fatal(err)
			}
			if ok, rehash := verify(t, h, tt.encoded, tt.password); !ok || !rehash {
				t.Errorf("Verify = %t, rehash %t, want true, true", ok, rehash)
			}
		})
	}
	for name, tt := range tests {
		t.Run(name+" wrong", func(t *testing.T) {
			h := newHasher(t, password.Config{}) // alone, so that refusals are quick
			if ok, rehash := verify(t, h, tt.encoded, "x"+tt.password); ok || rehash {
				t.Errorf("Verify = %t, rehash %t, want false, false", ok, rehash)
			}
		})
	}
}

func TestVerify_rehashWhenParametersChange(t *testing.T) {
	old, now := newHasher(t, password.Config{}), newHasher(t, password.Config{Passes: 3})
	encoded := hashOf(t, old, "some words in a row")
	if ok, rehash := verify(t, now, encoded, "some words in a row"); !ok || !rehash {
		t.Errorf("Verify = %t, rehash %t, want true, true", ok, rehash)
	}
	if ok, rehash := verify(t, old, hashOf(t, now, "some words in a row"), "some words in a row"); !ok || !rehash {
		t.Errorf("back again: Verify = %t, rehash %t, want true, true", ok, rehash)
	}
}

func TestPWD05_normalisation(t *testing.T) {
	h := newHasher(t, password.Config{})
	composed, decomposed := norm.NFC.String("café au lait à volonté"), norm.NFD.String("café au lait à volonté")
	if composed == decomposed {
		t.Fatal("the two spellings are one")
	}
	tests := map[string]struct {
		encoded, password string
		rehash            bool
	}{
		"ours, decomposed":           {hashOf(t, h, composed), decomposed, false},
		"ours, composed":             {hashOf(t, h, decomposed), composed, false},
		"ours, full width":           {hashOf(t, h, "a full width phrase"), "ａ full width phrase", false},
		"imported raw":               {bcryptOf(t, decomposed, 4), decomposed, true},
		"imported raw, other typed":  {bcryptOf(t, composed, 4), decomposed, true},
		"imported, composed is NFKC": {bcryptOf(t, composed, 4), composed, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if ok, rehash := verify(t, h, tt.encoded, tt.password); !ok || rehash != tt.rehash {
				t.Errorf("Verify = %t, rehash %t, want true, %t", ok, rehash, tt.rehash)
			}
		})
	}
	t.Run("imported are tried raw first", func(t *testing.T) {
		h := newHasher(t, password.Config{})
		taken := h.Record()
		verify(t, h, bcryptOf(t, decomposed, 4), decomposed)
		if log := taken(); len(log) != 1 {
			t.Errorf("hashes computed: %q, want one", log)
		}
	})
}

func TestPWD09_everyRefusalDoesTheSameWork(t *testing.T) {
	h := newHasher(t, password.Config{})
	stored := map[string]string{
		"argon2id":       hashOf(t, h, "the right password"),
		"older argon2id": hashOf(t, newHasher(t, password.Config{Passes: 3}), "the right password"),
		"bcrypt":         bcryptOf(t, "the right password", 5),
		"pbkdf2":         "$pbkdf2-sha256$8000$XAuBMIYQQogxRg$tRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE",
		"no password":    "",
	}
	for _, encoded := range stored {
		if encoded == "" {
			continue
		}
		if err := h.Expect(encoded); err != nil {
			t.Fatal(err)
		}
	}
	taken := h.Record()
	for pw, hashes := range map[string]int{"a wrong password": 4, "a wrong pａssword": 8, "": 4} {
		if err := h.Burn(t.Context(), pw); err != nil {
			t.Fatal(err)
		}
		want := taken()
		slices.Sort(want)
		if len(want) != hashes {
			t.Errorf("unknown user, password %q: %d hashes computed, want %d: %q", pw, len(want), hashes, want)
		}
		for name, encoded := range stored {
			if ok, rehash := verify(t, h, encoded, pw); ok || rehash {
				t.Errorf("%s: Verify = %t, rehash %t, want false, false", name, ok, rehash)
			}
			got := taken()
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, password %q: other work than for an unknown user (-want +got):\n%s", name, pw, diff)
			}
		}
	}
}

func TestPWD09_kindsAreLearntAndBounded(t *testing.T) {
	h := newHasher(t, password.Config{})
	h.Cheap()
	taken := h.Record()
	for cost := 4; cost <= 15; cost++ {
		encoded := fmt.Sprintf("$2b$%02d$%s", cost, bcryptABC[7:])
		verify(t, h, encoded, "wrong")
	}
	taken()
	if err := h.Burn(t.Context(), "wrong"); err != nil {
		t.Fatal(err)
	}
	if log := taken(); len(log) != 8 {
		t.Errorf("a refusal computes %d hashes, want 8: %q", len(log), log)
	}
	if err := h.Expect("$2b$15$" + bcryptABC[7:]); !errors.Is(err, password.ErrTooManyKinds) {
		t.Errorf("Expect of a ninth kind: %v, want ErrTooManyKinds", err)
	}
	if err := h.Expect("$2b$05$" + bcryptABC[7:]); err != nil {
		t.Errorf("Expect of a known kind: %v", err)
	}
	if err := h.Expect("plain text"); !errors.Is(err, password.ErrUnsupportedHash) {
		t.Errorf("Expect of no hash: %v, want ErrUnsupportedHash", err)
	}
}

// TestPWD09_workIsBounded: costly hashes in a store do not make every refusal of
// everybody as costly as all of them together.
func TestPWD09_workIsBounded(t *testing.T) {
	h := newHasher(t, password.Config{})
	h.Cheap()
	for encoded, want := range map[string]error{
		"$2b$15$" + bcryptABC[7:]:                        password.ErrTooManyKinds, // over the bound by itself
		"$2b$14$" + bcryptABC[7:]:                        password.ErrTooManyKinds,
		"$2b$12$" + bcryptABC[7:]:                        nil, // eight
		"$argon2id$v=19$m=262144,t=10,p=1$" + saltAndSum: password.ErrTooManyKinds,
	} {
		if err := h.Expect(encoded); !errors.Is(err, want) {
			t.Errorf("Expect(%.40s) = %v, want %v", encoded, err, want)
		}
	}
	// Eight are left: not for sixteen, but for what is cheap.
	if err := h.Expect("$2b$13$" + bcryptABC[7:]); !errors.Is(err, password.ErrTooManyKinds) {
		t.Errorf("Expect = %v, want ErrTooManyKinds", err)
	}
	if err := h.Expect("$2b$11$" + bcryptABC[7:]); err != nil {
		t.Error(err)
	}
	taken := h.Record()
	for pw, hashes := range map[string]int{"wrong": 3, "a wrong pａssword": 6} {
		if err := h.Burn(t.Context(), pw); err != nil {
			t.Fatal(err)
		}
		if log := taken(); len(log) != hashes {
			t.Errorf("a refusal of %q computes %d hashes, want %d: %q", pw, len(log), hashes, log)
		}
	}
}

const saltAndSum = "c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// TestPWD04_importIsBounded: what makes others wait does not come into a store.
func TestPWD04_importIsBounded(t *testing.T) {
	for encoded, want := range map[string]error{
		"$2b$13$" + bcryptABC[7:]:                        nil,
		"$2b$14$" + bcryptABC[7:]:                        password.ErrTooCostly,
		"$argon2id$v=19$m=65536,t=4,p=4$" + saltAndSum:   nil,
		"$argon2id$v=19$m=262144,t=10,p=1$" + saltAndSum: password.ErrTooCostly,
		"$pbkdf2-sha256$i=1200000,l=32$" + saltAndSum:    nil,
		"$pbkdf2-sha256$i=5000000,l=32$" + saltAndSum:    password.ErrTooCostly,
		"$scrypt$ln=17,r=8,p=1$" + saltAndSum:            nil,
		"$scrypt$ln=18,r=8,p=4$" + saltAndSum:            password.ErrTooCostly,
		"$pbkdf2-sha512$i=210000,l=32$" + saltAndSum:     nil,
		"$pbkdf2-sha512$i=5000000,l=32$" + saltAndSum:    password.ErrTooCostly,
	} {
		if err := password.CheckHash(encoded); !errors.Is(err, want) {
			t.Errorf("CheckHash(%.40s) = %v, want %v", encoded, err, want)
		}
	}
}

func TestPWD09_successIsNotSlowed(t *testing.T) {
	h := newHasher(t, password.Config{})
	if err := h.Expect(bcryptABC); err != nil {
		t.Fatal(err)
	}
	encoded := hashOf(t, h, "the right password")
	taken := h.Record()
	verify(t, h, encoded, "the right password")
	if log := taken(); len(log) != 1 {
		t.Errorf("hashes computed: %q, want one", log)
	}
}

func TestPWD10_neverMoreThanConcurrencyAtATime(t *testing.T) {
	encoded := bcryptOf(t, "abc", bcrypt.MinCost)
	for _, concurrency := range []int{1, runtime.GOMAXPROCS(0)} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			h := newHasher(t, password.Config{Concurrency: concurrency, Queue: 100})
			var running, most atomic.Int64
			h.Observe(func() {
				n := running.Add(1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				runtime.Gosched()
			}, func() { running.Add(-1) })
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if ok, _, err := h.Verify(t.Context(), encoded, "abc"); !ok || err != nil {
						t.Errorf("Verify = %t, %v", ok, err)
					}
				})
			}
			wg.Wait()
			if got := most.Load(); got > int64(concurrency) {
				t.Errorf("%d hashes at a time, want at most %d", got, concurrency)
			}
		})
	}
}

func TestPWD10_queueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, password.Config{Concurrency: 1, Queue: 3})
		release, err := h.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := h.Burn(t.Context(), "in the queue"); err != nil {
					t.Errorf("in the queue: %v", err)
				}
			})
		}
		synctest.Wait()

		_, errHash := h.Hash(t.Context(), "one too many")
		_, _, errVerify := h.Verify(t.Context(), bcryptABC, "one too many")
		errBurn := h.Burn(t.Context(), "one too many")
		for name, err := range map[string]error{"Hash": errHash, "Verify": errVerify, "Burn": errBurn} {
			busy, ok := errors.AsType[*password.BusyError](err)
			if !ok || !errors.Is(err, password.ErrBusy) {
				t.Errorf("%s: %v, want ErrBusy", name, err)
				continue
			}
			if busy.RetryAfter < time.Second || busy.RetryAfter > time.Minute || busy.RetryAfter%time.Second != 0 {
				t.Errorf("%s: retry after %v, want whole seconds", name, busy.RetryAfter)
			}
		}
		if errVerify.Error() != errBurn.Error() {
			t.Errorf("busy tells known from unknown users: %q and %q", errVerify, errBurn)
		}
		release()
		wg.Wait()
		if err := h.Burn(t.Context(), "after the rush"); err != nil {
			t.Errorf("after the rush: %v", err)
		}
	})
}

func TestPWD10_retryAfterFollowsTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, password.Config{Concurrency: 1, Queue: 1})
		busy := func() time.Duration {
			release, err := h.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { _ = h.Burn(ctx, "in the queue") })
			synctest.Wait()
			err = h.Burn(t.Context(), "one too many")
			cancel()
			wg.Wait()
			release()
			refused, ok := errors.AsType[*password.BusyError](err)
			if !ok {
				t.Fatalf("%v, want ErrBusy", err)
			}
			return refused.RetryAfter
		}
		if got := busy(); got != time.Second {
			t.Errorf("idle machine: retry after %v, want 1s", got)
		}
		for range 50 { // hashes take 3.3 s each
			release, err := h.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(3300 * time.Millisecond)
			release()
		}
		if got := busy(); got != 7*time.Second { // one running, one waiting, rounded up
			t.Errorf("slow machine: retry after %v, want 7s", got)
		}
	})
}

func TestPWD10_contextEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, password.Config{Concurrency: 1, Queue: 1})
		release, err := h.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		for range 3 { // each leaves its place to the next
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			began := time.Now()
			_, _, err := h.Verify(ctx, bcryptABC, "abc")
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
				t.Errorf("after %v: %v, want the deadline after 5s", time.Since(began), err)
			}
		}
	})
}

func TestPWD10_nothingIsComputedForOneWhoLeft(t *testing.T) {
	h := newHasher(t, password.Config{})
	taken := h.Record()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.Verify(ctx, bcryptABC, "abc"); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify: %v, want canceled", err)
	}
	if _, err := h.Hash(ctx, "abc"); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash: %v, want canceled", err)
	}
	if log := taken(); len(log) != 0 {
		t.Errorf("hashes computed: %q, want none", log)
	}
}

// LOG-02: who leaves while a password is compared gets the refusal, and not "could
// not decide", which is no guess to whoever counts.
func TestLOG02_whoLeavesIsRefused(t *testing.T) {
	h := newHasher(t, password.Config{})
	if err := h.Expect(bcryptABC); err != nil {
		t.Fatal(err)
	}
	taken := h.Record()
	ctx, cancel := context.WithCancel(t.Context())
	h.Observe(func() {}, cancel) // gone after the first hash
	if ok, _, err := h.Verify(ctx, bcryptABC, "abd"); ok || err != nil {
		t.Errorf("a wrong password: %t, %v", ok, err)
	}
	if log := taken(); len(log) != 2 {
		t.Errorf("hashes computed: %q, want one of each kind", log)
	}
}
