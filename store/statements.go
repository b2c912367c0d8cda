package store

import (
	"fmt"
	"slices"
	"strings"
)

// A statement is one statement of a script.
type statement struct {
	text string
	line int    // where it begins in the script, from 1
	word string // its first word, in upper case
}

// split cuts a script at the semicolons that end statements. The pieces go to
// the database one by one, so that an error can name its line and nothing
// needs a protocol that takes several at once. Getting it wrong is safe: a
// piece that is no statement does not parse, and the migration is rolled back.
func split(d Dialect, script string) ([]statement, error) {
	s := scanner{dialect: d, rest: strings.TrimPrefix(script, "\ufeff"), line: 1}
	var all []statement
	for {
		st, err := s.next()
		if err != nil || st.text == "" {
			return all, err
		}
		all = append(all, st)
	}
}

// scanner walks a script.
type scanner struct {
	dialect Dialect
	rest    string
	line    int
}

// next returns the next statement without its semicolon, an empty one at the
// end.
func (s *scanner) next() (statement, error) {
	var (
		st     statement
		from   string // the script from the first token on
		words  []string
		parens int
		body   int // open BEGIN and CASE of a trigger or function
	)
	for s.rest != "" {
		n, err := s.token()
		if err != nil {
			return statement{}, fmt.Errorf("line %d: %w", s.line, err)
		}
		tok := s.rest[:n]
		if tok == ";" && parens <= 0 && body <= 0 {
			if from != "" {
				st.text = from[:len(from)-len(s.rest)]
				s.advance(n)
				return st, nil
			}
		} else if from == "" && !blank(tok) {
			from, st.line, st.word = s.rest, s.line, strings.ToUpper(tok)
		}
		switch {
		case tok == "(":
			parens++
		case tok == ")":
			parens--
		case isWord(tok[0]):
			word := strings.ToUpper(tok)
			if len(words) < 4 {
				words = append(words, word)
			}
			body += nesting(words, word, body)
		}
		s.advance(n)
	}
	st.text = from
	return st, nil
}

// nesting returns how word changes the depth of a body. Only a trigger,
// function or procedure has one; the rule is psql's.
func nesting(words []string, word string, depth int) int {
	hasBody := words[0] == "CREATE" &&
		(slices.Contains(words, "TRIGGER") || slices.Contains(words, "FUNCTION") || slices.Contains(words, "PROCEDURE"))
	switch {
	case !hasBody:
		return 0
	case word == "BEGIN", word == "CASE" && depth > 0:
		return 1
	case word == "END" && depth > 0:
		return -1
	}
	return 0
}

func (s *scanner) advance(n int) {
	s.line += strings.Count(s.rest[:n], "\n")
	s.rest = s.rest[n:]
}

// token returns the length of what the script goes on with: white space, a
// comment, a word, something quoted, or one other byte.
func (s *scanner) token() (int, error) {
	r, c := s.rest, s.rest[0]
	switch {
	case isSpace(c):
		return 1, nil
	case strings.HasPrefix(r, "--"):
		if i := strings.IndexByte(r, '\n'); i >= 0 {
			return i, nil
		}
		return len(r), nil
	case strings.HasPrefix(r, "/*"):
		return s.blockComment()
	case s.dialect == Postgres && (c == 'e' || c == 'E') && len(r) > 1 && r[1] == '\'':
		n, err := quoted(r[1:], '\'', true)
		return n + 1, err
	case c == '\'' || c == '"':
		return quoted(r, c, false)
	case s.dialect == SQLite && c == '`':
		return quoted(r, c, false)
	case s.dialect == SQLite && c == '[':
		if i := strings.IndexByte(r, ']'); i >= 0 {
			return i + 1, nil
		}
		return 0, fmt.Errorf("unterminated [")
	case s.dialect == Postgres && c == '$':
		return dollarQuoted(r)
	case isWord(c):
		n := 1
		for n < len(r) && (isWord(r[n]) || r[n] == '$') {
			n++
		}
		return n, nil
	}
	return 1, nil
}

// blockComment returns the length of a /* comment */. They nest in PostgreSQL.
func (s *scanner) blockComment() (int, error) {
	depth := 1
	for i := 2; i+1 < len(s.rest); i++ {
		switch {
		case s.rest[i:i+2] == "*/":
			if depth--; depth == 0 {
				return i + 2, nil
			}
			i++
		case s.rest[i:i+2] == "/*" && s.dialect == Postgres:
			depth++
			i++
		}
	}
	return 0, fmt.Errorf("unterminated comment")
}

// quoted returns the length of the text in quotes that r begins with. A
// doubled quote stands for one, as does one after a backslash if escapes is
// set.
func quoted(r string, quote byte, escapes bool) (int, error) {
	for i := 1; i < len(r); i++ {
		switch {
		case r[i] == '\\' && escapes:
			i++
		case r[i] != quote:
		case i+1 < len(r) && r[i+1] == quote:
			i++
		default:
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("unterminated %c", quote)
}

// dollarQuoted returns the length of the $tag$text$tag$ that r begins with, 1
// when the dollar begins something else.
func dollarQuoted(r string) (int, error) {
	n := 1
	for n < len(r) && isWord(r[n]) {
		n++
	}
	if n == len(r) || r[n] != '$' || (n > 1 && r[1] >= '0' && r[1] <= '9') {
		return 1, nil
	}
	tag := r[:n+1]
	end := strings.Index(r[len(tag):], tag)
	if end < 0 {
		return 0, fmt.Errorf("unterminated %s", tag)
	}
	return end + 2*len(tag), nil
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// blank reports whether a token is white space or a comment.
func blank(tok string) bool {
	return isSpace(tok[0]) || strings.HasPrefix(tok, "--") || strings.HasPrefix(tok, "/*")
}
