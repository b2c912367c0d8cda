package actions_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/actions"
)

// A site answers the requests of actions under any name.
type site struct {
	mu       sync.Mutex
	requests []string
	handler  http.HandlerFunc
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.String())
	s.mu.Unlock()
	if r.Body == nil {
		r.Body = http.NoBody // as a server sees it
	}
	w := httptest.NewRecorder()
	s.handler(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func (s *site) runner(tb testing.TB, hosts ...string) *actions.Runner {
	tb.Helper()
	return newRunner(tb, actions.Config{Transport: s, AllowedHosts: hosts, CPU: actions.MaxCPU})
}

// claim is what code sets as the claim "got".
func claim(t *testing.T, r *actions.Runner, code string, secrets map[string]string) (any, error) {
	t.Helper()
	a := one(code)
	a[0].Secrets = secrets
	got, err := r.PostLogin(t.Context(), a, loginEvent(), actions.Flow{Host: "tenant.example"})
	return got.IDToken["got"], err
}

func TestAxios_secrets(t *testing.T) {
	s := &site{handler: func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "Bearer sesame-key" || r.Header.Get("Content-Type") != "application/json" || string(body) != `{"email":"ana@example.com"}` {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, `{"customer":"c1"}`)
	}}
	r := s.runner(t, "api.exampleco.com")
	got, err := claim(t, r, `
const axios = require("axios");

exports.onExecutePostLogin = async (event, api) => {
  const response = await axios.post("https://api.exampleco.com/customers", { email: event.user.email }, {
    headers: { Authorization: "Bearer " + event.secrets.API_KEY },
    params: { from: 'login', empty: null },
    timeout: 2000,
  });
  api.idToken.setCustomClaim('got', response.data.customer);
};`, map[string]string{"API_KEY": "sesame-key"})
	if err != nil || got != "c1" {
		t.Fatal(got, err)
	}
	if diff := cmp.Diff([]string{"POST https://api.exampleco.com/customers?from=login"}, s.requests); diff != "" {
		t.Error(diff)
	}
}

func TestClients(t *testing.T) {
	s := &site{handler: func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/json":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"method":"`+r.Method+`","type":"`+r.Header.Get("Content-Type")+`","body":"`+strings.ReplaceAll(string(body), `"`, `'`)+`","auth":"`+r.Header.Get("Authorization")+`"}`)
		case "/bytes":
			_, _ = w.Write([]byte{0xff, 0x00, 0x80})
		case "/away":
			http.Redirect(w, r, "/json", http.StatusFound)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":"none"}`)
		}
	}}
	for name, tt := range map[string]struct {
		code string
		want any
	}{
		"fetch":          {`const r = await fetch('https://h.example/json'); return r.ok && r.status === 200 && r.headers.get('Content-Type') === 'application/json' && (await r.json()).method;`, "GET"},
		"fetch post":     {`const r = await fetch('https://h.example/json', {method: 'post', headers: {'X-A': 'b'}, body: new URLSearchParams({a: 'b c'})}); const j = await r.json(); return j.type + ' ' + j.body;`, "application/x-www-form-urlencoded;charset=UTF-8 a=b+c"},
		"fetch status":   {`const r = await fetch('https://h.example/none'); return [r.ok, r.status, r.statusText, await r.text()];`, []any{false, 404.0, "Not Found", `{"error":"none"}`}},
		"fetch bytes":    {`const r = await fetch('https://h.example/bytes'); return Array.from(new Uint8Array(await r.arrayBuffer()));`, []any{255.0, 0.0, 128.0}},
		"fetch redirect": {`const r = await fetch('https://h.example/away'); return [r.url, r.redirected];`, []any{"https://h.example/json", true}},
		"fetch manual":   {`const r = await fetch('https://h.example/away', {redirect: 'manual'}); return [r.status, r.headers.get('location')];`, []any{302.0, "/json"}},
		"fetch twice":    {`const r = await fetch('https://h.example/json'); await r.text(); try { await r.text(); } catch (e) { return e.name; }`, "TypeError"},
		"fetch aborted":  {`const c = new AbortController(); const p = fetch('https://h.example/json', {signal: c.signal}); c.abort(); try { await p; } catch (e) { return e.name; }`, "AbortError"},
		"parallel":       {`return (await Promise.all([1, 2, 3].map(() => fetch('https://h.example/json')))).map((r) => r.status);`, []any{200.0, 200.0, 200.0}},
		"node-fetch":     {`const fetch = require('node-fetch@2.6.1'); return (await fetch('https://h.example/json')).status;`, 200.0},
		"axios get":      {`const r = await require('axios').get('https://h.example/json', {auth: {username: 'u', password: 'p'}}); return r.data.auth;`, "Basic dTpw"},
		"axios error":    {`try { await require('axios@1').default('https://h.example/none'); } catch (e) { return [e.name, e.message, e.response.status, e.response.data.error, e.code, e.isAxiosError]; }`, []any{"AxiosError", "Request failed with status code 404", 404.0, "none", "ERR_BAD_REQUEST", true}},
		"axios network":  {`try { await require('axios').get('https://other.example/'); } catch (e) { return [e.code, e.message, e.response === undefined]; }`, []any{"ERR_NETWORK", "the host is not on the list of allowed hosts", true}},
		"axios instance": {`const a = require('axios').create({baseURL: 'https://h.example', headers: {common: {Authorization: 'x'}}}); a.interceptors.response.use((r) => r.data); return (await a.request({url: '/json', method: 'PUT', data: 'a=b'})).auth;`, "x"},
		"axios valid":    {`return (await require('axios')({url: 'https://h.example/none', validateStatus: null})).status;`, 404.0},
		"https get":      {`return await new Promise((resolve, reject) => require('https').get('https://h.example/json', (res) => { let s = ''; res.on('data', (c) => { s += c; }); res.on('end', () => resolve([res.statusCode, JSON.parse(s).method])); }).on('error', reject));`, []any{200.0, "GET"}},
		"https post":     {`return await new Promise((resolve, reject) => { const req = require('https').request({hostname: 'h.example', path: '/json', method: 'POST', headers: {'Content-Type': 'a/b'}}, (res) => { const c = []; res.on('data', (d) => c.push(d)).on('end', () => resolve(JSON.parse(Buffer.concat(c)).body)); }); req.on('error', reject); req.write('{"a":'); req.end('1}'); });`, `{'a':1}`},
		"https error":    {`return await new Promise((resolve) => require('https').get('https://other.example/').on('error', (e) => resolve(e.message)));`, "the host is not on the list of allowed hosts"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := claim(t, s.runner(t, "h.example"), `exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('got', await (async () => {`+tt.code+`})()); };`, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// fetching is an action that claims why a request failed.
func fetching(target string) string {
	return `exports.onExecutePostLogin = async (event, api) => {
		try { const r = await fetch('` + target + `'); api.idToken.setCustomClaim('got', 'status ' + r.status); }
		catch (e) { api.idToken.setCustomClaim('got', e.message); } };`
}

func TestIDP23_hosts(t *testing.T) {
	s := &site{handler: func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	}}
	r := s.runner(t, "h.example", "*.sub.example", "port.example:8443", "8.8.8.8", "169.254.169.254", "[::1]")
	for target, allowed := range map[string]bool{
		"https://h.example/": true, "https://H.EXAMPLE/": true, "https://h.example:443/": true, "https://a.sub.example/": true,
		"https://port.example:8443/": true, "https://8.8.8.8/": true, "https://h.example/?to=https://a.sub.example/": true,

		"http://h.example/": false, "https://h.example:8443/": false, "https://port.example/": false, "https://sub.example/": false,
		"https://evilsub.example/": false, "https://h.example.evil.example/": false, "https://evil.example/?h.example": false,
		"https://user@h.example/": false, "https://h.example@evil.example/": false, "file:///etc/passwd": false, "ftp://h.example/": false,
		"https://169.254.169.254/latest/meta-data/": false, "https://[::1]/": false, "https://127.0.0.1/": false, "https://localhost/": false,
		"https://0x7f000001/": false, "https://127.1/": false, "https://[::ffff:127.0.0.1]/": false,
		"https://h.example/?to=https://evil.example/": false, "https://h.example/?to=http://h.example/": false,
		"https://h.example/?to=https://169.254.169.254/": false, "https://h.example/?to=file:///etc/passwd": false,
		"https://h.example/?to=https://h.example/?to=https://h.example/?to=https://evil.example/": false,
	} {
		got, err := claim(t, r, fetching(target), nil)
		if err != nil {
			t.Fatal(target, err)
		}
		if said, _ := got.(string); strings.HasPrefix(said, "status 200") != allowed {
			t.Errorf("%s: %v, want allowed = %v", target, got, allowed)
		}
	}
	for _, sent := range s.requests {
		target, _, _ := strings.Cut(sent, "?")
		if strings.Contains(target, "169.254") || strings.Contains(target, "evil") || strings.Contains(target, "127.") {
			t.Error("sent:", sent)
		}
	}
}

// A name that is allowed may still lead to an address that is not.
func TestJKS03_resolvedAddress(t *testing.T) {
	var hits atomic.Int32
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) })}}
	server.Start()
	defer server.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	refused := newRunner(t, actions.Config{AllowedHosts: []string{"localhost:" + port}})
	for _, scheme := range []string{"https", "http"} {
		got, err := claim(t, refused, fetching(scheme+"://localhost:"+port+"/"), nil)
		if said, _ := got.(string); err != nil || !strings.Contains(said, "allowed") {
			t.Error(scheme, got, err)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Fatalf("%d requests arrived", n)
	}
	open := newRunner(t, actions.Config{AllowedHosts: []string{"localhost:" + port}, AllowPrivate: true})
	if got, err := claim(t, open, fetching("http://localhost:"+port+"/"), nil); err != nil || got != "status 200" {
		t.Error(got, err)
	}
}

func TestIDP23_calls(t *testing.T) {
	s := &site{handler: func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/huge" {
			_, _ = w.Write(make([]byte, 2<<20))
		}
	}}
	r := s.runner(t, "h.example")
	got, err := claim(t, r, `exports.onExecutePostLogin = async (event, api) => { let n = 0;
		try { for (;;) { await fetch('https://h.example/'); n++; } } catch (e) { api.idToken.setCustomClaim('got', n + ' ' + e.message); } };`, nil)
	if err != nil || got != "10 fetch failed: more than 10 requests" || len(s.requests) != 10 {
		t.Error(got, err, len(s.requests))
	}
	for path, want := range map[string]string{"/huge": "an answer of more than"} {
		if got, err := claim(t, r, fetching("https://h.example"+path), nil); err != nil || !strings.Contains(got.(string), want) {
			t.Error(path, got, err)
		}
	}
	if got, err := claim(t, r, `exports.onExecutePostLogin = async (event, api) => { try { await fetch('https://h.example/', {method: 'POST', body: 'x'.repeat(2e6)}); }
		catch (e) { api.idToken.setCustomClaim('got', e.message); } };`, nil); err != nil || !strings.Contains(got.(string), "a body of more than") {
		t.Error(got, err)
	}
}

// A site that never answers costs the trigger its time, and no more.
func TestIDP22_silentSite(t *testing.T) {
	s := &site{}
	r := newRunner(t, actions.Config{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}), AllowedHosts: []string{"h.example"}, Timeout: 300 * time.Millisecond})
	_, err := claim(t, r, `exports.onExecutePostLogin = async () => { await fetch('https://h.example/'); };`, nil)
	if !errors.Is(err, actions.ErrTimeout) || len(s.requests) != 0 {
		t.Error(err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A tenant is a Management API of two users and two roles.
func tenant(log *[]string) http.Handler {
	mux := http.NewServeMux()
	note := func(r *http.Request) []byte {
		body, _ := io.ReadAll(r.Body)
		*log = append(*log, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		return body
	}
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		if body := note(r); !strings.Contains(string(body), `"client_secret":"m2m-secret"`) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"access_denied","error_description":"Unauthorized"}`)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"m2m-token","expires_in":86400}`)
	})
	mux.HandleFunc("/api/v2/", func(w http.ResponseWriter, r *http.Request) {
		note(r)
		switch {
		case r.Header.Get("Authorization") != "Bearer m2m-token":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"statusCode":401,"error":"Unauthorized","message":"Invalid token"}`)
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "roles"):
			_, _ = io.WriteString(w, `[{"id":"rol_1","name":"Customer"},{"id":"rol_2","name":"cook"}]`)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusNoContent)
		default:
			_, _ = io.WriteString(w, `{"user_id":"auth0|1","app_metadata":{"a":1}}`)
		}
	})
	return mux
}

func TestAuth0Module(t *testing.T) {
	const secrets = `{domain: 'tenant.example', clientId: 'm2m', clientSecret: event.secrets.SECRET}`
	for name, tt := range map[string]struct {
		code string
		want any
		log  []string
	}{
		"version 2": {
			`const M = require('auth0@2.35.1').ManagementClient; const m = new M(` + secrets + `); await m.assignRolestoUser({id: event.user.user_id}, {roles: ['rol_1']}); return (await m.getUserRoles({id: 'a|b'})).map((r) => r.name);`,
			[]any{"Customer", "cook"},
			[]string{`POST /api/v2/users/auth0%7C5f7c8ec7c33c6c004bbafe82/roles {"roles":["rol_1"]}`, "GET /api/v2/users/a%7Cb/roles"},
		},
		"callback": {
			`const M = require('auth0').ManagementClient; const m = new M(` + secrets + `); return await new Promise((resolve) => m.updateUser({id: 'x'}, {name: 'n'}, (err, user) => resolve(user.user_id)));`,
			"auth0|1",
			[]string{`PATCH /api/v2/users/x {"name":"n"}`},
		},
		"version 4": {
			`const { ManagementClient } = require('auth0'); const m = new ManagementClient(` + secrets + `); const { data: roles } = await m.roles.getAll({per_page: 5}); const r = roles.find((r) => r.name === 'Customer'); await m.users.assignRoles({ id: 'x' }, { roles: [r.id] }); return (await m.users.get({id: 'x'})).data.app_metadata.a;`,
			1.0,
			[]string{"GET /api/v2/roles?per_page=5", `POST /api/v2/users/x/roles {"roles":["rol_1"]}`, "GET /api/v2/users/x"},
		},
		"version 5": {
			`const { ManagementClient } = require('auth0'); const m = new ManagementClient(` + secrets + `); await m.users.roles.assign('x', {roles: ['rol_2']}); return (await m.users.roles.list('x')).data.length;`,
			2.0,
			[]string{`POST /api/v2/users/x/roles {"roles":["rol_2"]}`, "GET /api/v2/users/x/roles"},
		},
		"token of one's own": {
			`const { AuthenticationClient, ManagementClient } = require('auth0'); const a = new AuthenticationClient(` + secrets + `); const r = await a.oauth.clientCredentialsGrant({audience: 'https://tenant.example/api/v2/'}); const m = new ManagementClient({domain: 'tenant.example', token: r.data.access_token}); return (await m.users.get({id: 'x'})).user_id;`,
			"auth0|1",
			[]string{"GET /api/v2/users/x"},
		},
		"wrong token": {
			`const { ManagementClient } = require('auth0'); try { await new ManagementClient({domain: 'https://tenant.example/', token: 't'}).users.get({id: 'x'}); } catch (e) { return [e.name, e.statusCode, e.message]; }`,
			[]any{"ManagementApiError", 401.0, "Invalid token"},
			[]string{"GET /api/v2/users/x"},
		},
		"plain fetch": {
			`const t = await (await fetch('https://' + event.request.hostname + '/oauth/token', {method: 'POST', body: JSON.stringify({client_secret: event.secrets.SECRET})})).json(); return t.access_token;`,
			"m2m-token",
			[]string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log []string
			r := newRunner(t, actions.Config{Management: tenant(&log), ManagementHost: "tenant.example"})
			got, err := claim(t, r, `exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('got', await (async () => {`+tt.code+`})()); };`, map[string]string{"SECRET": "m2m-secret"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			log = slices.DeleteFunc(log, func(l string) bool { return strings.HasPrefix(l, "POST /oauth/token") })
			if diff := cmp.Diff(tt.log, log); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An action may set off others, but not without end, and not wait for itself.
func TestManagement_nested(t *testing.T) {
	var r *actions.Runner
	runs := 0
	again := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		runs++
		got, err := r.CredentialsExchange(req.Context(), one(`exports.onExecuteCredentialsExchange = async (event, api) => {
			const r = await fetch('https://tenant.example/oauth/token'); if (!r.ok) throw new Error(await r.text()); };`), actions.CredentialsExchangeEvent{})
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, err.Error())
		}
		_ = got
	})
	r = newRunner(t, actions.Config{Management: again, ManagementHost: "tenant.example", MaxConcurrent: 1, Timeout: 5 * time.Second})
	got, err := claim(t, r, fetching("https://tenant.example/oauth/token"), nil)
	if err != nil || got != "status 500" || runs != 3 {
		t.Error(got, err, runs)
	}
}

// IDP-22: what actions set off runs no more at once than actions do.
func TestIDP22_nestedConcurrency(t *testing.T) {
	const most, calls = 2, 8
	var r *actions.Runner
	var mu sync.Mutex
	running, highest, waiting := 0, 0, 0
	all := make(chan struct{}) // closed when each of the calls was made
	set := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/hold") { // by an execution that was set off
			mu.Lock()
			running++
			highest = max(highest, running)
			mu.Unlock()
			<-all
			mu.Lock()
			running--
			mu.Unlock()
			return
		}
		mu.Lock()
		if waiting++; waiting == calls {
			close(all)
		}
		mu.Unlock()
		_, err := r.CredentialsExchange(req.Context(), one(`exports.onExecuteCredentialsExchange = async () => { await fetch('https://tenant.example/api/v2/hold'); };`), actions.CredentialsExchangeEvent{})
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, err.Error())
		}
	})
	r = newRunner(t, actions.Config{Management: set, ManagementHost: "tenant.example", MaxConcurrent: most})
	got, err := claim(t, r, `exports.onExecutePostLogin = async (event, api) => {
		const all = await Promise.all(Array.from({length: 8}, () => fetch('https://tenant.example/oauth/token')));
		api.idToken.setCustomClaim('got', all.map((r) => r.status).join(' '));
	};`, nil)
	if want := strings.TrimSpace(strings.Repeat("200 ", calls)); err != nil || got != want {
		t.Errorf("%v %v", got, err)
	}
	if highest == 0 || highest > most {
		t.Errorf("%d ran at once, want at most %d", highest, most)
	}
}

func TestManagement_panics(t *testing.T) {
	r := newRunner(t, actions.Config{Management: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") }), ManagementHost: "tenant.example"})
	got, err := claim(t, r, fetching("https://tenant.example/api/v2/users"), nil)
	if err != nil || got != "fetch failed: internal error" {
		t.Error(got, err)
	}
}

func TestBusy(t *testing.T) {
	started := make(chan struct{})
	release := make(chan struct{})
	r := newRunner(t, actions.Config{MaxConcurrent: 1, MaxOpen: 1, AllowedHosts: []string{"h.example"}, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		close(started)
		<-release
		return nil, errors.New("gone")
	})})
	done := make(chan error, 1)
	go func() {
		_, err := claim(t, r, `exports.onExecutePostLogin = async () => { await fetch('https://h.example/').catch(() => {}); };`, nil)
		done <- err
	}()
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.PostLogin(ctx, handler(``), loginEvent(), actions.Flow{}); !errors.Is(err, actions.ErrBusy) {
		t.Error(err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	fine(t, r)
}
