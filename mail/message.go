package mail

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Error is the kind of failure of this package, a target for [errors.Is].
// The texts hold no address.
type Error string

// The failures that callers tell apart.
const (
	// ErrAddress means that a text is not the address of one mailbox.
	ErrAddress Error = "mail: not an e-mail address"
	// ErrHeader means that a header field would hold what may not be in it.
	ErrHeader Error = "mail: not fit for a header field"
	// ErrRefused means that a letter was refused for good: sending it again
	// changes nothing.
	ErrRefused Error = "mail: the letter was refused"
	// ErrFull means that too many letters are waiting; try again later.
	ErrFull Error = "mail: too many letters are waiting"
	// ErrClosed means that the queue was closed.
	ErrClosed Error = "mail: the queue is closed"
)

// Error returns the kind as text.
func (e Error) Error() string { return string(e) }

// A Message is a letter to one person. It may hold a link that logs in or sets
// a password, so printing or logging one shows its subject alone.
type Message struct {
	// To is the one recipient: the address that was stored.
	To string
	// Subject is a line of at most 200 bytes without commas.
	Subject string
	// Text is the body; it is never empty.
	Text string
	// HTML is the same body for readers that show it; empty means none.
	HTML string
}

// A Sender sends letters. Its methods are called from many goroutines at once.
type Sender interface {
	// Send sends m or hands it to somebody who will. An error that is
	// [ErrRefused], [ErrAddress] or [ErrHeader] is final, any other may pass.
	Send(ctx context.Context, m Message) error
}

const (
	maxSubject = 200
	maxBody    = 256 << 10
)

// Validate reports whether m may be sent: nil, or an error that is [ErrAddress]
// or [ErrHeader]. Every sender of this module calls it before all else.
func (m Message) Validate() error {
	if _, err := Canonical(m.To); err != nil {
		return fmt.Errorf("recipient: %w", err)
	}
	if strings.TrimSpace(m.To) != m.To {
		return fmt.Errorf("recipient: %w: blanks around it", ErrAddress)
	}
	if m.Subject == "" {
		return fmt.Errorf("subject: %w: empty", ErrHeader)
	}
	if err := CheckHeader(m.Subject); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	if m.Text == "" || len(m.Text)+len(m.HTML) > maxBody || !utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML) {
		return fmt.Errorf("body: %w: empty, too long or not UTF-8", ErrRefused)
	}
	return nil
}

// CheckHeader reports whether value may stand in a header field: valid UTF-8 of
// at most 200 bytes without control characters, line separators and commas. The
// error is [ErrHeader].
func CheckHeader(value string) error {
	switch {
	case len(value) > maxSubject:
		return fmt.Errorf("%w: over %d bytes", ErrHeader, maxSubject)
	case !utf8.ValidString(value):
		return fmt.Errorf("%w: not UTF-8", ErrHeader)
	case strings.ContainsFunc(value, breaksHeader):
		return fmt.Errorf("%w: a control character or a comma", ErrHeader)
	}
	return nil
}

// breaksHeader reports whether a character ends a field, or makes two of one.
func breaksHeader(r rune) bool {
	return r == ',' || unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf)
}

// String returns a text that is safe to print.
func (m Message) String() string { return fmt.Sprintf("letter %q", m.Subject) }

// Format implements [fmt.Formatter]: every verb prints what [Message.String] returns.
func (m Message) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue implements [slog.LogValuer] without recipient and body.
func (m Message) LogValue() slog.Value { return slog.StringValue(m.String()) }
