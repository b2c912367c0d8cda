// Package jwe wraps signed tokens in JSON Web Encryption (RFC 7516), so that
// only the one who has the key can read their claims: nested JWTs in compact
// form, with "cty" JWT (RFC 7519 §5.2).
//
// A [Codec] has exactly one algorithm and one encryption; they come from its
// [Config], never from a token. There are direct encryption, AES key wrap,
// RSA-OAEP-256 and ECDH-ES, with AES-GCM or AES-CBC with HMAC. Passwords (PBES2),
// RSA1_5 and compressed tokens are not supported and never will be: each has
// brought down somebody.
//
// Encrypting is not signing. Anybody who has a public key can encrypt, so what
// comes out of [Codec.Decrypt] is a signed token that nobody has verified yet:
// it goes to a jose.Verifier. Plain claims in an encrypted token are refused.
package jwe
