package idp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// A program is a client whose credentials an administrator changes, by the API.
type program struct {
	*idptest.Server
	*clock
	t     *testing.T
	admin string
	grant string // the ID of its client grant
}

func newProgram(t *testing.T, db *store.DB) *program {
	t.Helper()
	c := &clock{at: time.Now().Truncate(time.Second)}
	s := idptest.New(t, idptest.Config{DB: db, Edit: func(cfg *idp.Config) { cfg.Now = c.now }})
	p := &program{Server: s, clock: c, t: t, admin: managementToken(t, s)}
	p.grant, _ = p.manage(http.StatusCreated, http.MethodPost, "client-grants", `{"client_id":"`+idptest.Machine+`","audience":"`+s.Issuer()+`api/v2/","scope":["read:users","create:user_tickets"]}`)["id"].(string)
	return p
}

func (p *program) manage(want int, method, path, body string) map[string]any {
	p.t.Helper()
	return mustManage(p.t, p.Server, p.admin, want, method, path, body)
}

// addKey gives the program a key, and returns the key and the path of the credential.
func (p *program) addKey() (*jose.Key, string) { p.t.Helper(); return p.addKeyTo(idptest.Machine) }

func (p *program) addKeyTo(client string) (*jose.Key, string) {
	p.t.Helper()
	key, err := jose.GenerateKey("", jose.ES256)
	if err != nil {
		p.t.Fatal(err)
	}
	pem, err := key.PublicPEM()
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"credential_type": "public_key", "pem": string(pem), "alg": "ES256"})
	if err != nil {
		p.t.Fatal(err)
	}
	id, _ := p.manage(http.StatusCreated, http.MethodPost, "clients/"+client+"/credentials", string(text))["id"].(string)
	return key, "clients/" + client + "/credentials/" + id
}

// token asks for a token of the program: with a form, and perhaps a header.
func (p *program) token(form url.Values, header ...string) string {
	p.t.Helper()
	form.Set("grant_type", "client_credentials")
	form.Set("audience", p.Issuer()+"api/v2/")
	res, body := p.Do(p.HTTP, http.MethodPost, "/oauth/token", form, header...)
	text, _ := p.JSON(body)["access_token"].(string)
	if res.StatusCode != http.StatusOK || text == "" {
		p.t.Fatalf("%d %s", res.StatusCode, body)
	}
	return text
}

func (p *program) bySecret() string {
	p.t.Helper()
	return p.token(url.Values{"client_id": {idptest.Machine}, "client_secret": {idptest.Secret}})
}

func (p *program) byHeader() string {
	p.t.Helper()
	r, _ := http.NewRequest(http.MethodPost, p.URL, nil)
	r.SetBasicAuth(idptest.Machine, idptest.Secret)
	return p.token(url.Values{}, "Authorization", r.Header.Get("Authorization"))
}

func (p *program) byKey(key *jose.Key) string {
	p.t.Helper()
	now := p.now()
	text, err := jose.Sign(key, "JWT", &jose.Claims{
		Issuer: idptest.Machine, Subject: idptest.Machine, Audience: []string{p.Issuer()}, ID: fmt.Sprint(time.Now().UnixNano()), IssuedAt: now, Expiry: now.Add(time.Minute),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.token(assertionForm(text))
}

// works asks the Management API with a token.
func (p *program) works(what, token string, want bool) {
	p.t.Helper()
	status, got := manage(p.t, p.Server, token, http.MethodGet, "users", "")
	if status == http.StatusOK != want || status != http.StatusOK && status != http.StatusUnauthorized {
		p.t.Errorf("%s: %d %v", what, status, got)
	}
}

// IDP-21: a token of a program is good for as long as the secret or key with which it
// was got, whatever other secrets and keys there are.
func TestIDP21_markOfCredential(t *testing.T) {
	const client = "clients/" + idptest.Machine
	for name, run := range map[string]func(*program){
		"secret, in the body or the header": func(p *program) {
			posted, basic := p.bySecret(), p.byHeader()
			_, path := p.addKey()
			p.works("body, a key beside it", posted, true)
			p.works("header, a key beside it", basic, true)
			p.manage(http.StatusNoContent, http.MethodDelete, path, "")
			p.works("the key gone", posted, true)
			p.manage(http.StatusOK, http.MethodPost, client+"/rotate-secret", "")
			p.works("body, another secret", posted, false)
			p.works("header, another secret", basic, false)
		},
		"secret that is no proof any more": func(p *program) {
			token := p.bySecret()
			_, path := p.addKey()
			p.manage(http.StatusOK, http.MethodPatch, client, `{"token_endpoint_auth_method":null,"client_authentication_methods":{"private_key_jwt":{"credentials":[{"id":"`+path[len(client+"/credentials/"):]+`"}]}}}`)
			p.works("secret of before", token, false)
		},
		"keys": func(p *program) {
			first, one := p.addKey()
			setClient(p.t, p.Server, idptest.Machine, func(c *tenant.Client) { c.AuthMethod = tenant.AuthPrivateKeyJWT })
			old := p.byKey(first)
			second, two := p.addKey()
			p.works("first key, a second beside it", old, true)
			fresh := p.byKey(second)
			p.manage(http.StatusOK, http.MethodPost, client+"/rotate-secret", "") // which is no proof
			p.works("first key, another secret", old, true)
			p.manage(http.StatusOK, http.MethodPatch, one, `{"expires_at":"`+p.now().Add(-time.Minute).Format(time.RFC3339)+`"}`)
			p.works("first key, expired", old, false)
			p.works("second key, the first expired", fresh, true)
			p.manage(http.StatusNoContent, http.MethodDelete, one, "")
			p.works("second key, the first gone", fresh, true)
			p.addKey()
			p.manage(http.StatusNoContent, http.MethodDelete, two, "")
			p.works("second key, gone", fresh, false)
		},
		"key that expires": func(p *program) {
			key, path := p.addKey()
			setClient(p.t, p.Server, idptest.Machine, func(c *tenant.Client) { c.AuthMethod = tenant.AuthPrivateKeyJWT })
			p.manage(http.StatusOK, http.MethodPatch, path, `{"expires_at":"`+p.now().Add(time.Hour).Format(time.RFC3339)+`"}`)
			token := p.byKey(key)
			p.works("before", token, true)
			p.turn(2 * time.Hour)
			p.works("after", token, false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) { run(newProgram(t, db)) })
		})
	}
}

// The token of a person hangs on the person, who proved nothing by the secret or key of
// the application, if it has any.
func TestIDP21_personHasNoMark(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	u := s.AddUser("ada@example.com")
	admin := managementToken(t, s)
	in := []string{"audience", s.Issuer() + "api/v2/", "scope", "openid read:current_user"}
	public := enter(t, s, s.Browser(), u.Email, in...)["access_token"].(string)
	res, body := s.Login(s.Browser(), web(in...), u.Email, idptest.Password)
	_, got := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
	confidential, _ := got["access_token"].(string)
	for _, client := range []string{idptest.SPA, idptest.Web} {
		p := &program{Server: s, t: t, admin: admin}
		p.addKeyTo(client)
		p.manage(http.StatusOK, http.MethodPost, "clients/"+client+"/rotate-secret", "")
	}
	for name, token := range map[string]string{"of a public client": public, "of one with a secret": confidential} {
		if status, got := manage(t, s, token, http.MethodGet, "users/"+url.PathEscape(u.ID), ""); status != http.StatusOK {
			t.Errorf("%s: %d %v", name, status, got)
		}
	}
}
