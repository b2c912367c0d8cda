package tracing_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	v1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/tracing"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// marked is in everything that must not leave the service.
const marked = "marked-secret"

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// A sink is a collector.
type sink struct {
	*httptest.Server
	mu    sync.Mutex
	raw   bytes.Buffer // what was sent, as it came
	keys  []string     // api-key of each request
	spans []*v1.Span
	about []string
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := new(sink)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
			http.Error(w, "what is that?", http.StatusBadRequest)
			return
		}
		s.raw.Write(body)
		s.keys = append(s.keys, r.Header.Get("Api-Key"))
		for _, rs := range sent.GetResourceSpans() {
			for _, a := range rs.GetResource().GetAttributes() {
				s.about = append(s.about, a.GetKey()+"="+a.GetValue().GetStringValue())
			}
			for _, ss := range rs.GetScopeSpans() {
				s.spans = append(s.spans, ss.GetSpans()...)
			}
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// span returns the span of that name.
func (s *sink) span(t *testing.T, name string) *v1.Span {
	t.Helper()
	i := slices.IndexFunc(s.spans, func(sp *v1.Span) bool { return sp.GetName() == name })
	if i < 0 {
		t.Fatalf("there is no span %q in %v", name, s.spans)
	}
	return s.spans[i]
}

// attrs returns what a span says.
func attrs(s *v1.Span) map[string]string {
	m := map[string]string{}
	for _, a := range s.GetAttributes() {
		m[a.GetKey()] = strings.Trim(strings.TrimPrefix(strings.TrimPrefix(a.GetValue().String(), "string_value:"), "int_value:"), `"`)
	}
	return m
}

func open(t *testing.T, log io.Writer, file, elsewhere string) (*server.Server, error) {
	t.Helper()
	cfg, err := config.Load(config.Options{File: file, Addr: "127.0.0.1:0", Database: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: tracing.Transport(nil)}
	return server.Open(t.Context(), server.Service{
		Name: "shop",
		Open: func(ctx context.Context, name string) (*store.DB, error) {
			return sqlite.Open(ctx, name, sqlite.Config{})
		},
		Migrations: func() ([]store.Migration, error) { return nil, nil },
		Build: func(a *server.App) error {
			a.HandleFunc("POST /api/things/{id}", func(w http.ResponseWriter, r *http.Request) {
				if r.PathValue("id") == "panic" {
					panic(marked)
				}
				req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, elsewhere+"/"+marked+"?key="+marked, http.NoBody)
				if err != nil {
					panic(err)
				}
				req.Header.Set("Authorization", "Bearer "+marked)
				if res, err := client.Do(req); err == nil {
					_ = res.Body.Close()
				}
			})
			a.Extend(tracing.Mount)
			return nil
		},
	}, cfg, slog.New(slog.NewTextHandler(log, nil)))
}

// clean takes the variables of whoever runs the tests away.
func clean(t *testing.T) {
	t.Helper()
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
}

// serve runs a service while f asks it, and ends it.
func serve(t *testing.T, srv *server.Server, f func(url string)) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, l) }()
	f("http://" + l.Addr().String())
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}

func ask(t *testing.T, method, url string, header ...string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(`{"password":"`+marked+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

// TestOPS10_spans sees what a span says, and that nothing of what a caller sends is
// in it.
func TestOPS10_spans(t *testing.T) {
	clean(t)
	c := newSink(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key="+marked)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	var carried string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { carried = r.Header.Get("Traceparent") }))
	defer elsewhere.Close()
	var log bytes.Buffer
	srv, err := open(t, &log, "", elsewhere.URL)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{"Authorization", "Bearer " + marked, "Cookie", "s=" + marked, "User-Agent", marked, "X-Api-Key", marked, "Baggage", "k=" + marked, "Content-Type", marked}
	serve(t, srv, func(url string) {
		ask(t, "POST", url+"/api/things/"+marked+"?token="+marked+"#"+marked, append(secrets, "Traceparent", traceparent)...)
		ask(t, "POST", url+"/api/things/panic", secrets...)
		ask(t, "GET", url+"/nowhere/"+marked, secrets...)
		ask(t, "GRAB-"+strings.ToUpper(marked), url+"/nowhere", "Traceparent", "00-nonsense")
	})

	if len(c.spans) != 5 || !slices.Contains(c.keys, marked) {
		t.Fatalf("%d spans, keys %v", len(c.spans), c.keys)
	}
	if strings.Contains(strings.ToLower(c.raw.String()), marked) {
		t.Errorf("a secret was sent: %q", c.raw.String())
	}
	for _, want := range []string{"service.name=shop", "deployment.environment.name=test"} {
		if !slices.Contains(c.about, want) {
			t.Errorf("%v lacks %s", c.about, want)
		}
	}
	in := c.span(t, "POST /api/things/{id}")
	if hex.EncodeToString(in.GetTraceId()) != traceparent[3:35] || hex.EncodeToString(in.GetParentSpanId()) != traceparent[36:52] || in.GetKind() != v1.Span_SPAN_KIND_SERVER {
		t.Errorf("%v does not go on with the trace", in)
	}
	got := attrs(in)
	if got["http.route"] != "/api/things/{id}" || got["http.request.method"] != "POST" || got["http.response.status_code"] != "200" || got["gate.request_id"] == "" || len(got) != 4 {
		t.Errorf("%v", got)
	}
	out := c.span(t, "GET")
	if out.GetKind() == v1.Span_SPAN_KIND_SERVER { // the one that no route took has the same name
		c.spans = slices.DeleteFunc(c.spans, func(s *v1.Span) bool { return s == out })
		out = c.span(t, "GET")
	}
	if !bytes.Equal(out.GetParentSpanId(), in.GetSpanId()) || carried != "00-"+traceparent[3:35]+"-"+hex.EncodeToString(out.GetSpanId())+"-01" {
		t.Errorf("the trace does not go on elsewhere: %q, %v", carried, out)
	}
	other := c.span(t, "OTHER")
	if len(other.GetParentSpanId()) != 0 || attrs(other)["http.request.method"] != "_OTHER" {
		t.Errorf("%v", other)
	}
	faults := 0
	for _, s := range c.spans {
		if s.GetStatus().GetCode() == v1.Status_STATUS_CODE_ERROR {
			faults++
			if attrs(s)["http.response.status_code"] != "500" || len(s.GetEvents()) > 0 {
				t.Errorf("%v", s)
			}
		}
	}
	if faults != 1 {
		t.Errorf("%d spans are faults", faults)
	}
}

// TestCollectorGone sees that a service answers without its collector, and that
// its log says what is wrong but not where, which may be a secret.
func TestCollectorGone(t *testing.T) {
	clean(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", gone.URL+"/"+marked)
	gone.Close()
	var log bytes.Buffer
	srv, err := open(t, &log, "", "")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, srv, func(url string) { ask(t, "GET", url+"/health/live") })
	if strings.Contains(log.String(), marked) {
		t.Errorf("%s", log.String())
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "must be http/protobuf"},
		{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "must be http/protobuf"},
		{"OTEL_TRACES_EXPORTER", "zipkin", "must be otlp or none"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "must be a URL"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:" + marked + "@collector:4318", "cannot hold a password"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://collector", "must be a URL"},
		{"OTEL_SDK_DISABLED", "true", ""},
		{"OTEL_TRACES_EXPORTER", "none", ""},
	} {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			clean(t)
			t.Setenv(tt.name, tt.value)
			srv, err := open(t, io.Discard, "", "")
			if err == nil {
				serve(t, srv, func(url string) { ask(t, "GET", url+"/health/live") })
			}
			if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), marked)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestFile sees that the file .env counts, and the environment more.
func TestFile(t *testing.T) {
	clean(t)
	c := newSink(t)
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME"} {
		t.Setenv(name, "") // so that what the service puts there is taken away again
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "k=environment")
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte("OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL+"\nOTEL_SERVICE_NAME=bakery\nOTEL_RESOURCE_ATTRIBUTES=k=file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	srv, err := open(t, io.Discard, file, "")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, srv, func(url string) { ask(t, "GET", url+"/health/live") })
	for _, want := range []string{"service.name=bakery", "k=environment"} {
		if !slices.Contains(c.about, want) {
			t.Errorf("%v lacks %s", c.about, want)
		}
	}
}
