package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// gap is between two columns, margin before the first.
const (
	gap    = 3
	margin = "  "
)

// table lays rows out in columns, with a margin of two. On a terminal that is too
// narrow for them the last column wraps or, where that is not enough, each row stands
// below its names. In a pipe a row is one line.
func table(w io.Writer, head []string, rows [][]string) error {
	for _, row := range rows {
		for i := range row {
			row[i] = plain(row[i])
		}
	}
	_, err := io.WriteString(w, layOut(columnsOf(w), head, rows))
	return err
}

// columnsOf returns how many columns the terminal at w has; zero where there is none.
func columnsOf(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// layOut returns a table of so many columns, of any width when that is zero. A head
// of nil has none.
func layOut(columns int, head []string, rows [][]string) string {
	all := rows
	if head != nil {
		top := make([]string, len(head))
		for i, name := range head {
			top[i] = strings.ToUpper(name)
		}
		all = slices.Concat([][]string{top}, rows)
	}
	var widths []int
	for _, row := range all {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	if len(widths) == 0 {
		return ""
	}
	last := len(widths) - 1
	before := len(margin)
	for _, n := range widths[:last] {
		before += n + gap
	}
	room := 0 // of the last column
	if columns > 0 && before+widths[last] > columns {
		if room = columns - before; room < longestWord(all, last) {
			if head != nil {
				return stack(columns, head, rows)
			}
			room = 0 // names and values stand below each other already
		}
	}
	var b strings.Builder
	for _, row := range all {
		cells := []string{margin}
		for i, cell := range row[:min(last, len(row))] {
			cells = append(cells, pad(cell, widths[i]+gap))
		}
		if len(row) > last {
			cells = append(cells, strings.Join(wrapWords(row[last], room), "\n"+strings.Repeat(" ", before)))
		}
		fmt.Fprintln(&b, strings.TrimRight(strings.Join(cells, ""), " "))
	}
	return b.String()
}

// stack returns the rows as names and values, one below the other.
func stack(columns int, head []string, rows [][]string) string {
	blocks := make([]string, 0, len(rows))
	for _, row := range rows {
		var lines [][]string
		for i, cell := range row {
			if cell != "" {
				lines = append(lines, []string{head[i], cell})
			}
		}
		blocks = append(blocks, layOut(columns, nil, lines))
	}
	return strings.Join(blocks, "\n")
}

// longestWord returns the length of the longest word in a column.
func longestWord(rows [][]string, column int) int {
	longest := 0
	for _, row := range rows {
		if len(row) > column {
			for word := range strings.FieldsSeq(row[column]) {
				longest = max(longest, utf8.RuneCountInString(word))
			}
		}
	}
	return longest
}

// wrapWords breaks a text at its blanks, so that no line is longer than room; one
// word may be. A room of zero is any.
func wrapWords(text string, room int) []string {
	if room == 0 || utf8.RuneCountInString(text) <= room {
		return []string{text}
	}
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if n := len(lines) - 1; n >= 0 && utf8.RuneCountInString(lines[n])+1+utf8.RuneCountInString(word) <= room {
			lines[n] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}
