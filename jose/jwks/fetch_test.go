package jwks_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
)

// A hostile answer fails within five seconds and a megabyte.
func TestJKS02_hostileAnswers(t *testing.T) {
	bomb := gzipped(t, 1<<24)
	for name, answer := range map[string]http.HandlerFunc{
		"silence":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"slow body":   func(w http.ResponseWriter, r *http.Request) { drip(w, r, `{"keys":[`, " ") },
		"slow header": func(w http.ResponseWriter, _ *http.Request) { header(t, w) },
		"ten gigabytes": func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat(" ", 64<<10))
			for range 10 << 30 / len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
			t.Error("somebody read all of it")
		},
		"long by its own word": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "262145")
			drip(w, r, " ", " ")
		},
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		},
		"redirect to another host": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://other.test/keys", http.StatusFound)
		},
		"redirect to http": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://issuer.test/keys", http.StatusTemporaryRedirect)
		},
		"redirect to itself": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, keysURL, http.StatusMovedPermanently)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer(t, nil)
				i.does(answer)
				s := i.set(t)
				began, before := time.Now(), allocated()
				lacks(t, s, "k", jose.ErrUnavailable)
				if waited := time.Since(began); waited > 5*time.Second {
					t.Errorf("it took %v", waited)
				}
				if used := allocated() - before; used > maxAllocated { // the server's buffers too
					t.Errorf("%d bytes were allocated", used)
				}
				if n := len(i.requests()); n != 1 {
					t.Errorf("%d requests, want 1", n)
				}
			})
		})
	}
}

// header sends the beginning of an answer whose header does not end.
func header(t *testing.T, w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	for _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nA"); err == nil; _, err = io.WriteString(conn, ":") {
		time.Sleep(time.Second)
	}
}

// gzipped returns size zeros in few bytes.
func gzipped(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.CopyN(z, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// drip sends the rest of an answer byte by byte, one a second.
func drip(w http.ResponseWriter, r *http.Request, text, rest string) {
	_, _ = io.WriteString(w, text)
	for r.Context().Err() == nil {
		_ = http.NewResponseController(w).Flush()
		time.Sleep(time.Second)
		_, _ = io.WriteString(w, rest)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// Nothing that could identify the service, or be believed, goes with a request.
func TestJKS02_request(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := keySet(t, "k")
		i := newIssuer(t, keys)
		var headers []http.Header
		i.does(func(w http.ResponseWriter, r *http.Request) {
			headers = append(headers, r.Header)
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
			_, _ = w.Write(keys.JWKS())
		})
		s := i.set(t)
		load(t, s)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(headers) < 10 {
			t.Fatalf("%d requests in an hour", len(headers))
		}
		for _, h := range headers {
			for _, name := range []string{"Cookie", "Authorization", "Referer", "Forwarded"} {
				if h.Get(name) != "" {
					t.Errorf("the request has %s: %s", name, h.Get(name))
				}
			}
		}
	})
}

func TestNew_refuses(t *testing.T) {
	for name, cfg := range map[string]jwks.Config{
		"nothing":           {},
		"both":              {URL: keysURL, Locate: func(context.Context) (string, error) { return keysURL, nil }},
		"http":              {URL: "http://issuer.test/keys"},
		"http, private":     {URL: "http://10.0.0.1/keys"},
		"http, lookalike":   {URL: "http://localhost.issuer.test/keys"},
		"file":              {URL: "file:///etc/passwd"},
		"credentials":       {URL: "https://ada:secret@issuer.test/keys"},
		"fragment":          {URL: "https://issuer.test/keys#x"},
		"relative":          {URL: "/keys"},
		"no host":           {URL: "https:///keys"},
		"not a URL":         {URL: "https://issuer.test/%zz"},
		"shared secret":     {URL: keysURL, Algorithms: []jose.Algorithm{jose.RS256, jose.HS256}},
		"none":              {URL: keysURL, Algorithms: []jose.Algorithm{"none"}},
		"guarded, http":     {URL: "http://127.0.0.1/keys", Guarded: true},
		"guarded, own door": {URL: keysURL, Guarded: true, Transport: http.DefaultTransport},
		"guarded, proxy":    {URL: keysURL, Guarded: true, Proxy: http.ProxyURL(new(url.URL))},
	} {
		if s, err := jwks.New(cfg); s != nil || err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, good := range []string{keysURL, "http://127.0.0.1:8080/keys", "http://localhost/keys", "http://[::1]/keys?a=b"} {
		if _, err := jwks.New(jwks.Config{URL: good, Algorithms: []jose.Algorithm{jose.RS256, "Ed25519"}}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// A guarded set does not connect to what is not public.
func TestJKS03_guarded(t *testing.T) {
	for _, host := range []string{
		"127.0.0.1", "[::1]", "localhost", "10.1.2.3", "[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0", "0.0.0.0",
	} {
		s, err := jwks.New(jwks.Config{URL: "https://" + host + "/keys", Guarded: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); err == nil || strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: %v", host, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

const (
	secretJWK = `{"kty":"oct","alg":"HS256","kid":"oct","k":"bm90IGEgcHVibGljIGtleSBhdCBhbGwsIGlzIGl0PyE"}`
	encJWK    = `{"kty":"OKP","crv":"Ed25519","use":"enc","kid":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	weakJWK   = `{"kty":"RSA","alg":"RS256","kid":"weak","e":"AQAB","n":"zSMdcNwzSAnV0QmkGzJW"}`
)

func TestJKS07_mixedSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, second := generate(t, "good"), generate(t, "good")
		first, _ := good.MarshalJSON()
		other, _ := second.MarshalJSON()
		i := newIssuer(t, nil)
		i.says(http.StatusOK, fmt.Sprintf(`{"keys":[null,7,{},{"kty":"XYZ","kid":"xyz"},%s,%s,%s,%s,%s]}`,
			secretJWK, encJWK, weakJWK, first, other))
		s := i.set(t)
		load(t, s)
		k, err := s.Key(t.Context(), "good", jose.EdDSA)
		if err != nil || !k.Equal(good.Public()) {
			t.Errorf("the good key: %v, %v", k, err)
		}
		for _, kid := range []string{"xyz", "enc", "weak"} {
			lacks(t, s, kid, jose.ErrUnknownKey)
		}
		for _, kid := range []string{"oct", "", "unheard of"} {
			if k, err := s.Key(t.Context(), kid, jose.HS256); k != nil || !errors.Is(err, jose.ErrAlgorithm) {
				t.Errorf("a shared secret %q: %v, %v", kid, k, err)
			}
		}
		if k, err := s.Key(t.Context(), "oct", jose.EdDSA); k != nil || !errors.Is(err, jose.ErrUnknownKey) {
			t.Errorf("a shared secret under another flag: %v, %v", k, err)
		}
	})
}

// What could never be a key of the issuer is not asked for.
func TestJKS07_algorithmsNotWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t, keySet(t, "k"))
		s := i.set(t, jose.RS256, "Ed25519")
		for _, alg := range []jose.Algorithm{jose.HS256, jose.ES256, jose.RS512, "none", "", "nOnE"} {
			if _, err := s.Key(t.Context(), "k", alg); !errors.Is(err, jose.ErrAlgorithm) {
				t.Errorf("%q: %v", alg, err)
			}
		}
		if n := len(i.requests()); n != 0 {
			t.Errorf("%d requests", n)
		}
		for _, alg := range []jose.Algorithm{"Ed25519", jose.EdDSA} {
			if k, err := s.Key(t.Context(), "", alg); err != nil || k.ID() != "k" {
				t.Errorf("%q: %v, %v", alg, k, err)
			}
		}
	})
}

// JWT-04: without a name there has to be exactly one key of the algorithm.
func TestJWT04_noName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		es, err := jose.GenerateKey("es", jose.ES256)
		if err != nil {
			t.Fatal(err)
		}
		keys := keySet(t, "one", "two", "three")
		if err := keys.Add(es); err != nil {
			t.Fatal(err)
		}
		s := newIssuer(t, keys).set(t)
		load(t, s)
		if k, err := s.Key(t.Context(), "", jose.ES256); err != nil || !k.Equal(es.Public()) {
			t.Errorf("the only one: %v, %v", k, err)
		}
		lacks(t, s, "", jose.ErrUnknownKey)
		for _, kid := range []string{"../../dev/null", "' UNION SELECT", strings.Repeat("k", 10<<10), "\x00", "one "} {
			lacks(t, s, kid, jose.ErrUnknownKey)
		}
	})
}

// FuzzLifetime looks for headers that keep keys for longer than allowed, or have
// the issuer asked more often.
func FuzzLifetime(f *testing.F) {
	f.Add("max-age=60", "")
	f.Add("public, max-age=\"3600\", immutable", "17")
	f.Add("max-age=9223372036854775807", "-9223372036854775808")
	f.Add("no-cache=,max-age", "x")
	f.Fuzz(func(t *testing.T, control, age string) {
		h := http.Header{"Cache-Control": {control}, "Age": {age}}
		if life := jwks.Lifetime(h); life < jwks.MinRefresh || life > jwks.MaxRefresh {
			t.Errorf("%q with age %q: %v", control, age, life)
		}
	})
}
