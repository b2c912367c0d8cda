package tenant

import "errors"

// maxDepth is how deep what is kept of a user may be nested. SQLite gives up on
// a whole search when one document is deeper than it reads.
const maxDepth = 64

var errDepth = errors.New("is nested deeper than 64 levels") //nolint:gochecknoglobals // constant

// shallow reports whether JSON that is well-formed is nested no deeper than
// maxDepth.
func shallow(data []byte) bool {
	depth, inText, escaped := 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case inText && c == '\\':
			escaped = true
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}
