package auth0

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate/internal/loopback"
)

// Config says which tenant, and who asks. Domain or BaseURL is required, and
// either Token or both ClientID and ClientSecret.
type Config struct {
	// Domain is the host of the tenant: shop.eu.auth0.com.
	Domain string
	// BaseURL is the origin of the tenant, for one that is not at https:// and
	// its domain. It is https; http is for a loopback host.
	BaseURL string

	// Token is a token of the Management API.
	Token Secret
	// ClientID and ClientSecret get one by client credentials, with the audience
	// of the Management API.
	ClientID     string
	ClientSecret Secret

	// HTTP does the requests. Nil means one with a timeout of 30 seconds. Its
	// cookies are not used, and it follows no redirect.
	HTTP *http.Client
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
	// Wait waits for a duration or until the context is done, whose error it
	// then returns. Nil means to wait.
	Wait func(context.Context, time.Duration) error
	// Logger is told what was changed, and about waiting. Nil means
	// slog.Default().
	Logger *slog.Logger
}

// A Tenant is a tenant seen through its Management API. It is safe for
// concurrent use; [New] makes one.
type Tenant struct {
	base   string // an origin
	host   string
	client *http.Client
	now    func() time.Time
	wait   func(context.Context, time.Duration) error
	log    *slog.Logger

	clientID     string
	clientSecret Secret

	mu      sync.Mutex
	token   Secret
	expires time.Time // of the token; zero when it was given
}

const requestTimeout = 30 * time.Second

// Domain returns the host of the tenant, as [Result.Domain] has it.
func (t *Tenant) Domain() string { return t.host }

// New returns the tenant of that configuration. It makes no request.
func New(cfg Config) (*Tenant, error) {
	base, err := cfg.origin()
	if err != nil {
		return nil, fmt.Errorf("auth0 tenant: %w", err)
	}
	switch byClient := cfg.ClientID != "" || cfg.ClientSecret != ""; {
	case cfg.Token != "" && byClient:
		return nil, errors.New("auth0 tenant: a token and a client: give one of them")
	case byClient && (cfg.ClientID == "" || cfg.ClientSecret == ""):
		return nil, errors.New("auth0 tenant: a client needs its id and its secret")
	case cfg.Token == "" && !byClient:
		return nil, errors.New("auth0 tenant: no token of the Management API, and no client to get one")
	case strings.ContainsFunc(cfg.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("auth0 tenant: the token has characters that no token has")
	}
	t := &Tenant{
		base: base.String(), host: base.Host,
		now: cfg.Now, wait: cfg.Wait, log: cfg.Logger,
		clientID: cfg.ClientID, clientSecret: cfg.ClientSecret, token: cfg.Token,
		client: &http.Client{Timeout: requestTimeout},
	}
	if cfg.HTTP != nil {
		t.client.Transport = cfg.HTTP.Transport
		t.client.Timeout = cfg.HTTP.Timeout
	}
	t.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if t.now == nil {
		t.now = time.Now
	}
	if t.wait == nil {
		t.wait = wait
	}
	if t.log == nil {
		t.log = slog.Default()
	}
	return t, nil
}

// Format implements [fmt.Formatter]: a tenant prints as its origin, for its
// fields are secrets.
func (t *Tenant) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.base) }

// origin returns where the tenant is.
func (cfg Config) origin() (*url.URL, error) {
	raw := cfg.BaseURL
	switch {
	case cfg.Domain == "" && raw == "":
		return nil, errors.New("no domain")
	case cfg.Domain != "" && raw != "":
		return nil, errors.New("a domain and a base URL: give one of them")
	case strings.ContainsAny(cfg.Domain, "/@?#\\ "):
		return nil, fmt.Errorf("the domain %q has to be a host alone, without scheme and path", cfg.Domain)
	case raw == "":
		raw = "https://" + cfg.Domain
	}
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	switch {
	case err != nil:
		return nil, errors.New("the base URL is not a URL")
	case u.User != nil:
		return nil, errors.New("the base URL has credentials")
	case u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("the base URL %q has to be scheme and host alone", raw)
	case u.Scheme == "http" && loopback.Host(u.Hostname()):
		return u, nil
	case u.Scheme != "https":
		return nil, fmt.Errorf("the base URL %q has to be https: the token would be anybody's on the way", raw)
	}
	return u, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
