// Package typo finds what somebody meant who mistyped a name.
package typo

import "strings"

// Nearest returns the candidate that needs the fewest edits to become word, ""
// if all are too far away. Of verb:noun both parts have to be near: delete:items
// is not create:items misspelt.
func Nearest(word string, candidates []string) string {
	if len(word) > 64 {
		return ""
	}
	best, least := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < least && nearParts(word, c) {
			best, least = c, d
		}
	}
	return best
}

func nearParts(word, candidate string) bool {
	verb, noun, both := strings.Cut(strings.ToLower(word), ":")
	otherVerb, otherNoun, alsoBoth := strings.Cut(strings.ToLower(candidate), ":")
	if !both || !alsoBoth {
		return true
	}
	return distance(verb, otherVerb) <= max(1, len(verb)/3) && distance(noun, otherNoun) <= max(1, len(noun)/3)
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
