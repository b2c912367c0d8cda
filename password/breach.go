package password

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha1" //nolint:gosec // the service is asked by SHA-1; nothing rests on it
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/gatewright/gate/internal/loopback"
)

// Breach asks a service which passwords have leaked, without telling it the
// password: it sends the first five of the forty hexadecimal digits of its
// SHA-1, gets the rest of all leaked ones that begin so, and looks for itself
// (k-anonymity, as Have I Been Pwned offers it). It is safe for concurrent use.
//
// It is a help, no gate: when the service does not answer in time the password
// passes, and that is logged.
type Breach struct {
	// URL is asked with the five digits added to its path, for instance
	// https://api.pwnedpasswords.com/range/; http is for this machine alone.
	// Empty asks nobody.
	URL string
	// Client asks; nil means one that follows no redirect. Timeouts are those
	// of Timeout.
	Client *http.Client
	// Timeout bounds a question; zero means one second.
	Timeout time.Duration
	// Logger gets questions without an answer; nil means slog.Default().
	Logger *slog.Logger
}

const (
	breachPrefix  = 5
	maxBreachBody = 256 << 10 // a padded answer has some 40 KiB
)

// Validate reports what is wrong with the URL.
func (b *Breach) Validate() error {
	u, err := url.Parse(b.URL)
	switch {
	case b.URL == "":
		return nil
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback.Host(u.Hostname())):
		return errors.New("password: the URL of the breach service is not https")
	}
	return nil
}

// Leaked reports whether the password is known to have leaked. Without an answer
// it reports false.
func (b *Breach) Leaked(ctx context.Context, password string) bool {
	if b == nil || b.URL == "" || CheckText(password) != nil {
		return false
	}
	leaked, err := b.ask(ctx, password)
	if err != nil {
		logger := b.Logger
		if logger == nil {
			logger = slog.Default()
		}
		logger.WarnContext(ctx, "breach service did not answer", "err", err)
	}
	return leaked
}

func (b *Breach) ask(ctx context.Context, password string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(b.Timeout, time.Second))
	defer cancel()
	sum := sha1.Sum([]byte(norm.NFKC.String(password))) //nolint:gosec // see above
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	u, err := url.Parse(b.URL)
	if err != nil {
		return false, errors.New("the URL cannot be read")
	}
	// Padding makes answers equally long, so that their length tells nothing.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath(digits[:breachPrefix]).String(), nil)
	if err != nil {
		return false, fmt.Errorf("ask: %w", err)
	}
	req.Header.Set("Add-Padding", "true")
	req.Header.Set("User-Agent", "gatewright")
	res, err := b.client().Do(req)
	if err != nil {
		return false, fmt.Errorf("ask: %w", withoutURL(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false, fmt.Errorf("status %d", res.StatusCode)
	}
	return listed(io.LimitReader(res.Body, maxBreachBody), digits[breachPrefix:])
}

// withoutURL returns the cause of a failed request: its URL has the digits.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

func (b *Breach) client() *http.Client {
	if b.Client != nil {
		return b.Client
	}
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// listed looks for the line DIGITS:COUNT. Padding has the count 0.
func listed(body io.Reader, digits string) (bool, error) {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		suffix, count, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if strings.EqualFold(suffix, digits) {
			return strings.Trim(count, "0") != "", nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("read answer: %w", err)
	}
	return false, nil
}
