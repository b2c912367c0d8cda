package accounts

import (
	"database/sql"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatewright/gate/internal/secret"
)

// secretLen is the length of a secret of 256 bits as text.
const secretLen = 43

// validSecret reports whether text has the form of a secret made here. What has
// not is never sent to the database.
func validSecret(text string) bool {
	if len(text) != secretLen {
		return false
	}
	for _, c := range []byte(text) {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// digestOf returns what is stored of a secret.
func digestOf(text string) string {
	sum := secret.Hash(text)
	return hex.EncodeToString(sum[:])
}

// readable returns text without control characters and broken bytes, cut to
// at most n bytes.
func readable(text string, n int) string {
	if len(text) > n {
		text = text[:n]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
}

// storable reports whether text is at most n bytes that every database keeps
// as they are.
func storable(text string, n int) bool {
	return len(text) <= n && utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

// texts reads rows of one text each, and closes them.
func texts(rows *sql.Rows) ([]string, error) {
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
