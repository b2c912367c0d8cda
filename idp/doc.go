// Package idp is an OpenID provider that is compatible with Auth0: the same
// addresses, parameters, tokens and errors, so that Auth0's own SDKs log in
// against it unchanged. It is embedded in `gate dev`, and runs alone as
// `gate idp serve`.
//
// It follows OpenID Connect Core 1.0, Discovery 1.0 and RP-Initiated Logout
// 1.0; OAuth 2.0 as RFC 9700 has it, with PKCE (RFC 7636), JWT access tokens
// (RFC 9068), resource indicators (RFC 8707), the issuer in answers (RFC 9207),
// revocation (RFC 7009), introspection (RFC 7662) and assertions of clients
// (RFC 7523). Where Auth0 differs and an SDK depends on it, Auth0 is followed.
//
// # The way of a log-in
//
// [Provider] answers GET /authorize: authorize.go reads and checks the request.
// Without a session the browser is sent to /u/login (pages.go) with the request
// sealed in the parameter state, bound to the browser by a cookie: a log-in that
// is under way takes no memory and no row here. When it is known who it is,
// finish.go runs the actions, asks for consent, and respond.go answers the
// client. Each grant of the token endpoint has a file of its own; issue.go makes
// the tokens.
//
// # What nobody learns
//
// Unknown and known accounts are answered with the same words, status and time:
// at log-in, at sign-up on the hosted page, and when a link is asked for.
package idp
