package idp

import (
	"encoding/json"
	"net/http"
)

// discovery serves the metadata of the provider (OpenID Connect Discovery 1.0
// §3, RFC 8414): what is there, and nothing else.
func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	doc := map[string]any{
		"issuer":                   p.issuer,
		"authorization_endpoint":   p.base + "/authorize",
		"token_endpoint":           p.base + "/oauth/token",
		"userinfo_endpoint":        p.base + "/userinfo",
		"jwks_uri":                 p.base + "/.well-known/jwks.json",
		"revocation_endpoint":      p.base + "/oauth/revoke",
		"introspection_endpoint":   p.base + "/oauth/introspect",
		"end_session_endpoint":     p.base + "/oidc/logout",
		"scopes_supported":         []string{"openid", "profile", "offline_access", "name", "given_name", "family_name", "nickname", "email", "email_verified", "picture", "created_at", "phone"},
		"response_types_supported": []string{"code", "id_token", "token id_token", "code id_token", "token", "code token", "code token id_token"},
		"response_modes_supported": []string{"query", "fragment", "form_post", "web_message"},
		"grant_types_supported":    []string{"authorization_code", "refresh_token", "client_credentials", "implicit", "password", grantRealm},
		"subject_types_supported":  []string{"public"},
		// Besides those of ID tokens the list has ES256, with which tokens for APIs may be
		// signed: express-oauth2-jwt-bearer takes no access token with another algorithm.
		"id_token_signing_alg_values_supported":            []string{"RS256", "HS256", "PS256", "ES256"},
		"token_endpoint_auth_methods_supported":            []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"RS256", "RS384", "PS256", "ES256"},
		"claims_supported":                                 []string{"aud", "auth_time", "created_at", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "nickname", "phone_number", "picture", "sub"},
		"code_challenge_methods_supported":                 []string{"S256"},
		"ui_locales_supported":                             p.configured(r.Context()).languages,
		"claims_parameter_supported":                       false,
		"request_parameter_supported":                      false,
		"request_uri_parameter_supported":                  false,
		"authorization_response_iss_parameter_supported":   true,
		"backchannel_logout_supported":                     true,
		"backchannel_logout_session_supported":             true,
	}
	data, err := json.Marshal(doc)
	if err != nil {
		http.Error(w, "server_error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=600")
	_, _ = w.Write(data)
}
