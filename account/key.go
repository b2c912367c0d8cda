package account

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/store/accounts"
)

// MaxKeyLife is how long an API key works at most.
const MaxKeyLife = 365 * 24 * time.Hour

const (
	maxScopes    = 50
	maxScopeSize = 100
)

// Keys returns the API keys of p's account.
func (f *Flows) Keys(ctx context.Context, p *gate.Principal) ([]Key, error) {
	if err := f.keys(p); err != nil {
		return nil, err
	}
	list, err := f.cfg.Keys.List(ctx, f.cfg.Entity, p.Subject)
	if err != nil {
		return nil, unavailable(fmt.Errorf("list keys: %w", err))
	}
	return list, nil
}

// CreateKey makes an API key for p's account, limited to scopes: permissions
// that p holds now, or [gate.ScopeOwner]. It works for life, zero means
// [accounts.DefaultKeyLife]. The text is shown once. It asks for a login of at most
// [Config.Fresh] ago.
func (f *Flows) CreateKey(ctx context.Context, p *gate.Principal, name string, scopes []string, life time.Duration) (key Key, text string, err error) {
	if err := f.keys(p); err != nil {
		return Key{}, "", err
	}
	defer func() { f.record(ctx, "api_key.create", p.Subject, p, err) }()
	if err := f.fresh(p); err != nil {
		return Key{}, "", err
	}
	life = cmp.Or(life, accounts.DefaultKeyLife)
	if err := checkKey(name, life); err != nil {
		return Key{}, "", err
	}
	if scopes, err = within(p, scopes); err != nil {
		return Key{}, "", err
	}
	now := f.cfg.Now()
	key, text, err = f.cfg.Keys.Create(ctx, f.cfg.Entity, p.Subject, Key{
		Name: name, Scopes: scopes, CreatedAt: now, ExpiresAt: now.Add(life),
	})
	return key, text, notFound(err, "create key")
}

// RotateKey makes another key like one of p's account, whose scopes p must still
// hold. It asks for a login of at most [Config.Fresh] ago.
func (f *Flows) RotateKey(ctx context.Context, p *gate.Principal, id string) (key Key, text string, err error) {
	if err := f.keys(p); err != nil {
		return Key{}, "", err
	}
	defer func() { f.record(ctx, "api_key.rotate", p.Subject, p, err) }()
	if err := f.fresh(p); err != nil {
		return Key{}, "", err
	}
	list, err := f.cfg.Keys.List(ctx, f.cfg.Entity, p.Subject)
	if err != nil {
		return Key{}, "", unavailable(fmt.Errorf("list keys: %w", err))
	}
	at := slices.IndexFunc(list, func(k Key) bool { return k.ID == id })
	if at < 0 {
		return Key{}, "", notFound(accounts.ErrNoKey, "rotate key")
	}
	if _, err := within(p, list[at].Scopes); err != nil {
		return Key{}, "", err
	}
	key, text, err = f.cfg.Keys.Rotate(ctx, f.cfg.Entity, p.Subject, id)
	return key, text, notFound(err, "rotate key")
}

// RevokeKey ends a key of p's account. One of somebody else is a [gate.Error] of
// status 404.
func (f *Flows) RevokeKey(ctx context.Context, p *gate.Principal, id string) (err error) {
	if err := f.keys(p); err != nil {
		return err
	}
	defer func() { f.record(ctx, "api_key.revoke", p.Subject, p, err) }()
	return notFound(f.cfg.Keys.Revoke(ctx, f.cfg.Entity, p.Subject, id), "revoke key")
}

func (f *Flows) keys(p *gate.Principal) error {
	if f.cfg.Keys == nil {
		return &gate.Error{Status: http.StatusNotFound}
	}
	return f.person(p)
}

func checkKey(name string, life time.Duration) error {
	var wrong []problem
	if strings.TrimSpace(name) == "" || len(name) > 100 || mail.CheckHeader(strings.ReplaceAll(name, ",", "")) != nil {
		wrong = append(wrong, problem{"name", "format", "must be a line of 1 to 100 characters"})
	}
	switch {
	case life < time.Minute:
		wrong = append(wrong, problem{"expiresIn", "too_small", "must be between a minute and a year"})
	case life > MaxKeyLife:
		wrong = append(wrong, problem{"expiresIn", "too_large", "must be between a minute and a year"})
	}
	if len(wrong) > 0 {
		return &gate.Error{Status: http.StatusBadRequest, Errors: wrong}
	}
	return nil
}

// within returns the scopes, sorted, if p may hand them on: none that p does not
// hold. No scopes would be everything, and are refused.
func within(p *gate.Principal, scopes []string) ([]string, error) {
	refuse := func(status int, text string) error {
		code := "format"
		if status == http.StatusForbidden {
			code = "forbidden"
		}
		return problems(status, "", "scopes", code, text)
	}
	if len(scopes) == 0 || len(scopes) > maxScopes {
		return nil, refuse(http.StatusBadRequest, fmt.Sprintf("must be 1 to %d", maxScopes))
	}
	for _, scope := range scopes {
		switch {
		case scope == "" || len(scope) > maxScopeSize:
			return nil, refuse(http.StatusBadRequest, "have one that cannot be a permission")
		case scope != gate.ScopeOwner && scope != authz.ScopeSignedIn && !p.HasPermission(scope):
			return nil, refuse(http.StatusForbidden, "have one that you do not hold")
		}
	}
	scopes = slices.Clone(scopes)
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

// revokeKeys ends every key of an account.
func (f *Flows) revokeKeys(ctx context.Context, subject string) error {
	if f.cfg.Keys == nil {
		return nil
	}
	if _, err := f.cfg.Keys.RevokeSubject(ctx, f.cfg.Entity, subject); err != nil {
		return unavailable(fmt.Errorf("revoke keys: %w", err))
	}
	return nil
}
