package permtest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/server"
)

// A door is how callers prove who they are.
type door interface {
	// settings are what the service has to be told.
	settings() []string
	// makes reports whether accounts are made by coming through the door, not before.
	makes() bool
	// gives reports whether somebody can come with that role or permission and no
	// account that has it.
	gives(kind, name string) bool
	// enter returns the headers with which somebody calls whose account has these
	// values.
	enter(c *caller, row map[string]any) (http.Header, error)
}

// doorOf chooses the first door that the service has.
func (k *kit) doorOf(s *server.Service) door {
	a := s.Auth
	switch {
	case a == nil:
		return nobody{}
	case a.JWT != nil:
		return &password{k, "/api/authentication", false}
	case a.Cookies != nil && a.OIDC == nil:
		return &password{k, "/api/session", true}
	case a.OIDC != nil:
		return newIssuer(k, a.OIDC)
	}
	return &password{k, "", false}
}

// nobody is the door of a service without authentication.
type nobody struct{}

func (nobody) settings() []string        { return nil }
func (nobody) makes() bool               { return false }
func (nobody) gives(string, string) bool { return false }
func (nobody) enter(*caller, map[string]any) (http.Header, error) {
	return nil, fmt.Errorf("the service has no authentication")
}

// password is a log-in name and a password: sent once to path for a token or a
// cookie, or without a path with each request.
type password struct {
	*kit

	path    string
	cookies bool
}

func (p *password) settings() []string        { return nil }
func (p *password) makes() bool               { return false }
func (p *password) gives(string, string) bool { return false }

func (p *password) enter(_ *caller, row map[string]any) (http.Header, error) {
	name, secret := fmt.Sprint(row[p.as.login]), fmt.Sprint(row[p.as.password])
	if p.path == "" {
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+secret))}}, nil
	}
	body, err := json.Marshal(map[string]string{"strategy": p.as.strategy, p.as.login: name, p.as.password: secret})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(p.ctx(), http.MethodPost, p.url+p.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if p.cookies {
		return cookies(res, answer)
	}
	var token struct{ AccessToken string }
	if err := json.Unmarshal(answer, &token); err != nil || token.AccessToken == "" {
		return nil, fmt.Errorf("log in at %s: %d %s", p.path, res.StatusCode, answer)
	}
	return http.Header{"Authorization": {"Bearer " + token.AccessToken}}, nil
}

// cookies are those of an answer, as a page of the service's own sends them.
func cookies(res *http.Response, answer []byte) (http.Header, error) {
	list := res.Cookies()
	if len(list) == 0 {
		return nil, fmt.Errorf("log in for a cookie: %d %s", res.StatusCode, answer)
	}
	pairs := make([]string, len(list))
	for i, c := range list {
		pairs[i] = c.Name + "=" + c.Value
	}
	return http.Header{"Cookie": {strings.Join(pairs, "; ")}, "Sec-Fetch-Site": {"same-origin"}}, nil
}

// issuer is a provider of the test's own, in the place of the one that the
// service trusts.
type issuer struct {
	*kit

	cfg  *auth.OIDC
	name string
	key  *jose.Key
}

func newIssuer(k *kit, cfg *auth.OIDC) *issuer {
	k.t.Helper()
	key, err := jose.GenerateKey("permtest", cmp.Or(cfg.Algorithm, jose.RS256))
	if err != nil {
		k.t.Fatal(err)
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		k.t.Fatal(err)
	}
	mux := http.NewServeMux()
	ts := httptest.NewServer(mux)
	k.t.Cleanup(ts.Close)
	i := &issuer{k, cfg, ts.URL + "/", key}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.name, "jwks_uri": i.name + "keys"}) // nobody is left to be told
	})
	mux.Handle("GET /keys", keys.Handler(time.Hour))
	return i
}

func (i *issuer) settings() []string { return []string{"OIDC_ISSUER=" + i.name} }
func (i *issuer) makes() bool        { return i.cfg.Users != nil && i.cfg.Users.Create }

func (i *issuer) gives(kind, name string) bool {
	if kind == permission {
		return i.cfg.PermissionsClaim != ""
	}
	return i.claimed(name) != ""
}

// claimed returns what in a token stands for a role; empty if nothing does.
func (i *issuer) claimed(role string) string {
	if i.cfg.Roles == nil && i.cfg.RolesClaim != "" {
		return role
	}
	for claimed, r := range i.cfg.Roles {
		if r == role {
			return claimed
		}
	}
	return ""
}

// namespace is what names of claims begin with that are made for the service.
func (i *issuer) namespace() string {
	return strings.TrimSuffix(cmp.Or(i.cfg.Namespace, i.cfg.Audience), "/") + "/"
}

func (i *issuer) enter(c *caller, row map[string]any) (http.Header, error) {
	now := time.Now()
	claims := map[string]any{"auth_time": now.Unix(), i.namespace() + "auth_time": now.Unix(), "email_verified": true}
	if users := i.cfg.Users; users != nil {
		claims["email"] = fmt.Sprintf("sample%d@permtest.example", i.next())
		for field, source := range users.Fields {
			if v := row[field]; v != nil && !slices.Contains([]string{"sub", "email_verified", i.cfg.PermissionsClaim}, source) {
				claims[source] = v
			}
		}
		if v := row[users.Email]; v != nil {
			claims["email"] = v
		}
	}
	if claimed := i.claimed(c.name); c.kind == role && c.account == "" && claimed != "" {
		claims[cmp.Or(i.cfg.RolesClaim, i.namespace()+"roles")] = []string{claimed}
	}
	if c.kind == permission {
		claims[i.cfg.PermissionsClaim] = []string{c.name}
	}
	token, err := jose.Sign(i.key, cmp.Or(i.cfg.Type, jose.AccessTokenType), &jose.Claims{
		Issuer: i.name, Subject: fmt.Sprintf("permtest|%d", i.next()), Audience: []string{i.cfg.Audience},
		IssuedAt: now, Expiry: now.Add(time.Hour), Extra: claims,
	})
	return http.Header{"Authorization": {"Bearer " + token}}, err
}
