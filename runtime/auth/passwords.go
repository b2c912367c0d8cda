package auth

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// NewHasher returns what checks and hashes the passwords of an entity's rows, which are
// in that field, for a service of that name. It shares the hasher of a, and its
// bound on how much is hashed at a time; nil is a service without authentication.
func NewHasher(a *Auth, service, field string) (crud.Hasher, error) {
	h := rowHasher{policy: password.Policy{Words: []string{service}}, field: field}
	if a != nil {
		h.hasher, h.breach = a.hasher, a.breach
		return h, nil
	}
	var err error
	h.hasher, err = password.New(password.Config{})
	return h, err
}

type rowHasher struct {
	hasher *password.Hasher
	policy password.Policy
	breach account.Breach // nil unless it is asked
	field  string
}

// Hash implements [crud.Hasher].
func (h rowHasher) Hash(ctx context.Context, text string) (string, error) {
	if h.breach != nil && h.breach.Leaked(ctx, text) {
		var problems model.Problems
		problems.Add(h.field, model.CodeWeak, "appears in lists of leaked passwords: choose another")
		return "", &gate.Error{Status: http.StatusBadRequest, Message: "Some fields are wrong", Errors: problems}
	}
	encoded, err := h.hasher.Hash(ctx, text)
	if err != nil && (errors.Is(err, password.ErrBusy) || ctx.Err() != nil) {
		retry := time.Second
		if busy, ok := errors.AsType[*password.BusyError](err); ok {
			retry = busy.RetryAfter
		}
		return "", &gate.Error{Status: http.StatusServiceUnavailable, RetryAfter: retry, Err: err}
	}
	return encoded, err
}

// Check implements [crud.Hasher].
func (h rowHasher) Check(text string, context ...string) error {
	err := h.policy.Check(text, context...)
	if refused, ok := errors.AsType[*password.PolicyError](err); ok {
		return errors.New(strings.Join(refused.Reasons, "; "))
	}
	if errors.Is(err, password.ErrMalformed) {
		return errors.New("must be text without control characters")
	}
	return err
}

// Breaches has the service behind a URL asked whether a password is known to have
// leaked, see [password.Breach]. Only a program that calls it has in it what asks.
func Breaches(url string) func(*slog.Logger) (account.Breach, error) {
	return func(logger *slog.Logger) (account.Breach, error) {
		b := &password.Breach{URL: url, Logger: logger}
		return b, b.Validate()
	}
}

// expectAccounts is how many password hashes are looked at when a service
// starts.
const expectAccounts = 1000

// expect tells the hasher what kinds of hashes there are, imported ones too, so
// that it refuses an unknown user no faster than the slowest of them.
func (a *Auth) expect(ctx context.Context) error {
	var errs []error
	for _, r := range a.realms {
		if r.accounts.password == nil {
			continue
		}
		unusable, err := a.hasher.ExpectEach(r.accounts.hashes(ctx, expectAccounts))
		if unusable > 0 {
			a.opts.Logger.WarnContext(ctx, "password hashes that cannot be verified: these accounts need a new password",
				"entity", r.key, "count", unusable)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// hashes returns password hashes, at most limit.
func (a *Accounts) hashes(ctx context.Context, limit int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		q := a.db.Dialect().Quote
		column := q(a.password.Column)
		rows, err := a.db.Read().QueryContext(ctx, "SELECT "+column+" FROM "+q(a.entity.Table)+
			" WHERE "+column+" IS NOT NULL LIMIT $1", limit)
		if err != nil {
			yield("", a.db.Wrap(err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var hash string
			if err := rows.Scan(&hash); !yield(hash, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield("", a.db.Wrap(err))
		}
	}
}
