package local_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	passwords "github.com/gatewright/gate/password"
	"github.com/gatewright/gate/strategy/local"
	"github.com/gatewright/gate/strategy/strategytest"
)

const password = "correct horse battery"

// users is a table of accounts. It finds names in any case and trimmed, as
// some stores do.
type users struct {
	byName   map[string]*gate.Account
	err      error
	replaced []string
}

func newUsers() *users {
	return &users{byName: map[string]*gate.Account{
		"ada":  {Subject: "7", PasswordHash: "plain:" + password, Roles: []string{"cook"}},
		"off":  {Subject: "8", PasswordHash: "plain:" + password, Disabled: true},
		"none": {Subject: "9"},
		"odd":  {PasswordHash: "plain:" + password}, // no subject
	}}
}

func (u *users) ByLogin(_ context.Context, name string) (*gate.Account, error) {
	if u.err != nil {
		return nil, u.err
	}
	account, ok := u.byName[strings.ToLower(strings.TrimSpace(name))]
	if !ok {
		return nil, gate.ErrNotAuthenticated
	}
	return account, nil
}

func (u *users) ReplaceHash(_ context.Context, subject, old, next string) error {
	u.replaced = append(u.replaced, subject+" "+old+" "+next)
	return u.err
}

// hasher writes passwords down plainly and counts.
type hasher struct {
	mu       sync.Mutex
	err      error
	hashErr  error
	verified int
	burnt    int
	rehash   bool
}

func (h *hasher) Verify(_ context.Context, encoded, password string) (ok, rehash bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.verified++
	return h.err == nil && encoded == "plain:"+password, h.rehash, h.err
}

func (h *hasher) Hash(_ context.Context, password string) (string, error) {
	return "new:" + password, h.hashErr
}

func (h *hasher) Burn(context.Context, string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.burnt++
	return h.err
}

// throttle lets limit attempts through, and notes keys and outcomes.
type throttle struct {
	mu       sync.Mutex
	limit    int
	keys     []string
	outcomes []gate.Outcome
	err      error
}

func (t *throttle) Begin(_ context.Context, account string) (func(gate.Outcome), error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return nil, t.err
	}
	if len(t.keys) >= t.limit {
		return nil, &gate.AuthError{Code: gate.ErrTooManyRequests, RetryAfter: time.Minute}
	}
	t.keys = append(t.keys, account)
	return func(o gate.Outcome) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.outcomes = append(t.outcomes, o)
	}, nil
}

func credentials(email, password any) gate.Credentials {
	return gate.Credentials{Strategy: "local", Fields: map[string]any{"email": email, "password": password}}
}

func TestStrategy(t *testing.T) {
	fields := func(email, password string) map[string]any { return credentials(email, password).Fields }
	strategytest.Run(t, strategytest.Suite{
		New: func() (gate.Strategy, func(error)) {
			u := newUsers()
			return local.New(u, &hasher{}, local.Config{}), func(err error) { u.err = err }
		},
		Subject: "7",
		Good:    []strategytest.Case{{Name: "right", Fields: fields("ada", password)}},
		Bad: []strategytest.Case{
			{Name: "wrong password", Fields: fields("ada", "a wrong guess")},
			{Name: "unknown", Fields: fields("eve", password)},
			{Name: "disabled", Fields: fields("off", password)},
			{Name: "no password", Fields: fields("none", "")},
			{Name: "no subject", Fields: fields("odd", password)},
			{Name: "fields missing"},
		},
	})
}

// TestLOG01_alike refuses for every reason there is: one hash, one answer.
func TestLOG01_alike(t *testing.T) {
	for name, c := range map[string]gate.Credentials{
		"wrong password": credentials("ada", "wrong"),
		"unknown":        credentials("eve", password),
		"disabled":       credentials("off", password),
		"no password":    credentials("none", password),
		"no subject":     credentials("odd", password),
	} {
		t.Run(name, func(t *testing.T) {
			h := &hasher{}
			p, err := local.New(newUsers(), h, local.Config{ErrorMessage: "No"}).Authenticate(t.Context(), c)
			want := &gate.AuthError{Code: gate.ErrInvalidCredentials, Message: "No"}
			got, _ := errors.AsType[*gate.AuthError](err)
			if got != nil {
				got.Subject = "" // for the audit trail, never shown
			}
			if diff := cmp.Diff(want, got); p != nil || diff != "" {
				t.Errorf("%v %s", p, diff)
			}
			if h.verified+h.burnt != 1 {
				t.Errorf("%d hashes, want 1", h.verified+h.burnt)
			}
		})
	}
}

// TestLOG11_form refuses what cannot be a name or a password before it costs a
// hash, in the same way whether the account is there or not.
func TestLOG11_form(t *testing.T) {
	for name, c := range map[string]gate.Credentials{
		"user name too long":          credentials(strings.Repeat("a", 255), password),
		"password too many bytes":     credentials("ada", strings.Repeat("a", 1025)),
		"password too many runes":     credentials("ada", strings.Repeat("a", 257)),
		"the same, unknown":           credentials("eve", strings.Repeat("a", 257)),
		"password not UTF-8":          credentials("ada", "\xff"),
		"password with NUL":           credentials("ada", "a\x00b"),
		"user name not UTF-8":         credentials("\xff", password),
		"user name with NUL":          credentials("ada\x00", password),
		"user name is an operator":    credentials(map[string]any{"$ne": nil}, password),
		"password is an operator":     credentials("ada", map[string]any{"$gte": ""}),
		"password is a list":          credentials("ada", []any{password}),
		"password is a number":        credentials("ada", 1),
		"password is a bool":          credentials("ada", true),
		"password is null":            credentials("ada", nil),
		"password is a byte sequence": credentials("ada", []byte(password)),
	} {
		t.Run(name, func(t *testing.T) {
			h, th := &hasher{}, &throttle{limit: 1}
			p, err := local.New(newUsers(), h, local.Config{Throttle: th}).Authenticate(t.Context(), c)
			if p != nil || !errors.Is(err, gate.ErrBadRequest) {
				t.Errorf("%v %v", p, err)
			}
			if h.verified+h.burnt != 0 || len(th.keys) != 0 {
				t.Errorf("it cost %d hashes, and %d attempts", h.verified+h.burnt, len(th.keys))
			}
		})
	}
	long := credentials("ada", strings.Repeat("é", 256))
	if _, err := local.New(newUsers(), &hasher{}, local.Config{}).Authenticate(t.Context(), long); !errors.Is(err, gate.ErrInvalidCredentials) {
		t.Errorf("256 code points are allowed, got %v", err)
	}
}

func TestLOG16_busy(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		retry time.Duration
	}{
		"busy":        {&passwords.BusyError{RetryAfter: 3 * time.Second}, 3 * time.Second},
		"unsupported": {passwords.ErrUnsupportedHash, time.Second},
		"deadline":    {context.DeadlineExceeded, time.Second},
		"confused":    {gate.ErrInvalidCredentials, time.Second},
	} {
		for _, user := range []string{"ada", "eve"} {
			t.Run(name+" "+user, func(t *testing.T) {
				th := &throttle{limit: 1}
				_, err := local.New(newUsers(), &hasher{err: tt.err}, local.Config{Throttle: th}).Verify(t.Context(), user, password)
				refusal, ok := errors.AsType[*gate.AuthError](err)
				if !ok || refusal.Code != gate.ErrUnavailable || refusal.RetryAfter != tt.retry {
					t.Errorf("got %v", err)
				}
				if diff := cmp.Diff([]gate.Outcome{gate.Undecided}, th.outcomes); diff != "" {
					t.Errorf("the attempt counts against the account: %s", diff)
				}
			})
		}
	}
}

func TestLOG16_storeDown(t *testing.T) {
	th := &throttle{limit: 1}
	u := newUsers()
	for _, fault := range []error{errors.New("down"), &gate.AuthError{Code: gate.ErrUnavailable, Err: gate.ErrNotAuthenticated}} {
		u.err = fault
		_, err := local.New(u, &hasher{}, local.Config{Throttle: th}).Verify(t.Context(), "ada", password)
		if !errors.Is(err, gate.ErrUnavailable) || len(th.keys) != 0 {
			t.Errorf("got %v, throttle charged for %v", err, th.keys)
		}
	}
}

// TestLOG05_oneCounter spells one account in many ways. What finds no account is
// counted as it is looked up, by its text without case: if more spellings shared
// a counter there, whoever fills one could tell accounts from names.
func TestLOG05_oneCounter(t *testing.T) {
	th := &throttle{limit: 100}
	s := local.New(newUsers(), &hasher{}, local.Config{Throttle: th})
	for _, name := range []string{"ada", "ADA", " ada ", "Ada"} {
		_, _ = s.Verify(t.Context(), name, "wrong")
	}
	for _, name := range []string{"eve@example.com", "EVE@example.com", " eve@example.com", "ｅｖｅ@example.com"} {
		_, _ = s.Verify(t.Context(), name, "wrong")
	}
	want := []string{
		"subject:7", "subject:7", "subject:7", "subject:7",
		"login:eve@example.com", "login:eve@example.com", "login: eve@example.com", "login:ｅｖｅ@example.com",
	}
	if diff := cmp.Diff(want, th.keys); diff != "" {
		t.Error(diff)
	}
}

// TestLOG06_countedBefore guesses in parallel: no more passwords are looked at
// than the throttle allows.
func TestLOG06_countedBefore(t *testing.T) {
	h, th := &hasher{}, &throttle{limit: 10}
	s := local.New(newUsers(), h, local.Config{Throttle: th})
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if _, err := s.Verify(t.Context(), "ada", "wrong"); err == nil {
				t.Error("a wrong password was right")
			}
		})
	}
	wg.Wait()
	if h.verified != 10 {
		t.Errorf("%d passwords were looked at, want 10", h.verified)
	}
	for _, user := range []string{"ada", "eve"} {
		if _, err := s.Verify(t.Context(), user, password); !errors.Is(err, gate.ErrTooManyRequests) {
			t.Errorf("LOG-03: %s: %v", user, err)
		}
	}
}

func TestThrottle_outcomes(t *testing.T) {
	th := &throttle{limit: 3}
	s := local.New(newUsers(), &hasher{}, local.Config{Throttle: th})
	_, _ = s.Verify(t.Context(), "ada", "wrong")
	if p, err := s.Verify(t.Context(), "ada", password); err != nil || !p.HasRole("cook") {
		t.Errorf("%v %v", p, err)
	}
	_, _ = s.Verify(t.Context(), "off", password)
	if diff := cmp.Diff([]gate.Outcome{gate.Failed, gate.Succeeded, gate.Failed}, th.outcomes); diff != "" {
		t.Error(diff)
	}
}

func TestRehash(t *testing.T) {
	u := newUsers()
	h := &hasher{rehash: true}
	s := local.New(u, h, local.Config{Logger: slog.New(slog.DiscardHandler)})
	if _, err := s.Verify(t.Context(), "ada", password); err != nil {
		t.Fatal(err)
	}
	want := []string{"7 plain:" + password + " new:" + password}
	if diff := cmp.Diff(want, u.replaced); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"off", "none", "eve"} {
		_, _ = s.Verify(t.Context(), name, password)
	}
	_, _ = s.Verify(t.Context(), "ada", "wrong")
	if diff := cmp.Diff(want, u.replaced); diff != "" {
		t.Errorf("a hash was replaced after a refusal: %s", diff)
	}
	h.hashErr = passwords.ErrBusy
	if _, err := s.Verify(t.Context(), "ada", password); err != nil {
		t.Errorf("the login depends on the new hash: %v", err)
	}
}

func TestFields(t *testing.T) {
	s := local.New(newUsers(), &hasher{}, local.Config{UsernameField: "login", PasswordField: "pw"})
	c := gate.Credentials{Fields: map[string]any{"login": "ada", "pw": password}}
	if p, err := s.Authenticate(t.Context(), c); err != nil || p.Subject != "7" {
		t.Errorf("%v %v", p, err)
	}
	if _, err := s.Authenticate(t.Context(), credentials("ada", password)); !errors.Is(err, gate.ErrInvalidCredentials) {
		t.Errorf("the default fields are read as well: %v", err)
	}
}

func TestValidate(t *testing.T) {
	for name, s := range map[string]*local.Strategy{
		"no users":  local.New(nil, &hasher{}, local.Config{}),
		"no hasher": local.New(newUsers(), nil, local.Config{}),
		"one field": local.New(newUsers(), &hasher{}, local.Config{UsernameField: "password"}),
	} {
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := local.New(newUsers(), &hasher{}, local.Config{}).Validate(); err != nil {
		t.Error(err)
	}
}

// damaged has stored hashes that no password fits.
type damaged struct {
	hasher
	why error
}

func (d *damaged) Verify(context.Context, string, string) (ok, rehash bool, err error) {
	return false, false, d.why
}

// TestPWD04_unusableHash: an account whose stored hash cannot be used is refused
// like any other, at the cost of a hash, and the attempt counts.
func TestPWD04_unusableHash(t *testing.T) {
	for _, why := range []error{passwords.ErrUnsupportedHash, passwords.ErrTooCostly} {
		h, th := &damaged{why: why}, &throttle{limit: 1}
		_, err := local.New(newUsers(), h, local.Config{Throttle: th, Logger: slog.New(slog.DiscardHandler)}).Verify(t.Context(), "ada", password)
		if !errors.Is(err, gate.ErrInvalidCredentials) || h.burnt != 1 || !cmp.Equal(th.outcomes, []gate.Outcome{gate.Failed}) {
			t.Errorf("%v: got %v, %d hashes, outcomes %v", why, err, h.burnt, th.outcomes)
		}
	}
}
