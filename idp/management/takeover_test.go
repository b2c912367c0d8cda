package management_test

import "testing"

// IDP-21: whoever may change clients does not become one: how a client proves
// who it is belongs to its secrets.
func TestIDP21_clientAuthMethods(t *testing.T) {
	w := newWorld(t)
	type m = map[string]any
	id := w.do(w.everything(), "POST", "clients", m{"name": "Victim", "app_type": "non_interactive"}, 201).str("client_id")
	changer := w.machine("update:clients read:clients")
	for _, body := range []m{
		{"token_endpoint_auth_method": nil, "client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{
			m{"credential_type": "public_key", "name": "evil", "alg": "RS256", "pem": "x"},
		}}}},
		{"token_endpoint_auth_method": "none"},
	} {
		w.do(changer, "PATCH", "clients/"+id, body, 403)
	}
	w.do(changer, "PATCH", "clients/"+id, m{"name": "Still"}, 200)
}
