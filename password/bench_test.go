package password_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/gatewright/gate/password"
)

// BenchmarkLogin sets the rate of log-ins against that of the bare hash, both on
// all cores, in turns so that both see the same machine. The budget is a ratio of
// 0.97 and more.
func BenchmarkLogin(b *testing.B) {
	h := newHasher(b, password.Config{})
	encoded := hashOf(b, h, "the right password")
	salt := make([]byte, 16)
	bare := func() { argon2.IDKey([]byte("the right password"), salt, 2, 19456, 1, 32) }
	login := func() {
		if ok, _, err := h.Verify(b.Context(), encoded, "the right password"); !ok || err != nil {
			b.Errorf("Verify = %t, %v", ok, err)
		}
	}
	var bareTime, loginTime time.Duration
	for b.Loop() {
		bareTime += onAllCores(bare)
		loginTime += onAllCores(login)
		loginTime += onAllCores(login)
		bareTime += onAllCores(bare)
	}
	b.ReportMetric(float64(bareTime)/float64(loginTime), "ratio")
	b.ReportMetric(float64(2*turns*runtime.GOMAXPROCS(0)*b.N)/loginTime.Seconds(), "logins/s")
}

const turns = 8 // hashes on each core before it is the other's turn

// onAllCores runs f some times on each core and returns how long that took.
func onAllCores(f func()) time.Duration {
	began := time.Now()
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for range turns {
				f()
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// BenchmarkPWD09 shows the time of each refusal; they should not differ.
func BenchmarkPWD09(b *testing.B) {
	h := newHasher(b, password.Config{})
	cases := []struct{ name, encoded string }{
		{"unknown", ""},
		{"argon2id", hashOf(b, h, "the right password")},
		{"bcrypt", bcryptOf(b, "the right password", 8)},
	}
	if err := h.Expect(cases[2].encoded); err != nil {
		b.Fatal(err)
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				verify(b, h, c.encoded, "a wrong password")
			}
		})
	}
}
