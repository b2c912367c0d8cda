package account_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/store/accounts"
)

type users world

func (u *users) ByLogin(_ context.Context, name string) (*gate.Account, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := (*world)(u).call("ByLogin"); err != nil {
		return nil, err
	}
	for _, one := range u.users {
		if folded(one.profile.Login) == folded(name) {
			a := one.account
			return &a, nil
		}
	}
	return nil, gate.ErrNotAuthenticated
}

// folded compares as a careless database does, which has one i.
func folded(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "ı", "i")
}

func (u *users) Profile(_ context.Context, subject string) (account.Profile, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := (*world)(u).call("Profile"); err != nil {
		return account.Profile{}, err
	}
	if one := u.users[subject]; one != nil {
		return one.profile, nil
	}
	return account.Profile{}, gate.ErrNotAuthenticated
}

func (u *users) SetPassword(_ context.Context, subject, old, hash string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := (*world)(u).call("SetPassword"); err != nil {
		return err
	}
	if u.users[subject].account.PasswordHash != old {
		return account.ErrChanged
	}
	u.users[subject].account.PasswordHash = hash
	return nil
}

func (u *users) SetEmail(_ context.Context, subject, email string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := (*world)(u).call("SetEmail"); err != nil {
		return err
	}
	for id, one := range u.users {
		if id != subject && one.profile.Email == email {
			return account.ErrTaken
		}
	}
	p := &u.users[subject].profile
	p.Login, p.Email, p.EmailVerified = email, email, false
	return nil
}

func (u *users) ConfirmEmail(_ context.Context, subject, email string, what account.Arrival) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := (*world)(u).call("ConfirmEmail"); err != nil {
		return err
	}
	if p := &u.users[subject].profile; p.Email == email {
		p.EmailVerified = true
		u.arrivals = append(u.arrivals, what)
	}
	return nil
}

type tokens world

func (s *tokens) Issue(_ context.Context, p accounts.Purpose, c accounts.Claim) (string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := (*world)(s).call("Issue"); err != nil {
		return "", time.Time{}, err
	}
	text := rand.Text()
	s.tokens[text] = &token{purpose: p, claim: c, expires: s.now.Add(p.Life())}
	return text, s.now.Add(p.Life()), nil
}

func (s *tokens) find(p accounts.Purpose, text string) (*token, error) {
	t := s.tokens[text]
	if t == nil || t.used || t.purpose != p || !s.now.Before(t.expires) {
		return nil, &gate.AuthError{Code: gate.ErrInvalidCredentials}
	}
	return t, nil
}

func (s *tokens) Peek(_ context.Context, p accounts.Purpose, text string) (accounts.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := (*world)(s).call("Peek"); err != nil {
		return accounts.Claim{}, err
	}
	t, err := s.find(p, text)
	if err != nil {
		return accounts.Claim{}, err
	}
	return t.claim, nil
}

func (s *tokens) Redeem(_ context.Context, p accounts.Purpose, text string) (accounts.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := (*world)(s).call("Redeem"); err != nil {
		return accounts.Claim{}, err
	}
	t, err := s.find(p, text)
	if err != nil {
		return accounts.Claim{}, err
	}
	t.used = true
	return t.claim, nil
}

func (s *tokens) Void(_ context.Context, _, subject string, purposes ...accounts.Purpose) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := (*world)(s).call("Void"); err != nil {
		return err
	}
	for _, t := range s.tokens {
		if t.claim.Subject == subject && slices.Contains(purposes, t.purpose) {
			t.used = true
		}
	}
	return nil
}

func (s *tokens) Pending(_ context.Context, p accounts.Purpose, _, subject string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text, t := range s.tokens {
		if _, err := s.find(p, text); err == nil && t.claim.Subject == subject {
			return true, nil
		}
	}
	return false, nil
}

type sessions world

func (s *sessions) List(_ context.Context, _, subject string) ([]accounts.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := (*world)(s).call("List"); err != nil {
		return nil, err
	}
	var list []accounts.Session
	for _, one := range s.sessions {
		if one.Subject == subject {
			list = append(list, one)
		}
	}
	return list, nil
}

func (s *sessions) EndOwn(_ context.Context, _, subject, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := (*world)(s).call("EndOwn"); err != nil {
		return err
	}
	before := len(s.sessions)
	s.sessions = slices.DeleteFunc(s.sessions, func(one accounts.Session) bool { return one.ID == id && one.Subject == subject })
	if len(s.sessions) == before {
		return accounts.ErrNoSession
	}
	return nil
}

func (s *sessions) EndSubject(_ context.Context, _, subject string, except ...string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := (*world)(s).call("EndSubject"); err != nil {
		return 0, err
	}
	before := len(s.sessions)
	s.sessions = slices.DeleteFunc(s.sessions, func(one accounts.Session) bool {
		return one.Subject == subject && !slices.Contains(except, one.ID)
	})
	return before - len(s.sessions), nil
}

type refresh world

func (s *refresh) EndSubject(context.Context, string, string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh++
	return 1, nil
}

type keys world

func (s *keys) List(_ context.Context, _, subject string) ([]account.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.keys), func(k account.Key) bool { return s.keyOwner[k.ID] != subject }), nil
}

func (s *keys) Create(_ context.Context, _, subject string, k account.Key) (account.Key, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.ID = fmt.Sprint("key", len(s.keys)+1)
	s.keys = append(s.keys, k)
	s.keyOwner[k.ID] = subject
	return k, "gk_live_" + k.ID, nil
}

func (s *keys) Rotate(ctx context.Context, entity, subject, id string) (account.Key, string, error) {
	at := slices.IndexFunc(s.keys, func(k account.Key) bool { return k.ID == id && s.keyOwner[id] == subject })
	if at < 0 {
		return account.Key{}, "", accounts.ErrNoKey
	}
	return s.Create(ctx, entity, subject, s.keys[at])
}

func (s *keys) Revoke(_ context.Context, _, subject, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keyOwner[id] != subject {
		return accounts.ErrNoKey
	}
	delete(s.keyOwner, id)
	return nil
}

func (s *keys) RevokeSubject(_ context.Context, _, subject string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := (*world)(s).call("RevokeSubject"); err != nil {
		return 0, err
	}
	before := len(s.keyOwner)
	maps.DeleteFunc(s.keyOwner, func(_, owner string) bool { return owner == subject })
	return before - len(s.keyOwner), nil
}

type hasher world

func (h *hasher) Verify(_ context.Context, encoded, pw string) (ok, rehash bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return encoded == "hash of "+pw, false, (*world)(h).call("Verify")
}

func (h *hasher) Hash(_ context.Context, pw string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return "hash of " + pw, (*world)(h).call("Hash")
}
