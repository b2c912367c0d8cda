package idp

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// callback returns the registered address that raw is, or false. Scheme and host
// are compared without case, everything else byte by byte (RFC 9700 §2.1). A
// native client may vary the port of a loopback address (RFC 8252 §7.3).
func callback(c *tenant.Client, raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Fragment != "" || strings.Contains(raw, "#") || u.User != nil || dangerous(u) || unusable(u) {
		return "", false
	}
	return raw, slices.ContainsFunc(c.Callbacks, func(registered string) bool {
		return sameURL(registered, raw) || c.AppType == tenant.Native && sameLoopback(registered, u) ||
			c.UnsafeWildcards && c.FirstParty && wildcard(registered, u)
	})
}

// dangerous reports addresses that a browser would run instead of visit.
func dangerous(u *url.URL) bool {
	switch strings.ToLower(u.Scheme) {
	case "javascript", "data", "vbscript", "file", "blob", "about":
		return true
	}
	return false
}

// unusable reports addresses of the web with a host that no page can lead to.
// They are not registered any more; older databases may have them.
func unusable(u *url.URL) bool {
	scheme := strings.ToLower(u.Scheme)
	return (scheme == "http" || scheme == "https") && !shape.PlainHost(u.Host)
}

// sameURL compares two addresses, scheme and host without case.
func sameURL(a, b string) bool {
	if a == b {
		return true
	}
	return foldOrigin(a) == foldOrigin(b)
}

// foldOrigin returns an address with its scheme and host in small letters.
func foldOrigin(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return strings.ToLower(scheme) + "://" + strings.ToLower(rest[:end]) + rest[end:]
}

// sameLoopback reports whether u is the registered address but for its port, which is
// one to listen on, on this machine by number.
func sameLoopback(registered string, u *url.URL) bool {
	r, err := url.Parse(registered)
	if err != nil || r.Scheme != "http" || u.Scheme != "http" || r.Hostname() != u.Hostname() {
		return false
	}
	if n, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16); err != nil || n == 0 {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback() && r.EscapedPath() == u.EscapedPath() && r.RawQuery == u.RawQuery
}

// wildcard reports whether u matches a registered address with one * in the
// left-most label of its host, which stands for letters of that label only: not
// for what a browser makes a dot or a slash of.
func wildcard(registered string, u *url.URL) bool {
	scheme, rest, ok := strings.Cut(registered, "://")
	if !ok || strings.Count(registered, "*") != 1 || (scheme != "https" && scheme != "http") || scheme != u.Scheme {
		return false
	}
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	label, parent, ok := strings.Cut(strings.ToLower(host), ".")
	before, after, star := strings.Cut(label, "*")
	// A parent of one label would be a public suffix like com.
	if !ok || !star || !strings.Contains(strings.Split(parent, ":")[0], ".") {
		return false
	}
	got, gotParent, ok := strings.Cut(strings.ToLower(u.Host), ".")
	tail := u.EscapedPath()
	if u.RawQuery != "" {
		tail += "?" + u.RawQuery
	}
	middle, begins := strings.CutPrefix(got, before)
	middle, ends := strings.CutSuffix(middle, after)
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	return ok && gotParent == parent && begins && ends && middle != "" && strings.Trim(middle, letters) == "" && tail == path
}

// logoutURL reports whether raw is in a list of addresses to return to after a
// log-out: as a callback, but without query and fragment.
func logoutURL(list []string, raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.User != nil || dangerous(u) || unusable(u) || (u.Host == "" && u.Opaque != "") {
		return false
	}
	bare := func(s string) string {
		if i := strings.IndexAny(s, "?#"); i >= 0 {
			s = s[:i]
		}
		return foldOrigin(s)
	}
	return slices.ContainsFunc(list, func(registered string) bool { return bare(registered) == bare(raw) })
}

// originOf returns the origin of an address (RFC 6454), or an empty text.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return u.Scheme + "://" + host
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// originAllowed reports whether the pages of a client stand at this origin.
func originAllowed(c *tenant.Client, origin string) bool {
	if origin == "" || origin == "null" {
		return false
	}
	is := func(raw string) bool { return originOf(raw) == origin }
	return slices.ContainsFunc(c.WebOrigins, is) || slices.ContainsFunc(c.Origins, is) || slices.ContainsFunc(c.Callbacks, is)
}
