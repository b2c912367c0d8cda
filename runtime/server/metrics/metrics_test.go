package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/metrics"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

const token = "vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"

func TestMain(m *testing.M) {
	for _, name := range []string{"METRICS_ADDR", "METRICS_TOKEN"} {
		_ = os.Unsetenv(name)
	}
	os.Exit(m.Run())
}

// A logBook keeps the lines of a log.
type logBook struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.Write(p)
}

// attr returns what a line says.
func (b *logBook) attr(msg, name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.lines.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == msg {
			return fmt.Sprint(entry[name])
		}
	}
	return ""
}

func service() server.Service {
	return server.Service{
		Name: "shop",
		Open: func(ctx context.Context, name string) (*store.DB, error) {
			return sqlite.Open(ctx, name, sqlite.Config{})
		},
		Migrations: func() ([]store.Migration, error) { return nil, nil },
		Build: func(a *server.App) error {
			a.HandleFunc("GET /api/things/{id}", func(w http.ResponseWriter, r *http.Request) {
				switch r.PathValue("id") {
				case "panic":
					panic("at the disco")
				case "torn":
					_, _ = io.WriteString(w, "half of ")
					panic("too late")
				}
			})
			a.Extend(metrics.Mount("127.0.0.1:0"))
			return nil
		},
	}
}

func open(t *testing.T, log io.Writer, environ ...string) (*server.Server, error) {
	t.Helper()
	cfg, err := config.Load(config.Options{Environ: append(environ, "NOTHING="), Addr: "127.0.0.1:0", Database: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	return server.Open(t.Context(), service(), cfg, slog.New(slog.NewJSONHandler(log, nil)))
}

// start serves until the test ends. It returns the address of the service, and
// that of its metrics.
func start(t *testing.T, environ ...string) (api, measured string) {
	t.Helper()
	log := new(logBook)
	srv, err := open(t, log, environ...)
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	api = "http://" + l.Addr().String()
	if status, _ := ask(t, "GET", api+"/health/live"); status != http.StatusOK { // it serves, so that it listens on both
		t.Fatal(status)
	}
	if addr := log.attr("metrics", "addr"); addr != "" {
		measured = "http://" + addr
	}
	return api, measured
}

func ask(t *testing.T, method, url string, header ...string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Add(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return res.StatusCode, err.Error()
	}
	return res.StatusCode, string(b)
}

func TestCounts(t *testing.T) {
	api, measured := start(t)
	for range 3 {
		ask(t, "GET", api+"/api/things/1?token=marked-secret")
	}
	ask(t, "GET", api+"/api/things/panic")
	ask(t, "GET", api+"/api/things/torn")
	ask(t, "POST", api+"/api/things/1")
	status, body := ask(t, "GET", measured+"/metrics")
	if status != http.StatusOK {
		t.Fatal(status, body)
	}
	for _, want := range []string{
		`http_server_request_duration_seconds_count{method="GET",route="/api/things/{id}",status="200"} 3`,
		`http_server_request_duration_seconds_count{method="GET",route="/api/things/{id}",status="500"} 2`,
		`http_server_request_duration_seconds_count{method="POST",route="",status="405"} 1`,
		`http_server_request_duration_seconds_count{method="GET",route="/health/live",status="200"} 1`,
		"http_server_active_requests 0", "go_goroutines", "go_build_info",
	} {
		if lines := strings.FieldsFunc(body, func(r rune) bool { return r == '\n' }); !slices.ContainsFunc(lines, func(l string) bool {
			name, _, _ := strings.Cut(l, "{")
			return l == want || strings.HasPrefix(l, want+" ") || name == want
		}) {
			t.Errorf("there is no %s", want)
		}
	}
	if strings.Contains(body, "marked") {
		t.Error("the query is in the metrics")
	}
}

// TestLabelsAreFew has a stranger make up paths, methods, hosts and identifiers:
// none of it may make a counter of its own.
func TestLabelsAreFew(t *testing.T) {
	api, measured := start(t)
	series := func() int {
		_, body := ask(t, "GET", measured+"/metrics")
		return strings.Count(body, "http_server_request_duration_seconds_count{")
	}
	attack := func(from, to int) {
		for i := from; i < to; i++ {
			ask(t, "GET", fmt.Sprintf("%s/nowhere/%d", api, i))
			ask(t, fmt.Sprintf("GRAB%d", i), api+"/api/things/1")
			ask(t, "GET", fmt.Sprintf("%s/api/things/%d", api, i))
			ask(t, "GET", fmt.Sprintf("%s/api//things/%d", api, i))
			ask(t, "GET", api+"/api/things/1", "Host", fmt.Sprintf("h%d.example", i), "X-Request-Id", fmt.Sprintf("made-up-%d", i))
		}
	}
	attack(0, 2)
	before := series()
	attack(2, 50)
	if after := series(); after != before || before > 6 {
		t.Errorf("%d series, and then %d", before, after)
	}
}

// TestOPS12_publicListener sees that the service itself tells nothing.
func TestOPS12_publicListener(t *testing.T) {
	api, _ := start(t)
	for _, path := range []string{"/metrics", "/api/metrics", "/debug/pprof/", "/debug/vars"} {
		if status, _ := ask(t, "GET", api+path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestPermission(t *testing.T) {
	_, open := start(t)
	_, guarded := start(t, "METRICS_TOKEN="+token)
	for _, tt := range []struct {
		name, method, url string
		header            []string
		want              int
	}{
		{"this machine", "GET", open + "/metrics", nil, 200},
		{"by name", "GET", open + "/metrics", []string{"Host", "localhost:9464"}, 200},
		{"a page whose name leads here", "GET", open + "/metrics", []string{"Host", "evil.example:9464"}, 403},
		{"no port", "GET", open + "/metrics", []string{"Host", "evil.example"}, 403},
		{"another path", "GET", open + "/", nil, 404},
		{"another method", "POST", open + "/metrics", nil, 405},
		{"no token", "GET", guarded + "/metrics", nil, 401},
		{"an empty token", "GET", guarded + "/metrics", []string{"Authorization", "Bearer "}, 401},
		{"another token", "GET", guarded + "/metrics", []string{"Authorization", "Bearer " + token[1:] + "x"}, 401},
		{"the start of the token", "GET", guarded + "/metrics", []string{"Authorization", "Bearer " + token[:31]}, 401},
		{"another scheme", "GET", guarded + "/metrics", []string{"Authorization", "Basic " + token}, 401},
		{"two headers", "GET", guarded + "/metrics", []string{"Authorization", "Bearer " + token, "Authorization", "Bearer x"}, 401},
		{"in the query", "GET", guarded + "/metrics?token=" + token, nil, 401},
		{"the token", "GET", guarded + "/metrics", []string{"Authorization", "Bearer " + token}, 200},
		{"the token, by any name", "GET", guarded + "/metrics", []string{"Authorization", "bearer " + token, "Host", "shop.internal"}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := ask(t, tt.method, tt.url, tt.header...)
			if status != tt.want || status != http.StatusOK && body != "" {
				t.Errorf("%d %.200s, want %d", status, body, tt.want)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		environ []string
		want    string // of the error
	}{
		{[]string{"METRICS_ADDR=0.0.0.0:0"}, "METRICS_TOKEN: is not set, and others can reach 0.0.0.0:0"},
		{[]string{"METRICS_ADDR=:9464"}, "METRICS_TOKEN: is not set"},
		{[]string{"METRICS_ADDR=[::]:9464"}, "METRICS_TOKEN: is not set"},
		{[]string{"METRICS_ADDR=shop.internal:9464"}, "METRICS_TOKEN: is not set"},
		{[]string{"METRICS_ADDR=0.0.0.0:0", "METRICS_TOKEN=short"}, "METRICS_TOKEN: is shorter than 32 bytes"},
		{[]string{"METRICS_TOKEN=two words " + token}, "METRICS_TOKEN: holds a blank"},
		{[]string{"METRICS_ADDR=9464"}, "METRICS_ADDR: must be host:port"},
		{[]string{"METRICS_ADDR=0.0.0.0:0", "METRICS_TOKEN=" + token}, ""},
		{[]string{"METRICS_ADDR=[::1]:0"}, ""},
		{[]string{"METRICS_ADDR=off"}, ""},
	} {
		srv, err := open(t, io.Discard, tt.environ...)
		if err == nil {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
		}
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "short ") || strings.Contains(err.Error(), token)) {
			t.Errorf("%v: %v, want %q", tt.environ, err, tt.want)
		}
	}
}

func TestOff(t *testing.T) {
	if _, measured := start(t, "METRICS_ADDR=off"); measured != "" {
		t.Error("it listens at", measured)
	}
}

// TestTaken sees that a service whose metrics cannot be told does not start.
func TestTaken(t *testing.T) {
	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	srv, err := open(t, io.Discard, "METRICS_ADDR="+taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "set METRICS_ADDR to another address") {
		t.Error(err)
	}
	if _, err := lc.Listen(t.Context(), "tcp", l.Addr().String()); err != nil {
		t.Error("the address of the service is still taken:", err)
	}
}
