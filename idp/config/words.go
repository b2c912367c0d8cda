package config

import (
	"strconv"
	"strings"
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
	if best := nearest(word, candidates); best != "" {
		return ", did you mean " + quote(best) + "?"
	}
	return ""
}

// nearest returns the candidate that is nearest to a word, or nothing when none
// is near.
func nearest(word string, candidates []string) string {
	if len(word) > 64 {
		return ""
	}
	best, least := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace to get from a
// to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
