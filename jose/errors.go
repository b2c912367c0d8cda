package jose

import (
	"errors"
	"fmt"
	"time"
)

// An Error is a reason why a token was not accepted. It is the target of
// [errors.Is] for what [Verifier.Verify] and [KeySource] return.
type Error string

// The reasons. A bad signature outranks all that is wrong with the claims, so
// whoever gets one of ErrType … ErrIssuer knows that the token is genuine.
const (
	// ErrMalformed means that the token is not a signed token in compact form,
	// too big, or has a header or claims that are not strict JSON.
	ErrMalformed Error = "token is malformed"
	// ErrAlgorithm means that the header names another algorithm than the key.
	ErrAlgorithm Error = "token has the wrong algorithm"
	// ErrUnknownKey means that no key is known by the token's key ID, or that
	// it has none and there are several keys.
	ErrUnknownKey Error = "token is signed with an unknown key"
	// ErrSignature means that the signature is not the key's.
	ErrSignature Error = "token has a bad signature"
	// ErrType means that the token is of another kind (RFC 8725 §3.11).
	ErrType Error = "token has the wrong type"
	// ErrExpired means that the token's time is over.
	ErrExpired Error = "token is expired"
	// ErrNotYetValid means that the token's time has not come.
	ErrNotYetValid Error = "token is not yet valid"
	// ErrAudience means that the token is for somebody else.
	ErrAudience Error = "token has the wrong audience"
	// ErrIssuer means that the token is from somebody else.
	ErrIssuer Error = "token has the wrong issuer"
	// ErrDecryption means that an encrypted token cannot be decrypted. There is no
	// telling why (RFC 7516 §11.5); package jwe returns it.
	ErrDecryption Error = "token cannot be decrypted"
	// ErrUnavailable means that it could not be decided: the key source failed.
	// It says nothing about the token.
	ErrUnavailable Error = "token cannot be verified now"
)

// Error implements error.
func (e Error) Error() string { return string(e) }

// A TimeError says when the time of a genuine token was over, or comes: its
// Reason is [ErrExpired] or [ErrNotYetValid], which it matches.
type TimeError struct {
	Reason Error
	At     time.Time
}

// Error implements error.
func (e *TimeError) Error() string { return string(e.Reason) }

// Unwrap returns the reason.
func (e *TimeError) Unwrap() error { return e.Reason }

// sourceError turns what a key source reports into one of our reasons.
func sourceError(err error) error {
	if errors.Is(err, ErrUnknownKey) || errors.Is(err, ErrAlgorithm) || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// A SizeError says that a token would be larger than a [Verifier] reads, so that
// [Sign] does not make it. Sizes are in bytes.
type SizeError struct {
	Size, Max int
}

// Error says both sizes.
func (e *SizeError) Error() string {
	return fmt.Sprintf("the token has %d bytes, more than %d", e.Size, e.Max)
}
