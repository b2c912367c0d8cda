package password_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/password"
)

// sha1 of "seven wet dogs sing".
const (
	prefix = "81B72"
	suffix = "1AAA72BF342B1BC1E95A9F29BA7E8F7A219"
)

// service answers with handle, and returns what was asked and logged.
func service(t *testing.T, handle http.HandlerFunc) (b *password.Breach, asked func() string, logged *strings.Builder) {
	t.Helper()
	trace := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			t.Error(err)
		}
		trace <- string(dump)
		handle(w, r)
	}))
	t.Cleanup(srv.Close)
	logged = new(strings.Builder)
	b = &password.Breach{URL: srv.URL + "/range/", Timeout: 200 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(logged, nil))}
	return b, func() string {
		select {
		case text := <-trace:
			return text
		default:
			return ""
		}
	}, logged
}

// TestPWD06_fiveDigits: nothing but five digits leaves.
func TestPWD06_fiveDigits(t *testing.T) {
	for body, want := range map[string]bool{
		"0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n" + suffix + ":3\r\n": true,
		strings.ToLower(suffix) + ":1":                                  true,
		suffix + ":0":                                                   false, // padding
		suffix + ":000":                                                 false,
		"0018A45C4D1DEF81644B54AB7F969B88D65:10":                        false,
		prefix + ":10":                                                  false,
		"":                                                              false,
	} {
		b, asked, logged := service(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if got := b.Leaked(t.Context(), "seven wet dogs sing"); got != want {
			t.Errorf("answer %q: %t, want %t", body, got, want)
		}
		text := asked()
		if !strings.HasPrefix(text, "GET /range/"+prefix+" HTTP/1.1\r\n") || !strings.Contains(text, "Add-Padding: true") {
			t.Errorf("asked: %s", text)
		}
		if strings.Contains(text, suffix[:4]) || strings.Contains(text, "wet") {
			t.Errorf("more than five digits left: %s", text)
		}
		if logged.Len() > 0 {
			t.Errorf("logged: %s", logged)
		}
	}
}

// TestPWD06_failsOpen: a service that does not answer holds nobody up, and that
// is logged without the digits.
func TestPWD06_failsOpen(t *testing.T) {
	hit := suffix + ":5\n"
	for name, handle := range map[string]http.HandlerFunc{
		"error":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); _, _ = io.WriteString(w, hit) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"silence":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"one line": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("A", 1<<20)+hit) },
		"slow": func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, asked, logged := service(t, handle)
			start := time.Now()
			if b.Leaked(t.Context(), "seven wet dogs sing") {
				t.Error("it counts as leaked")
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			if asked() == "" || asked() != "" {
				t.Error("want one question")
			}
			if !strings.Contains(logged.String(), "did not answer") || strings.Contains(logged.String(), prefix) {
				t.Errorf("logged: %s", logged)
			}
		})
	}
}

// TestPWD06_boundedAnswer: a long answer is read up to a bound.
func TestPWD06_boundedAnswer(t *testing.T) {
	b, _, _ := service(t, func(w http.ResponseWriter, _ *http.Request) {
		line := "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n"
		for range 100 {
			_, _ = io.WriteString(w, strings.Repeat(line, 1000))
		}
		_, _ = io.WriteString(w, suffix+":9\n")
	})
	if b.Leaked(t.Context(), "seven wet dogs sing") {
		t.Error("it read more than 256 KiB")
	}
}

// TestPWD06_offByDefault: without a URL nobody is asked.
func TestPWD06_offByDefault(t *testing.T) {
	var b *password.Breach
	if b.Leaked(t.Context(), "passwordpassword") || (&password.Breach{}).Leaked(t.Context(), "passwordpassword") {
		t.Error("it counts as leaked")
	}
	for url, ok := range map[string]bool{"": true, "https://api.example/range/": true, "http://api.example/range/": false, "ftp://x": false, "https://a:b@c.example": false, "%": false} {
		if err := (&password.Breach{URL: url}).Validate(); (err == nil) != ok {
			t.Errorf("Validate of %q: %v", url, err)
		}
	}
}
