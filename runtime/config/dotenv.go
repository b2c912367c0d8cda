package config

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"unicode/utf8"
)

// maxFile bounds a .env; nobody writes one by hand that is larger.
const maxFile = 64 << 10

// entry is one line of a .env.
type entry struct {
	value string
	line  int
}

// readFile returns the entries of the file called name, none if there is no
// such file, and the mode of the file.
func readFile(name string) (map[string]entry, fs.FileMode, []Problem) {
	f, err := os.Open(name) //nolint:gosec // the path is the program's choice
	if os.IsNotExist(err) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, []Problem{{File: name, Message: "cannot be read: " + reason(err)}}
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, 0, []Problem{{File: name, Message: "cannot be read: " + reason(err)}}
	case !info.Mode().IsRegular():
		return nil, 0, []Problem{{File: name, Message: "is not a file"}}
	case info.Size() > maxFile:
		return nil, 0, []Problem{{File: name, Message: "is larger than 64 KiB"}}
	}
	src, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, 0, []Problem{{File: name, Message: "cannot be read: " + reason(err)}}
	}
	entries, problems := parse(name, string(src))
	return entries, info.Mode(), problems
}

// reason is err without the path, which the problem already names.
func reason(err error) string {
	if pe, ok := err.(*fs.PathError); ok { //nolint:errorlint // straight from package os
		return pe.Err.Error()
	}
	return err.Error()
}

// parse reads the lines of a .env. It goes on after a bad line.
func parse(file, src string) (map[string]entry, []Problem) {
	var problems []Problem
	if !utf8.ValidString(src) || strings.ContainsRune(src, 0) {
		return nil, []Problem{{File: file, Message: "is not plain UTF-8 text"}}
	}
	src = strings.TrimPrefix(src, "\ufeff")
	entries := make(map[string]entry)
	number := 0
	for line := range strings.Lines(src) {
		number++
		name, value, err := parseLine(strings.TrimSpace(line))
		switch {
		case err != nil:
			problems = append(problems, Problem{File: file, Line: number, Setting: name, Message: err.Error()})
		case name == "":
		case entries[name].line > 0:
			problems = append(problems, Problem{
				File: file, Line: number, Setting: name,
				Message: fmt.Sprintf("stands twice, first in line %d", entries[name].line),
			})
		default:
			entries[name] = entry{value: value, line: number}
		}
	}
	return entries, problems
}

// syntaxError is what is wrong with a line. It never holds a value.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

// parseLine returns the setting of one trimmed line, or no name if it has none.
func parseLine(line string) (name, value string, err error) {
	if line == "" || line[0] == '#' {
		return "", "", nil
	}
	if rest, ok := strings.CutPrefix(line, "export "); ok {
		line = strings.TrimSpace(rest)
	}
	name, value, ok := strings.Cut(line, "=")
	name = strings.TrimSpace(name)
	if !ok {
		return "", "", syntaxError("is not of the form NAME=value")
	}
	if !isName(name) {
		return "", "", syntaxError("a name consists of letters, digits and _, and begins with no digit")
	}
	value, err = parseValue(strings.TrimSpace(value))
	return name, value, err
}

func parseValue(s string) (string, error) {
	switch {
	case s == "" || s[0] == '#':
		return "", nil
	case s[0] == '\'':
		value, rest, ok := strings.Cut(s[1:], "'")
		if !ok {
			return "", syntaxError("the single quote is never closed")
		}
		return value, onlyComment(rest)
	case s[0] == '"':
		return parseDouble(s[1:])
	}
	for i := 1; i < len(s); i++ {
		if s[i] == '#' && (s[i-1] == ' ' || s[i-1] == '\t') {
			return strings.TrimSpace(s[:i]), nil
		}
	}
	return s, nil
}

// parseDouble reads a double-quoted value from behind its opening quote.
func parseDouble(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), onlyComment(s[i+1:])
		case '\\':
			i++
			if i == len(s) {
				return "", syntaxError("the double quote is never closed")
			}
			switch c := s[i]; c {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '\\', '"', '$':
				b.WriteByte(c)
			default:
				return "", syntaxError(`the escapes of a double-quoted value are \n \t \\ \" and \$`)
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", syntaxError("the double quote is never closed")
}

func onlyComment(rest string) error {
	trimmed := strings.TrimLeft(rest, " \t")
	if trimmed == "" || (trimmed[0] == '#' && len(trimmed) < len(rest)) {
		return nil
	}
	return syntaxError("only a comment may follow the closing quote")
}

func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
		if !letter && (i == 0 || r < '0' || '9' < r) {
			return false
		}
	}
	return s != ""
}

// exposed says what is wrong with the mode of a file that holds secrets, "" if
// nothing is. Windows has no such modes.
func exposed(mode fs.FileMode) string {
	switch {
	case runtime.GOOS == "windows":
		return ""
	case mode&0o004 != 0:
		return "holds secrets and everybody on this machine may read it"
	case mode&0o022 != 0:
		return "holds secrets and others on this machine may change it"
	}
	return ""
}
