// Package outbound gets small documents from other hosts without trusting them:
// https only, bounded in time and size, no redirect followed, no cookie sent and
// no credentials but those that [Client.GetAs] is given, and on demand to public
// addresses alone.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/gatewright/gate/internal/loopback"
)

// The limits of a request.
const (
	// MaxBody bounds a document, in bytes after inflation.
	MaxBody = 256 << 10
	// ConnectTimeout bounds finding the host and connecting to it.
	ConnectTimeout = 3 * time.Second
	// Timeout bounds a request as a whole, the last byte of the answer included.
	Timeout = 5 * time.Second

	maxHeader = 64 << 10
)

// Config configures a [Client]. The zero value is fine for URLs that the
// operator wrote.
type Config struct {
	// Guarded is for URLs that did not come from the operator: addresses that
	// are not public (see [Public]) and ports other than 443 are refused when
	// they are dialled, whatever the name resolved to before.
	Guarded bool
	// Proxy says which proxy a request takes; nil means none, and the
	// environment is not asked. A guarded client has none.
	Proxy func(*http.Request) (*url.URL, error)
	// Transport replaces the client's own; nil means its own. A guarded client
	// has its own.
	Transport http.RoundTripper
	// Resolver finds hosts for the client's own transport; nil means
	// net.DefaultResolver.
	Resolver *net.Resolver
}

// A Client gets documents. It keeps no connection open and is safe for
// concurrent use.
type Client struct {
	guarded  bool
	https    *http.Client
	loopback *http.Client // for http
}

// A Document is what an answer with the status 200 brought.
type Document struct {
	Header http.Header
	Body   []byte
}

// A StatusError is an answer with another status than 200.
type StatusError int

// Error implements error.
func (e StatusError) Error() string { return fmt.Sprintf("the answer has the status %d", int(e)) }

// An AddressError is an address that a client does not connect to.
type AddressError string

// Error implements error.
func (e AddressError) Error() string { return fmt.Sprintf("the address %s is not allowed", string(e)) }

// New returns a client. Guarded together with what would go round the guard is
// an error.
func New(cfg Config) (*Client, error) {
	if cfg.Guarded && (cfg.Proxy != nil || cfg.Transport != nil) {
		return nil, errors.New("a guarded client has neither a proxy nor a transport of yours")
	}
	control := anyAddress
	if cfg.Guarded {
		control = publicAddress
	}
	return &Client{
		guarded:  cfg.Guarded,
		https:    client(cfg, control),
		loopback: client(Config{Transport: cfg.Transport, Resolver: cfg.Resolver}, loopbackAddress),
	}, nil
}

// A control is asked for the address that is about to be connected to.
type control = func(network, address string, c syscall.RawConn) error

func client(cfg Config, allow control) *http.Client {
	transport := cfg.Transport
	if transport == nil {
		dialer := &net.Dialer{Timeout: ConnectTimeout, Control: allow, Resolver: cfg.Resolver}
		if cfg.Proxy != nil {
			dialer.Control = nil // it is the proxy that is connected to
		}
		transport = &http.Transport{
			Proxy:                  cfg.Proxy,
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    ConnectTimeout,
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true, // the next request is minutes away
			MaxResponseHeaderBytes: maxHeader,
		}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ParseURL returns the URL in raw when a client would get it: absolute, https
// (http for a loopback host, unless guarded), without credentials and fragment.
func (c *Client) ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	switch {
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("a URL without a host")
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("a URL with credentials or a fragment")
	case u.Scheme == "http" && !c.guarded && loopback.Host(u.Hostname()):
		return u, nil
	case u.Scheme != "https":
		return nil, errors.New("a URL that is not https")
	default:
		return u, nil
	}
}

// Get returns the document at raw. Any status but 200 is a [StatusError], a
// redirect too. accept lists the media types that are wanted.
func (c *Client) Get(ctx context.Context, raw, accept string) (*Document, error) {
	return c.GetAs(ctx, raw, accept, "")
}

// GetAs is [Client.Get] with an access token, which the other host gets as
// Authorization: Bearer (RFC 6750 §2.1).
func (c *Client) GetAs(ctx context.Context, raw, accept, token string) (*Document, error) {
	u, err := c.ParseURL(raw)
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	doc, err := c.get(ctx, u, accept, token)
	if err != nil {
		// The query may be confidential, so the URL is shown without it.
		return nil, fmt.Errorf("get %s://%s%s: %w", u.Scheme, u.Host, u.EscapedPath(), err)
	}
	return doc, nil
}

func (c *Client) get(ctx context.Context, u *url.URL, accept, token string) (*Document, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("User-Agent", "gatewright")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := c.https
	if u.Scheme == "http" {
		client = c.loopback
	}
	resp, err := client.Do(r)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, StatusError(resp.StatusCode)
	}
	body, err := read(resp.Body, resp.ContentLength)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return &Document{Header: resp.Header, Body: body}, nil
}

// read reads all of body, which says that it has size bytes, or -1.
func read(body io.Reader, size int64) ([]byte, error) {
	if size > MaxBody {
		return nil, fmt.Errorf("more than %d bytes", MaxBody)
	}
	b, err := io.ReadAll(io.LimitReader(body, MaxBody+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxBody {
		return nil, fmt.Errorf("more than %d bytes", MaxBody)
	}
	return b, nil
}

func anyAddress(string, string, syscall.RawConn) error { return nil }

// loopbackAddress is for plain http, whatever "localhost" resolved to.
func loopbackAddress(_, address string, _ syscall.RawConn) error {
	if ap, err := netip.ParseAddrPort(address); err != nil || !ap.Addr().Unmap().IsLoopback() {
		return AddressError(address)
	}
	return nil
}

func publicAddress(_, address string, _ syscall.RawConn) error {
	if ap, err := netip.ParseAddrPort(address); err != nil || ap.Port() != 443 || !Public(ap.Addr()) {
		return AddressError(address)
	}
	return nil
}
