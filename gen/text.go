package gen

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// comment returns text as a Go comment of lines of about 80 columns. Nothing in
// text can leave it: every line starts with //, whatever ends lines in it, and
// a paragraph cannot look like a directive to a tool.
func comment(text string) string {
	var lines []string
	for paragraph := range strings.SplitSeq(visible(text), "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 77 {
				lines = append(lines, "// "+line)
				line = ""
			}
			switch {
			case line != "":
				line += " " + word
			case strings.HasPrefix(word, "+"):
				line = strconv.Quote(word) // gofmt takes +build for a condition, and moves it to the top
			default:
				line = word
			}
		}
		lines = append(lines, strings.TrimRight("// "+line, " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "//" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// Script returns s as a literal of JSON, which is one of JavaScript and TypeScript, too.
// It holds nothing that would end a script in a page, and nothing that cannot be seen.
func Script(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("gen: " + err.Error()) // a text always can be
	}
	var b strings.Builder
	for _, r := range string(text) {
		if r < utf8.RuneSelf || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// jsdoc returns text as a comment of one line that tools of JavaScript show.
func jsdoc(text string) string {
	text = strings.Join(strings.Fields(visible(text)), " ")
	return "/** " + strings.ReplaceAll(text, "*/", "*\\/") + " */"
}

// visible keeps what a text may hold in a file of source: other line ends
// become newlines, and what cannot be seen or turns the direction of writing is
// left out.
func visible(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n", "\v", " ", "\f", " ", "\t", " ").Replace(text)
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
}

// sentence returns text with a capital and a full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(r)) + text[n:]
	if !strings.ContainsRune(".!?:", rune(text[len(text)-1])) {
		text += "."
	}
	return text
}

// firstLower returns text with a small first letter, unless it starts with an
// abbreviation.
func firstLower(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if next, _ := utf8.DecodeRuneInString(text[n:]); unicode.IsUpper(next) {
		return text
	}
	return strings.TrimSuffix(string(unicode.ToLower(r))+text[n:], ".")
}

// Snake returns a Go name in lower case with underscores: OrderItem, HTTPLog.
func Snake(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		upper := name[i] >= 'A' && name[i] <= 'Z'
		startsWord := i > 0 && upper && (name[i-1] < 'A' || name[i-1] > 'Z' || i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z')
		if startsWord && name[i-1] != '_' {
			b.WriteByte('_')
		}
		b.WriteByte(name[i])
	}
	return strings.ToLower(b.String())
}
