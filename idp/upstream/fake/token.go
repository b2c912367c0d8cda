package fake

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
)

// A dialect is how a token endpoint speaks.
type dialect struct {
	idToken    bool
	errStatus  int
	badCode    string
	unexpiring bool
}

func openIDTokens() dialect {
	return dialect{idToken: true, errStatus: http.StatusBadRequest, badCode: "invalid_grant"}
}

func plainTokens() dialect {
	return dialect{errStatus: http.StatusBadRequest, badCode: "invalid_grant"}
}

// githubTokens says with the status 200 that something is wrong.
func githubTokens() dialect {
	return dialect{errStatus: http.StatusOK, badCode: "bad_verification_code", unexpiring: true}
}

func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": s.cfg.Issuer, "authorization_endpoint": s.cfg.Issuer + "/authorize", "token_endpoint": s.cfg.Issuer + "/token",
		"userinfo_endpoint": s.cfg.Issuer + "/userinfo", "jwks_uri": s.cfg.Issuer + "/jwks", "end_session_endpoint": s.cfg.Issuer + "/logout",
		"response_types_supported": []string{"code"}, "response_modes_supported": []string{"query", "form_post"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		"code_challenge_methods_supported": []string{"S256"}, "authorization_response_iss_parameter_supported": true,
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
	})
}

// token redeems a code, once. Who asks is believed.
func (s *Server) token(d dialect) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "authorization_code" {
			answer(w, d.errStatus, map[string]any{"error": "unsupported_grant_type"})
			return
		}
		g, ok := s.redeem(r)
		if !ok {
			answer(w, d.errStatus, map[string]any{"error": d.badCode, "error_description": "The code is incorrect, expired or used."})
			return
		}
		body, ok := s.tokensFor(g, d)
		if !ok {
			answer(w, http.StatusServiceUnavailable, map[string]any{"error": "temporarily_unavailable"})
			return
		}
		answer(w, http.StatusOK, body)
	}
}

// redeem returns what a code is good for, when it is presented by the client that
// it is for.
func (s *Server) redeem(r *http.Request) (grant, bool) {
	s.mu.Lock()
	code := r.PostForm.Get("code")
	g, ok := s.codes[code]
	delete(s.codes, code)
	s.mu.Unlock()
	client := r.PostForm.Get("client_id")
	if user, _, basic := r.BasicAuth(); basic {
		client = user
	}
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	return g, ok && s.cfg.Now().Before(g.until) && client == g.client && r.PostForm.Get("redirect_uri") == g.redirectURI &&
		base64.RawURLEncoding.EncodeToString(sum[:]) == g.challenge
}

func (s *Server) tokensFor(g grant, d dialect) (map[string]any, bool) {
	now, token := s.cfg.Now(), secret.Text().Reveal()
	g.until = now.Add(tokenLife)
	if !s.keep(s.tokens, token, g) {
		return nil, false
	}
	body := map[string]any{"access_token": token, "token_type": "bearer", "scope": g.scope}
	if !d.unexpiring {
		body["expires_in"] = int64(tokenLife / time.Second)
	}
	if !d.idToken {
		return body, true
	}
	sum := sha256.Sum256([]byte(token))
	claims := person(g.person)
	delete(claims, "sub")
	claims["auth_time"] = now.Unix()
	if at := g.person.LoggedIn; !at.IsZero() {
		claims["auth_time"] = at.Unix()
	}
	claims["at_hash"] = base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	raw, err := jose.Sign(s.keys.Signing(), "JWT", &jose.Claims{
		Issuer: s.cfg.Issuer, Subject: strconv.FormatInt(g.person.ID, 10), Audience: []string{g.client},
		IssuedAt: now, Expiry: now.Add(tokenLife), Extra: claims,
	})
	body["id_token"] = raw
	return body, err == nil
}

// account answers what is asked about the person whose access token it is.
func (s *Server) account(about func(Person) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		g, ok := s.tokens[token]
		s.mu.Unlock()
		if !ok || !s.cfg.Now().Before(g.until) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token", "message": "Bad credentials"})
			return
		}
		answer(w, http.StatusOK, about(g.person))
	}
}

// person returns the claims about p (OpenID Connect Core 1.0 §5.1).
func person(p Person) map[string]any {
	claims := map[string]any{"sub": strconv.FormatInt(p.ID, 10), "name": p.Name, "preferred_username": p.Login, "nickname": p.Login}
	if p.Email != "" {
		claims["email"], claims["email_verified"] = p.Email, p.EmailVerified
	}
	return claims
}

func userInfo(p Person) any { return person(p) }

func githubUser(p Person) any {
	return map[string]any{"id": p.ID, "login": p.Login, "name": p.Name, "email": nil, "type": "User"}
}

func githubEmails(p Person) any {
	if p.Email == "" {
		return []any{}
	}
	return []any{map[string]any{"email": p.Email, "primary": true, "verified": p.EmailVerified, "visibility": "private"}}
}

func facebookUser(p Person) any {
	m := map[string]any{"id": strconv.FormatInt(p.ID, 10), "name": p.Name}
	if p.Email != "" {
		m["email"] = p.Email
	}
	return m
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who went away needs no answer
}
