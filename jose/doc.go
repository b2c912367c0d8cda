// Package jose signs and verifies JSON Web Tokens (RFC 7519) in the compact
// serialisation of JSON Web Signature (RFC 7515), reads keys, and keeps key
// sets.
//
// A [Key] has exactly one [Algorithm]. It says how a token is verified; the
// token does not (RFC 8725 §3.1). The algorithm "none" does not exist here, and
// no header but "alg", "kid" and "typ" is ever acted upon: keys come from the
// [KeySource] of the [Verifier] and from nowhere else.
//
// # Signing
//
// [Sign] makes a token out of [Claims], and refuses to make one that no
// verifier would take. The key is usually [KeySet.Signing].
//
// # Verifying
//
// A [Verifier] accepts one kind of token: from one issuer, for one set of
// audiences, of given types. Nothing of a token can be read before its
// signature holds, and a bad signature is reported before anything else that is
// wrong. A verified token is remembered until it expires, its key is gone or
// [Verifier.Forget] is told, so that a bearer who comes back costs one SHA-256.
//
// Left to the caller: whether the subject still exists, whether the session
// behind the token has ended, and what the subject may do.
//
// # Claims
//
// [Claims] has a field for each of the registered claims. All others are in
// Extra, by their types through [Claims.String] and its kin, or all at once as a
// struct through [ClaimsAs].
//
// # Keys
//
// A [KeySet] rotates our own keys with overlap and serves their public halves.
// [Key.MarshalPrivateJWK] is the one way out for a secret half; what it returns
// is to be encrypted before it is stored. Encrypted tokens are in package jwe,
// the keys of other issuers in package jwks.
//
// # Strict JSON
//
// Headers, claims and JWKs are read by one parser that refuses what two parsers
// could read differently: members given twice or in another case, invalid
// UTF-8, lone surrogates, anything after the value, nesting deeper than 16,
// numbers that a float64 does not hold.
package jose
