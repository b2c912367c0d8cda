package auth

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/identities"
)

// Users says that whom an issuer vouches for has an account here. The account is
// bound to "iss" and "sub" of the first token, and found by these two from then
// on, whatever address or name later tokens have.
//
// Somebody who comes for the first time gets an account that is there already
// only if the issuer says that the address is verified, nobody is bound to the
// account, and the address of the account was shown to be its owner's as well,
// or accounts have no other way to log in. Of an address that was not, whatever
// was attached to the account before is removed: password, sessions, keys.
//
// The zero value makes no accounts: only those are let in who have one.
type Users struct {
	// Create makes an account for somebody who has none, with the roles that
	// every account has.
	Create bool
	// Email is the field with the address; empty means [Config.Email].
	Email string
	// Fields maps fields of the account to what they are taken from: email,
	// email_verified, name, nickname, username, picture, sub, or the path of a
	// claim.
	Fields map[string]string
	// Defaults is a JSON object with the values of further fields. Fields win
	// over it, and it wins over the defaults of the design.
	Defaults string
	// VerifiedOnly refuses to make an account for an address that the issuer does
	// not say is verified.
	VerifiedOnly bool
	// Update brings the fields of Fields up to date when a new token comes, save
	// the address, unique fields, user names and roles.
	Update bool
	// Machines lets programs in that log in by themselves (client credentials).
	// They have no account: they may do what the permissions of their token say,
	// or its scope.
	Machines bool
	// FirstAdmin is an address: the first whom the issuer says it to be the
	// verified one of gets every role, once. The setting FIRST_ADMIN_EMAIL wins
	// over it, and where nobody logs in with a password ADMIN_EMAIL stands for it
	// too.
	FirstAdmin string
}

// A NewAccount is one that is about to be made.
type NewAccount struct {
	// Profile is what the issuer says.
	Profile Profile
	// Fields are the values of the account, by the names of its fields in JSON.
	// They may be changed, roles too.
	Fields map[string]any
}

// OnNewAccount has f called before an account is made for somebody whom an
// issuer vouches for. An error of it refuses the account: a [*gate.AuthError] is
// answered as it is, any other one means that it could not be decided. It is
// called outside of any transaction, and again if another request is faster.
// Call it before the service answers requests.
func (a *Auth) OnNewAccount(f func(context.Context, *NewAccount) error) {
	a.onNew = append(a.onNew, f)
}

// Identities returns who at the issuer is which account, nil unless tokens of one
// are taken and their bearers have accounts.
func (a *Auth) Identities() *identities.Store {
	if a.people == nil {
		return nil
	}
	return a.people.store
}

// people finds and makes the accounts of those whom an issuer vouches for.
type people struct {
	Users

	auth     *Auth
	store    *identities.Store
	client   *outbound.Client
	defaults map[string]any
	profile  string // the namespaced claim with the profile
	email    *model.Field
	byEmail  string // statement
	silence  string // statement: no password fits any more
	bound    memory // accounts by subject
	silent   memory // subjects of whom the issuer says nothing more
	granted  atomic.Bool
}

// errAgain means that somebody else was faster: what they did has to be seen.
var errAgain = errors.New("somebody else was faster")

// usePeople makes the accounts of cfg ready; see [Auth.Use].
func (a *Auth) usePeople() error {
	if a.cfg.OIDC == nil || a.cfg.OIDC.Users == nil {
		return nil
	}
	h := &people{Users: *a.cfg.OIDC.Users, auth: a, profile: a.cfg.OIDC.claimName(a.opts, "user"), defaults: map[string]any{}}
	var err error
	if h.store, err = identities.New(a.opts.DB, identities.Config{Now: a.opts.Now}); err != nil {
		return err
	}
	if h.client, err = outbound.New(outbound.Config{}); err != nil {
		return err
	}
	if h.Defaults != "" {
		d := json.NewDecoder(strings.NewReader(h.Defaults))
		d.UseNumber()
		if err := d.Decode(&h.defaults); err != nil {
			return fmt.Errorf("defaults of new accounts: %w", err)
		}
	}
	if h.Email == "" {
		h.Email = a.cfg.Email
	}
	if h.Email != "" {
		if h.email, err = field(a.entity.Entity(), h.Email); err != nil {
			return err
		}
		q := a.opts.DB.Dialect().Quote
		stored := "NULL"
		if a.accounts.password != nil {
			stored = q(a.accounts.password.Column)
			h.silence = "UPDATE " + q(a.accounts.entity.Table) + " SET " + stored + " = '' WHERE " + q(a.accounts.id.Column) + " = $1"
		}
		h.byEmail = "SELECT " + a.accounts.idText() + ", " + q(h.email.Column) + ", COALESCE(" + stored + ", '') FROM " +
			q(a.accounts.entity.Table) + " WHERE " + sameText(a.opts.DB.Dialect(), q(h.email.Column), h.email.Type) + " LIMIT 1"
	}
	a.people, a.issuer.people = h, h
	return nil
}

// principal returns the account behind a token that was verified, with what the
// token gives besides.
func (h *people) principal(ctx context.Context, p *gate.Principal, token string) (*gate.Principal, error) {
	subject := strings.TrimPrefix(p.Subject, p.Issuer+"|")
	if isMachine(p.Claims, subject) {
		if !h.Machines {
			return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "Tokens of programs are not taken here", Subject: p.Subject}
		}
		if claim(p.Claims.Extra, h.auth.cfg.OIDC.PermissionsClaim) == nil { // what a program asks for is what it was granted
			p.Permissions = permissions(words(p.Claims.Extra["scope"]))
		}
		return p, nil
	}
	id, err := h.account(ctx, p.Claims, subject, token)
	if err != nil {
		return nil, err
	}
	own, err := h.auth.accounts.Subject(ctx, id)
	switch {
	case errors.Is(err, gate.ErrNotAuthenticated) && !errors.Is(err, gate.ErrUnavailable):
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "invalid token", Subject: id, Err: identities.ErrRemoved}
	case err != nil:
		return nil, unavailable(err)
	}
	p.Subject = id
	for _, role := range own.Roles {
		if !slices.Contains(p.Roles, role) {
			p.Roles = append(p.Roles, role)
		}
	}
	p.AuthenticatedAt = authTime(p, h.auth.cfg.OIDC.claimName(h.auth.opts, "auth_time"))
	return p, nil
}

// account returns the account of a subject, which it makes if need be.
func (h *people) account(ctx context.Context, claims *jose.Claims, subject, token string) (string, error) {
	if id, ok := h.bound.get(subject, h.auth.opts.Now()); ok {
		return id, nil
	}
	for range 4 {
		found, err := h.store.Find(ctx, claims.Issuer, subject)
		switch {
		case err == nil:
			err = h.refresh(ctx, found, claims)
		case errors.Is(err, identities.ErrUnknown):
			found.Account, err = h.admit(ctx, claims, subject, token)
		case errors.Is(err, identities.ErrRemoved):
			return "", &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "invalid token", Err: err}
		}
		if errors.Is(err, errAgain) {
			continue
		}
		if err != nil {
			return "", decided(err)
		}
		h.bound.put(subject, found.Account, h.auth.opts.Now(), cacheFor)
		return found.Account, nil
	}
	return "", h.refusal("another account has one of its values", subject)
}

// decided keeps refusals and makes everything else a failure to decide.
func decided(err error) error {
	if _, ok := errors.AsType[*gate.AuthError](err); ok {
		return err
	}
	return unavailable(err)
}

// refusal is 403: who it is is known, but there is no account for them. The
// reason may tell about accounts of others, so only the log has it.
func (h *people) refusal(reason, subject string) error {
	return &gate.AuthError{
		Code: gate.ErrForbidden, Message: "There is no account for you here. Confirm your e-mail address, or ask whoever runs the service",
		Subject: subject, Err: errors.New(reason),
	}
}

// admit gives an account to somebody who comes for the first time.
func (h *people) admit(ctx context.Context, claims *jose.Claims, subject, token string) (string, error) {
	p := profileOf(claims, h.profile, subject)
	if p.Email == "" {
		if err := h.userInfo(ctx, &p, token); err != nil {
			return "", err
		}
	}
	ctx = authz.System(crud.WithoutPassword(ctx))
	there, err := h.findByEmail(ctx, h.auth.opts.DB.Read(), p.Email)
	if err != nil {
		return "", err
	}
	id := there.id
	if id != "" {
		err = h.link(ctx, &p, there)
	} else {
		id, err = h.create(ctx, &p)
	}
	if err != nil {
		return "", err
	}
	h.note(ctx, "identity.bind", id, p.Issuer)
	if err := h.proven(ctx, id, &p); err != nil {
		return "", err
	}
	return id, nil
}

// note writes into the trail who vouched for an account.
func (h *people) note(ctx context.Context, action, account, issuer string) {
	e := gate.AuditEvent{
		Action: action, Outcome: gate.Succeeded, Entity: h.auth.cfg.Entity, Subject: account, At: h.auth.opts.Now(),
		Details: map[string]string{"issuer": issuer},
	}
	e.Client, _ = gate.ClientFromContext(ctx)
	h.auth.trail.Record(ctx, e)
}

// A row is an account that has an address.
type emailRow struct{ id, email, hash string }

// findByEmail returns the account with that address, the zero value if there is
// none.
func (h *people) findByEmail(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, email string,
) (emailRow, error) {
	var r emailRow
	if h.byEmail == "" || email == "" || strings.ContainsRune(email, 0) {
		return r, nil
	}
	err := q.QueryRowContext(ctx, h.byEmail, email).Scan(&r.id, &r.email, &r.hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("look for an account: %w", h.auth.opts.DB.Wrap(err))
	}
	return r, nil
}

// link binds somebody to an account that is there already.
func (h *people) link(ctx context.Context, p *Profile, there emailRow) error {
	if !p.EmailVerified {
		return h.refusal("an account has the address, which the issuer does not call verified", p.Subject)
	}
	entity := h.auth.cfg.Entity
	proven, err := h.auth.verified.Is(ctx, entity, there.id, there.email)
	if err != nil {
		return err
	}
	if !proven && h.auth.passwordLogins {
		return h.refusal("an account has the address and a password, and never showed that the address is its own", p.Subject)
	}
	err = crud.InTx(ctx, h.auth.opts.DB, func(ctx context.Context) error {
		tx, _ := crud.Tx(ctx, h.auth.opts.DB)
		now, err := h.findByEmail(ctx, tx, p.Email)
		if err != nil || now != there {
			return errors.Join(err, errAgain)
		}
		if bound, err := h.store.Bound(ctx, tx, entity, there.id); err != nil || bound {
			return errors.Join(err, h.refusal("an account has the address, and somebody else is bound to it", p.Subject))
		}
		if !proven && there.hash != "" {
			key, _ := h.auth.accounts.key(there.id)
			if _, err := tx.ExecContext(ctx, h.silence, key); err != nil {
				return fmt.Errorf("take the password off an account: %w", h.auth.opts.DB.Wrap(err))
			}
		}
		return h.bind(ctx, tx, p, there.id)
	})
	if err != nil || proven {
		return err
	}
	h.auth.accounts.cache.drop(there.id)
	h.auth.endSessions(ctx, there.id)
	h.auth.revokeKeys(ctx, there.id)
	return nil
}

func (h *people) bind(ctx context.Context, tx *sql.Tx, p *Profile, account string) error {
	err := h.store.Bind(ctx, tx, identities.Identity{
		Issuer: p.Issuer, Subject: p.Subject, Entity: h.auth.cfg.Entity, Account: account, ProfileAt: p.Claims.IssuedAt,
	})
	if errors.Is(err, identities.ErrTaken) {
		return errAgain
	}
	return err
}

// create makes an account, in one transaction with what binds it.
func (h *people) create(ctx context.Context, p *Profile) (id string, err error) {
	switch {
	case !h.Create:
		return "", h.refusal("nobody made one", p.Subject)
	case h.VerifiedOnly && !p.EmailVerified:
		return "", h.refusal("the issuer does not call the address verified", p.Subject)
	case h.email != nil && h.email.Required && p.Email == "":
		return "", &gate.AuthError{Code: gate.ErrForbidden, Message: "The access token does not say your e-mail address", Subject: p.Subject}
	}
	account := &NewAccount{Profile: *p, Fields: maps.Clone(h.defaults)}
	if h.email != nil && p.Email != "" {
		account.Fields[h.Email] = p.Email
	}
	maps.Copy(account.Fields, h.fields(p))
	for _, f := range h.auth.onNew {
		if err := f(ctx, account); err != nil {
			return "", err
		}
	}
	body, err := json.Marshal(account.Fields)
	if err != nil {
		return "", fmt.Errorf("make an account: %w", err)
	}
	err = crud.InTx(ctx, h.auth.opts.DB, func(ctx context.Context) error {
		row, err := h.auth.entity.CreateRow(ctx, body, nil)
		if err != nil {
			return err
		}
		id = row.ID
		tx, _ := crud.Tx(ctx, h.auth.opts.DB)
		return h.bind(ctx, tx, p, id)
	})
	return id, h.made(err, p.Subject)
}

// made says what became of making an account.
func (h *people) made(err error, subject string) error {
	e, ok := errors.AsType[*gate.Error](err)
	switch {
	case !ok:
		return err
	case e.Status == http.StatusConflict:
		return errAgain
	case e.Status == http.StatusBadRequest:
		return h.refusal(explain(err).Error(), subject)
	}
	return err
}

// fields returns what the profile says of the fields of an account. Texts that
// are too long are cut, and what a field cannot hold at all is left out unless
// the account needs it.
func (h *people) fields(p *Profile) map[string]any {
	e := h.auth.entity.Entity()
	out := map[string]any{}
	for name, source := range h.Fields {
		f, err := field(e, name)
		v := p.value(source)
		if err != nil || v == nil {
			continue
		}
		if text, ok := v.(string); ok && f.MaxLength > 0 && len([]rune(text)) > f.MaxLength {
			v = string([]rune(text)[:f.MaxLength])
		}
		if !f.Required && !fits(f, v) {
			continue
		}
		out[name] = v
	}
	return out
}

// fits reports whether a field can hold what a claim says.
func fits(f *model.Field, v any) bool {
	if n, ok := v.(json.Number); ok {
		v = n.String()
	}
	if f.Type == model.JSON {
		v = asJSON(v)
	}
	_, err := f.Parse(v)
	return err == nil
}

// refresh does what the first sight of a new token asks for.
func (h *people) refresh(ctx context.Context, found identities.Identity, claims *jose.Claims) error {
	p := profileOf(claims, h.profile, found.Subject)
	fresh := claims.IssuedAt.Unix() > found.ProfileAt.Unix()
	if fresh {
		ctx := authz.System(ctx)
		newer, err := h.store.Updated(ctx, found.Issuer, found.Subject, claims.IssuedAt)
		if err != nil {
			return err
		}
		if newer && p.object != nil {
			if err := h.update(ctx, found.Account, &p); err != nil {
				return err
			}
		}
	}
	if !fresh && !h.mayBeFirst(&p) {
		return nil
	}
	return h.proven(ctx, found.Account, &p)
}

// update brings an account up to date.
func (h *people) update(ctx context.Context, account string, p *Profile) error {
	if !h.Update {
		return nil
	}
	e := h.auth.entity.Entity()
	row, err := users{h.auth.accounts, h.auth}.row(ctx, account)
	if err != nil {
		return err
	}
	changes := h.fields(p)
	maps.DeleteFunc(changes, func(name string, v any) bool {
		f, err := field(e, name)
		return err != nil || f.Unique || f.Type == model.Email || f.Type == model.Username || f.Type == model.Roles ||
			string(row[name]) == string(asJSON(v))
	})
	if len(changes) == 0 {
		return nil
	}
	body, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("update account: %w", err)
	}
	_, err = h.auth.entity.PatchRow(ctx, account, body, nil)
	if refused, ok := errors.AsType[*gate.Error](err); ok && refused.Status < http.StatusInternalServerError {
		h.auth.opts.Logger.WarnContext(ctx, "account not brought up to date", "subject", account, "err", explain(err))
		return nil
	}
	return err
}

// proven takes note of an address that the issuer calls verified: it is that of
// the account, or makes the first administrator.
func (h *people) proven(ctx context.Context, account string, p *Profile) error {
	if !p.EmailVerified || p.Email == "" || h.email == nil {
		return nil
	}
	ctx = authz.System(ctx)
	there, err := h.findByEmail(ctx, h.auth.opts.DB.Read(), p.Email)
	if err != nil || there.id != account {
		return err
	}
	known, err := h.auth.verified.Is(ctx, h.auth.cfg.Entity, account, there.email)
	if err == nil && !known {
		err = h.auth.verified.Set(ctx, h.auth.cfg.Entity, account, there.email)
	}
	return errors.Join(err, h.firstAdministrator(ctx, account, p))
}

// mayBeFirst reports whether somebody has the address of the first administrator,
// and this process does not know of one.
func (h *people) mayBeFirst(p *Profile) bool {
	address := h.auth.firstAdmin(h.FirstAdmin)
	return address != "" && strings.EqualFold(address, p.Email) && !h.granted.Load() && h.auth.cfg.Roles != ""
}

// firstAdministrator gives every role to the first owner of the address that the
// operator named.
func (h *people) firstAdministrator(ctx context.Context, account string, p *Profile) error {
	a := h.auth
	if !h.mayBeFirst(p) {
		return nil
	}
	const name = "administrator"
	if done, err := h.store.Granted(ctx, a.cfg.Entity, name); err != nil || done {
		h.granted.Store(done)
		return err
	}
	roles := []string{}
	for _, role := range a.opts.Policy.Roles() {
		roles = append(roles, role.Name)
	}
	body, err := json.Marshal(map[string][]string{a.cfg.Roles: roles})
	if err != nil {
		return err
	}
	given := false
	err = crud.InTx(ctx, a.opts.DB, func(ctx context.Context) error {
		tx, _ := crud.Tx(ctx, a.opts.DB)
		if given, err = h.store.Grant(ctx, tx, a.cfg.Entity, name, account); err != nil || !given {
			return err
		}
		_, err := a.entity.PatchRow(ctx, account, body, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("first administrator: %w", err)
	}
	h.granted.Store(true)
	if given {
		a.opts.Logger.InfoContext(ctx, "first administrator", "subject", account)
		h.note(ctx, "administrator.first", account, p.Issuer)
	}
	return nil
}

// forgetIn has the identities of an account that is being deleted end with it.
func (h *people) forgetIn(ctx context.Context, account string) error {
	tx, ok := crud.Tx(ctx, h.auth.opts.DB)
	if !ok {
		return errors.New("an account is deleted outside of a transaction")
	}
	return h.store.Remove(ctx, tx, h.auth.cfg.Entity, account)
}

// A memory remembers texts for a moment. The zero value is empty.
type memory struct {
	mu   sync.RWMutex
	list map[string]remembered
}

type remembered struct {
	text  string
	until time.Time
}

func (m *memory) get(key string, now time.Time) (string, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, ok := m.list[key]
	return r.text, ok && now.Before(r.until)
}

func (m *memory) known(key string, now time.Time) bool {
	_, ok := m.get(key, now)
	return ok
}

func (m *memory) put(key, text string, now time.Time, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil || len(m.list) >= cacheSize {
		m.list = make(map[string]remembered)
	}
	m.list[key] = remembered{text, now.Add(d)}
}

// dropText forgets everything that a text was remembered for.
func (m *memory) dropText(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.list, func(_ string, r remembered) bool { return r.text == text })
}
