package config

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/mail"
)

// loader carries what Load has read so far.
type loader struct {
	options  Options
	config   *Config
	values   map[string]string // as they are, of all names
	file     map[string]entry
	fromFile map[string]bool // whose value is that of the file
	problems []Problem
}

// read collects the raw values and refuses names that cannot be meant.
func (l *loader) read() {
	l.fromFile = make(map[string]bool)
	if l.options.File != "" {
		l.readFile()
	}
	environ := l.options.Environ
	if environ == nil {
		environ = os.Environ()
	}
	seen := make(map[string]bool)
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if seen[name] && slices.Contains(l.known(), name) {
			l.problems = append(l.problems, Problem{Setting: name, Message: "stands twice in the environment"})
			continue
		}
		seen[name] = true
		l.checkName(name, false)
		l.values[name] = value
		delete(l.fromFile, name)
	}
}

func (l *loader) readFile() {
	entries, mode, problems := readFile(l.options.File)
	l.problems = append(l.problems, problems...)
	l.file = entries
	for name, e := range entries {
		l.values[name] = e.value
		l.fromFile[name] = true
	}
	for _, name := range sortedNames(entries) {
		l.checkName(name, true)
	}
	if !slices.ContainsFunc([]string{keySecret, keyDatabase}, func(k string) bool { return entries[k].value != "" }) {
		return
	}
	hint := "chmod 600 " + l.options.File
	if fault := exposed(mode); fault != "" {
		l.problems = append(l.problems, Problem{File: l.options.File, Message: fault, Hint: hint})
	} else if mode&0o040 != 0 {
		l.config.Warnings = append(l.config.Warnings,
			Problem{File: l.options.File, Message: "holds secrets and its group may read it", Hint: hint})
	}
}

func sortedNames(entries map[string]entry) []string {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return entries[names[i]].line < entries[names[j]].line })
	return names
}

// checkName refuses names of ours that do not exist and, in the file, names
// that look like a misspelt setting. The environment is shared with others, so
// there only our prefix counts.
func (l *loader) checkName(name string, inFile bool) {
	if slices.Contains(l.known(), name) || strings.HasPrefix(name, testPrefix) {
		return
	}
	near := l.nearest(name)
	if !strings.HasPrefix(name, toolPrefix) && (near == "" || !inFile) {
		return
	}
	p := Problem{Setting: name, Message: "is not a setting"}
	if near != "" {
		p.Hint = "did you mean " + near + "?"
	}
	if inFile {
		p.File, p.Line = l.options.File, l.file[name].line
	}
	l.problems = append(l.problems, p)
}

// bad adds a problem with the setting called name.
func (l *loader) bad(name, message, hint string) {
	p := Problem{Setting: name, Message: message, Hint: hint}
	if l.fromFile[name] {
		p.File, p.Line = l.options.File, l.file[name].line
	}
	l.problems = append(l.problems, p)
}

// get returns the value of a setting without outer blanks; an empty one counts
// as not set.
func (l *loader) get(name string) string { return strings.TrimSpace(l.values[name]) }

func (l *loader) settings() {
	c := l.config
	c.Addr = l.addr()
	c.DatabaseURL = l.database()
	c.Pool = l.pool()
	c.AuthSecret = l.authSecret()
	c.AuthKeyFile = l.keyFile()
	c.AdminEmail = l.email(keyAdmin)
	c.MailURL, c.MailFrom = l.mailURL(), l.get(keyMailFrom)
	c.OIDCIssuer, c.OIDCAudience = l.either(keyIssuer, keyAuth0Issuer, l.issuer), l.either(keyAudience, keyAuth0Audience, l.audience)
	c.Auth0, c.FirstAdminEmail = l.auth0(), l.email(keyFirstAdmin)
	c.PublicURL = l.publicURL()
	c.CORSOrigins = l.origins()
	c.TrustedProxies = l.proxies()
	c.MaxBodies = l.maxBodies()
	c.LogLevel = l.logLevel()
	c.Docs = l.onOff(keyDocs, true)
	c.Dev = l.dev()
}

func (l *loader) addr() string {
	addr := l.get(keyAddr)
	if addr == "" {
		addr = l.options.Addr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		l.bad(keyAddr, "must be host:port", "for instance ADDR=127.0.0.1:3000")
		return ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		l.bad(keyAddr, "must end in a port between 0 and 65535", "port 0 picks a free one")
	}
	if strings.ContainsAny(host, " \t/\\@") {
		l.bad(keyAddr, "must begin with a host name or an IP address", "for instance ADDR=0.0.0.0:3000")
	}
	return addr
}

func (l *loader) database() secret.String {
	raw := l.get(keyDatabase)
	if raw == "" {
		raw = l.options.Database
	}
	if raw == "" {
		l.bad(keyDatabase, "is not set", "for instance DATABASE_URL=postgres://user@localhost/name, in .env of the folder where the service is started")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return secret.String(raw) // a path; whoever opens it judges it
	}
	if password, ok := u.User.Password(); ok && isPlaceholder(password) {
		l.bad(keyDatabase, "has a password that was copied from an example", "give the database user a password of its own")
	}
	return secret.String(raw)
}

func (l *loader) authSecret() secret.String {
	least := l.options.SecretBytes
	if least == 0 {
		return ""
	}
	least = max(least, 32)
	raw := l.values[keySecret] // to the byte: blanks count in a key
	if fault := weakSecret(raw, least); fault != "" {
		l.bad(keySecret, fault, "make one: openssl rand -base64 "+strconv.Itoa(least*3/2))
		return ""
	}
	return secret.String(raw)
}

func (l *loader) keyFile() string {
	if !l.options.KeyFile {
		return ""
	}
	name := l.get(keyKeyFile)
	const hint = "make one: openssl genpkey -algorithm ed25519 -out .gate/auth.pem (or -algorithm rsa, ec), chmod 600"
	if name == "" {
		l.bad(keyKeyFile, "is not set", hint)
		return ""
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		l.bad(keyKeyFile, "names a file that cannot be read: "+reason(err), hint)
	case !info.Mode().IsRegular():
		l.bad(keyKeyFile, "names something that is not a file", hint)
	case exposed(info.Mode()) != "":
		l.bad(keyKeyFile, exposed(info.Mode()), "chmod 600 the file")
	}
	return name
}

func (l *loader) email(name string) string {
	raw := l.get(name)
	if raw == "" {
		return ""
	}
	if _, err := mail.Canonical(raw); err != nil {
		l.bad(name, "is not an e-mail address", "")
	}
	return raw
}

// mailURL reads the mail server. What else has to be right about it, whoever
// opens it says.
func (l *loader) mailURL() secret.String {
	raw := l.get(keyMailURL)
	if raw == "" {
		return ""
	}
	if l.get(keyMailFrom) == "" {
		l.bad(keyMailFrom, "is not set, and letters come from somewhere", "for instance MAIL_FROM=no-reply@example.com")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		l.bad(keyMailURL, "is not a URL", "for instance MAIL_URL=smtp://user:password@mail.example.com:587")
		return ""
	}
	if password, ok := u.User.Password(); ok && isPlaceholder(password) {
		l.bad(keyMailURL, "has a password that was copied from an example", "give the mail user a password of its own")
	}
	return secret.String(raw)
}

func (l *loader) publicURL() *url.URL {
	raw := l.get(keyPublicURL)
	if raw == "" {
		return nil
	}
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		l.bad(keyPublicURL, "must be scheme, host and perhaps a path", "for instance PUBLIC_URL=https://api.example.com")
		return nil
	}
	if !private(u) {
		l.bad(keyPublicURL, "must begin with https://", "http:// is for this machine only: localhost, 127.0.0.1, [::1]")
	}
	return u
}

// origins reads the list of exact origins. Neither * nor null can be on it.
func (l *loader) origins() []string {
	var origins []string
	for _, raw := range list(l.get(keyCORS)) {
		u, err := url.Parse(raw)
		switch {
		case strings.Contains(raw, "*"):
			l.bad(keyCORS, "cannot hold *", "list each origin: CORS_ORIGINS=https://app.example.com,https://admin.example.com")
		case err != nil || u.Scheme+"://"+u.Host != raw || u.Host == "" || u.User != nil || raw != strings.ToLower(raw):
			l.bad(keyCORS, "must list origins: scheme, host and port, nothing else, in lower case", "for instance https://app.example.com")
		case !private(u):
			l.bad(keyCORS, "must list https:// origins", "http:// is for this machine only")
		case slices.Contains(origins, raw):
			l.bad(keyCORS, "names an origin twice", "")
		default:
			origins = append(origins, raw)
		}
	}
	return origins
}

func (l *loader) proxies() []netip.Prefix {
	var prefixes []netip.Prefix
	for _, raw := range list(l.get(keyProxies)) {
		prefix, err := netip.ParsePrefix(raw)
		if addr, aerr := netip.ParseAddr(raw); aerr == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		switch {
		case err != nil:
			l.bad(keyProxies, "must list IP addresses or networks", "for instance TRUSTED_PROXIES=127.0.0.1,10.0.0.0/8")
		case prefix.Bits() == 0:
			l.bad(keyProxies, "cannot trust everybody", "list the addresses of your proxies")
		default:
			prefixes = append(prefixes, prefix.Masked())
		}
	}
	return prefixes
}

// maxBodies reads a number of MiB.
func (l *loader) maxBodies() int64 {
	raw := l.get(keyMaxBodies)
	if raw == "" {
		return DefaultMaxBodies
	}
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || n < 1 || n > 65536 {
		l.bad(keyMaxBodies, "must be a number from 1 to 65536", "for instance MAX_BODIES_MB=64: MiB of bodies that requests hold at once")
	}
	return n << 20
}

func (l *loader) logLevel() slog.Level {
	switch l.get(keyLogLevel) {
	case "debug":
		return slog.LevelDebug
	case "", "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	l.bad(keyLogLevel, "must be debug, info, warn or error", "")
	return slog.LevelInfo
}

func (l *loader) onOff(name string, otherwise bool) bool {
	switch l.get(name) {
	case "":
		return otherwise
	case "on":
		return true
	case "off":
		return false
	}
	l.bad(name, "must be on or off", "")
	return otherwise
}

func (l *loader) dev() *Dev {
	token := l.get(keyDev)
	if token == "" {
		return nil
	}
	if l.fromFile[keyDev] || l.fromFile[keyDevState] {
		l.bad(keyDev, `is set by "gate dev" for each run and does not belong into a file`, "delete the line")
		return nil
	}
	if len(token) < 16 {
		l.bad(keyDev, `is set by "gate dev" for each run`, "unset it")
		return nil
	}
	return &Dev{Token: secret.String(token), StateFile: l.get(keyDevState)}
}

// list splits at commas, without blanks and empty parts.
func list(s string) []string {
	var parts []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// private reports whether nobody on the way can read what goes to u: by TLS, or
// because it does not leave this machine.
func private(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
