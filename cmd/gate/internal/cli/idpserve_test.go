package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/config"
)

// OPS-04: what follows a request whose end is told in two ways is no request.
func TestOPS04_provider(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := newProviderServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/first" {
			t.Errorf("asked for %s", r.URL.Path)
		}
	}), slog.New(slog.DiscardHandler))
	if srv.ReadHeaderTimeout == 0 || srv.ReadTimeout == 0 || srv.WriteTimeout == 0 || srv.IdleTimeout == 0 {
		t.Errorf("a client may take for ever: %v %v %v %v", srv.ReadHeaderTimeout, srv.ReadTimeout, srv.WriteTimeout, srv.IdleTimeout)
	}
	go func() { _ = srv.Serve(listener) }() // ends with Close
	defer srv.Close()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+
		"GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if !res.Close {
		t.Error("the connection stays open")
	}
}

// OPS-11: a line of the log does nothing to the terminal that shows it.
func TestOPS11_provider(t *testing.T) {
	const path = "/\x1b[31mred\nFAKE\u202e\u009b"
	var out bytes.Buffer
	newServeLogger(&console{talk: newTalk(&out, "never")}, slog.LevelInfo).InfoContext(t.Context(), "request", "path", path)
	var line struct{ Path string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Path != path {
		t.Errorf("%q %v", line.Path, err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e\u009b") || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("raw: %q", out.String())
	}
}

func TestThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost:3001": true, "shop.localhost:3001": true, "127.0.0.2:1": true, "::1": true, "[::1]": true, "[::1]:3001": true,
		"": false, "192.0.2.1:3001": false, "localhost.example": false, "[::2]:3001": false,
	} {
		if got := thisMachine(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}

// What could not be done for a client that is gone is no outage of the provider, and
// what could not be done for one that waits is.
func TestIDPServe_clientGone(t *testing.T) {
	cfg, err := config.Parse("idp.yaml", []byte("issuer: http://localhost:3001/\n"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	for want, leaves := range map[string]bool{`"status":499`: true, `"status":503`: false} {
		var out bytes.Buffer
		s := &idpServer{cfg: cfg, log: slog.New(slog.NewJSONHandler(&out, nil))}
		ctx, leave := context.WithCancel(t.Context())
		h := s.handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if leaves {
				leave()
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/userinfo", nil))
		if leave(); !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
}
