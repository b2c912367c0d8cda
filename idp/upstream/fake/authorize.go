package fake

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/internal/secret"
)

var (
	//go:embed page.html.tmpl
	pageSource string
	//go:embed page.css
	style string

	page = template.Must(template.New("page").Parse(pageSource))
)

// A view is what the page shows: people, or the answer that goes on with a
// button because there is no JavaScript to press it.
type view struct {
	Name   string
	Style  template.CSS
	People []Person
	Action string
	Answer []field
}

type field struct{ Name, Value string }

// An authorization is a request for a code that is good.
type authorization struct {
	url.Values
	to string // the redirect URI, as it is registered
}

// choose shows the people.
func (s *Server) choose(w http.ResponseWriter, r *http.Request) {
	a, ok := s.request(w, r)
	if !ok {
		return
	}
	if slices.Contains(strings.Fields(a.Get("prompt")), "none") {
		s.answer(w, r, a, url.Values{"error": {"login_required"}})
		return
	}
	s.render(w, &view{People: s.cfg.People})
}

// chosen goes back to the application with a code for the person who was chosen,
// or without one.
func (s *Server) chosen(w http.ResponseWriter, r *http.Request) {
	a, ok := s.request(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	id, err := strconv.ParseInt(r.PostFormValue("person"), 10, 64)
	i := slices.IndexFunc(s.cfg.People, func(p Person) bool { return p.ID == id })
	if err != nil || i < 0 {
		s.answer(w, r, a, url.Values{"error": {"access_denied"}, "error_description": {"The person cancelled."}})
		return
	}
	code := secret.Text().Reveal()
	g := grant{
		person: s.cfg.People[i], client: a.Get("client_id"), redirectURI: a.to, challenge: a.Get("code_challenge"),
		nonce: a.Get("nonce"), scope: a.Get("scope"), until: s.cfg.Now().Add(codeLife),
	}
	if !s.keep(s.codes, code, g) {
		s.answer(w, r, a, url.Values{"error": {"temporarily_unavailable"}})
		return
	}
	s.answer(w, r, a, url.Values{"code": {code}})
}

// registered returns a redirect URI as it is on the list.
func (s *Server) registered(uri string) (string, bool) {
	i := slices.Index(s.cfg.RedirectURIs, uri)
	if i < 0 {
		return "", false
	}
	return s.cfg.RedirectURIs[i], true
}

// request returns an authorization request that is good, and answers one that is
// not: without going anywhere as long as it is not known where to.
func (s *Server) request(w http.ResponseWriter, r *http.Request) (*authorization, bool) {
	q := r.URL.Query()
	to, ok := s.registered(q.Get("redirect_uri"))
	if !ok {
		http.Error(w, "the redirect URI is not registered", http.StatusBadRequest)
		return nil, false
	}
	a := &authorization{Values: q, to: to}
	invalid := func(why string) (*authorization, bool) {
		s.answer(w, r, a, url.Values{"error": {"invalid_request"}, "error_description": {why}})
		return nil, false
	}
	switch {
	case q.Get("client_id") == "":
		return invalid("there is no client_id")
	case q.Get("response_type") != "code":
		return invalid("the response type is not code")
	case q.Get("state") == "":
		return invalid("there is no state")
	case q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256":
		return invalid("there is no S256 challenge")
	}
	return a, true
}

// answer goes back to the application.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, a *authorization, params url.Values) {
	if state := a.Get("state"); state != "" {
		params.Set("state", state)
	}
	params.Set("iss", s.cfg.Issuer)
	if a.Get("response_mode") == "form_post" {
		v := &view{Action: a.to}
		for name := range params {
			v.Answer = append(v.Answer, field{name, params.Get(name)})
		}
		s.render(w, v)
		return
	}
	u, err := url.Parse(a.to)
	if err != nil {
		http.Error(w, "the redirect URI is not a URL", http.StatusBadRequest)
		return
	}
	all := u.Query()
	maps.Copy(all, params)
	u.RawQuery = all.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther) //nolint:gosec // to is on the list
}

func (s *Server) render(w http.ResponseWriter, v *view) {
	v.Name, v.Style = s.cfg.Name, template.CSS(style) //nolint:gosec // a file of this package
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256([]byte(style))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	// No form-action: browsers hold it against every redirect that follows the
	// form, and only the application knows where the last one leads.
	h.Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; frame-ancestors 'none'; base-uri 'none'",
		base64.StdEncoding.EncodeToString(sum[:])))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(b.Bytes()) // who went away needs no page
}

// logout goes where it is asked to, if that is registered.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	to, ok := s.registered(r.URL.Query().Get("post_logout_redirect_uri"))
	if !ok {
		http.Error(w, "Logged out. There is no session to end.", http.StatusOK)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// keep puts a grant under a name. It makes room by forgetting what is over, and
// is false when there is none.
func (s *Server) keep(in map[string]grant, name string, g grant) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(in) >= maxGrants {
		now := s.cfg.Now()
		for k, old := range in {
			if now.After(old.until) {
				delete(in, k)
			}
		}
		if len(in) >= maxGrants {
			return false
		}
	}
	in[name] = g
	return true
}
