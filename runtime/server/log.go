package server

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/gatewright/gate/internal/terminal"
)

// maxLogText bounds one value of a log line; most of them come from clients. The stack
// of a panic does not, and says where it was.
const maxLogText, maxStack = 1 << 10, 16 << 10

// redacted is logged in the place of a secret.
const redacted = "[redacted]"

// newLogger returns a logger that writes one JSON object a line, in which nothing
// acts on the terminal of who reads it, and keeps secrets out: values whose name
// says that they are secret, and texts that look like a token whatever their name.
// Secrets of the types of internal/secret keep themselves out.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(terminal.Escaping{W: w}, &slog.HandlerOptions{Level: level, ReplaceAttr: redact}))
}

func redact(_ []string, a slog.Attr) slog.Attr {
	if isSecretName(a.Key) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		switch text := a.Value.String(); a.Key {
		case "path":
			a.Value = slog.StringValue(cleanPath(text))
		case "stack":
			a.Value = slog.StringValue(cut(clean(text), maxStack))
		default:
			a.Value = slog.StringValue(cleanText(text))
		}
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error:
			a.Value = slog.StringValue(cleanText(v.Error()))
		case fmt.Stringer:
			a.Value = slog.StringValue(cleanText(v.String()))
		}
	default: // numbers, times and the like hold no text
	}
	return a
}

// isSecretName reports whether a value of that name is a secret, in whatever
// spelling.
func isSecretName(name string) bool {
	folded := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' {
			return -1
		}
		return r
	}, strings.ToLower(name))
	switch folded {
	case "authorization", "proxyauthorization", "cookie", "setcookie", "credentials", "databaseurl", "dsn":
		return true
	}
	for _, end := range []string{"password", "passwd", "token", "secret", "apikey", "privatekey", "hash"} {
		if strings.HasSuffix(folded, end) {
			return true
		}
	}
	return false
}

// tokenLike finds API keys, JWTs, credentials behind their scheme, passwords in URLs, and
// password hashes.
var tokenLike = regexp.MustCompile(
	`\bgk_\w+|eyJ[\w-]*\.[\w.-]+|(?i:\b(?:bearer|basic)\s+)[\w.~+/=-]+|://[^\s/@:]*:[^\s/@]*@|\$(?:argon2\w+|2[aby]|scrypt|pbkdf2[\w-]*)\$\S+`)

// maxSegment is longer than any identifier of a row, and shorter than a secret.
const maxSegment = 36

// cleanPath takes what looks like a secret out of a path: somebody may put one
// there by mistake.
func cleanPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if len(s) > maxSegment && !strings.ContainsAny(s, ". ") {
			segments[i] = redacted
		}
	}
	return cleanText(strings.Join(segments, "/"))
}

// cleanText takes what looks like a secret out of a text, and cuts it.
func cleanText(s string) string { return cut(clean(s), maxLogText) }

// clean takes what looks like a secret out of a text. It sees all of it: of half a
// secret nobody could tell that it is one.
func clean(s string) string { return tokenLike.ReplaceAllString(s, redacted) }

// cut shortens a text to so many bytes, and a mark that says so.
func cut(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size] + "…"
}
