package design

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// JSON returns what the file says, without its comments and with aliases written
// out: a design that [Parse] reads to the same one, but for positions. What is two
// levels deep has a line of its own, so that two versions can be compared. Same
// design, same bytes.
func (d *Design) JSON() []byte {
	var b bytes.Buffer
	d.root.encode(&b, 0)
	b.WriteByte('\n')
	return b.Bytes()
}

// encode appends a value, whose depth in the file says whether its entries have
// lines of their own.
func (n *node) encode(b *bytes.Buffer, depth int) {
	switch n.kind {
	case KindMapping:
		b.WriteByte('{')
		for i, e := range n.entries {
			separate(b, i, depth)
			quoteJSON(b, e.key)
			b.WriteString(": ")
			e.value.encode(b, depth+1)
		}
		finish(b, len(n.entries), depth)
		b.WriteByte('}')
	case KindList:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteString(", ")
			}
			item.encode(b, lines)
		}
		b.WriteByte(']')
	case KindString:
		quoteJSON(b, n.text)
	case KindInteger, KindFloat:
		b.WriteString(numberJSON(n.text))
	case KindBool:
		b.WriteString(n.text)
	default:
		b.WriteString("null")
	}
}

// lines is how deep entries have lines of their own.
const lines = 2

func separate(b *bytes.Buffer, i, depth int) {
	if i > 0 {
		b.WriteByte(',')
	}
	switch {
	case depth < lines:
		b.WriteString("\n" + strings.Repeat("  ", depth+1))
	case i > 0:
		b.WriteByte(' ')
	}
}

func finish(b *bytes.Buffer, entries, depth int) {
	if depth < lines && entries > 0 {
		b.WriteString("\n" + strings.Repeat("  ", depth))
	}
}

// numberJSON returns a number of YAML as JSON has it, digit by digit where both
// agree.
func numberJSON(text string) string {
	text = strings.TrimPrefix(text, "+")
	if json.Valid([]byte(text)) {
		return text
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return "null" // no design has such a number
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// quoteJSON appends a text as JSON and YAML both read it.
func quoteJSON(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a text, into memory
	b.Truncate(b.Len() - 1)
}
