package shape

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/gatewright/gate/internal/loopback"
)

// ReturnURL says what is wrong with an address that browsers are sent to: a
// callback, or one after log-out. A custom scheme is for native programs.
// Wildcards are allowed where wild is set: one * in the left-most label of the
// host of an http or https address, with at least two labels after it.
func ReturnURL(s string, wild bool) string {
	if s == "" || len(s) > 2048 || strings.ContainsFunc(s, notURL) {
		return "has characters that no URL has, or is too long"
	}
	u, err := url.Parse(strings.Replace(s, "*", "wildcard", 1))
	switch {
	case err != nil || u.Scheme == "":
		return "is no URL with a scheme"
	case strings.Contains(s, "#"):
		return "has a fragment"
	case u.User != nil:
		return "names a user"
	}
	switch scheme := strings.ToLower(u.Scheme); scheme {
	case "http", "https":
		if u.Hostname() == "" {
			return "has no host"
		}
		if !PlainHost(u.Host) {
			return "has a host with other characters than letters of ASCII, digits, dots and hyphens: a name in another script is written as browsers send it, xn--…"
		}
		return wildcard(s, wild)
	case "javascript", "data", "vbscript", "blob", "file", "about", "view-source", "ws", "wss", "ftp":
		return "has the scheme " + scheme + ", which cannot be returned to"
	}
	if strings.Contains(s, "*") {
		return "has a wildcard, which is for http and https alone"
	}
	return ""
}

// PlainHost reports whether a host, with its port if any, can stand in a header
// of ours: a directive of a policy ends at a semicolon, a source at a space, a
// star matches others, and names in other letters have a form in ASCII.
func PlainHost(host string) bool {
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool { return !strings.ContainsRune(Alphabet+"-._:[]", r) })
}

// wildcard judges the * of an address with a host.
func wildcard(s string, wild bool) string {
	n := strings.Count(s, "*")
	if n == 0 {
		return ""
	}
	if !wild {
		return "has a wildcard, which needs unsafe_wildcards"
	}
	_, rest, _ := strings.Cut(s, "://")
	host := rest[:len(rest)-len(strings.TrimLeft(rest, hostChars))]
	first, after, _ := strings.Cut(host, ".")
	switch {
	case n > 1:
		return "has more than one wildcard"
	case !strings.Contains(first, "*"):
		return "has a wildcard elsewhere than in the first label of the host"
	case !strings.Contains(strings.Trim(after, "."), "."), publicSuffix(after):
		return "has a wildcard for hosts of different owners"
	case strings.Contains(s, "{organization_name}"):
		return "has a wildcard beside a placeholder"
	}
	return ""
}

// hostChars are those of a host with a wildcard or a placeholder.
const hostChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*{}"

// publicSuffix reports whether names below s belong to different owners. It
// knows the pattern of two-letter countries ("co.uk") and hosts of applications
// that are met often; it is no list of all.
func publicSuffix(s string) bool {
	s = strings.ToLower(strings.Trim(s, "."))
	first, last, two := strings.Cut(s, ".")
	if two && !strings.Contains(last, ".") && len(last) == 2 {
		switch first {
		case "co", "com", "org", "net", "gov", "edu", "ac", "go", "ne", "or":
			return true
		}
	}
	switch s {
	case "vercel.app", "netlify.app", "pages.dev", "workers.dev", "github.io", "gitlab.io", "herokuapp.com", "web.app",
		"firebaseapp.com", "azurewebsites.net", "cloudfront.net", "fly.dev", "onrender.com", "ngrok.io", "ngrok-free.app",
		"amplifyapp.com", "run.app", "surge.sh", "appspot.com", "blogspot.com", "deno.dev", "railway.app":
		return true
	}
	return false
}

func notURL(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("\"<>\\^`|", r) }

// Origin says what is wrong with an origin: scheme, host and port, nothing
// else.
func Origin(s string, wild bool) string {
	if why := ReturnURL(s, wild); why != "" {
		return why
	}
	u, err := url.Parse(strings.Replace(s, "*", "wildcard", 1))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "is no origin of http or https"
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || strings.HasSuffix(s, "?") {
		return "is no origin: it has a path or a query"
	}
	return ""
}

// Endpoint says what is wrong with an address that the provider itself sends
// requests to: https, or http on this machine.
func Endpoint(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || len(s) > 2048 || strings.ContainsFunc(s, notURL):
		return "is no URL"
	case u.User != nil || strings.Contains(s, "#"):
		return "names a user or has a fragment"
	case u.Scheme == "https", u.Scheme == "http" && loopback.Site(u.Hostname()):
		return ""
	}
	return "has to be https"
}

// URL makes a check of one of the above.
func URL(judge func(string) string) check {
	return func(raw json.RawMessage) string {
		var s string
		if TypeOf(raw) != "string" || json.Unmarshal(raw, &s) != nil {
			return "Expected type string but found type " + TypeOf(raw)
		}
		if s == "" {
			return ""
		}
		if why := judge(s); why != "" {
			return Cut(s, 64) + " " + why
		}
		return ""
	}
}

// PlainURL says what is wrong with an address that a person goes to next.
func PlainURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "has to be http or https"
	}
	return ReturnURL(s, false)
}
