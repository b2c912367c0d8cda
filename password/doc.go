// Package password hashes passwords, verifies them, and judges new ones.
//
// New hashes are always argon2id (RFC 9106) in the PHC string format, with the
// parameters of [Config]. Hashes that come from elsewhere keep working: they are
// verified, never made, and [Hasher.Verify] says which ones to replace at the next
// log-in. These are
//
//   - bcrypt, $2a$, $2b$ and $2y$, as Feathers, Amplication, Auth0 and most of
//     the others write it;
//   - argon2id and argon2i of version 1.3, scrypt and PBKDF2 with SHA-256 or
//     SHA-512 as PHC strings, the latter two as passlib writes them as well;
//   - pbkdf2_sha256, scrypt, argon2, bcrypt and bcrypt_sha256 of Django;
//   - pbkdf2:sha256, pbkdf2:sha512 and scrypt of Werkzeug;
//   - one pass of MD5, SHA-1 or SHA-2, or their HMAC, as [Digest] writes it.
//
// What Node programs keep in a form of their own, as passport-local-mongoose does,
// is written as a PHC string by whoever imports it. Firebase's scrypt needs a key
// of that project and is not read. [CheckHash] judges a row of an import.
//
// # What a password may be
//
// Any valid UTF-8 without NUL, at most [MaxRunes] code points and [MaxBytes]
// bytes. Everything else is refused before the first hash is computed. Nothing is
// trimmed, cut or changed in case; Unicode is brought to NFKC, so that composed
// and decomposed letters log in alike (NIST SP 800-63B-4 §3.1.1.2). A hash from
// elsewhere may have been made without that step, so both spellings are tried
// when they differ.
//
// # Equal time for every refusal
//
// Who watches the clock must not learn whether an account exists. A refusal
// therefore does the same work whatever its reason: it computes one hash of every
// kind in use, once for each spelling of the password. A kind is an algorithm with
// its parameters. An account with an imported bcrypt hash pays its bcrypt and an
// argon2id for nothing; an account with an argon2id hash, one without a password
// and one that does not exist pay the same two. [Hasher.Burn] is the refusal
// without an account.
//
// Work, not a timer, because a timer is only right on an idle machine: under load
// the slow kind would pass the deadline and the fast one would not. The bounds of
// this defence are:
//
//   - A kind counts from the moment [Hasher.Expect] names it or Verify first meets
//     it. Call Expect or [Hasher.ExpectEach] at start with one stored hash of each
//     kind, else the first refusal of each kind after a start is answered in that
//     kind's own time.
//   - At most 8 kinds count. Accounts of a ninth are verified, and answered later
//     than the rest by the cost of their own hash.
//   - The price of a refusal is the sum of the kinds, so it falls back to one
//     argon2id when the last imported hash is gone.
//
// # Load
//
// A [Hasher] computes at most one hash for each core at a time and lets a bounded
// number of callers wait; the others get [ErrBusy] at once. Give one Hasher to
// everybody who needs one: two have two queues.
//
// # New passwords
//
// [Policy] asks for length and refuses what attackers try first. There are no
// rules of composition and no expiry (NIST SP 800-63B-4 §3.1.1.2).
package password
