package auth0_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/auth0"
)

func TestNew_refuses(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  auth0.Config
		want string
	}{
		"nothing":               {auth0.Config{}, "no domain"},
		"no credentials":        {auth0.Config{Domain: "t.example"}, "no token"},
		"both":                  {auth0.Config{Domain: "t.example", Token: "a", ClientID: "b", ClientSecret: "c"}, "a token and a client"},
		"half a client":         {auth0.Config{Domain: "t.example", ClientID: "b"}, "a client needs its id and its secret"},
		"domain with scheme":    {auth0.Config{Domain: "https://t.example", Token: "a"}, "without scheme"},
		"domain with userinfo":  {auth0.Config{Domain: "t.example@evil.example", Token: "a"}, "without scheme"},
		"domain and base":       {auth0.Config{Domain: "t.example", BaseURL: "https://t.example", Token: "a"}, "give one of them"},
		"http":                  {auth0.Config{BaseURL: "http://t.example", Token: "a"}, "has to be https"},
		"http that looks local": {auth0.Config{BaseURL: "http://localhost.evil.example", Token: "a"}, "has to be https"},
		"http on the network":   {auth0.Config{BaseURL: "http://10.0.0.1:3001", Token: "a"}, "has to be https"},
		"other scheme":          {auth0.Config{BaseURL: "ftp://localhost", Token: "a"}, "has to be https"},
		"path":                  {auth0.Config{BaseURL: "https://t.example/idp", Token: "a"}, "scheme and host alone"},
		"credentials":           {auth0.Config{BaseURL: "https://u:p@t.example", Token: "a"}, "has credentials"},
		"token of two lines":    {auth0.Config{Domain: "t.example", Token: "a\nb"}, "characters that no token has"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auth0.New(test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	for _, base := range []string{"http://localhost:3001/", "http://127.0.0.1:3001", "http://[::1]:3001", "https://t.example:4443"} {
		if _, err := auth0.New(auth0.Config{BaseURL: base, Token: "a"}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestPlan_busyTenant(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		header http.Header
		want   []time.Duration // nil: it ends with the 429
	}{
		"seconds":      {http.Header{"Retry-After": {"7"}}, []time.Duration{7 * time.Second}},
		"date":         {http.Header{"Retry-After": {now.Add(9 * time.Second).Format(http.TimeFormat)}}, []time.Duration{9 * time.Second}},
		"reset":        {http.Header{"X-Ratelimit-Reset": {strconv.FormatInt(now.Unix()+3, 10)}}, []time.Duration{3 * time.Second}},
		"reset passed": {http.Header{"X-Ratelimit-Reset": {strconv.FormatInt(now.Unix()-3, 10)}}, []time.Duration{500 * time.Millisecond}},
		"nothing said": {nil, []time.Duration{time.Second}},
		"too long":     {http.Header{"Retry-After": {"3600"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.hook = func(n int, _ *http.Request) fault {
				return map[bool]fault{true: {status: 429, header: test.header, message: "Global limit has been reached"}}[n == 1]
			}
			var waited []time.Duration
			tn := tenantWith(t, auth0.Config{
				BaseURL: f.URL, Token: fakeToken, Now: func() time.Time { return now },
				Wait: func(_ context.Context, d time.Duration) error { waited = append(waited, d); return nil },
			})
			_, err := tn.Plan(t.Context(), desired())
			if e, _ := errors.AsType[*auth0.Error](err); (test.want == nil) != (e != nil && e.Status == 429) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(test.want, waited); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlan_tenantThatStaysBusy(t *testing.T) {
	f := newFake(t)
	f.hook = func(int, *http.Request) fault { return fault{status: 429, message: "Global limit has been reached"} }
	_, err := tenant(t, f).Plan(t.Context(), desired())
	if err == nil || len(f.log) != 5 {
		t.Errorf("%v after %d requests", err, len(f.log))
	}
}

func TestApply_busyTenantAtAWrite(t *testing.T) {
	f := newFake(t)
	busy := map[string]bool{}
	f.hook = func(_ int, r *http.Request) fault {
		key := r.Method + r.URL.Path
		if r.Method == http.MethodGet || busy[key] {
			return fault{}
		}
		busy[key] = true
		return fault{status: 429, message: "Global limit has been reached"}
	}
	apply(t, f, desired())
	if len(busy) < 8 {
		t.Errorf("only %d writes", len(busy))
	}
	f.one(t, "clients", "menu SPA")
}

func TestApply_writesAreNotRepeated(t *testing.T) {
	for name, wrong := range map[string]fault{"no answer": {before: true}, "gateway": {status: 503, message: "Service Unavailable"}} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			posts := 0
			f.hook = func(_ int, r *http.Request) fault {
				if r.Method == http.MethodPost && r.URL.Path == "/api/v2/clients" {
					posts++
					return wrong
				}
				return fault{}
			}
			_, err := converge(t.Context(), tenant(t, f), desired())
			if !errors.Is(err, auth0.ErrUncertain) || posts != 1 {
				t.Errorf("%d times, %v", posts, err)
			}
		})
	}
}

func TestApply_lostAnswerIsLookedUp(t *testing.T) {
	f := newFake(t)
	posts := 0
	f.hook = func(_ int, r *http.Request) fault {
		if r.Method == http.MethodPost && r.URL.Path == "/api/v2/clients" {
			posts++
			return fault{after: true}
		}
		return fault{}
	}
	r, err := converge(t.Context(), tenant(t, f), desired())
	if err != nil || posts != 2 || r.ClientID == "" || r.MachineClientID == "" || r.MachineClientSecret != "" {
		t.Errorf("%d clients, %+v, %v", posts, r, err)
	}
	// The secret went with the answer, and somebody has to be told.
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], `"menu machine"`) || !strings.Contains(r.Warnings[0], r.MachineClientID+"/rotate-secret") {
		t.Errorf("warnings: %q", r.Warnings)
	}
}

func TestApply_secretThatCame(t *testing.T) {
	f := newFake(t)
	if r := apply(t, f, desired()); r.MachineClientSecret == "" || len(r.Warnings) != 0 {
		t.Errorf("with the secret: %q", r.Warnings)
	}
	if r := apply(t, f, desired()); len(r.Warnings) != 0 { // it was told the first time
		t.Errorf("of a client that was there: %q", r.Warnings)
	}
}

func TestError_missingScope(t *testing.T) {
	f := newFake(t)
	f.hook = func(_ int, r *http.Request) fault {
		if strings.HasSuffix(r.URL.Path, "/clients") {
			return fault{status: 403, message: "Insufficient scope, expected any of: read:clients, read:client_summary"}
		}
		return fault{}
	}
	_, err := tenant(t, f).Plan(t.Context(), desired())
	e, ok := errors.AsType[*auth0.Error](err)
	if !ok {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"read:clients", "read:client_summary"}, e.Scopes); diff != "" {
		t.Error(diff)
	}
	want := "plan: GET /api/v2/clients: status 403: the token of the Management API needs one of the scopes read:clients, read:client_summary"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestDesired_tokenScopes(t *testing.T) {
	want := "create:actions create:client_grants create:clients create:resource_servers create:roles " +
		"read:actions read:client_grants read:client_keys read:clients read:connections read:resource_servers read:roles " +
		"update:actions update:client_grants update:clients update:connections update:resource_servers update:roles"
	if got := strings.Join(desired().TokenScopes(), " "); got != want {
		t.Errorf("got %s", got)
	}
	if got := strings.Join(auth0.Desired{}.TokenScopes(), " "); got != "create:resource_servers read:resource_servers update:resource_servers" {
		t.Errorf("got %s", got)
	}
}

func TestGEN10_noSecretIsShown(t *testing.T) {
	f := newFake(t)
	secrets := []string{fakeToken, fakeSecret, "value-of-the-action-secret", "made-xxx"}
	var log bytes.Buffer
	tn, err := auth0.New(auth0.Config{
		BaseURL: f.URL, ClientID: "cli", ClientSecret: fakeSecret,
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Wait:   func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"tenant": fmt.Sprintf("%v %+v %#v", tn, tn, tn)}
	p, err := tn.Plan(t.Context(), desired())
	if err != nil {
		t.Fatal(err)
	}
	texts["plan"] = p.String()
	texts["plan in detail"] = fmt.Sprintf("%+v %#v %+v", *p, *p, p)
	// A server that repeats everything that it is told.
	f.hook = func(_ int, r *http.Request) fault {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/actions/actions") {
			return fault{status: 400, message: "no: " + r.Header.Get("Authorization") + fakeSecret + "value-of-the-action-secret\x1b[31m\n"}
		}
		return fault{}
	}
	r, err := tn.Apply(t.Context(), p)
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Fatalf("got %v", err)
	}
	texts["error"], texts["result"], texts["log"] = err.Error(), fmt.Sprintf("%+v %#v", r, *r), log.String()
	for name, text := range texts {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s shows %q:\n%s", name, s, text)
			}
		}
	}
	if !strings.Contains(texts["log"], "tenant changed") {
		t.Errorf("log:\n%s", texts["log"])
	}
	if !strings.Contains(r.DotEnv(), "AUTH0_MACHINE_CLIENT_SECRET=made-xxx") {
		t.Error("the lines for .env have no secret")
	}
}

func TestClients_secretsAreNotAskedFor(t *testing.T) {
	f := newFake(t)
	f.hook = func(_ int, r *http.Request) fault {
		if r.Method == http.MethodGet && r.URL.Path == "/api/v2/clients" && !strings.Contains(r.URL.Query().Get("fields"), "client_id") {
			t.Error("a list of clients with their secrets")
		}
		if strings.Contains(r.URL.Query().Get("fields"), "secret") || strings.Contains(r.URL.RawQuery, fakeToken) {
			t.Error(r.URL)
		}
		return fault{}
	}
	apply(t, f, desired())
}

func TestToken_byClientCredentials(t *testing.T) {
	f := newFake(t)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	tn := tenantWith(t, auth0.Config{BaseURL: f.URL, ClientID: "cli", ClientSecret: fakeSecret, Now: func() time.Time { return now }})
	asked := func() (n int) {
		for _, l := range f.writes() {
			if l == "POST /oauth/token" {
				n++
			}
		}
		return n
	}
	for i, want := range []int{1, 0, 1} {
		if i == 2 {
			now = now.Add(24 * time.Hour)
		}
		if _, err := tn.Plan(t.Context(), desired()); err != nil {
			t.Fatal(err)
		}
		if got := asked(); got != want {
			t.Errorf("plan %d asked for %d tokens, want %d", i, got, want)
		}
	}
	wrong := tenantWith(t, auth0.Config{BaseURL: f.URL, ClientID: "cli", ClientSecret: "wrong"})
	_, err := wrong.Plan(t.Context(), desired())
	want := "plan: token of the Management API: POST /oauth/token: status 401: access_denied: Unauthorized"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestToken_notValid(t *testing.T) {
	f := newFake(t)
	_, err := tenantWith(t, auth0.Config{BaseURL: f.URL, Token: "other"}).Plan(t.Context(), desired())
	want := "plan: GET /api/v2/resource-servers: status 401: the token of the Management API is not valid: Invalid token"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestHostileServer(t *testing.T) {
	says := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"redirect": {
			func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
			"GET /api/v2/resource-servers: status 302",
		},
		"html":       {says("<html>"), "the answer is not what the Management API says: no JSON"},
		"null":       {says("null"), `the answer has no list "resource_servers"`},
		"no list":    {says(`{"total":3}`), `the answer has no list "resource_servers"`},
		"numbers":    {says(`[1,2]`), `"resource_servers": `},
		"endless":    {says(`{"resource_servers":[{"id":"a"}],"total":1000000}`), "the list ends after 1 of 1000000"},
		"ends early": {says(`{"resource_servers":[],"total":1000000}`), "the list ends after 0 of 1000000"},
		"10 GB": {func(w http.ResponseWriter, _ *http.Request) {
			chunk := bytes.Repeat([]byte(" "), 1<<20)
			for range 20 {
				_, _ = w.Write(chunk)
			}
		}, "the answer has more than 16777216 bytes"},
		"an id that is a path": {
			says(`{"resource_servers":[{"id":"..","identifier":"` + audience + `"}],"total":1}`),
			`has no usable id: ".."`,
		},
		"a refusal without end": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"message":"` + strings.Repeat("x", 10_000) + `"}`))
			}, strings.Repeat("x", 500) + "…",
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n++; n > 20 || r.URL.Path == "/elsewhere" {
					t.Errorf("request %d to %s", n, r.URL)
				}
				test.serve(w, r)
			}))
			defer s.Close()
			p, err := tenantWith(t, auth0.Config{BaseURL: s.URL, Token: fakeToken}).Plan(t.Context(), desired())
			if err == nil || p != nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 700 {
				t.Errorf("got %v and %v, want %s", p, err, test.want)
			}
		})
	}
}

func TestPlan_readsAllPages(t *testing.T) {
	for _, bare := range []bool{false, true} {
		t.Run(fmt.Sprintf("bare=%t", bare), func(t *testing.T) {
			f := newFake(t)
			f.bare = bare
			for i := range 260 {
				n := strconv.Itoa(i)
				f.add("clients", object{"client_id": "c" + n, "name": "client " + n})
				f.add("resource-servers", object{"id": "r" + n, "name": "api " + n, "identifier": "https://" + n + ".example"})
				f.add("roles", object{"id": "rol_" + n, "name": "x-menu-admin-" + n})
				f.add("actions", object{
					"id": "a" + n, "name": "action " + n, "status": "built", "all_changes_deployed": true, "deployed_version": object{"id": n},
				})
				f.enabled["con_main"] = append(f.enabled["con_main"], "c"+n)
			}
			for i := range 130 {
				f.bound = append(f.bound, "a"+strconv.Itoa(i))
			}
			apply(t, f, desired())
			role := f.one(t, "roles", "menu-admin")["id"].(string)
			for i := range 230 {
				f.perms[role] = append([]object{{"resource_server_identifier": audience, "permission_name": strconv.Itoa(i)}}, f.perms[role]...)
			}
			if len(f.bound) != 131 {
				t.Errorf("%d bindings", len(f.bound))
			}
			f.writes()
			apply(t, f, desired())
			if got := f.writes(); len(got) > 0 {
				t.Errorf("what was there was not seen: %q", got)
			}
		})
	}
}

func TestApply_idsAreEscaped(t *testing.T) {
	f := newFake(t)
	f.add("resource-servers", object{"id": audience + "|a/../b?c", "name": "Menu API", "identifier": audience})
	apply(t, f, desired())
	want := "PATCH /api/v2/resource-servers/https:%2F%2Fmenu.example%2Fapi%7Ca%2F..%2Fb%3Fc"
	if got := f.writes(); len(got) == 0 || got[0] != want {
		t.Errorf("got  %q\nwant %s", got, want)
	}
}

func TestApply_actionThatIsNotBuilt(t *testing.T) {
	for name, test := range map[string]struct{ status, want string }{
		"failed":  {"failed", "could not build the action"},
		"forever": {"building", "is not built after 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.hook = func(_ int, _ *http.Request) fault {
				for _, a := range f.objects["actions"] {
					a["status"] = test.status
					f.polls[a["id"].(string)] = -1000
				}
				return fault{}
			}
			if _, err := converge(t.Context(), tenant(t, f), desired()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPlan_cancelled(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.hook = func(n int, _ *http.Request) fault { cancel(); return fault{status: 503} }
	if _, err := tenant(t, f).Plan(ctx, desired()); err == nil || len(f.log) > 1 {
		t.Errorf("%v after %d requests", err, len(f.log))
	}
}
