package login

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
)

// A view is what a template sees. Its exported fields and methods are for
// templates.
type view struct {
	chrome

	// Lang and Dir are attributes of the page, Look is the state of its drawing.
	Lang, Dir, Look string
	Frame           Frame
	Form            Form
	// Page is the data of the page.
	Page any
	// Links are addresses that were checked, by the names that texts use.
	Links    map[string]string
	Problems []Problem
	Policy   Policy
	Scopes   []Scope
	// Ways are the first connections, More those that are folded.
	Ways, More []Connection
	Tongues    []tongue
	// Message is the answer of a web message, as JSON.
	Message string

	pages   *Pages
	name    string
	speaker *speaker
	slots   map[string]string
	fault   string
	// developer is what an error tells whoever makes the application
	developer string
	targets   []string
	framer    string
	hasForm   bool
	order     []input
	// usernames says that people may log in with a name
	usernames bool
	err       error
}

// An input is a field of the page and what is in it.
type input struct{ name, value string }

// maxWays is how many connections are shown unfolded.
const maxWays = 5

func (p *Pages) view(r *http.Request, name, look string, page any, frame Frame) *view {
	lang := p.language(r, frame.Locales)
	if frame.Application == "" {
		frame.Application = p.name
	}
	v := &view{
		chrome: p.chrome, Lang: lang, Dir: "ltr", Look: look, Frame: frame, Page: page, Links: make(map[string]string),
		Tongues: p.languages.tongues(frame.Here, lang), pages: p, name: name, speaker: p.speakers[lang],
		slots: map[string]string{"application": frame.Application, "tenant": p.name, "host": frame.Host},
	}
	if frame.Here != "" {
		v.fail(checkPath(frame.Here))
	}
	for _, raw := range frame.Targets {
		source, err := formTarget(raw)
		v.fail(err)
		if err == nil && !slices.Contains(v.targets, source) {
			v.targets = append(v.targets, source)
		}
	}
	v.onward()
	return v
}

// onward lets a form through to where the target itself leads on to: Chromium
// holds form-action against the whole chain of redirects, and an application
// may send people from its callback to another host, a provider that has us
// behind it to an application on the person's own machine. So any https address
// will do, and any port of this machine.
func (v *view) onward() {
	if len(v.targets) > 0 {
		v.targets = append(v.targets, "https:", "http://localhost:*", "http://127.0.0.1:*")
	}
}

// fail keeps what makes the page impossible.
func (v *view) fail(err error) { v.err = errors.Join(v.err, err) }

func (v *view) form(f Form) {
	v.Form, v.hasForm = f, true
	v.fail(checkPath(f.Action))
}

// post is a form whose answer goes to the application.
func (v *view) post(target string) {
	v.hasForm = true
	_, err := webOrigin(target)
	v.fail(err)
}

func (v *view) slot(name, value string) { v.slots[name] = value }

func (v *view) duration(name string, d time.Duration) {
	v.slots[name] = v.speaker.duration(d)
}

// link is a path of this provider.
func (v *view) link(name, path string) {
	if path == "" {
		return
	}
	v.fail(checkPath(path))
	v.Links[name] = path
}

// away is a path of this provider, or a registered address elsewhere.
func (v *view) away(name, address string) {
	if strings.HasPrefix(address, "/") || address == "" {
		v.link(name, address)
		return
	}
	_, err := webOrigin(address)
	v.fail(err)
	v.Links[name] = address
}

// outside was checked by [New].
func (v *view) outside(name, address string) {
	if address != "" {
		v.Links[name] = address
	}
}

func (v *view) problems(list []Problem) {
	v.Problems = list
	for _, p := range list {
		if !v.speaker.has("problem."+string(p.Code)) && p.Code != Refused {
			v.fail(fmt.Errorf("there is no problem %q", p.Code))
		}
	}
	if len(list) > 0 {
		v.Look = "open"
	}
}

func (v *view) notice(n Notice) {
	if n != "" && !v.speaker.has("notice."+string(n)) {
		v.fail(fmt.Errorf("there is no notice %q", n))
	}
}

func (v *view) policy(p Policy) {
	v.Policy = p
	v.slots["length"] = fmt.Sprint(p.MinLength)
	v.slots["classes"] = fmt.Sprint(p.Classes)
}

func (v *view) connections(list []Connection) {
	for _, c := range list {
		v.fail(checkPath(c.URL))
	}
	// one more way takes no more room than the words that fold it
	if len(list) > maxWays+1 {
		v.Ways, v.More = list[:maxWays], list[maxWays:]
		return
	}
	v.Ways = list
}

// write answers with the page, or changes nothing.
func (v *view) write(w http.ResponseWriter, status int) error {
	if v.err != nil {
		return fmt.Errorf("page %s: %w", v.name, v.err)
	}
	var b bytes.Buffer
	if err := v.pages.pages[v.name].ExecuteTemplate(&b, "layout.html", v); err != nil {
		return fmt.Errorf("page %s: %w", v.name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Set("Content-Security-Policy", v.policyOf())
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if v.hasForm {
		h.Set("Referrer-Policy", "strict-origin")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept-Language")
	if v.framer == "" {
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // nobody is left to be told
	return nil
}

// checkPath accepts an absolute path of this host.
func checkPath(path string) error {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\t\r\n") {
		return fmt.Errorf("%q is no path of this host", path)
	}
	return nil
}

// webOrigin returns the origin of an http or https address.
func webOrigin(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || !shape.PlainHost(u.Host) {
		return "", fmt.Errorf("%q is no http or https address", raw)
	}
	return u.Scheme + "://" + u.Host, nil
}

// formTarget returns what form-action needs to let a redirect through to an
// address: its origin, or the scheme of an application on a device. A policy
// cannot name an IPv6 address (CSP Level 3 §2.3.1), so there it is the scheme.
func formTarget(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("%q is no address", raw)
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		origin, err := webOrigin(raw)
		if strings.Contains(origin, "[") {
			origin, _, _ = strings.Cut(origin, "//")
		}
		return origin, err
	case "", "javascript", "data", "vbscript", "blob", "file", "about", "filesystem":
		return "", fmt.Errorf("%q is no address to return to", raw)
	}
	return strings.ToLower(u.Scheme) + ":", nil // url.Parse lets only RFC 3986 §3.1 through
}
