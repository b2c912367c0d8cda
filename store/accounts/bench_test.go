package accounts_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

func BenchmarkActive(b *testing.B) {
	c := newClock()
	s := newSessions(b, storetest.SQLite(b), accounts.SessionsConfig{Now: c.Now})
	id := login(b, s, c, "1")
	cookie, text := browser(b, s, c, "1")
	b.Run("remembered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if ok, err := s.Active(b.Context(), id, "1"); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("remembered by secret", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got, err := s.BySecret(b.Context(), text); got.ID != cookie || err != nil {
				b.Fatal(got, err)
			}
		}
	})
	b.Run("asked", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Forget()
			if ok, err := s.Active(b.Context(), id, "1"); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}

func BenchmarkUse(b *testing.B) {
	f := newFamily(b, storetest.SQLite(b), accounts.RefreshConfig{Grace: time.Second, Key: key})
	token := f.first
	b.ReportAllocs()
	for b.Loop() {
		token = f.use(b, token, laptop)
	}
}

func BenchmarkFind(b *testing.B) {
	keys := newKeys(b, storetest.SQLite(b), newClock(), accounts.APIKeysConfig{})
	text, _ := createKey(b, keys, wanted("1"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keys.Find(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory tells what remembering a session costs.
func BenchmarkMemory(b *testing.B) {
	c := newClock()
	s := newSessions(b, storetest.SQLite(b), accounts.SessionsConfig{Now: c.Now})
	const n = 2000
	secrets := make([]string, n)
	for i := range secrets {
		_, secrets[i] = browser(b, s, c, strconv.Itoa(i))
	}
	measure := func(b *testing.B, remember func(i int)) {
		var before, after runtime.MemStats
		for b.Loop() {
			s.Forget()
			runtime.GC()
			runtime.ReadMemStats(&before)
			for i := range secrets {
				remember(i)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/session")
	}
	b.Run("by secret", func(b *testing.B) {
		measure(b, func(i int) {
			if _, err := s.BySecret(b.Context(), secrets[i]); err != nil {
				b.Fatal(err)
			}
		})
	})
	ids := make([]string, n)
	for i := range ids {
		var session gate.Session
		var err error
		if session, err = s.BySecret(b.Context(), secrets[i]); err != nil {
			b.Fatal(err)
		}
		ids[i] = session.ID
	}
	b.Run("by identifier", func(b *testing.B) {
		measure(b, func(i int) {
			if _, err := s.Active(b.Context(), ids[i], strconv.Itoa(i)); err != nil {
				b.Fatal(err)
			}
		})
	})
}
