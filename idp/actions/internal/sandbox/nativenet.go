package sandbox

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/dop251/goja"
)

// parseURL is parseURL(text, base) → parts, or null when it is not a URL.
func (m *machine) parseURL(call goja.FunctionCall) goja.Value {
	u, err := url.Parse(strings.TrimSpace(call.Argument(0).String()))
	if err != nil {
		return goja.Null()
	}
	if base := call.Argument(1); !goja.IsUndefined(base) {
		b, err := url.Parse(strings.TrimSpace(base.String()))
		if err != nil || b.Scheme == "" {
			return goja.Null()
		}
		u = b.ResolveReference(u)
	}
	if u.Scheme == "" || u.Opaque == "" && u.Host == "" && (u.Scheme == "http" || u.Scheme == "https") {
		return goja.Null()
	}
	path := u.EscapedPath()
	if u.Opaque != "" {
		path = u.Opaque
	} else if path == "" && u.Host != "" {
		path = "/"
	}
	port := u.Port()
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	password, _ := u.User.Password()
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return m.vm.ToValue(map[string]any{
		"protocol": u.Scheme + ":", "username": u.User.Username(), "password": password,
		"hostname": host, "port": port, "pathname": path,
		"search": u.RawQuery, "hash": u.EscapedFragment(), "opaque": u.Opaque != "",
	})
}

// parseIP is parseIP(text) → {kind, bytes, zone}, or null.
func (m *machine) parseIP(call goja.FunctionCall) goja.Value {
	addr, err := netip.ParseAddr(call.Argument(0).String())
	if err != nil {
		return goja.Null()
	}
	kind := "ipv6"
	if addr.Is4() {
		kind = "ipv4"
	}
	octets := make([]any, 0, 16)
	for _, b := range addr.AsSlice() {
		octets = append(octets, int64(b))
	}
	return m.vm.ToValue(map[string]any{"kind": kind, "octets": octets, "zone": addr.Zone()})
}
