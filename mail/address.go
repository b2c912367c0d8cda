package mail

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	maxAddress = 254 // RFC 5321 §4.5.3.1.3, without the brackets
	maxLocal   = 64  // RFC 5321 §4.5.3.1.1
	maxLabel   = 63  // RFC 1035 §2.3.4
)

// Canonical returns the one spelling of the address of a mailbox: without
// blanks around it, in NFKC and in lower case. The error is [ErrAddress] for
// everything that is not one address: lists, quoted names, comments, and what is
// longer than 254 bytes. The domain has letters, digits and hyphens; one with
// other letters is given in its xn-- form (RFC 5890 §2.3.2.1), since two
// spellings of one name would be two accounts.
func Canonical(address string) (string, error) {
	if len(address) > 4*maxAddress {
		return "", fmt.Errorf("%w: over %d bytes", ErrAddress, maxAddress)
	}
	address = strings.ToLower(norm.NFKC.String(strings.TrimSpace(address)))
	if len(address) > maxAddress {
		return "", fmt.Errorf("%w: over %d bytes", ErrAddress, maxAddress)
	}
	local, domain, ok := strings.Cut(address, "@")
	if !ok || strings.Contains(domain, "@") {
		return "", fmt.Errorf("%w: not exactly one @", ErrAddress)
	}
	if err := checkLocal(local); err != nil {
		return "", err
	}
	if err := checkDomain(domain); err != nil {
		return "", err
	}
	return address, nil
}

// checkLocal wants the dot-atom of RFC 5322 §3.2.3, with the letters of other
// scripts (RFC 6532 §3.2).
func checkLocal(local string) error {
	if local == "" || len(local) > maxLocal {
		return fmt.Errorf("%w: the part before the @ is empty or over %d bytes", ErrAddress, maxLocal)
	}
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return fmt.Errorf("%w: a dot at the edge or two in a row", ErrAddress)
	}
	for _, r := range local {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r):
		case r > unicode.MaxASCII && r != unicode.ReplacementChar && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)):
		default:
			return fmt.Errorf("%w: %U before the @", ErrAddress, r)
		}
	}
	return nil
}

func checkDomain(domain string) error {
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Errorf("%w: the domain has a part that is empty, too long or edged by a hyphen", ErrAddress)
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
				return fmt.Errorf("%w: %U in the domain", ErrAddress, r)
			}
		}
	}
	return nil
}
