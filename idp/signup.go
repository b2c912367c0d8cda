package idp

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
)

// The lives of links in letters that we send ourselves.
const (
	resetLife  = 30 * time.Minute
	verifyLife = 24 * time.Hour
)

// Signup says who may make an account.
type Signup string

// Who may make an account. The zero value is nobody.
const (
	// SignupConfirm lets strangers in once they have confirmed their address.
	// Whether an address has an account is told to its owner alone.
	SignupConfirm Signup = "confirm"
	// SignupOpen logs a new account in at once, as Auth0 does: by what happens
	// next anybody sees whether an address had an account.
	SignupOpen Signup = "open"
)

// signupOpen reports whether strangers may make accounts in a connection.
func (p *Provider) signupOpen(conn *tenant.Connection) bool {
	return p.cfg.Signup != "" && !conn.Options.DisableSignup
}

// mustConfirm reports whether a user has to confirm the address before anything
// else.
func (p *Provider) mustConfirm(u *tenant.User) bool {
	return p.cfg.Signup == SignupConfirm && !u.EmailVerified && u.Email != ""
}

func (p *Provider) showSignup(w http.ResponseWriter, r *http.Request, v *visit) {
	p.signupPage(w, r, v, http.StatusOK, v.request.LoginHint, "")
}

func (p *Provider) signupPage(w http.ResponseWriter, r *http.Request, v *visit, status int, email, username string, problems ...login.Problem) {
	conn, err := p.database(r.Context(), v.client, v.request.Connection)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !p.signupOpen(conn) {
		p.notFound(w, r)
		return
	}
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	page := login.SignupPage{
		Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, "/u/signup", v.state), Email: email, Username: username,
		AskUsername: conn.Options.RequiresUsername, Policy: pagePolicy(conn), LoginURL: "/u/login?state=" + v.state, Problems: problems,
	}
	page.Here = "/u/signup?state=" + v.state
	if page.Connections, _, err = p.ways(r, v); err != nil {
		p.faultPage(w, r, err)
		return
	}
	if err := p.pages(r).Signup(w, r, status, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// postSignup makes an account.
func (p *Provider) postSignup(w http.ResponseWriter, r *http.Request, v *visit) {
	ctx := r.Context()
	conn, err := p.database(ctx, v.client, v.request.Connection)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !p.signupOpen(conn) {
		p.notFound(w, r)
		return
	}
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	n := newUser{Connection: conn, Email: v.form[login.FieldEmail], Username: v.form[login.FieldUsername], Password: login.Password(v.form.values())}
	n.Browser = p.browserHash(r) // the form is one that we showed to it
	problems := p.checkNewUser(ctx, &n)
	if problems != nil {
		p.signupPage(w, r, v, http.StatusBadRequest, v.form[login.FieldEmail], n.Username, problems...)
		return
	}
	u, err := p.signUp(r, v.client, v.request.Locales, n)
	var denied *deniedError
	switch {
	case errors.As(err, &denied):
		p.signupPage(w, r, v, http.StatusBadRequest, n.Email, n.Username, login.Problem{Code: login.Refused, Message: denied.message})
		return
	case errors.Is(err, errNameTaken):
		p.signupPage(w, r, v, http.StatusBadRequest, n.Email, n.Username, login.Problem{Code: login.UsernameTaken})
		return
	case errors.Is(err, tenant.ErrExists):
		p.signupExisting(w, r, v, n)
		return
	case err != nil:
		p.signupRefused(w, r, v, &n, err)
		return
	}
	if u == nil { // there will be one when the address is confirmed
		p.confirmEmailPage(w, r, v, n.Email, "")
		return
	}
	p.sendVerification(r, u, v.client, v.request.Locales)
	p.enter(w, r, v, u, conn)
}

// signupRefused shows the sign-up again with what keeps it from going on.
func (p *Provider) signupRefused(w http.ResponseWriter, r *http.Request, v *visit, n *newUser, err error) {
	refused, fault := asOAuth(err)
	if fault {
		p.faultPage(w, r, err)
		return
	}
	problem := login.Problem{Code: login.Refused}
	switch refused.status {
	case http.StatusTooManyRequests:
		p.recordRefused(r, &p.askedFor, "fs", v.client, nil, refused.description)
		problem = login.Problem{Code: login.TooManySignups, Wait: refused.retryAfter}
	case http.StatusServiceUnavailable:
		problem = login.Problem{Code: login.Busy, Wait: refused.retryAfter}
	}
	setRetryAfter(w, refused.retryAfter)
	p.signupPage(w, r, v, refused.status, n.Email, n.Username, problem)
}

// enter logs a user in who has just shown who they are.
func (p *Provider) enter(w http.ResponseWriter, r *http.Request, v *visit, u *tenant.User, conn *tenant.Connection) {
	ses, err := p.newSession(w, r, u, conn.Name, tenant.AuthMethod{Name: "pwd"})
	if err != nil {
		p.halted(w, r, v.request, v.client, err)
		return
	}
	p.finish(w, r, v.request, v.client, ses, u)
}

// signupExisting answers a sign-up with an address that has an account: its
// owner gets a letter, and the page is that for a new one.
func (p *Provider) signupExisting(w http.ResponseWriter, r *http.Request, v *visit, n newUser) {
	p.record(r, "fs", v.client, nil, "The user already exists", nil)
	if p.cfg.Signup == SignupOpen { // otherwise it was sent
		p.sendExists(r, v.client, v.request.Locales, n.Email)
	}
	p.confirmEmailPage(w, r, v, n.Email, "")
}

// sendExists tells the owner of an account that somebody signed up with their
// address.
func (p *Provider) sendExists(r *http.Request, c *tenant.Client, locales, email string) {
	p.sendLetter(r, c, locales, email, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
		return login.MailExists, login.Letter{Account: email, Link: p.beginning(ctx, c, "")}, true, nil
	})
}

// A newUser is an account that somebody asks for.
type newUser struct {
	Connection                *tenant.Connection
	Email, Username, Password string
	GivenName, FamilyName     string
	Name, Nickname, Picture   string
	Metadata                  map[string]any
	// Browser is the hash of the cookie of the browser in which the person chose
	// the password; empty means that nobody knows whose it is.
	Browser string
}

// checkNewUser makes the address canonical and returns what is wrong.
func (p *Provider) checkNewUser(ctx context.Context, n *newUser) []login.Problem {
	var problems []login.Problem
	address, err := mail.Canonical(strings.TrimSpace(n.Email))
	if err != nil {
		problems = append(problems, login.Problem{Code: login.InvalidEmail})
	} else {
		n.Email = address
	}
	if n.Connection.Options.RequiresUsername || n.Username != "" {
		n.Username = strings.ToLower(strings.TrimSpace(n.Username))
		if n.Username == "" || n.Connection.CheckUsername(n.Username) != nil {
			problems = append(problems, login.Problem{Code: login.InvalidUsername})
		}
	}
	if n.Password == "" {
		return append(problems, login.Problem{Code: login.MissingPassword})
	}
	if code := p.judge(ctx, n.Connection, n.Password, n.Email, n.Username); code != "" {
		problems = append(problems, login.Problem{Code: code})
	}
	return problems
}

// policies are what Auth0's names of password policies ask for.
var policies = map[string]login.Policy{ //nolint:gochecknoglobals // constant
	"none":      {MinLength: 8},
	"low":       {MinLength: 8},
	"fair":      {MinLength: 8, Classes: 3},
	"good":      {MinLength: 8, Classes: 3},
	"excellent": {MinLength: 10, Classes: 3, NoRepeats: true},
}

// pagePolicy returns what a connection asks of new passwords: never less than
// eight characters.
func pagePolicy(conn *tenant.Connection) login.Policy {
	if policy, ok := policies[conn.Options.PasswordPolicy]; ok {
		return policy
	}
	return policies["good"]
}

// judge returns what is wrong with a new password.
func (p *Provider) judge(ctx context.Context, conn *tenant.Connection, text string, about ...string) login.Code {
	policy := pagePolicy(conn)
	classes := map[int]bool{}
	run, repeats, last := 0, false, rune(-1)
	n := 0
	for _, r := range text {
		n++
		if r == last {
			run++
		} else {
			run, last = 1, r
		}
		repeats = repeats || run > 2
		switch {
		case unicode.IsLower(r):
			classes[0] = true
		case unicode.IsUpper(r):
			classes[1] = true
		case unicode.IsDigit(r):
			classes[2] = true
		default:
			classes[3] = true
		}
	}
	switch {
	case n < policy.MinLength:
		return login.PasswordTooShort
	case len(classes) < policy.Classes && n < password.MinRunes:
		return login.PasswordTooWeak // length makes up for kinds
	case policy.NoRepeats && repeats:
		return login.PasswordRepeats
	}
	if err := (password.Policy{MinLength: password.MinRunesSecondFactor}).Check(text, about...); err != nil {
		return login.PasswordCommon
	}
	if p.cfg.Breach != nil && p.cfg.Breach.Leaked(ctx, text) {
		return login.PasswordLeaked
	}
	return ""
}

// A deniedError is an action that refused a sign-up.
type deniedError struct{ reason, message string }

func (e *deniedError) Error() string { return "sign-up was refused by an action: " + e.reason }

// errNameTaken means that the user name is: which nobody keeps secret.
var errNameTaken = errors.New("user name is taken")

// signUp makes the account of somebody who was checked. Where the address has to
// be confirmed first it returns nil: the account is made then.
func (p *Provider) signUp(r *http.Request, c *tenant.Client, locales string, n newUser) (*tenant.User, error) {
	ctx := r.Context()
	if wait, err := p.configured(ctx).signups.Allow(ctx, "signup"); err != nil {
		return nil, err
	} else if wait > 0 {
		return nil, &oauthError{status: http.StatusTooManyRequests, code: "too_many_attempts", description: "Too many sign-ups", retryAfter: wait}
	}
	u := n.user()
	patch, err := p.runPreRegistration(r, c, n.Connection, u)
	if err != nil {
		return nil, err
	}
	tenant.MergeMetadata(&u.AppMetadata, patch.AppMetadata)
	tenant.MergeMetadata(&u.UserMetadata, patch.UserMetadata)
	// The hash is made for known and unknown addresses alike.
	hash, err := p.hasher.Hash(ctx, n.Password)
	if err != nil {
		return nil, err
	}
	u.Identities[0].PasswordHash, u.Identities[0].PasswordAt = hash, p.now()
	if n.Username != "" {
		_, _, err := p.tenant.UserByLogin(ctx, n.Connection.Name, n.Username)
		if err == nil {
			return nil, errNameTaken
		}
		if !errors.Is(err, tenant.ErrNotFound) {
			return nil, err
		}
	}
	if p.cfg.Signup == SignupConfirm {
		return nil, p.pend(r, c, locales, n, u)
	}
	u.Identities[0].Unproven = cmp.Or(n.Browser, tenant.NoBrowser)
	return u, p.register(r, c, n.Connection, u)
}

// register makes the account.
func (p *Provider) register(r *http.Request, c *tenant.Client, conn *tenant.Connection, u *tenant.User) error {
	return p.registerWith(r, c, conn, u, tenant.Ticket{})
}

// registerWith is register for what a link allows, which is used up by it.
func (p *Provider) registerWith(r *http.Request, c *tenant.Client, conn *tenant.Connection, u *tenant.User, with tenant.Ticket) error {
	err := p.tenant.CreateUserIn(r.Context(), conn, u, with)
	if errors.Is(err, tenant.ErrNotFound) { // deleted while the password was hashed
		return refuse("access_denied", "the connection is not enabled")
	}
	if err != nil {
		return err
	}
	p.record(r, "ss", c, u, "", nil)
	p.runPostRegistration(r, c, conn, u)
	return nil
}

func (n *newUser) user() *tenant.User {
	subject := tenant.NewSubject()
	local, _, _ := strings.Cut(n.Email, "@")
	u := &tenant.User{
		Email: n.Email, Username: n.Username, GivenName: n.GivenName, FamilyName: n.FamilyName,
		Name: n.Name, Nickname: n.Nickname, Picture: n.Picture, UserMetadata: n.Metadata,
		Identities: []tenant.Identity{{
			Connection: n.Connection.Name, Provider: tenant.Database, UserID: subject, Email: n.Email, Username: n.Username,
		}},
	}
	u.ID = tenant.Database + "|" + subject
	if u.Name == "" {
		u.Name = n.Email
	}
	if u.Nickname == "" {
		u.Nickname = local
	}
	return u
}
