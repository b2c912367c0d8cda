// Package address knows which texts are addresses of mail and of the web: for the
// values that a service takes, and for the defaults that a design gives them.
package address

import (
	"net/url"
	"strings"
)

const (
	// MaxEmail is how many bytes an address of mail has at most (RFC 5321 §4.5.3.1.3).
	MaxEmail = 254
	// MaxURL is how many bytes an address of the web has at most: what browsers and
	// proxies agree on.
	MaxURL = 2048
)

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// IsEmail wants the grammar of HTML's <input type=email>: ASCII, a local part
// without quotes, a domain of labels. Nothing else can be compared without case
// in the same way by every database.
func IsEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > 64 || len(s) > MaxEmail ||
		!onlyOf(local, alphanumeric+".!#$%&'*+/=?^_`{|}~-") {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || !onlyOf(label, alphanumeric+"-") ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

// IsURL wants an absolute http or https address without credentials.
func IsURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsAny(s, " \t\r\n\\<>\"")
}

func onlyOf(s, letters string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(letters, r) })
}
