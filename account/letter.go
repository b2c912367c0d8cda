package account

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/household"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/store/accounts"
)

// A lettering is what there is in a service that writes letters. That it is an interface
// keeps it out of the programs that have none: they lack the type behind it.
type lettering interface {
	// routes are those that a token from a letter is for, and those that have one sent.
	routes() map[string]map[string]serve
	// askToConfirm has the letter sent that confirms an address.
	askToConfirm(ctx context.Context, subject string) error
	// notify has a notice sent.
	notify(ctx context.Context, to, name string, l Letter)
}

type byLetter struct{ flows *Flows }

func (b byLetter) routes() map[string]map[string]serve {
	f := b.flows
	routes := map[string]map[string]serve{
		"/password/forgot":    {http.MethodPost: f.serveForgot},
		"/password/reset":     {http.MethodPost: f.serveReset},
		"/email/verification": {http.MethodPost: f.serveVerification},
		"/email/confirm":      {http.MethodPost: f.serveConfirm},
		"/email/undo":         {http.MethodPost: f.serveUndo},
		"/email":              {http.MethodPut: f.serveEmail},
	}
	for path, methods := range f.pages() {
		if routes[path] == nil {
			routes[path] = make(map[string]serve)
		}
		maps.Copy(routes[path], methods)
	}
	return routes
}

func (b byLetter) askToConfirm(ctx context.Context, subject string) error {
	return b.flows.post(ctx, func(ctx context.Context) (mail.Message, bool, error) {
		return b.flows.composeVerification(ctx, subject)
	})
}

func (b byLetter) notify(ctx context.Context, to, name string, l Letter) {
	f := b.flows
	err := f.cfg.Mailer.Later(ctx, func(ctx context.Context) (mail.Message, bool, error) {
		m, err := f.write(ctx, to, name, l)
		return m, true, err
	})
	if err != nil {
		f.cfg.Logger.ErrorContext(ctx, "notice not sent", "notice", name, "err", err)
	}
}

// errNoLetters answers whoever asks for a letter where there are none.
func errNoLetters() error {
	return &gate.Error{Status: http.StatusNotFound, Message: "This service sends no letters"}
}

// write returns the letter called name. Its first line is the subject.
func (f *Flows) write(ctx context.Context, to, name string, l Letter) (mail.Message, error) {
	l.Service = f.cfg.Service
	l.Account, l.Other = mail.Inert(l.Account), mail.Inert(l.Other)
	l.When = f.cfg.Now().UTC().Format("2 January 2006, 15:04 MST")
	if client, _ := gate.ClientFromContext(ctx); client.Address.IsValid() {
		l.Where = mail.Inert(client.Address.String())
	}
	var b strings.Builder
	if err := f.cfg.Words.Letter(&b, name, l); err != nil {
		return mail.Message{}, fmt.Errorf("letter %s: %w", name, err)
	}
	subject, text, _ := strings.Cut(b.String(), "\n")
	return mail.Message{To: to, Subject: subject, Text: strings.TrimLeft(text, "\n")}, nil
}

// link makes a token and returns the link that holds it, with the words for how
// long it works.
func (f *Flows) link(ctx context.Context, p accounts.Purpose, h holder, address string) (link, life string, err error) {
	text, _, err := f.cfg.Tokens.Issue(ctx, p, accounts.Claim{
		Entity: f.cfg.Entity, Subject: h.profile.Subject, Address: address, Version: version(p, h),
	})
	if err != nil {
		return "", "", fmt.Errorf("account: make link: %w", err)
	}
	u := f.cfg.PublicURL.JoinPath(pageOf(p))
	u.RawQuery = url.Values{"token": {text}}.Encode()
	return u.String(), words(p.Life()), nil
}

// version stands for the password and the address that the account has: a link
// does not work when either is another one, even if nobody could void it. The
// link that undoes a change of address outlives both.
func version(p accounts.Purpose, h holder) string {
	if p == accounts.UndoEmailChange {
		return ""
	}
	sum := sha256.Sum256([]byte(h.account.PasswordHash + "\x00" + h.profile.Email)) // no hash has a NUL
	return hex.EncodeToString(sum[:])
}

// words returns a duration as people say it.
func words(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0 && d > 24*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	default:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
}

// post has a letter written and sent in the background. Too many from one
// network are dropped without a word: the answer would tell a stranger that
// there was something to send.
func (f *Flows) post(ctx context.Context, compose mail.Compose) error {
	if f.cfg.Mailer == nil {
		return errNoLetters()
	}
	client, _ := gate.ClientFromContext(ctx)
	ok, err := f.cfg.Limiter.Allow(ctx, "mail-network:"+cmp.Or(household.Of(client.Address), "unknown"), mail.PerNetwork, time.Hour)
	if err != nil {
		return unavailable(fmt.Errorf("count letters: %w", err))
	}
	if !ok {
		return nil
	}
	if err := f.cfg.Mailer.Later(ctx, compose); err != nil {
		return unavailable(fmt.Errorf("queue letter: %w", err))
	}
	return nil
}

// mayGet counts a letter to an address.
func (f *Flows) mayGet(ctx context.Context, address string) (bool, error) {
	canonical, err := mail.Canonical(address)
	if err != nil {
		return false, nil // it would not be sent either
	}
	sum := sha256.Sum256([]byte(canonical)) // the address is not for counters to keep
	ok, err := f.cfg.Limiter.Allow(ctx, "mail-address:"+hex.EncodeToString(sum[:]), mail.PerAddress, time.Hour)
	if err != nil {
		return false, fmt.Errorf("account: count letters: %w", err)
	}
	return ok, nil
}

// notify tells an address what happened. The flow that calls it is done: a full
// queue does not undo it.
func (f *Flows) notify(ctx context.Context, to, name string, l Letter) {
	if to != "" && f.letters != nil {
		f.letters.notify(ctx, to, name, l)
	}
}

func unavailable(err error) error { return &gate.AuthError{Code: gate.ErrUnavailable, Err: err} }
