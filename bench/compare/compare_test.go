package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate/jose"
)

// Everybody accepts the tokens that are measured, and refuses them changed;
// otherwise the figures mean nothing.
func TestPeers(t *testing.T) {
	for _, alg := range algorithms() {
		m, err := newMaterial(alg, "k")
		if err != nil {
			t.Fatal(err)
		}
		token, err := m.token()
		if err != nil {
			t.Fatal(err)
		}
		dot := strings.LastIndexByte(token, '.')
		forged := token[:dot+1] + strings.Repeat("A", len(token)-dot-1)
		for _, p := range peers() {
			verify, err := p.make(m)
			if err != nil {
				t.Fatalf("%s: %s: %v", p.name, alg, err)
			}
			if verify == nil {
				continue
			}
			if err := verify(t.Context(), token); err != nil {
				t.Errorf("%s: %s: %v", p.name, alg, err)
			}
			if verify(t.Context(), forged) == nil {
				t.Errorf("%s: %s: a forged token is accepted", p.name, alg)
			}
		}
	}
}

// BenchmarkNew measures tokens that have not been seen before, BenchmarkRepeated
// a bearer that comes again.
func BenchmarkNew(b *testing.B)      { each(b, 256) }
func BenchmarkRepeated(b *testing.B) { each(b, 1) }

func each(b *testing.B, tokens int) {
	for _, alg := range algorithms() {
		m, err := newMaterial(alg, "k")
		if err != nil {
			b.Fatal(err)
		}
		list, err := m.tokens(tokens)
		if err != nil {
			b.Fatal(err)
		}
		for i, p := range peers() {
			verify, err := p.make(m)
			if i == 0 && tokens > 1 { // a memory far too small to help
				verify, err = newOurs(m, 16)
			}
			if err != nil {
				b.Fatal(err)
			}
			if verify == nil {
				continue
			}
			b.Run(string(alg)+"/"+p.name, func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if err := verify(context.Background(), list[i%len(list)]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkScaling measures new tokens on as many cores as -cpu says:
// go test -bench Scaling -cpu 1,2,4.
func BenchmarkScaling(b *testing.B) {
	for _, tokens := range []int{1, 256} {
		m, err := newMaterial(jose.ES256, "k")
		if err != nil {
			b.Fatal(err)
		}
		list, err := m.tokens(tokens)
		if err != nil {
			b.Fatal(err)
		}
		for i, p := range peers() {
			verify, err := p.make(m)
			if i == 0 && tokens > 1 {
				verify, err = newOurs(m, 16)
			}
			if err != nil {
				b.Fatal(err)
			}
			name := map[bool]string{true: "repeated/", false: "new/"}[tokens == 1] + p.name
			b.Run(name, func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for i := 0; pb.Next(); i++ {
						if err := verify(context.Background(), list[i%len(list)]); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// BenchmarkGuardedGET measures a request over loopback: the handler bare, behind
// our guard, and behind go-jwt-middleware.
func BenchmarkGuardedGET(b *testing.B) {
	m, err := newMaterial(jose.ES256, "k")
	if err != nil {
		b.Fatal(err)
	}
	keys := newIssuer()
	defer keys.server.Close()
	if err := keys.publish(m.key); err != nil {
		b.Fatal(err)
	}
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "soup") })
	ours, stop, err := ourGuard(jose.ES256, keys.url(), bare)
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	theirs, err := theirGuard(jose.ES256, keys.url(), bare)
	if err != nil {
		b.Fatal(err)
	}
	token, err := m.token()
	if err != nil {
		b.Fatal(err)
	}
	for _, x := range []struct {
		name string
		http.Handler
	}{{"bare", bare}, {"gate", ours}, {"go-jwt-middleware", theirs}} {
		b.Run(x.name, func(b *testing.B) {
			server := httptest.NewServer(x.Handler)
			defer server.Close()
			b.ReportAllocs()
			for b.Loop() {
				if err := get(server.Client(), server.URL, token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
