package design

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/gatewright/gate/internal/typo"
)

// quote prints what a user wrote: bounded, and with everything escaped that a
// terminal could act on.
func quote(s string) string {
	const limit = 60
	if r := []rune(s); len(r) > limit {
		return strconv.QuoteToGraphic(string(r[:limit])) + "…"
	}
	return strconv.QuoteToGraphic(s)
}

// didYouMean returns `, did you mean "x"?` for the nearest candidate, or
// nothing if none is near.
func didYouMean(word string, candidates []string) string {
	if near := typo.Nearest(word, candidates); near != "" {
		return ", did you mean " + quote(near) + "?"
	}
	return ""
}

// words cuts a camelCase or kebab-case name: htmlURLBase2 → html URL Base2.
func words(name string) []string {
	var out []string
	runes := []rune(name)
	start := 0
	cut := func(i int) {
		if i > start {
			out = append(out, string(runes[start:i]))
		}
		start = i
	}
	for i, r := range runes {
		switch {
		case r == '-' || r == '_':
			cut(i)
			start = i + 1
		case unicode.IsUpper(r) && i > start:
			previousLower := !unicode.IsUpper(runes[i-1])
			nextLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if previousLower || nextLower {
				cut(i)
			}
		}
	}
	cut(len(runes))
	return out
}

// snake turns orderItem and OrderItem into order_item.
func snake(name string) string { return strings.ToLower(strings.Join(words(name), "_")) }

// kebab turns OrderItem into order-item.
func kebab(name string) string { return strings.ToLower(strings.Join(words(name), "-")) }

// camel turns OrderItem into orderItem and URLList into urlList.
func camel(name string) string {
	ws := words(name)
	for i, w := range ws {
		ws[i] = strings.ToLower(w[:1]) + w[1:]
		if i == 0 {
			ws[i] = strings.ToLower(w)
			continue
		}
		ws[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(ws, "")
}

// goName turns a camelCase or kebab-case name into an exported Go name, with
// the capitals that Go gives to initialisms: userId → UserID.
func goName(name string) string {
	var b strings.Builder
	for _, w := range words(name) {
		if upper := strings.ToUpper(w); isInitialism(upper) {
			b.WriteString(upper)
			continue
		}
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

func isInitialism(upper string) bool {
	switch upper {
	case "API", "CPU", "CSS", "DNS", "HTML", "HTTP", "HTTPS", "ID", "IP", "JSON", "JWT",
		"SQL", "SSH", "TLS", "TTL", "UI", "URI", "URL", "UUID", "XML":
		return true
	}
	return false
}

// Plural returns the English plural of a name in PascalCase or kebab-case, of which
// only the last word changes: OrderItem → OrderItems, Category → Categories.
func Plural(name string) string {
	ws := words(name)
	if len(ws) == 0 {
		return name
	}
	last := ws[len(ws)-1]
	return strings.TrimSuffix(name, last) + pluralWord(last)
}

func pluralWord(word string) string {
	lower := strings.ToLower(word)
	if p, ok := irregular(lower); ok {
		return word[:1] + p[1:]
	}
	end := func(suffixes ...string) bool {
		for _, s := range suffixes {
			if strings.HasSuffix(lower, s) {
				return true
			}
		}
		return false
	}
	switch {
	case end("fe") && !end("afe"): // knife
		return word[:len(word)-2] + "ves"
	case end("elf", "alf", "eaf", "arf", "olf"): // shelf, half, leaf, scarf, wolf
		return word[:len(word)-1] + "ves"
	case end("sis"): // analysis, basis
		return word[:len(word)-2] + "es"
	case end("s", "x", "z", "ch", "sh"):
		return word + "es"
	case end("y") && !end("ay", "ey", "iy", "oy", "uy"):
		return word[:len(word)-1] + "ies"
	}
	return word + "s"
}

func irregular(lower string) (string, bool) {
	switch lower {
	case "person":
		return "people", true
	case "child":
		return "children", true
	case "man", "woman", "salesman", "chairman", "craftsman":
		return lower[:len(lower)-2] + "en", true
	case "foot", "tooth", "goose":
		return strings.Replace(lower, "oo", "ee", 1), true
	case "mouse":
		return "mice", true
	case "datum", "medium", "curriculum", "bacterium":
		return lower[:len(lower)-2] + "a", true
	case "index", "vertex", "matrix":
		return lower[:len(lower)-2] + "ices", true
	case "criterion", "phenomenon":
		return lower[:len(lower)-2] + "a", true
	case "quiz":
		return "quizzes", true
	case "hero", "potato", "tomato", "echo", "veto":
		return lower + "es", true
	}
	return "", false
}
