package trial

import (
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
)

// maxText bounds a letter.
const maxText = 1 << 20

// decodeBody undoes the transfer encoding of a body (RFC 2045 §6).
func decodeBody(r io.Reader, encoding string) (string, error) {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxText))
	return string(text), err
}
