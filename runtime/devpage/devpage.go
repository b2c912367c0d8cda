// Package devpage is the start page of a service under development: its
// addresses, its routes with who may use them, its first user, and commands to
// try. A production build does not link it.
//
// The page is served to this machine only: the peer must be a loopback address,
// and the Host a name of one, because a page elsewhere can make a browser ask
// 127.0.0.1 under a name of its own (DNS rebinding). It shows a password
// and letters only to whoever brings the token of this run, which gate dev prints: other users of the
// machine, and what comes through a proxy on it, are here as well.
package devpage

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/looks"
	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/runtime/model"
)

// Assets is the path below which the style and the script of the page are.
const Assets = "/.gate/"

//go:embed assets/parts.html assets/start.html assets/back.html assets/letters.html assets/start.js
var assets embed.FS

// policy allows the page its own style and script, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Facts are what the page tells of a service.
type Facts struct {
	// Service is the name of the service, Database the kind of its database.
	Service, Database string
	// Docs says whether the documentation is served.
	Docs bool
	// GraphQL is the path of its GraphQL, empty without.
	GraphQL string
	// Account is the path of the pages for accounts, empty without.
	Account string
	// Login is the field that accounts log in with; empty without accounts.
	Login string
	// Tokens says whether there is a log-in that answers a token.
	Tokens bool
	// Issuer is where people log in of a service that knows no passwords; empty
	// with a log-in of its own.
	Issuer string
	// Try is the page of a provider on this machine that logs in and shows the
	// token; empty where the issuer has none.
	Try string
	// ComeBacks are the paths that the provider sends browsers back to, and Origins
	// those where an application may be served.
	ComeBacks []ComeBack
	Origins   []string
	// Outbox is the folder of the letters that are not sent; empty without letters, and
	// where they are sent.
	Outbox string
	// AuthEntity is the name of the entity that holds the accounts.
	AuthEntity string
	// Routes are shown in this order.
	Routes []Route
	// Entities are what commands are made of.
	Entities []*model.Entity
	// Token opens the password of the first administrator and the letters: ?token= and
	// this. Empty never shows them.
	Token secret.String
	// AdminFile holds the first administrator, StateFile what "gate dev" knows.
	// Both are read for each request; either may be missing.
	AdminFile, StateFile string
}

// A Route is a method on a path and the words of the rule for it.
type Route struct {
	Method, Path string
	Rules        []string
}

// A Page serves the start page, its assets, and what is shown where browsers come back. [New] makes one.
type Page struct {
	facts Facts
}

// New returns the page for these facts.
func New(f Facts) *Page { return &Page{facts: f} }

// ServeHTTP implements [http.Handler]. Whoever is not on this machine gets 404,
// whoever asks for another host 403.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, back := p.comeBack(r.URL.Path)
	switch {
	case refuseStrangers(w, r):
	case r.URL.Path == "/":
		p.start(w, r)
	case back:
		p.back(w, r, at)
	case r.URL.Path == Assets+outboxFile && p.facts.Outbox != "":
		p.letters(w, r)
	default:
		asset(w, r)
	}
}

// refuseStrangers answers who is not on this machine, or asks for another host, and
// reports whether it did.
func refuseStrangers(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case !fromHere(r.RemoteAddr) || forwarded(r):
		gate.WriteError(w, r, &gate.Error{Status: http.StatusNotFound})
	case !IsLocal(r.Host) || !sameOrigin(r):
		gate.WriteError(w, r, &gate.Error{Status: http.StatusForbidden, Message: "This page is for this machine only"})
	default:
		return false
	}
	return true
}

// fromHere reports whether the peer is on this machine.
func fromHere(remote string) bool {
	ap, err := netip.ParseAddrPort(remote)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// forwarded reports whether a proxy says that it stands between.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if _, ok := r.Header[name]; ok {
			return true
		}
	}
	return false
}

// IsLocal reports whether a Host header names this machine and nothing else.
func IsLocal(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "80"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	return loopback.Host(name)
}

// sameOrigin reports whether a request that says where it comes from comes from
// the page's own origin.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return false
	}
	for _, origin := range r.Header["Origin"] {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return false
		}
	}
	return true
}

func asset(w http.ResponseWriter, r *http.Request) {
	switch name := path.Base(r.URL.Path); {
	case r.URL.Path == Assets+name && (name == "gate.css" || name == "start.js" || name == "mark.svg"):
		serve(w, r, assets, name)
	default:
		gate.WriteError(w, r, &gate.Error{Status: http.StatusNotFound})
	}
}

// serve answers a file of this package, or one that all pages share.
func serve(w http.ResponseWriter, r *http.Request, files embed.FS, name string) {
	var data []byte
	var err error
	switch name {
	case "gate.css":
		data = looks.Style()
	case "mark.svg":
		data = looks.Icon()
	default:
		data, err = files.ReadFile("assets/" + name)
	}
	if err != nil {
		gate.WriteError(w, r, err)
		return
	}
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", types[path.Ext(name)])
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(data) //nolint:gosec // a file of this package
}

func (p *Page) start(w http.ResponseWriter, r *http.Request) {
	writePage(w, r, http.StatusOK, "start", p.view(r))
}

// render returns a page of files.
func render(files embed.FS, name string, view any) ([]byte, error) {
	t, err := template.ParseFS(assets, "assets/parts.html")
	if err == nil {
		t, err = t.ParseFS(files, "assets/"+name+".html")
	}
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.ExecuteTemplate(&b, name+".html", view)
	return b.Bytes(), err
}

func writePage(w http.ResponseWriter, r *http.Request, status int, name string, view any) {
	page, err := render(assets, name, view)
	if err != nil {
		gate.WriteError(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(page) //nolint:gosec // by html/template
}

// State is what "gate dev" writes to the state file.
type State struct {
	// Gate is the version of the generator.
	Gate string `json:"gate"`
	// Design says what the design has in it: "gate.yaml, 2 entities, 2 roles".
	Design string `json:"design"`
	// StartedIn is how long the start took: "0.9 s".
	StartedIn string `json:"started_in"`
	// Error is why the last change did not build; nil if it did.
	Error *Failure `json:"error"`
	// Provider is the identity provider that runs beside the service; nil without.
	Provider *Provider `json:"provider"`
}

// A Provider is an identity provider for development. The page names the file with
// the password and never reads it.
type Provider struct {
	// Outbox is the page of its letters.
	Outbox string `json:"outbox"`
	// Admin is the address of its first administrator, File where the password is.
	Admin string `json:"admin"`
	File  string `json:"file"`
	// Role is one that can be given to people; empty when there is none.
	Role string `json:"role"`
}

// A Failure is why a change does not build.
type Failure struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
	Since   string `json:"since"`
}

// Where returns the place of the failure, empty if it has none.
func (f *Failure) Where() string {
	if f.File == "" || f.Line == 0 {
		return f.File
	}
	return f.File + ":" + strconv.Itoa(f.Line)
}

// maxFile bounds the files that are read for each request.
const maxFile = 64 << 10

// readJSON reads a small file; it reports false when there is none, or not yet
// a whole one.
func readJSON(name string, v any) bool {
	if name == "" {
		return false
	}
	f, err := os.Open(name) //nolint:gosec // the paths are the program's own
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	return err == nil && json.Unmarshal(data, v) == nil
}

// readAdmin returns the first administrator, nil when the file is gone.
func (p *Page) readAdmin(token string) *admin {
	var fields map[string]string
	if p.facts.Login == "" || !readJSON(p.facts.AdminFile, &fields) || fields[p.facts.Login] == "" {
		return nil
	}
	a := &admin{Login: fields[p.facts.Login]}
	if p.opens(token) {
		a.secret = secret.String(fields["password"])
	}
	return a
}

type admin struct {
	Login  string
	secret secret.String
}

// Password reveals the password to the page; empty for whoever has no token.
func (a *admin) Password() string { return a.secret.Reveal() }
