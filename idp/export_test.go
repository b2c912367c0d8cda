package idp

import (
	"context"
	"net/netip"
	"time"

	"github.com/gatewright/gate/idp/internal/bucket"
	"github.com/gatewright/gate/idp/login"
)

// MarkOf is the mark of a client in the tokens of people.
func (p *Provider) MarkOf(ctx context.Context, client string) (string, error) {
	c, err := p.tenant.Clients.Get(ctx, client)
	if err != nil {
		return "", err
	}
	return p.clientMark(ctx, c, "")
}

// PlainText is what is left of HTML.
func PlainText(source string) string { return plainText(source) }

// LetterTemplate is a document as a template.
func LetterTemplate(subject, body string) (login.MailTemplate, error) {
	return letterTemplate(login.MailVerify, letterDocument{Subject: subject, Body: body})
}

// MaxNetworks is how many networks are counted at a time.
const MaxNetworks = maxNetworks

// A RequestLimit is a limit of requests.
type RequestLimit struct{ limit *bucket.Limit[netip.Prefix] }

// NewRequestLimit returns a limit.
func NewRequestLimit(perSecond int, now func() time.Time) RequestLimit {
	return RequestLimit{newRequestLimit(perSecond, false, now)}
}

// Take counts a request.
func (l RequestLimit) Take(addr netip.Addr) (left int, wait time.Duration) {
	s := l.limit.Take(networkOf(addr))
	return s.Left, s.Wait
}

// Networks is how many are counted now.
func (l RequestLimit) Networks() int { return l.limit.Len() }

// TellWaiting tells the clients of log-outs that nobody is telling.
func (p *Provider) TellWaiting(ctx context.Context) error { return p.tellWaiting(ctx) }

// TellLogout tells them of one as the process that ended the session does.
func (p *Provider) TellLogout(ctx context.Context, session string) {
	if l, err := p.tenant.Logout(ctx, session); err == nil {
		p.tellClients(ctx, l)
	}
}

// Upstreams is how many clients at other providers there are.
func (p *Provider) Upstreams() int {
	p.upstreams.mu.Lock()
	defer p.upstreams.mu.Unlock()
	return len(p.upstreams.known)
}

// Beside runs f as a signature is made beside another.
func Beside(f func()) (wait func()) { return beside(f) }
