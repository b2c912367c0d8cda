package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"
)

const testSecret = "vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"

// A running is a service behind a listener.
type running struct {
	t   *testing.T
	url string
	srv *server.Server
	app *App
	log *bytes.Buffer
	out *syncWriter // into log
}

// logged returns what was logged so far.
func (r *running) logged() string {
	r.out.mu.Lock()
	defer r.out.mu.Unlock()
	return r.log.String()
}

// options change how a service is started.
type options struct {
	noTokens, basic, noAuth bool
	environ                 []string
	configure               func(*App) error
	change                  func(*server.Service)
	level                   slog.Level // of the log; zero is info
}

func start(t *testing.T, o options) *running {
	t.Helper()
	r := &running{t: t, log: new(bytes.Buffer)}
	s := restaurant(!o.noTokens && !o.noAuth, o.basic && !o.noAuth, func(a *App) error {
		r.app = a
		if o.configure != nil {
			return o.configure(a)
		}
		return nil
	})
	if o.change != nil {
		o.change(&s)
	}
	cfg, err := config.Load(config.Options{
		Environ: append([]string{"AUTH_SECRET=" + testSecret}, o.environ...),
		Addr:    "127.0.0.1:0", Database: filepath.Join(t.TempDir(), "data.db"), SecretBytes: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.out = &syncWriter{w: r.log}
	logger := server.NewLogger(r.out, o.level)
	if r.srv, err = server.Open(t.Context(), s, cfg, logger); err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(r.srv.Handler())
	r.url = ts.URL
	t.Cleanup(func() {
		ts.Close()
		if err := r.srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// an answer is a response, read to its end.
type answer struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   string
}

// do sends a request. The headers are name and value in turn.
func (r *running) do(method, path, body string, headers ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{r.t, res.StatusCode, res.Header, string(text)}
}

// json reads the body.
func (a answer) json() map[string]any {
	a.t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		a.t.Fatalf("answer %d is no JSON object: %v: %s", a.Status, err, a.Body)
	}
	return v
}

// is fails the test unless the answer has this status.
func (a answer) is(status ...int) answer {
	a.t.Helper()
	if !slices.Contains(status, a.Status) {
		a.t.Fatalf("status is %d, want %d: %s", a.Status, status, a.Body)
	}
	return a
}

const goodPassword = "plum-Gravel-oyster-29"

// signUp makes an account with these roles and returns its id.
func (r *running) signUp(email string, roles ...string) string {
	r.t.Helper()
	a := r.do("POST", "/api/users", fmt.Sprintf(`{"email":%q,"password":%q}`, email, goodPassword)).is(201)
	id, _ := a.json()["id"].(string)
	if len(roles) > 0 {
		list, err := json.Marshal(map[string][]string{"roles": roles})
		if err != nil {
			r.t.Fatal(err)
		}
		if _, err := r.app.Users.PatchRow(authz.System(r.t.Context()), id, list, nil); err != nil {
			r.t.Fatal(err)
		}
	}
	return id
}

// login returns the headers of somebody with that address.
func (r *running) login(email string) []string {
	r.t.Helper()
	a := r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, email, goodPassword)).is(201)
	token, _ := a.json()["accessToken"].(string)
	return []string{"Authorization", "Bearer " + token}
}
