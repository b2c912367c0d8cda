// Package unverified shows what a token says to someone who looks for a
// mistake. Nothing that it returns has been checked, and nothing may be decided
// on it: package jose is the one that verifies.
package unverified

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxSize bounds the tokens that are decoded, in bytes.
const maxSize = 16 << 10

// Token is what the two readable parts of a token say, as they were written.
type Token struct {
	Header json.RawMessage
	Claims json.RawMessage
}

// DecodeUnverified returns the header and the claims of a token in compact form
// (RFC 7515 §3.1) without checking its signature: anybody can have written
// them. It is for showing a token to a person only. An error says which part
// cannot be read, and then nothing is returned.
func DecodeUnverified(token string) (*Token, error) {
	if len(token) > maxSize {
		return nil, fmt.Errorf("the token has %d bytes, more than %d", len(token), maxSize)
	}
	if dots := strings.Count(token, "."); dots != 2 {
		return nil, fmt.Errorf("the token has %d parts, a signed token has 3", dots+1)
	}
	first, last := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
	header, err := part(token[:first])
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	claims, err := part(token[first+1 : last])
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return &Token{Header: header, Claims: claims}, nil
}

func part(s string) (json.RawMessage, error) {
	if strings.ContainsAny(s, "\r\n") { // the decoder skips them, even a strict one
		return nil, errors.New("not base64url: line break")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, errors.New("not base64url")
	}
	if !json.Valid(b) || b[0] != '{' {
		return nil, errors.New("not a JSON object")
	}
	return b, nil
}
