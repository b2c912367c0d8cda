package config

import (
	"strconv"

	"github.com/gatewright/gate/internal/typo"
)

// quote prints what somebody wrote: bounded, and with everything escaped that a
// terminal could act on.
func quote(s string) string {
	const limit = 60
	if r := []rune(s); len(r) > limit {
		return strconv.QuoteToGraphic(string(r[:limit])) + "…"
	}
	return strconv.QuoteToGraphic(s)
}

// didYouMean returns `, did you mean "x"?` for the nearest candidate, or nothing
// when none is near.
func didYouMean(word string, candidates []string) string {
	if best := typo.Nearest(word, candidates); best != "" {
		return ", did you mean " + quote(best) + "?"
	}
	return ""
}
