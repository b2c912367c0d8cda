package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/throttle"
	"github.com/gatewright/gate/strategy/apikey"
)

// AccountPath is where people look after their accounts.
const AccountPath = "/api/account"

// keyOverlap is how long a key works on that was replaced by another.
const keyOverlap = 24 * time.Hour

// openFlows makes what people do with their accounts.
func (r *realm) openFlows() error {
	a := r.auth
	cfg := account.Config{
		Service: a.opts.Service, Users: users{r.accounts, r}, Tokens: a.tokens, Sessions: a.sessions,
		Hasher: a.hasher, Policy: password.Policy{Words: []string{a.opts.Service}}, Throttle: a.throttle, Limiter: a.posted,
		Audit: entityTrail{a}, Fresh: a.cfg.StepUp, Entity: a.cfg.Entity, LoginField: r.fields.login, Permit: r.permit, Breach: a.breach, Logger: a.opts.Logger, Now: a.opts.Now,
	}
	if a.apiKeys != nil {
		cfg.Keys = ownKeys{a.apiKeys}
	}
	if a.refresh != nil {
		cfg.RefreshTokens = a.refresh
	}
	flows := account.WithoutLetters
	if a.letters != nil {
		cfg.Mailer, cfg.Words = a.letters.queue, a.cfg.Letters.Words
		cfg.PublicURL = publicURL(a.opts).JoinPath(AccountPath)
		if a.cfg.Cookies != nil && a.cfg.Cookies.LoginPage != "" {
			cfg.HomeURL = publicURL(a.opts).JoinPath(a.cfg.Cookies.LoginPage).String()
		}
		flows = a.letters.flows
	}
	var err error
	r.flows, err = flows(cfg)
	return err
}

// publicURL is where links in letters lead.
func publicURL(opts Options) *url.URL {
	if u := opts.Settings.PublicURL; u != nil {
		return u
	}
	return &url.URL{Scheme: "http", Host: localName(opts.Settings.Addr)} // in development alone
}

// localName is an address under development as people are told it everywhere else: a
// browser keeps other cookies for 127.0.0.1.
func localName(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsLoopback() && !ip.IsUnspecified()) {
		return addr
	}
	return net.JoinHostPort("localhost", port)
}

// devOutbox is where letters go in development when no mail server is named.
const devOutbox = ".gate/mail"

// Outbox is the folder of the letters that are written instead of sent; empty without
// letters, and where they are sent.
func (a *Auth) Outbox() string {
	if a.letters == nil || a.opts.Settings.MailURL != "" {
		return ""
	}
	return devOutbox
}

// A Post sends letters and does what they are for. [ByLetter] makes one.
type Post struct {
	queue interface {
		account.Mailer
		Close(ctx context.Context) error
	}
	flows func(account.Config) (*account.Flows, error)
}

// ByLetter opens the way to send letters, for [Letters].
func ByLetter(cfg Letters, opts Options) (*Post, error) {
	settings := opts.Settings
	var (
		sender mail.Sender
		err    error
	)
	switch {
	case settings.MailURL != "":
		sender, err = cfg.Open(settings.MailURL.Reveal(), settings.MailFrom, opts.Service)
		if err != nil {
			return nil, fmt.Errorf("MAIL_URL: %w", err)
		}
	case settings.Dev != nil:
		if sender, err = mail.Folder(devOutbox); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("MAIL_URL is not set, and letters have to be sent somehow: smtp://mail.example.com:587")
	}
	if settings.PublicURL == nil && settings.Dev == nil {
		return nil, errors.New("PUBLIC_URL is not set, and links in letters have to lead somewhere: https://api.example.com")
	}
	queue, err := mail.NewQueue(sender, mail.QueueConfig{Logger: opts.Logger})
	if err != nil {
		return nil, err
	}
	return &Post{queue, account.New}, nil
}

// Flows returns what people do with their accounts, for the service's own code: those
// of the entity of the accounts alone.
func (a *Auth) Flows() *account.Flows { return a.flows }

// Account answers below [AccountPath]: changing one's password, looking after
// one's sessions and keys, and what the links in letters lead to.
func (a *Auth) Account() http.Handler {
	handlers := make(map[*realm]http.Handler, len(a.realms))
	for _, r := range a.realms {
		handlers[r] = r.flows.Handler(AccountPath)
	}
	return a.protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gate.PrincipalFromContext(r.Context())
		handlers[a.realm(p)].ServeHTTP(w, r)
	}), account.MaxBody)
}

// apiKey finds an API key in the words of its strategy.
func (a *Auth) apiKey(ctx context.Context, text string) (apikey.Key, error) {
	k, err := a.apiKeys.Find(ctx, text)
	if err != nil {
		return apikey.Key{}, err
	}
	return apikey.Key{
		ID: k.ID, Subject: k.Subject, Entity: k.Entity, Scopes: k.Scopes, ExpiresAt: k.ExpiresAt, Networks: k.Networks,
	}, nil
}

// KeyStore returns the keys of programs, nil without them.
func (a *Auth) KeyStore() *accounts.APIKeys { return a.apiKeys }

// APIKeys returns the keys of programs, for their strategy.
func (a *Auth) APIKeys() apikey.Keys { return apikey.KeysFunc(a.apiKey) }

// Exposed notes that a key came in a URL, which has been written to logs by now.
func (a *Auth) Exposed(ctx context.Context, k apikey.Key) {
	e := gate.AuditEvent{
		Action: "api_key.exposed", Outcome: gate.Succeeded, Subject: k.Subject, At: a.opts.Now(),
		Details: map[string]string{"key": k.ID},
	}
	e.Client, _ = gate.ClientFromContext(ctx)
	entityTrail{a}.Record(ctx, e)
}

// ownKeys is the keys of one account in the words of package account.
type ownKeys struct{ keys *accounts.APIKeys }

func own(k accounts.APIKey) account.Key {
	return account.Key{
		ID: k.ID, Name: k.Name, Scopes: k.Scopes, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, ExpiresAt: k.ExpiresAt,
	}
}

func (o ownKeys) List(ctx context.Context, entity, subject string) ([]account.Key, error) {
	found, err := o.keys.List(ctx, entity, subject)
	list := make([]account.Key, 0, len(found))
	for _, k := range found {
		list = append(list, own(k))
	}
	return list, err
}

func (o ownKeys) Create(ctx context.Context, entity, subject string, k account.Key) (account.Key, string, error) {
	text, made, err := o.keys.Create(ctx, accounts.NewKey{
		Entity: entity, Subject: subject, Name: k.Name, Scopes: k.Scopes, ExpiresAt: k.ExpiresAt,
	})
	return own(made), text, err
}

func (o ownKeys) Rotate(ctx context.Context, entity, subject, id string) (account.Key, string, error) {
	text, made, err := o.keys.Rotate(ctx, entity, subject, id, keyOverlap)
	return own(made), text, err
}

func (o ownKeys) Revoke(ctx context.Context, entity, subject, id string) error {
	return o.keys.Revoke(ctx, entity, subject, id)
}

func (o ownKeys) RevokeSubject(ctx context.Context, entity, subject string) (int, error) {
	return o.keys.RevokeSubject(ctx, entity, subject)
}

// postLimiter counts letters for all replicas, in the words of package account.
type postLimiter map[int]*throttle.Limiter // by how many an hour

func newPostLimiter(cfg throttle.Config) (postLimiter, error) {
	limiters := make(postLimiter)
	for name, n := range map[string]int{"mail-address": mail.PerAddress, "mail-network": mail.PerNetwork} {
		l, err := throttle.NewLimiter(cfg, name, throttle.Limit{N: n, Per: time.Hour, By: throttle.ByKey})
		if err != nil {
			return nil, err
		}
		limiters[n] = l
	}
	return limiters, nil
}

// Allow implements [account.Limiter] for the limits that letters have.
func (p postLimiter) Allow(ctx context.Context, key string, limit int, window time.Duration) (bool, error) {
	l := p[limit]
	if l == nil || window != time.Hour {
		return false, fmt.Errorf("count letters: there is no limit of %d in %v", limit, window)
	}
	retryAfter, err := l.Allow(ctx, key)
	return retryAfter == 0 && err == nil, err
}
