// Package upstream logs people in with other providers: Google, GitHub,
// Microsoft, Apple, Facebook, GitLab, and whatever speaks OpenID Connect or
// OAuth 2.
//
// A [Connection] is one client at one provider. [Connection.Start] gives the
// address to send the browser to and a [Pending] to keep until it comes back;
// [Connection.Finish] takes what it came back with and gives a [Profile].
//
// # What Finish checks
//
// The answer belongs to this connection and to the log-in that this browser
// started (RFC 6749 §10.12), in time, and comes from the provider that was asked
// (RFC 9207). The code is redeemed with PKCE (RFC 7636). An ID token has to hold
// in every point of OpenID Connect Core 1.0 §3.1.3.7: issuer, audience, azp,
// nonce, time, algorithm, at_hash; and what userinfo says has to be about the
// same subject. No token that a browser brings is taken for anything.
//
// # What the caller does
//
//   - It seals Pending, binds it to the browser, and uses it once.
//   - It gives each connection a callback address of its own, which is the
//     defence against mix-up where a provider does not say who it is
//     (RFC 9700 §4.4.2).
//   - It takes the callback as POST too: Apple answers with a form. A browser
//     sends no cookie along with that unless it is SameSite=None.
//   - It links accounts by [Profile.UserID] and by nothing else. An e-mail
//     address is a fact about an account and not its name: for what is needed
//     to link by it see [Profile.EmailVerified] and
//     [Profile.EmailAuthoritative].
//   - It shows people its own words for a [Reason]. The text of an [Error] has
//     words of the provider in it and is for the log.
//
// # Addresses
//
// Where requests go is decided by [Config] and by the metadata of its issuer,
// never by a request or a token. Unless the operator says otherwise
// ([Config.AllowPrivate]) only public addresses on port 443 are connected to.
// Redirects are not followed, answers are bounded in size and time.
package upstream
