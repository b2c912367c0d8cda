// Package smtp sends letters through a mail server (RFC 5321, RFC 6409).
//
// The connection is encrypted before anything of a letter or a password goes
// over it: TLS from the start with smtps://, STARTTLS (RFC 3207) with smtp://,
// where a server that does not offer it is an error. Only a server on this very
// machine may go without.
package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/mail"
)

// Config configures a [Sender].
type Config struct {
	// URL names the server: smtp://user:password@host:587 or
	// smtps://user:password@host:465. The ports may be left out, and so may
	// user and password together. A query may have "helo", the name that this
	// machine gives itself. Anything else is refused.
	URL string
	// From is the address that letters come from, FromName who that is; both
	// are shown. FromName may be empty.
	From, FromName string
	// Timeout bounds connecting and every further step; zero means ten seconds.
	Timeout time.Duration
	// TLS replaces the configuration of encrypted connections, for instance to
	// trust a certificate authority of one's own; nil means the usual one.
	TLS *tls.Config
}

// A Sender sends letters through one server, a connection for each. It is safe
// for concurrent use; [New] makes one.
type Sender struct {
	cfg      Config
	host     string
	port     int
	implicit bool // TLS from the start
	local    bool
	helo     string
	user     string
	password secret.String
}

var (
	_ mail.Sender   = (*Sender)(nil)
	_ fmt.Formatter = (*Sender)(nil)
)

// String returns a text that is safe to print.
func (s *Sender) String() string { return fmt.Sprintf("smtp to %s:%d", s.host, s.port) }

// Format implements [fmt.Formatter]: every verb prints what [Sender.String] returns.
func (s *Sender) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// New returns a sender, or an error that says what is wrong with the
// configuration, without the password in it. It does not connect.
func New(cfg Config) (*Sender, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("smtp: the URL cannot be read") // the cause would quote the password
	}
	cfg.URL = "" // it is a secret
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	s := &Sender{cfg: cfg, host: u.Hostname(), helo: u.Query().Get("helo")}
	if err := s.read(u); err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	if _, err := mail.Canonical(cfg.From); err != nil {
		return nil, fmt.Errorf("smtp: from: %w", err)
	}
	for _, value := range []string{cfg.FromName, s.helo} {
		if err := mail.CheckHeader(value); err != nil {
			return nil, fmt.Errorf("smtp: from name or helo: %w", err)
		}
	}
	if cfg.Timeout < 0 {
		return nil, errors.New("smtp: the time-out is negative")
	}
	return s, nil
}

func (s *Sender) read(u *url.URL) error {
	switch u.Scheme {
	case "smtp":
		s.port = 587
	case "smtps":
		s.port, s.implicit = 465, true
	default:
		return errors.New("the URL begins with neither smtp:// nor smtps://")
	}
	if s.host == "" || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return errors.New("the URL is more or less than user:password@host:port")
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return errors.New("the port is not one")
		}
		s.port = int(n)
	}
	for name, values := range u.Query() {
		if name != "helo" || len(values) != 1 {
			return fmt.Errorf("the query has %q, only helo is known", name)
		}
	}
	if u.User != nil {
		password, ok := u.User.Password()
		if u.User.Username() == "" || !ok || password == "" {
			return errors.New("the URL has a user without a password, or the reverse")
		}
		s.user, s.password = u.User.Username(), secret.String(password)
	}
	s.local = loopback.Host(s.host)
	return nil
}

// Send implements [mail.Sender]. An error that is [mail.ErrRefused] is the
// server's final answer; its text has the server's code and no address.
func (s *Sender) Send(ctx context.Context, m mail.Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	letter, err := s.letter(m)
	if err != nil {
		return err
	}
	client, hangUp, err := s.client()
	if err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	defer hangUp()
	defer context.AfterFunc(ctx, hangUp)()
	if err := client.DialAndSendWithContext(ctx, letter); err != nil {
		return refusal(ctx, err)
	}
	return nil
}

func (s *Sender) letter(m mail.Message) (*gomail.Msg, error) {
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	from := letter.From
	if s.cfg.FromName != "" {
		from = func(address string) error { return letter.FromFormat(s.cfg.FromName, address) }
	}
	if from(s.cfg.From) != nil || letter.To(m.To) != nil { // their errors quote the address
		return nil, fmt.Errorf("smtp: %w", mail.ErrAddress)
	}
	letter.Subject(m.Subject)
	letter.SetDate()
	letter.SetMessageID()
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	// Programs that answer by themselves stay silent (RFC 3834 §5).
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	return letter, nil
}

// client returns a client, and what closes its connection: the library leaves
// one open that it has given up, and waits on one whose context has ended.
func (s *Sender) client() (client *gomail.Client, hangUp func(), err error) {
	line := new(line)
	opts := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.cfg.Timeout), gomail.WithTLSConfig(s.tls()), gomail.WithDialContextFunc(s.dial(line)),
	}
	switch {
	case s.implicit:
		opts = append(opts, gomail.WithSSL())
	case s.local:
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.helo != "" {
		opts = append(opts, gomail.WithHELO(s.helo))
	}
	if s.user != "" {
		opts = append(opts, gomail.WithUsername(s.user), gomail.WithPassword(s.password.Reveal()), s.auth())
	}
	client, err = gomail.NewClient(s.host, opts...)
	return client, line.hangUp, err
}

// auth lets the library choose how the password is sent. It does not know that
// a connection is encrypted which it did not make itself.
func (s *Sender) auth() gomail.Option {
	if s.implicit {
		return gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc)
	}
	return gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover)
}

func (s *Sender) tls() *tls.Config {
	t := new(tls.Config)
	if s.cfg.TLS != nil {
		t = s.cfg.TLS.Clone()
	}
	t.ServerName = cmp.Or(t.ServerName, s.host)
	t.MinVersion = max(t.MinVersion, tls.VersionTLS12)
	return t
}

func (s *Sender) dial(l *line) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		d := &net.Dialer{Timeout: s.cfg.Timeout}
		dial := d.DialContext
		if s.implicit {
			dial = (&tls.Dialer{NetDialer: d, Config: s.tls()}).DialContext
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		l.set(conn)
		return conn, nil
	}
}

// line is the connection of one letter.
type line struct {
	mu   sync.Mutex
	conn net.Conn
	over bool
}

func (l *line) set(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = conn
	if l.over {
		_ = conn.Close()
	}
}

func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.conn != nil {
		_ = l.conn.Close() // closed already when all went well
	}
}

// refusal returns what went wrong without the addresses that the library names.
func refusal(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("smtp: send letter: %w", ctx.Err())
	}
	answer, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return fmt.Errorf("smtp: connect: %w", err)
	}
	text := fmt.Sprintf("%v, code %d %s", answer.Reason, answer.ErrorCode(), answer.EnhancedStatusCode())
	if code := answer.ErrorCode(); code >= 500 && code < 600 {
		return fmt.Errorf("smtp: %w: %s", mail.ErrRefused, strings.TrimSpace(text))
	}
	return errors.New("smtp: send letter: " + strings.TrimSpace(text))
}
