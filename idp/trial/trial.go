// Package trial has pages for whoever develops against an identity provider on
// their own machine: one that logs in as an application would and shows the
// tokens with the commands to paste, and one with the letters that the provider
// would have sent.
//
// The pages show tokens and letters to everybody who can reach them. [New]
// refuses an issuer that is not this machine, and every request whose host is
// not.
package trial

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/internal/outbox"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/internal/unverified"
)

// Config configures [New].
type Config struct {
	// Issuer is the provider, with a slash at its end, on this machine.
	// Required.
	Issuer string
	// ClientID is a public client with the callback [CallbackPath] below the
	// issuer; empty leaves the page that logs in out.
	ClientID string
	// Asks returns the audience, empty for none, and the scope that it asks for. It is
	// called for each log-in: APIs come while the provider runs. Required with ClientID.
	Asks func(context.Context) (audience, scope string, err error)
	// API is an address of the service to try the token on, for the commands.
	API string
	// Outbox is the folder of the letters, as mail.Folder fills it; empty leaves
	// the page out. One of ClientID and Outbox is required.
	Outbox string
	// Style are the paths of the style sheets on this host.
	Style []string
	// HTTP exchanges the code; nil means a client for this machine.
	HTTP *http.Client
}

// The paths of the pages.
const (
	Path         = "/try"
	CallbackPath = "/try/callback"
	OutboxPath   = "/outbox"
	ScriptPath   = "/try/copy.js"
)

// pageFiles are the templates.
//
//go:embed *.html copy.js
var pageFiles embed.FS

type trial struct {
	cfg   Config
	host  string
	pages *template.Template
}

// New returns the handler of the pages.
func New(cfg Config) (http.Handler, error) {
	u, err := url.Parse(cfg.Issuer)
	if err != nil || !thisMachine(u.Host) || u.Path != "/" {
		return nil, fmt.Errorf("trial pages: issuer %q is not this machine", cfg.Issuer)
	}
	if cfg.ClientID == "" && cfg.Outbox == "" {
		return nil, errors.New("trial pages: neither a client nor a folder of letters")
	}
	if cfg.ClientID != "" && cfg.Asks == nil {
		return nil, errors.New("trial pages: nothing says what the client asks for")
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	pages, err := template.ParseFS(pageFiles, "*.html")
	if err != nil {
		return nil, err
	}
	t := &trial{cfg: cfg, host: u.Host, pages: pages}
	mux := http.NewServeMux()
	if cfg.ClientID != "" {
		mux.HandleFunc("GET "+Path, t.begin)
		mux.HandleFunc("GET "+CallbackPath, t.callback)
		mux.HandleFunc("GET "+ScriptPath, script)
	}
	if cfg.Outbox != "" {
		mux.HandleFunc("GET "+OutboxPath, t.outboxPage)
		mux.HandleFunc("GET "+OutboxPath+".json", t.outboxJSON)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !thisMachine(r.Host) { // the name of another host may lead here: DNS rebinding
			http.Error(w, "this page is for this machine", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		mux.ServeHTTP(w, r)
	}), nil
}

func thisMachine(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	return loopback.Host(strings.Trim(name, "[]"))
}

// cookie holds the state and the verifier while the person logs in.
const cookie = "gate_try"

// loggedOut is the parameter by which a log-out comes back, to a page that begins no
// log-in by itself.
const loggedOut = "logged_out"

// begin sends the browser to log in.
func (t *trial) begin(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has(loggedOut) {
		t.write(w, "out.html", map[string]any{"Style": t.cfg.Style, "Try": Path, "Home": Path, "Outbox": t.cfg.Outbox != ""})
		return
	}
	audience, scope, err := t.cfg.Asks(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	state, verifier := secret.Text().Reveal(), secret.Text().Reveal()
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where the issuer is
		Name: cookie, Value: state + "." + verifier, Path: Path, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 3600,
		Secure: strings.HasPrefix(t.cfg.Issuer, "https:"),
	})
	sum := sha256.Sum256([]byte(verifier))
	in := url.Values{
		"client_id": {t.cfg.ClientID}, "redirect_uri": {t.redirectURI()}, "response_type": {"code"}, "state": {state},
		"scope": {scope}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if audience != "" {
		in.Set("audience", audience)
	}
	for _, name := range []string{"screen_hint", "prompt", "connection", "ui_locales"} {
		if value := r.URL.Query().Get(name); value != "" {
			in.Set(name, value)
		}
	}
	http.Redirect(w, r, t.cfg.Issuer+"authorize?"+in.Encode(), http.StatusFound)
}

func (t *trial) redirectURI() string { return strings.TrimSuffix(t.cfg.Issuer, "/") + CallbackPath }

// A claim is a line of a token.
type claim struct{ Name, Value string }

// Words are the parts of the name, between which a line may break.
func (c claim) Words() []string { return strings.SplitAfter(c.Name, "/") }

// callback exchanges the code and shows what came of it.
func (t *trial) callback(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	page := map[string]any{"Style": t.cfg.Style, "Try": Path, "Home": Path, "Outbox": t.cfg.Outbox != "", "API": t.cfg.API, "Logout": t.logoutURL(), "Script": ScriptPath}
	state, verifier := "", ""
	if c, err := r.Cookie(cookie); err == nil {
		state, verifier, _ = strings.Cut(c.Value, ".")
	}
	switch {
	case query.Get("error") != "":
		page["Problem"] = query.Get("error") + ": " + query.Get("error_description")
	case state == "" || !secret.String(state).Equal(secret.String(query.Get("state"))):
		page["Problem"] = "This log-in was begun elsewhere, or too long ago."
	default:
		tokens, err := t.exchange(r.Context(), query.Get("code"), verifier)
		if err != nil {
			page["Problem"] = err.Error()
			break
		}
		page["Access"], page["Claims"] = tokens["access_token"], claimsOf(tokens["access_token"])
		page["ID"] = claimsOf(tokens["id_token"])
		if !strings.Contains(tokens["access_token"], ".") { // a token for an API is a JWT
			page["UserInfo"] = t.cfg.Issuer + "userinfo"
		}
	}
	t.write(w, "try.html", page)
}

// script answers with the one script of the pages.
func script(w http.ResponseWriter, _ *http.Request) {
	content, err := pageFiles.ReadFile("copy.js")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	_, _ = w.Write(content) // nobody is left to be told
}

func (t *trial) logoutURL() string {
	return t.cfg.Issuer + "v2/logout?" + url.Values{"client_id": {t.cfg.ClientID}, "returnTo": {strings.TrimSuffix(t.cfg.Issuer, "/") + Path + "?" + loggedOut}}.Encode()
}

func (t *trial) exchange(ctx context.Context, code, verifier string) (map[string]string, error) {
	in := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {t.cfg.ClientID}, "code": {code}, "code_verifier": {verifier},
		"redirect_uri": {t.redirectURI()},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.cfg.Issuer+"oauth/token", strings.NewReader(in.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := t.cfg.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&body); err != nil {
		return nil, fmt.Errorf("the token endpoint answered %s, and not with JSON", res.Status)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the token endpoint answered %s: %v", res.Status, body["error_description"])
	}
	tokens := map[string]string{}
	for name, value := range body {
		if text, ok := value.(string); ok {
			tokens[name] = text
		}
	}
	return tokens, nil
}

// claimsOf lists what a token says. It comes from the provider itself.
func claimsOf(token string) []claim {
	u, err := unverified.DecodeUnverified(token)
	if err != nil {
		return nil
	}
	var all map[string]any
	if err := json.Unmarshal(u.Claims, &all); err != nil {
		return nil
	}
	var out []claim
	for name, value := range all {
		text, ok := value.(string)
		if !ok {
			data, _ := json.Marshal(value)
			text = strings.ReplaceAll(string(data), `,"`, `, "`) // so that lines can break
		}
		if n, ok := value.(float64); ok && slices.Contains([]string{"exp", "iat", "auth_time", "nbf"}, name[strings.LastIndexByte(name, '/')+1:]) {
			text = time.Unix(int64(n), 0).UTC().Format(time.RFC3339)
		}
		out = append(out, claim{name, text})
	}
	slices.SortFunc(out, func(a, b claim) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// maxLetters is how many the page shows.
const maxLetters = 50

func (t *trial) outboxPage(w http.ResponseWriter, _ *http.Request) {
	all, err := outbox.Read(t.cfg.Outbox, maxLetters)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	try, home := "", OutboxPath
	if t.cfg.ClientID != "" {
		try, home = Path, Path
	}
	t.write(w, "outbox.html", map[string]any{"Style": t.cfg.Style, "Letters": all, "Try": try, "Home": home, "Logout": t.logoutURL()})
}

func (t *trial) outboxJSON(w http.ResponseWriter, _ *http.Request) {
	all, err := outbox.Read(t.cfg.Outbox, maxLetters)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"letters": all}) // nobody is left to be told
}

func (t *trial) write(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := t.pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w)
}
