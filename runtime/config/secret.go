package config

import (
	"slices"
	"strconv"
	"strings"
)

// weakSecret says what is wrong with a secret, "" if nothing is. It judges what
// was typed or copied; that a secret is random it cannot see.
func weakSecret(s string, least int) string {
	switch {
	case s == "":
		return "is not set"
	case strings.TrimSpace(s) != s:
		return "begins or ends with a blank"
	case isPlaceholder(s):
		return "was copied from an example"
	case len(s) < least:
		return "is shorter than " + strconv.Itoa(least) + " bytes"
	case period(s) <= len(s)/2 || distinct(s) < 8:
		return "repeats itself"
	case strings.HasPrefix(s, "-----BEGIN"):
		return "is a key in PEM, not a secret"
	}
	return ""
}

// placeholders are what examples say in the place of a secret. The chance that a
// random one contains any of them is below one in a million.
func placeholders() []string {
	return []string{
		"changeme", "changethis", "replaceme", "replacethis", "placeholder", "example", "secret",
		"password", "passw0rd", "default", "insecure", "yourkey", "development", "qwerty", "letmein",
	}
}

// isPlaceholder reports whether s is empty or says that it is no secret.
func isPlaceholder(s string) bool {
	folded := strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-. !<>{}", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
	if folded == "" || folded == "admin" || folded == "postgres" || folded == "todo" || folded == "test" {
		return true
	}
	return slices.ContainsFunc(placeholders(), func(p string) bool { return strings.Contains(folded, p) })
}

// period is the length of the shortest piece that s is a repetition of.
func period(s string) int {
	for n := 1; n < len(s); n++ {
		if strings.HasPrefix(s, s[n:]) {
			return n
		}
	}
	return len(s)
}

func distinct(s string) int {
	seen := make(map[byte]bool)
	for i := range len(s) {
		seen[s[i]] = true
	}
	return len(seen)
}

// nearest returns the setting that name is most likely a misspelling of, "" if
// there is none within two edits.
func (l *loader) nearest(name string) string {
	best, found := 3, ""
	for _, k := range l.known() {
		if len(k) < 6 {
			continue // a short name is near to too much
		}
		if d := distance(strings.ToUpper(name), k); d < best {
			best, found = d, k
		}
	}
	return found
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
