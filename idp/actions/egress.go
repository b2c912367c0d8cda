package actions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gatewright/gate/internal/outbound"
)

// The bounds of an action's request.
const (
	requestTimeout = 5 * time.Second
	maxBody        = 1 << 20 // of a request, and of an answer after inflation
	maxHeader      = 64 << 10
	maxRedirects   = 3
)

var (
	errHost    = errors.New("the host is not on the list of allowed hosts")
	errAddress = errors.New("the address is not allowed")
)

// A hostPattern is an entry of Config.AllowedHosts.
type hostPattern struct {
	name  string // lower case
	below bool   // all below name, but not itself
	port  string // "" means the scheme's own
}

func parseHostPattern(entry string) (hostPattern, error) {
	p := hostPattern{name: strings.ToLower(entry)}
	if host, port, err := net.SplitHostPort(p.name); err == nil {
		p.name, p.port = host, port
	}
	if _, err := strconv.ParseUint(or(p.port, "443"), 10, 16); err != nil {
		return p, fmt.Errorf("allowed host %q has no valid port", entry)
	}
	p.name, p.below = strings.CutPrefix(p.name, "*.")
	wide := p.below && !strings.Contains(p.name, ".")
	if p.name == "" || wide || strings.ContainsAny(p.name, "*/@?# ") || strings.HasPrefix(p.name, ".") {
		return p, fmt.Errorf("allowed host %q is neither a host nor *.domain.tld", entry)
	}
	return p, nil
}

func (p hostPattern) match(u *url.URL, anyPort bool) bool {
	host, port := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Port()
	if p.below && !strings.HasSuffix(host, "."+p.name) || !p.below && host != p.name {
		return false
	}
	switch {
	case p.port != "":
		return port == p.port
	case port == "" || u.Scheme == "https" && port == "443":
		return true
	default:
		return anyPort
	}
}

func newHost(cfg *Config) (*host, error) {
	h := &host{cfg: cfg}
	for _, entry := range cfg.AllowedHosts {
		p, err := parseHostPattern(entry)
		if err != nil {
			return nil, err
		}
		h.allowed = append(h.allowed, p)
	}
	transport := cfg.Transport
	if transport == nil {
		dialer := &net.Dialer{Timeout: requestTimeout}
		if !cfg.AllowPrivate {
			dialer.Control = publicOnly
		}
		transport = &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    requestTimeout,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           10,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: maxHeader,
		}
	}
	h.client = &http.Client{Transport: transport}
	return h, nil
}

// publicOnly refuses the address that is about to be dialled, whatever the name
// resolved to before.
func publicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !outbound.Public(at.Addr()) {
		return errAddress
	}
	return nil
}

// check says whether an action may send a request to u.
func (h *host) check(u *url.URL) error {
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !h.cfg.AllowPrivate):
		return errors.New("only https is allowed")
	case u.Hostname() == "" || u.User != nil:
		return errors.New("the URL has no host, or credentials")
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !h.cfg.AllowPrivate && !outbound.Public(addr) {
		return errAddress
	}
	if !slices.ContainsFunc(h.allowed, func(p hostPattern) bool { return p.match(u, h.cfg.AllowPrivate) }) {
		return errHost
	}
	return nil
}

// A request and its answer, as the interpreter writes and reads them.
type (
	wireRequest struct {
		URL      string      `json:"url"`
		Method   string      `json:"method"`
		Headers  [][2]string `json:"headers"`
		Redirect string      `json:"redirect"` // "follow", "manual", "error"
		Timeout  float64     `json:"timeout"`  // milliseconds, 0 for none
		Body     []byte      `json:"body"`
	}
	wireResponse struct {
		Status     int         `json:"status"`
		StatusText string      `json:"statusText"`
		Headers    [][2]string `json:"headers"`
		URL        string      `json:"url"`
		Redirected bool        `json:"redirected"`
		Body       []byte      `json:"body"`
	}
)

func (v *visit) http(ctx context.Context, arg json.RawMessage) (json.RawMessage, error) {
	var in wireRequest
	if err := json.Unmarshal(arg, &in); err != nil {
		return nil, errors.New("the request is malformed")
	}
	v.mu.Lock()
	v.calls++
	over := v.calls > v.cfg.MaxCalls
	v.mu.Unlock()
	if over {
		return nil, fmt.Errorf("more than %d requests", v.cfg.MaxCalls)
	}
	if len(in.Body) > maxBody {
		return nil, fmt.Errorf("a body of more than %d bytes", maxBody)
	}
	timeout := requestTimeout
	if in.Timeout > 0 {
		timeout = min(timeout, time.Duration(in.Timeout*float64(time.Millisecond)))
	}
	call, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var out *wireResponse
	var err error
	ask := func() { out, err = v.send(call, &in) }
	if u, bad := url.Parse(in.URL); bad == nil && v.own(u) {
		ask() // this process works
	} else if full := v.seat.away(ctx, ask); full != nil {
		return nil, full
	}
	if err != nil {
		v.cfg.Logger.WarnContext(ctx, "action request failed",
			"action", v.action.Name, "host", hostOf(in.URL), "err", v.hide.Replace(err.Error()))
		return nil, err
	}
	return json.Marshal(out)
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

func (v *visit) send(ctx context.Context, in *wireRequest) (*wireResponse, error) {
	req, err := http.NewRequestWithContext(ctx, in.Method, in.URL, bytes.NewReader(in.Body))
	if err != nil {
		return nil, errors.New("the method or the URL is not valid")
	}
	for _, h := range in.Headers {
		req.Header.Add(h[0], h[1])
	}
	for _, ours := range []string{"Host", "Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "Te", "Trailer"} {
		req.Header.Del(ours)
	}
	if v.own(req.URL) {
		return v.manage(req)
	}
	if err := v.check(req.URL); err != nil {
		return nil, err
	}
	client := *v.client
	client.CheckRedirect = v.redirects(in.Redirect)
	resp, err := client.Do(req)
	if err != nil {
		return nil, plain(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("an answer of more than %d bytes", maxBody)
	}
	return &wireResponse{
		Status: resp.StatusCode, StatusText: http.StatusText(resp.StatusCode), Headers: headers(resp.Header),
		URL: resp.Request.URL.String(), Redirected: resp.Request != req, Body: body,
	}, nil
}

func (v *visit) redirects(mode string) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		switch {
		case mode == "manual":
			return http.ErrUseLastResponse
		case mode == "error":
			return errors.New("a redirect was not expected")
		case len(via) > maxRedirects:
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return v.check(next.URL)
	}
}

// plain takes the URL, which may hold secrets, out of an error.
func plain(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("the request timed out")
	}
	return err
}

func headers(h http.Header) [][2]string {
	list := [][2]string{} // not null
	for name, values := range h {
		for _, value := range values {
			list = append(list, [2]string{strings.ToLower(name), value})
		}
	}
	slices.SortStableFunc(list, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return list
}

// own reports whether u is for the tenant's own API, which answers in this
// process.
func (v *visit) own(u *url.URL) bool {
	if v.cfg.Management == nil || v.cfg.ManagementHost == "" || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	path := u.EscapedPath()
	return strings.EqualFold(u.Host, v.cfg.ManagementHost) &&
		(path == "/oauth/token" || strings.HasPrefix(path, "/api/v2/"))
}

func (v *visit) manage(req *http.Request) (resp *wireResponse, err error) {
	defer func() {
		if p := recover(); p != nil {
			v.cfg.Logger.ErrorContext(req.Context(), "management api panicked", "panic", p)
			resp, err = nil, errors.New("internal error")
		}
	}()
	req.RequestURI, req.RemoteAddr = req.URL.RequestURI(), "127.0.0.1:0"
	w := &answer{header: http.Header{}}
	v.cfg.Management.ServeHTTP(w, req.WithContext(deeper(req.Context())))
	if w.body.Len() > maxBody {
		return nil, fmt.Errorf("an answer of more than %d bytes", maxBody)
	}
	status := or(w.status, http.StatusOK)
	return &wireResponse{
		Status: status, StatusText: http.StatusText(status), Headers: headers(w.header),
		URL: req.URL.String(), Body: w.body.Bytes(),
	}, nil
}

// An answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.body.Len() > maxBody {
		return 0, io.ErrShortWrite
	}
	return a.body.Write(p)
}
