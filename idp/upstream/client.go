package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/internal/strictjson"
)

// The limits of a request to a provider.
const (
	maxAnswer      = 1 << 20
	answerTimeout  = 10 * time.Second
	connectTimeout = 3 * time.Second
)

// A client makes the requests that carry secrets. It follows no redirect and
// keeps no cookie.
type client struct {
	http    *http.Client
	headers map[string]string
}

// An answer is what a provider answered, unless it was no JSON object.
type answer struct {
	status  int
	members map[string]any
}

func newClient(cfg *Config) *client {
	transport := cfg.Transport
	if transport == nil {
		dialer := &net.Dialer{Timeout: connectTimeout}
		if cfg.Imitation {
			dialer.Control = loopbackAddress
		}
		own := newTransport(dialer.DialContext)
		if transport = own; !cfg.Imitation && !cfg.AllowPrivate {
			own.DialContext = cfg.Private.dial
			transport = encrypted{own}
		}
	}
	return &client{
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		headers: cfg.Headers,
	}
}

func newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext: dial, TLSHandshakeTimeout: connectTimeout, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
}

// loopbackAddress is asked for the address that is about to be connected to for an
// imitation, whatever "localhost" means.
func loopbackAddress(_, address string, _ syscall.RawConn) error {
	if ap, err := netip.ParseAddrPort(address); err != nil || !ap.Addr().Unmap().IsLoopback() {
		return outbound.AddressError(address)
	}
	return nil
}

// post sends a form. With a user, it and the password go in front (RFC 6749
// §2.3.1).
func (c *client) post(ctx context.Context, to string, form url.Values, user string, password Secret) (*answer, error) {
	return c.do(ctx, http.MethodPost, to, strings.NewReader(form.Encode()), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if user != "" {
			r.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(password.Reveal()))
		}
	})
}

// get asks for a document with an access token (RFC 6750 §2.1).
func (c *client) get(ctx context.Context, from string, token Secret) (*answer, error) {
	return c.do(ctx, http.MethodGet, from, nil, bearer(token))
}

// list is get for a document that is a list.
func (c *client) list(ctx context.Context, from string, token Secret) (int, []any, error) {
	var items []any
	status, err := c.read(ctx, http.MethodGet, from, nil, bearer(token), func(v any) bool {
		var ok bool
		items, ok = v.([]any)
		return ok
	})
	return status, items, err
}

func bearer(token Secret) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token.Reveal()) }
}

func (c *client) do(ctx context.Context, method, to string, body io.Reader, prepare func(*http.Request)) (*answer, error) {
	a := new(answer)
	var err error
	a.status, err = c.read(ctx, method, to, body, prepare, func(v any) bool {
		var ok bool
		a.members, ok = v.(map[string]any)
		return ok
	})
	return a, err
}

// read makes a request and gives the document of the answer to take, which says
// whether it is of the right kind. Errors are [ErrUnavailable]: an answer that
// cannot be understood says nothing. An answer that is an error needs no
// document.
func (c *client) read(ctx context.Context, method, to string, body io.Reader, prepare func(*http.Request), take func(any) bool) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	status, data, err := c.roundTrip(ctx, method, to, body, prepare)
	if err != nil {
		return 0, because(ErrUnavailable, fmt.Errorf("%s %s: %w", strings.ToLower(method), bare(to), err))
	}
	doc, err := strictjson.Decode(data, 0)
	if err == nil && !take(doc) {
		err = errors.New("another kind of document")
	}
	if err != nil && status/100 == 2 {
		return status, because(ErrUnavailable, fmt.Errorf("%s %s: status %d: %w", strings.ToLower(method), bare(to), status, err))
	}
	return status, nil
}

func (c *client) roundTrip(ctx context.Context, method, to string, body io.Reader, prepare func(*http.Request)) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return 0, nil, errors.New("not a URL")
	}
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Accept", "application/json")
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "gatewright")
	}
	prepare(r)
	resp, err := c.http.Do(r)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // which has the query in its text
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 3 {
		return 0, nil, outbound.StatusError(resp.StatusCode)
	}
	var buf bytes.Buffer
	if n, err := io.Copy(&buf, io.LimitReader(resp.Body, maxAnswer+1)); err != nil {
		return 0, nil, fmt.Errorf("read the answer: %w", err)
	} else if n > maxAnswer {
		return 0, nil, fmt.Errorf("more than %d bytes", maxAnswer)
	}
	return resp.StatusCode, buf.Bytes(), nil
}

// bare returns a URL without its query, which may be confidential.
func bare(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "a URL"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
