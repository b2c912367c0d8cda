package conformance_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/gatewright/gate/idp/idptest"
)

// A relying party on go-oidc and x/oauth2.
type party struct {
	*idptest.Server
	provider *oidc.Provider
	config   oauth2.Config
	user     string
}

func coreos(t *testing.T) *party {
	t.Helper()
	s := idptest.New(t, idptest.Config{})
	provider, err := oidc.NewProvider(t.Context(), s.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	return &party{s, provider, oauth2.Config{
		ClientID: idptest.Web, ClientSecret: idptest.Secret, Endpoint: provider.Endpoint(), RedirectURL: idptest.Callback,
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "profile", "email", "create:items"},
	}, s.AddUser(email, "menu-admin").ID}
}

// login returns the tokens of a log-in.
func (p *party) login(t *testing.T) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	ask := p.config.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier), oidc.Nonce("n1"), oauth2.SetAuthURLParam("audience", idptest.Audience))
	back := answer(t, p.Server, p.Browser(), ask, idptest.Callback).Query()
	if back.Get("state") != "st" || back.Get("iss") != p.Issuer() {
		t.Fatalf("answer %v", back)
	}
	token, err := p.config.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func reason(err error) string {
	if e := new(oauth2.RetrieveError); errors.As(err, &e) {
		return e.ErrorCode
	}
	return ""
}

func TestGoOIDC_discovery(t *testing.T) {
	p := coreos(t)
	var metadata struct {
		JWKS   string   `json:"jwks_uri"`
		Logout string   `json:"end_session_endpoint"`
		Modes  []string `json:"response_modes_supported"`
	}
	if err := p.provider.Claims(&metadata); err != nil {
		t.Fatal(err)
	}
	if metadata.JWKS != p.Issuer()+".well-known/jwks.json" || metadata.Logout != p.Issuer()+"oidc/logout" || !slices.Contains(metadata.Modes, "form_post") {
		t.Errorf("metadata %+v", metadata)
	}
	// The slash at the end is part of the issuer.
	if _, err := oidc.NewProvider(t.Context(), p.URL); err == nil || !strings.Contains(err.Error(), "did not match") {
		t.Errorf("the issuer without its slash: %v", err)
	}
}

func TestGoOIDC_tokens(t *testing.T) {
	p := coreos(t)
	token := p.login(t)
	raw, _ := token.Extra("id_token").(string)
	verified, err := p.provider.Verifier(&oidc.Config{ClientID: idptest.Web}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		SID      string `json:"sid"`
	}
	if err := verified.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if verified.Subject != p.user || verified.Nonce != "n1" || claims.Email != email || !claims.Verified || claims.SID == "" {
		t.Errorf("ID token %+v %+v", verified, claims)
	}
	if _, err := p.provider.Verifier(&oidc.Config{ClientID: idptest.SPA}).Verify(t.Context(), raw); err == nil || !strings.Contains(err.Error(), "audience") {
		t.Errorf("an ID token of another client: %v", err)
	}
	access, err := p.provider.Verifier(&oidc.Config{ClientID: idptest.Audience}).Verify(t.Context(), token.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	var at struct {
		Permissions []string `json:"permissions"`
		Scope       string   `json:"scope"`
	}
	if err := access.Claims(&at); err != nil {
		t.Fatal(err)
	}
	slices.Sort(at.Permissions)
	if !slices.Equal(at.Permissions, items) || at.Scope != "openid offline_access profile email create:items" {
		t.Errorf("access token %+v", at)
	}
	if token.TokenType != "Bearer" || token.RefreshToken == "" || token.ExpiresIn != 86400 {
		t.Errorf("tokens %+v", token)
	}
}

func TestGoOIDC_refreshAndUserinfo(t *testing.T) {
	p := coreos(t)
	token := p.login(t)
	next, err := p.config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		t.Fatal(err)
	}
	if next.AccessToken == token.AccessToken || next.Extra("id_token") == nil {
		t.Errorf("after a refresh: %+v", next)
	}
	info, err := p.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(next))
	if err != nil || info.Subject != p.user || info.Email != email || !info.EmailVerified {
		t.Errorf("userinfo %+v, %v", info, err)
	}
	if _, err := p.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "nobody"})); err == nil || !strings.HasPrefix(err.Error(), "401") {
		t.Errorf("userinfo with no token of ours: %v", err)
	}
	if _, err := p.config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: "nobody"}).Token(); reason(err) != "invalid_grant" {
		t.Errorf("no refresh token of ours: %v", err)
	}
}

// Without a style, x/oauth2 tries the header first and then the body.
func TestOAuth2_clientCredentials(t *testing.T) {
	p := coreos(t)
	for name, style := range map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams, "either": oauth2.AuthStyleAutoDetect} {
		config := clientcredentials.Config{
			ClientID: idptest.Machine, ClientSecret: idptest.Secret, TokenURL: p.provider.Endpoint().TokenURL, AuthStyle: style,
			EndpointParams: map[string][]string{"audience": {idptest.Audience}},
		}
		token, err := config.Token(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		access, err := p.provider.Verifier(&oidc.Config{ClientID: idptest.Audience}).Verify(t.Context(), token.AccessToken)
		if err != nil || access.Subject != idptest.Machine+"@clients" {
			t.Errorf("%s: %+v %v", name, access, err)
		}
		config.ClientSecret = "wrong"
		if _, err := config.Token(t.Context()); reason(err) != "access_denied" {
			t.Errorf("%s, with a wrong secret: %v", name, err)
		}
		config.ClientSecret, config.EndpointParams = idptest.Secret, map[string][]string{"audience": {p.Issuer() + "api/v2/"}}
		if _, err := config.Token(t.Context()); reason(err) != "access_denied" {
			t.Errorf("%s, for an API without a grant: %v", name, err)
		}
	}
}

func TestGoOIDC_redirectAddress(t *testing.T) {
	p := coreos(t)
	p.config.RedirectURL = idptest.Callback + "/other"
	res, body := p.Do(p.Browser(), http.MethodGet, p.config.AuthCodeURL("st"), nil)
	if res.StatusCode != http.StatusForbidden || !strings.Contains(body, "Callback URL mismatch") {
		t.Errorf("%d %.300s", res.StatusCode, body)
	}
}

// A code that comes again was stolen from somebody: what it was exchanged for
// ends (RFC 9700 §4.5).
func TestGoOIDC_codeUsedTwice(t *testing.T) {
	p := coreos(t)
	back := answer(t, p.Server, p.Browser(), p.config.AuthCodeURL("st"), idptest.Callback).Query()
	token, err := p.config.Exchange(t.Context(), back.Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.config.Exchange(t.Context(), back.Get("code")); reason(err) != "invalid_grant" {
		t.Errorf("the code again: %v", err)
	}
	if _, err := p.config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token(); reason(err) != "invalid_grant" {
		t.Errorf("its refresh token: %v", err)
	}
	if _, err := p.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token)); err == nil || !strings.HasPrefix(err.Error(), "401") {
		t.Errorf("its access token: %v", err)
	}
}

// A verifier that has cached the keys finds the new one by itself.
func TestGoOIDC_rotatedKeys(t *testing.T) {
	p := coreos(t)
	verifier := p.provider.Verifier(&oidc.Config{ClientID: idptest.Web})
	before := p.login(t).Extra("id_token").(string)
	if _, err := verifier.Verify(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	// The next key signs at once when it was published for long enough.
	if _, err := p.DB.Exec(t.Context(), "UPDATE gate_keys SET created_at = created_at - 7200000"); err != nil {
		t.Fatal(err)
	}
	manage(t, p.Server, http.MethodPost, "keys/signing/rotate")
	after := p.login(t).Extra("id_token").(string)
	if was, is := strings.Split(before, ".")[0], strings.Split(after, ".")[0]; was == is {
		t.Errorf("the same key signs: %s", is)
	}
	for name, token := range map[string]string{"before": before, "after": after} {
		if _, err := verifier.Verify(t.Context(), token); err != nil {
			t.Errorf("a token of %s the rotation: %v", name, err)
		}
	}
}
