package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/internal/secret"
)

// The variables of the environment that are read besides those that the file
// names.
const (
	EnvSecret   = "IDP_SECRET"
	EnvDatabase = "IDP_DATABASE_URL"
	EnvMailURL  = "MAIL_URL"
	EnvMailFrom = "MAIL_FROM"
)

// A Config is what idp.yaml says. [Load] and [Parse] make one that was checked;
// one that was put together by a program needs at least Issuer, and is checked
// when it is opened.
type Config struct {
	// Issuer is the one name of the provider, with a slash at its end.
	Issuer string `yaml:"issuer" required:"true" doc:"Address of the provider, with a slash at its end: https://id.example.com/. http is for this machine alone."`
	// Database is "sqlite:" and a file, or the URL of a PostgreSQL database; empty
	// means sqlite:idp.db. IDP_DATABASE_URL takes its place.
	Database string `yaml:"database" doc:"sqlite:FILE (sqlite:idp.db unless said), or postgres://… without its password, which goes into IDP_DATABASE_URL."`
	// Synchronous is full (also when empty) or normal, and for SQLite alone: what
	// an answer waits for.
	Synchronous string `yaml:"synchronous" enum:"full,normal" doc:"SQLite: an answer waits until the disk has what it changed (full), or until the operating system has it (normal): a power cut may undo the last moments then."`
	// Listen is host:port. Empty means the port of the issuer on this machine
	// for an issuer there, else :8443 with TLS and :8080 without.
	Listen string `yaml:"listen" doc:"Where to listen, HOST:PORT."`
	TLS    TLS    `yaml:"tls" doc:"Certificate and key as PEM files, or the word local for a certificate authority of this machine (development)."`
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []string `yaml:"trustedProxies" doc:"Addresses of proxies in front, such as 10.0.0.0/8: their X-Forwarded-For is believed."`
	// PrivateUpstreams are what connections may lead to that is not on the internet.
	PrivateUpstreams []string `yaml:"privateUpstreams" doc:"Hosts, addresses and networks that are not on the internet and that connections may lead to, with https: sso.corp, 10.0.0.5, 10.20.0.0/16."`
	// Signup is closed (also when empty), confirm or open.
	Signup string `yaml:"signup" enum:"closed,confirm,open" doc:"Who may make an account: nobody (closed), whoever confirms their address (confirm), everybody at once (open)."`
	// RotateKeys is how long a signing key signs; zero means 90 days.
	RotateKeys time.Duration `yaml:"rotateKeys" doc:"How long a signing key signs; 2160h unless said."`
	// RequestLimit is how many requests a second one network may send for log-ins and
	// tokens; zero means 100, in development no limit. See [idp.Config.RequestLimit].
	RequestLimit int `yaml:"requestLimit" doc:"Requests a second that one network, an IPv4 address or the /64 of an IPv6 address, may send for log-ins and tokens, five times as many at once; 100 unless said, with --dev no limit."`
	// ManagementLimit is how many requests a second one client may send to the
	// Management API; zero means no limit.
	ManagementLimit int        `yaml:"managementLimit" doc:"Requests a second that one client may send to the Management API."`
	LogLevel        string     `yaml:"logLevel" enum:"debug,info,warn,error" doc:"Least level that is logged; info unless said."`
	Mail            Mail       `yaml:"mail" doc:"How letters are sent."`
	Looks           Looks      `yaml:"looks" doc:"How the pages look."`
	Actions         Actions    `yaml:"actions" doc:"What the scripts of the tenant may do."`
	Protection      Protection `yaml:"protection" doc:"What guards against guessing."`
	Seed            Seed       `yaml:"seed" doc:"What is put into an empty database."`

	file   string
	dir    string // what paths are relative to
	lookup func(string) (string, bool)
	at     map[string]design.Position
}

// TLS says how connections are encrypted. The zero value is not at all: for http
// on this machine, and behind a proxy.
type TLS struct {
	Certificate string `yaml:"certificate" doc:"PEM file of the certificate, those of the authorities behind it."`
	Key         string `yaml:"key" doc:"PEM file of the key."`
	// Local makes a certificate by a certificate authority of this machine; see
	// package localca. It is for development.
	Local bool `yaml:"-"`
}

func (t *TLS) setText(text string) (ok bool, want string) {
	t.Local = text == "local"
	return t.Local, "the word local or a mapping with certificate and key"
}

// On reports whether the provider itself speaks TLS.
func (t TLS) On() bool { return t.Local || t.Certificate != "" }

// Mail says how letters are sent.
type Mail struct {
	// URL is smtp://…, smtps://…, or in development folder: and the name of a
	// folder that letters are written to. MAIL_URL takes its place.
	URL string `yaml:"url" doc:"smtp://HOST:PORT without a password, which goes into MAIL_URL; or folder:NAME in development."`
	// From is who letters come from, an address with or without a name.
	From string `yaml:"from" doc:"Who letters come from: Restaurant <id@example.com>."`
}

// Looks are the looks of the pages; see [login.Config].
type Looks struct {
	Name       string                       `yaml:"name" doc:"Name of the provider, as people know it."`
	Logo       string                       `yaml:"logo" doc:"File of the logo: SVG, PNG or JPEG."`
	Accent     Accent                       `yaml:"accent" doc:"Colour of buttons and links."`
	SupportURL string                       `yaml:"supportURL" doc:"Where people get help."`
	PrivacyURL string                       `yaml:"privacyURL" doc:"What is done with their data."`
	TermsURL   string                       `yaml:"termsURL" doc:"The terms of use."`
	Languages  []string                     `yaml:"languages" doc:"Languages offered, of en, de and fr, the usual one first."`
	Texts      map[string]map[string]string `yaml:"texts" doc:"Texts in place of ours: language, key, text."`
}

// An Accent is a colour in both schemes, #rrggbb.
type Accent struct {
	Light string `yaml:"light" doc:"#rrggbb in the light scheme."`
	Dark  string `yaml:"dark" doc:"#rrggbb in the dark scheme."`
}

func (a *Accent) setText(text string) (ok bool, want string) {
	a.Light = text
	return true, ""
}

// Actions says what scripts may do.
type Actions struct {
	AllowedHosts []string `yaml:"allowedHosts" doc:"Hosts that scripts may send requests to: api.example.com, *.example.com."`
}

// Protection guards against guessing.
type Protection struct {
	// BreachCheck is the address that is asked for leaked passwords, five digits
	// of a hash at a time; empty asks nobody.
	BreachCheck string `yaml:"breachCheck" doc:"Asks there whether a password has leaked, without sending it: https://api.pwnedpasswords.com/range/"`
}

// Load reads and checks a file, with the environment of the process.
func Load(path string) (*Config, error) {
	src, err := os.ReadFile(path) //nolint:gosec // the path is the operator's choice
	if err != nil {
		return nil, err
	}
	return Parse(path, src, os.LookupEnv)
}

// Parse reads and checks src, which stands in a file of this name, with an
// environment of its own. The error is a [*design.Errors] with everything that
// is wrong.
func Parse(file string, src []byte, lookup func(name string) (string, bool)) (*Config, error) {
	k := read(file, src, lookup)
	if err := k.errs.Err(); err != nil {
		return nil, err
	}
	return k.Config, nil
}

// variable returns a variable of the environment, empty when it is not set.
func (c *Config) variable(name string) string {
	lookup := c.lookup
	if lookup == nil {
		lookup = os.LookupEnv
	}
	value, _ := lookup(name)
	return value
}

func (c *checker) issuer() {
	u, err := url.Parse(c.Issuer)
	switch {
	case c.Issuer == "":
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		c.problem("issuer", "write it as https://id.example.com/", "issuer %s is not an address", quote(c.Issuer))
	case u.Path != "/":
		c.problem("issuer", "write it as "+u.Scheme+"://"+u.Host+"/", "issuer %s has to end with a slash, and has no other path: SDKs put paths behind it", quote(c.Issuer))
	case u.Scheme == "http" && !loopback.Site(u.Hostname()):
		c.problem("issuer", "behind a proxy, too, the issuer is what people type: https://"+u.Host+"/", "issuer %s is not https, and http is for this machine alone", quote(c.Issuer))
	}
}

// Local reports whether the issuer is this machine.
func (c *Config) Local() bool {
	u, err := url.Parse(c.Issuer)
	return err == nil && loopback.Site(u.Hostname())
}

// Address returns where to listen.
func (c *Config) Address() string {
	if c.Listen != "" {
		return c.Listen
	}
	u, err := url.Parse(c.Issuer)
	switch {
	case err == nil && loopback.Site(u.Hostname()):
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		host := "127.0.0.1"
		if net.ParseIP(u.Hostname()) != nil {
			host = u.Hostname()
		}
		return net.JoinHostPort(host, port)
	case c.TLS.On():
		return ":8443"
	}
	return ":8080"
}

func (c *checker) addresses() {
	if c.Listen != "" {
		host, port, err := net.SplitHostPort(c.Listen)
		if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || strings.ContainsAny(host, "/ ") {
			c.problem("listen", "write it as :8443 or 127.0.0.1:3001", "listen %s is not HOST:PORT", quote(c.Listen))
		}
	}
	for i, text := range c.TrustedProxies {
		path := fmt.Sprintf("trustedProxies[%d]", i)
		p, err := parsePrefix(text)
		switch {
		case err != nil:
			c.problem(path, "an address or a range such as 10.0.0.0/8; names can be anybody's", "%s is not an address", quote(text))
		case p.Bits() == 0:
			c.problem(path, "name the proxies in front of the provider", "%s is everybody, who then could pretend to come from anywhere", quote(text))
		}
	}
	for i, text := range c.PrivateUpstreams {
		if _, err := upstream.ParsePrivate([]string{text}); err != nil {
			c.problem(fmt.Sprintf("privateUpstreams[%d]", i), "name a host, an address or a network of your own", "%s", err)
		}
	}
	if u, err := url.Parse(c.Protection.BreachCheck); err != nil || c.Protection.BreachCheck != "" && (u.Host == "" || u.Scheme != "https" && !loopback.Host(u.Hostname())) {
		c.problem("protection.breachCheck", "write it as https://api.pwnedpasswords.com/range/", "breachCheck %s is not an https address", quote(c.Protection.BreachCheck))
	}
}

// Proxies returns the trusted proxies.
func (c *Config) Proxies() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range c.TrustedProxies {
		if p, err := parsePrefix(text); err == nil && p.Bits() > 0 {
			list = append(list, p)
		}
	}
	return list
}

func parsePrefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), err
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

func (c *checker) database() {
	if c.Synchronous != "" && c.Database != "" && !strings.HasPrefix(c.Database, "sqlite:") {
		c.problem("synchronous", "leave it out", "synchronous is for SQLite; PostgreSQL has its own setting, synchronous_commit")
	}
	if c.Database == "" {
		return
	}
	scheme, _, _ := strings.Cut(c.Database, ":")
	if !slices.Contains([]string{"sqlite", "postgres", "postgresql"}, scheme) {
		c.problem("database", "write it as sqlite:idp.db or postgres://…", "the database is of no kind that is known")
		return
	}
	if !c.inFile("database") || scheme == "sqlite" {
		return
	}
	if u, err := url.Parse(c.Database); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			c.problem("database", "set "+EnvDatabase+" instead", "the database has a password, which does not belong into a file")
		}
	}
}

func (c *checker) tls() {
	https := strings.HasPrefix(c.Issuer, "https:")
	switch {
	case (c.TLS.Certificate == "") != (c.TLS.Key == ""):
		c.problem("tls", "write it as tls: {certificate: tls.crt, key: tls.key}", "certificate and key belong together, and one is missing")
	case c.TLS.On() && !https && c.Issuer != "":
		c.problem("tls", "write the issuer with https, or leave tls out", "the issuer is http, which has no use for tls")
	case https && !c.TLS.On() && len(c.TrustedProxies) == 0 && c.sound("tls") && c.sound("trustedProxies"):
		c.problem("issuer", "tls: {certificate: …, key: …}, tls: local in development, or trustedProxies when a proxy in front does it", "the issuer is https, and nothing says who speaks TLS")
	case c.TLS.Local && !c.Local():
		c.problem("tls", "name the files of a certificate, or leave tls out and name the proxy in trustedProxies", "tls: local is for this machine alone, and the issuer is %s", c.Issuer)
	}
}

func (c *checker) mail() {
	if c.Mail.From != "" {
		if _, err := mail.ParseAddress(c.Mail.From); err != nil {
			c.problem("mail.from", "write it as Restaurant <id@example.com>", "%s is not an address of mail", quote(c.Mail.From))
		}
	}
	scheme, _, _ := strings.Cut(c.Mail.URL, ":")
	if c.Mail.URL != "" && !slices.Contains([]string{"smtp", "smtps", "folder"}, scheme) {
		c.problem("mail.url", "write it as smtp://mail.example.com:587", "mail.url is neither smtp, smtps nor folder")
		return
	}
	if !c.inFile("mail.url") || scheme == "folder" {
		return
	}
	if u, err := url.Parse(c.Mail.URL); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			c.problem("mail.url", "set "+EnvMailURL+" instead", "mail.url has a password, which does not belong into a file")
		}
	}
}

func (c *checker) looks() {
	cfg := c.Looks.config()
	if cfg.Name == "" {
		cfg.Name = "name"
	}
	c.accent(&cfg)
	if _, err := login.New(cfg); err != nil {
		for line := range strings.Lines(strings.TrimPrefix(err.Error(), "login pages: ")) {
			name, what, _ := strings.Cut(strings.TrimSpace(line), ": ")
			name = strings.ReplaceAll(name, " ", "") // terms URL
			c.problem("looks."+name, "", "%s: %s", name, what)
		}
	}
}

// config returns the looks without the logo.
func (l Looks) config() login.Config {
	return login.Config{
		Name: l.Name, Accent: login.Accent{Light: l.Accent.Light, Dark: l.Accent.Dark}, SupportURL: l.SupportURL,
		PrivacyURL: l.PrivacyURL, TermsURL: l.TermsURL, Languages: l.Languages, Texts: l.Texts,
	}
}

// path returns a path of the file, as seen from the working directory.
func (c *Config) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}

// secretOf returns the value of the variable that holds a secret.
func (c *Config) secretOf(variable string) secret.String { return secret.String(c.variable(variable)) }

// File returns the name of the file.
func (c *Config) File() string { return c.file }
