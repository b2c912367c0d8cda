package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
)

const (
	// backchannelTimeout is how long a client may take to hear of a log-out; it is
	// far below [tenant.LogoutLease], so that nobody else tells it meanwhile.
	backchannelTimeout = 5 * time.Second
	// backchannelTries is how often a client that is away is told once more: after
	// a minute, two, four and eight.
	backchannelTries = 4
	// backchannelEvery is how often a process looks for what another one could not
	// tell, or was killed before.
	backchannelEvery = 30 * time.Second
)

// tellLogout tells the clients of a session that it ended (OpenID Connect
// Back-Channel Logout 1.0), in the background. What this process does not come to
// is stored with that end, and told by another one: all of it when it has ended.
func (p *Provider) tellLogout(ses *tenant.Session) {
	if len(ses.Clients) == 0 {
		return
	}
	p.behind.begin(func() {
		ctx := context.Background()
		l, err := p.tenant.Logout(ctx, ses.ID)
		switch {
		case errors.Is(err, tenant.ErrNotFound):
		case err != nil:
			p.log.WarnContext(ctx, "clients are told of a log-out later", "err", err)
		default:
			p.tellClients(ctx, l)
		}
	})
}

// tellLogouts tells of log-outs that nobody is telling, now and then until ctx ends.
func (p *Provider) tellLogouts(ctx context.Context) {
	tick := time.NewTicker(backchannelEvery)
	defer tick.Stop()
	for {
		if err := p.tellWaiting(ctx); err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "clients are told of log-outs later", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *Provider) tellWaiting(ctx context.Context) error {
	const atOnce = 10
	for {
		list, err := p.tenant.TakeLogouts(ctx, atOnce)
		if err != nil || len(list) == 0 {
			return err
		}
		var all sync.WaitGroup
		for _, l := range list {
			all.Go(func() { p.tellClients(ctx, l) })
		}
		all.Wait()
	}
}

// tellClients tells the clients of a log-out, one after the other. After each the
// rest is stored with time for the next one.
func (p *Provider) tellClients(ctx context.Context, l *tenant.Logout) {
	all, again := l.Clients, []string(nil)
	for i, id := range all {
		if ctx.Err() != nil {
			return // the rest waits for whoever takes it next
		}
		err := p.tellInTime(ctx, id, l)
		retry := err != nil && l.Tries < backchannelTries && !isFinal(err)
		if err != nil {
			p.log.WarnContext(ctx, "client was not told of a log-out", "client_id", id, "try", l.Tries+1, "again", retry, "err", err)
		}
		if retry {
			again = append(again, id)
		}
		due := p.now().Add(tenant.LogoutLease)
		if l.Clients = slices.Concat(again, all[i+1:]); i == len(all)-1 {
			due = p.now().Add(tenant.LogoutLease << l.Tries)
		}
		if err := p.tenant.KeepLogout(context.WithoutCancel(ctx), l, due); err != nil {
			p.log.WarnContext(ctx, "clients may be told of a log-out twice", "err", err)
		}
	}
}

// tellInTime tells one client. What has begun comes to its end: half told is told
// twice.
func (p *Provider) tellInTime(ctx context.Context, id string, l *tenant.Logout) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backchannelTimeout)
	defer cancel()
	return p.tellClient(ctx, id, l)
}

// A statusError is an answer of a client that says no.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("answered %d %s", int(e), http.StatusText(int(e)))
}

// isFinal reports whether a client would say the same once more: all of it is there,
// and does not take what it was sent.
func isFinal(err error) bool {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(several.Unwrap(), func(err error) bool { return !isFinal(err) })
	}
	status, ok := errors.AsType[statusError](err)
	return ok && status/100 == 4 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

func (p *Provider) tellClient(ctx context.Context, id string, l *tenant.Logout) error {
	c, err := p.tenant.Clients.Get(ctx, id)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && c.OIDCLogout == nil {
		return nil
	}
	if err != nil {
		return err
	}
	var failed error
	for _, target := range c.OIDCLogout.BackchannelURLs {
		now := p.now()
		token, err := jose.Sign(p.keys.Keys().Signing(), "logout+jwt", &jose.Claims{
			Issuer: p.issuer, Subject: l.UserID, Audience: []string{c.ID}, IssuedAt: now, Expiry: now.Add(2 * time.Minute),
			ID: secret.Text().Reveal()[:22], Extra: map[string]any{
				"sid": l.SessionID, "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
			},
		})
		if err != nil {
			return err
		}
		failed = errors.Join(failed, p.postForm(ctx, target, "logout_token="+url.QueryEscape(token)))
	}
	return failed
}

// postForm sends a form to an address that an administrator wrote: https, or
// this machine in development.
func (p *Provider) postForm(ctx context.Context, target, body string) error {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "https" && (!p.cfg.Development || !local(u.Host)) {
		return errors.New("the address is not https")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.outbound().Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 { // a redirect leads away from who is to be told
		return statusError(res.StatusCode)
	}
	return nil
}
