package design

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// offset returns where in the file a position is.
func (e *editor) offset(p Position) int {
	at := e.lines[p.Line-1]
	for range p.Column - 1 {
		_, size := utf8.DecodeRune(e.src[at:])
		at += size
	}
	return at
}

func (e *editor) isFlow(p Position) bool {
	at := e.offset(p)
	return at < len(e.src) && e.src[at] == '{'
}

// line returns the text of a line without its end.
func (e *editor) line(number int) string {
	return string(e.src[e.lines[number-1]:e.lineEnd(number)])
}

// lineEnd returns the offset of the end of a line, before \n or \r\n.
func (e *editor) lineEnd(number int) int {
	if number >= len(e.lines) {
		return len(e.src)
	}
	end := e.lines[number] - 1
	if end > 0 && e.src[end-1] == '\r' {
		end--
	}
	return end
}

// lastLine returns the last line of an entry of a block mapping: those that
// follow belong to it as long as they are indented deeper. Comments and empty
// lines after it do not.
func (e *editor) lastLine(en entry) int {
	last := en.pos.Line
	for number := last + 1; number <= len(e.lines); number++ {
		text := e.line(number)
		trimmed := strings.TrimLeft(text, " \t")
		indent := len(text) - len(trimmed)
		element := indent == en.pos.Column-1 && (trimmed == "-" || strings.HasPrefix(trimmed, "- "))
		switch {
		case trimmed == "":
		case indent >= en.pos.Column || element:
			last = number
		case trimmed[0] == '#':
		default:
			return last
		}
	}
	return last
}

// afterColon returns the offset after the colon of an entry.
func (e *editor) afterColon(en entry) (int, error) {
	at, err := e.scalarEnd(e.offset(en.pos), en.key)
	if err != nil {
		return 0, err
	}
	rest := strings.TrimLeft(string(e.src[at:]), " \t")
	if !strings.HasPrefix(rest, ":") {
		return 0, errByHand
	}
	return len(e.src) - len(rest) + 1, nil
}

// valueStart returns where the value of an entry begins. It does not say so
// when the value is an alias, whose text stands elsewhere.
func (e *editor) valueStart(en entry) (int, bool) {
	colon, err := e.afterColon(en)
	at := e.offset(en.value.pos)
	if err != nil || at < colon {
		return 0, false
	}
	for line := range strings.Lines(string(e.src[colon:at])) {
		line = strings.TrimSpace(line)
		if line = anchorName.ReplaceAllString(line, ""); line != "" && line[0] != '#' {
			return 0, false
		}
	}
	return at, true
}

// entryEnd returns the offset after the value of an entry.
func (e *editor) entryEnd(en entry) (int, error) {
	if en.value.kind == KindNull && en.value.text == "" {
		return e.afterColon(en)
	}
	at, ok := e.valueStart(en)
	if !ok {
		return 0, errByHand
	}
	if c := e.src[at]; c == '{' || c == '[' {
		return e.flowEnd(at)
	}
	if en.value.kind == KindMapping || en.value.kind == KindList {
		return 0, errByHand
	}
	return e.scalarEnd(at, en.value.text)
}

func (e *editor) scalarEnd(at int, text string) (int, error) {
	switch rest := e.src[at:]; {
	case len(rest) > 0 && (rest[0] == '"' || rest[0] == '\''):
		return e.quoteEnd(at)
	case text != "" && bytes.HasPrefix(rest, []byte(text)):
		return at + len(text), nil
	}
	return 0, errByHand
}

func (e *editor) quoteEnd(at int) (int, error) {
	mark := e.src[at]
	for i := at + 1; i < len(e.src); i++ {
		switch {
		case mark == '"' && e.src[i] == '\\':
			i++
		case e.src[i] == mark && mark == '\'' && i+1 < len(e.src) && e.src[i+1] == mark:
			i++
		case e.src[i] == mark:
			return i + 1, nil
		}
	}
	return 0, errByHand
}

// flowEnd returns the offset after the bracket that closes the one at.
func (e *editor) flowEnd(at int) (int, error) {
	depth := 0
	for i := at; i < len(e.src); i++ {
		switch e.src[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		case '"', '\'':
			if !strings.ContainsRune(" \t\r\n,:{[", rune(e.src[i-1])) {
				continue // within a plain word
			}
			end, err := e.quoteEnd(i)
			if err != nil {
				return 0, err
			}
			i = end - 1
		case '#':
			if !strings.ContainsRune(" \t\r\n", rune(e.src[i-1])) {
				continue
			}
			for i+1 < len(e.src) && e.src[i+1] != '\n' {
				i++
			}
		}
	}
	return 0, errByHand
}

// flowValue writes a value so that it can stand in a flow mapping.
func flowValue(value any) (string, error) {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if !isFloat64(text) {
			return "", fmt.Errorf("%v is not a number that can be written", v)
		}
		return text, nil
	case string:
		return scalarText(v), nil
	case []string:
		words := make([]string, len(v))
		for i, s := range v {
			words[i] = scalarText(s)
		}
		return "[" + strings.Join(words, ", ") + "]", nil
	}
	return "", fmt.Errorf("a %T cannot be written", value)
}

var (
	plainWord     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	plainDuration = regexp.MustCompile(`^[0-9]+(ms|s|m|h)$`)
)

// scalarText writes a text so that YAML reads it back as that very text.
func scalarText(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(s)
	}
	if plainWord.MatchString(s) || plainDuration.MatchString(s) {
		return s
	}
	return strconv.QuoteToGraphic(s)
}
