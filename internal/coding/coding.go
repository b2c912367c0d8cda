// Package coding tells which form of an answer a client takes.
package coding

import (
	"strconv"
	"strings"
)

// Gzip reads the lines of Accept-Encoding (RFC 9110 §12.5.3): q=0 refuses, and what is
// named goes before "*".
func Gzip(lines []string) bool {
	takes := false
	for coding := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name, params, _ := strings.Cut(coding, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		q, weighed := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		wanted := !weighed || err == nil && weight > 0
		switch name {
		case "gzip", "x-gzip":
			return wanted
		case "*":
			takes = wanted
		}
	}
	return takes
}
