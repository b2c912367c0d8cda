// Package oidc recognises the access tokens of issuers that live elsewhere:
// OpenID providers and OAuth authorization servers such as Auth0, Entra, Okta or
// Keycloak.
//
// [Issuers] takes tokens of several issuers at once, and of one's own service
// too, so that one strategy "jwt" knows them all. Which issuer a token is
// checked against is looked up by its "iss" in a list that the operator wrote;
// a token that names another one causes no request to anybody. Keys are found by
// [Discover] and kept by package jose/jwks, an issuer's own for each.
//
// Left to the caller: whether the subject may do what it asks for, and which
// account of one's own it is.
package oidc
