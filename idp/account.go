package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/throttle"
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
	if page.Connections, err = p.ways(r, v); err != nil {
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
	problems := p.checkNewUser(ctx, &n)
	if problems != nil {
		p.signupPage(w, r, v, http.StatusBadRequest, v.form[login.FieldEmail], n.Username, problems...)
		return
	}
	u, err := p.signUp(r, v.client, n)
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
		p.loginRefused(w, r, v, nil, n.Email, err)
		return
	}
	p.sendVerification(r, u, v.client, v.request.Locales)
	if p.mustConfirm(u) {
		p.confirmEmailPage(w, r, v, n.Email, "")
		return
	}
	p.enter(w, r, v, u, conn)
}

// enter logs a user in who has just shown who they are.
func (p *Provider) enter(w http.ResponseWriter, r *http.Request, v *visit, u *tenant.User, conn *tenant.Connection) {
	ses, err := p.newSession(w, r, u, conn.Name, "pwd")
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	p.finish(w, r, v.request, v.client, ses, u)
}

// signupExisting answers a sign-up with an address that has an account: its
// owner gets a letter, and the page is that for a new one.
func (p *Provider) signupExisting(w http.ResponseWriter, r *http.Request, v *visit, n newUser) {
	p.record(r, "fs", v.client, nil, "The user already exists", nil)
	p.sendExists(r, v.client, n.Email)
	p.confirmEmailPage(w, r, v, n.Email, "")
}

// sendExists tells the owner of an account that somebody signed up with their
// address.
func (p *Provider) sendExists(r *http.Request, c *tenant.Client, email string) {
	p.sendLetter(r, c, "", email, func(context.Context) (login.MailKind, login.Letter, bool, error) {
		return login.MailExists, login.Letter{Account: email, Link: p.startAgain(c)}, true, nil
	})
}

// startAgain is where a person can begin a log-in with a client.
func (p *Provider) startAgain(c *tenant.Client) string {
	if c != nil && c.InitiateLoginURI != "" {
		return c.InitiateLoginURI
	}
	return p.issuer
}

// A newUser is an account that somebody asks for.
type newUser struct {
	Connection                *tenant.Connection
	Email, Username, Password string
	GivenName, FamilyName     string
	Name, Nickname, Picture   string
	Metadata                  map[string]any
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
		if !userName(n.Username) {
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

// userName reports whether a name can be told from an address and from another
// that looks the same.
func userName(s string) bool {
	if len(s) < 1 || len(s) > 64 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLower(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_+-.!#$^`~'", r)
	}) < 0
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

// signUp makes the account of somebody who was checked.
func (p *Provider) signUp(r *http.Request, c *tenant.Client, n newUser) (*tenant.User, error) {
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
	mergeMetadata(&u.AppMetadata, patch.AppMetadata)
	mergeMetadata(&u.UserMetadata, patch.UserMetadata)
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
	if err := p.tenant.CreateUser(ctx, u); err != nil {
		return nil, err
	}
	p.record(r, "ss", c, u, "", nil)
	p.runPostRegistration(r, c, n.Connection, u)
	return u, nil
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

func mergeMetadata(into *map[string]any, patch map[string]any) {
	for name, value := range patch {
		if value == nil {
			delete(*into, name)
			continue
		}
		if *into == nil {
			*into = map[string]any{}
		}
		(*into)[name] = value
	}
}

// confirmEmailPage says that a letter is on its way.
func (p *Provider) confirmEmailPage(w http.ResponseWriter, r *http.Request, v *visit, email string, notice login.Notice) {
	page := login.ConfirmEmailPage{
		Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, "/u/confirm-email", v.state), Email: email,
		Life: verifyLife, SentBy: p.cfg.MailFrom, Notice: notice,
	}
	page.Here = ""
	if err := p.pages(r).ConfirmEmail(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// postConfirmEmail sends the letter again: to the address that the form was made
// for, whether or not it has an account.
func (p *Provider) postConfirmEmail(w http.ResponseWriter, r *http.Request, v *visit) {
	email := canonical(v.form[login.FieldEmail])
	conn, err := p.database(r.Context(), v.client, v.request.Connection)
	if err == nil && email != "" {
		p.sendLetter(r, v.client, v.request.Locales, email, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
			u, _, err := p.tenant.UserByLogin(ctx, conn.Name, email)
			if errors.Is(err, tenant.ErrNotFound) || err == nil && u.EmailVerified {
				return "", login.Letter{}, false, nil
			}
			if err != nil {
				return "", login.Letter{}, false, err
			}
			return p.verificationLetter(ctx, u, v.client)
		})
	} else if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		p.faultPage(w, r, err)
		return
	}
	p.confirmEmailPage(w, r, v, email, login.NoticeSentAgain)
}

// sendVerification sends a letter with a link that confirms the address.
func (p *Provider) sendVerification(r *http.Request, u *tenant.User, c *tenant.Client, locales string) {
	if u.Email == "" || u.EmailVerified {
		return
	}
	p.sendLetter(r, c, locales, u.Email, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
		return p.verificationLetter(ctx, u, c)
	})
}

func (p *Provider) verificationLetter(ctx context.Context, u *tenant.User, c *tenant.Client) (login.MailKind, login.Letter, bool, error) {
	clientID := ""
	if c != nil {
		clientID = c.ID
	}
	link, err := p.ticket(ctx, ticket{Kind: tenant.EmailTicket, UserID: u.ID, Email: u.Email, ClientID: clientID}, verifyLife)
	return login.MailVerify, login.Letter{Account: u.Email, Link: link, Life: verifyLife}, err == nil, err
}

// sendLetter writes a letter in the background, where its time tells nothing.
// There are only so many to one address and on behalf of one network.
func (p *Provider) sendLetter(r *http.Request, c *tenant.Client, locales, to string,
	compose func(ctx context.Context) (login.MailKind, login.Letter, bool, error),
) {
	ctx := r.Context()
	wait, err := p.letters.Allow(ctx, to)
	if err != nil || wait > 0 {
		p.log.WarnContext(ctx, "letter was not sent", "wait", wait, "error", err)
		return
	}
	words := p.configured(ctx).words
	language := words.Language(locales, r.Header.Get("Accept-Language"))
	err = p.mails.Later(ctx, func(ctx context.Context) (mail.Message, bool, error) {
		kind, letter, ok, err := compose(ctx)
		if err != nil || !ok {
			return mail.Message{}, false, err
		}
		if c != nil {
			letter.Application = c.Name
		}
		m, err := words.Write(kind, language, letter)
		if err != nil {
			return mail.Message{}, false, err
		}
		return outgoing(to, m), true, nil
	})
	if err != nil {
		p.log.ErrorContext(ctx, "letter was not sent", "error", err)
	}
}

// A ticket is what a link in a letter stands for.
type ticket struct {
	Kind     tenant.TokenKind `json:"-"`
	UserID   string           `json:"-"`
	ClientID string           `json:"-"`
	// Email is the address at the time: a ticket is of no use after a change.
	Email        string `json:"email"`
	ResultURL    string `json:"result_url,omitempty"`
	MarkVerified bool   `json:"mark_verified,omitempty"`
	// IncludeEmail adds the address to ResultURL.
	IncludeEmail bool `json:"include_email,omitempty"`
}

// ticket stores a ticket and returns the link.
func (p *Provider) ticket(ctx context.Context, t ticket, life time.Duration) (string, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	text := secret.Text()
	err = p.tenant.CreateToken(ctx, text, tenant.Token{
		Kind: t.Kind, UserID: t.UserID, ClientID: t.ClientID, ExpiresAt: p.now().Add(life), Data: data,
	})
	path := "/u/email-verification"
	if t.Kind == tenant.ResetTicket {
		path = "/u/reset-password"
	}
	return p.base + path + "?ticket=" + text.Reveal() + "#", err
}

// openTicket returns a ticket that was not used, with its user.
func (p *Provider) openTicket(ctx context.Context, kind tenant.TokenKind, text string) (*tenant.Token, *ticket, *tenant.User, error) {
	bad := &pageError{oauthError: refuse("invalid_request", "The link was used, is too old, or is not whole"), fault: "ticket"}
	t, err := p.tenant.Token(ctx, kind, secret.String(text))
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !t.UsedAt.IsZero() {
		return nil, nil, nil, bad
	}
	if err != nil {
		return nil, nil, nil, err
	}
	k := &ticket{Kind: kind, UserID: t.UserID, ClientID: t.ClientID}
	if err := json.Unmarshal(t.Data, k); err != nil {
		return nil, nil, nil, err
	}
	u, err := p.tenant.User(ctx, t.UserID)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && u.Email != k.Email {
		return nil, nil, nil, bad
	}
	return t, k, u, err
}

func (p *Provider) showVerifyEmail(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("ticket")
	t, k, u, err := p.openTicket(r.Context(), tenant.EmailTicket, text)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	page := login.VerifyEmailPage{
		Frame: p.ticketFrame(r, k), Email: u.Email, Expires: t.ExpiresAt,
		Form: login.Form{Action: "/u/email-verification", State: text, CSRF: p.csrf(p.browser(w, r))},
	}
	if err := p.pages(r).VerifyEmail(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

func (p *Provider) ticketFrame(r *http.Request, k *ticket) login.Frame {
	f := p.frame(r, nil, nil)
	if c, err := p.tenant.Clients.Get(r.Context(), k.ClientID); err == nil {
		f.Application = c.Name
	}
	if k.ResultURL != "" {
		f.Targets = []string{k.ResultURL}
	}
	return f
}

// next is where a person goes after a link did its work.
func (p *Provider) next(ctx context.Context, k *ticket) string {
	if k.ResultURL != "" && k.IncludeEmail {
		var out answer
		out.add("email", k.Email)
		return withParameters(k.ResultURL, out, false)
	}
	if k.ResultURL != "" {
		return k.ResultURL
	}
	if c, err := p.tenant.Clients.Get(ctx, k.ClientID); err == nil {
		return c.InitiateLoginURI
	}
	return ""
}

func (p *Provider) postVerifyEmail(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	form, err := p.ownForm(w, r)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	_, k, u, err := p.openTicket(ctx, tenant.EmailTicket, form[login.FieldState])
	if err == nil {
		_, err = p.tenant.UseToken(ctx, tenant.EmailTicket, secret.String(form[login.FieldState]))
	}
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	u, err = p.tenant.UpdateUser(ctx, u.ID, func(u *tenant.User) error {
		if u.Email != k.Email {
			return tenant.ErrNotFound
		}
		u.EmailVerified = true
		return nil
	})
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	p.record(r, "sv", nil, u, "", nil)
	page := login.VerifyEmailDonePage{Frame: p.ticketFrame(r, k), Email: u.Email, ContinueURL: p.next(ctx, k)}
	page.Here = ""
	if err := p.pages(r).VerifyEmailDone(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

func (p *Provider) ticketError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, tenant.ErrUsed) || errors.Is(err, tenant.ErrNotFound) {
		err = &pageError{oauthError: refuse("invalid_request", "The link was used, is too old, or is not whole"), fault: "ticket"}
	}
	p.errorPage(w, r, err)
}

func (p *Provider) showForgot(w http.ResponseWriter, r *http.Request, v *visit) {
	page := login.ForgotPage{
		Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, "/u/reset-password/request", v.state),
		Identifier: v.request.LoginHint, Life: resetLife, LoginURL: "/u/login?state=" + v.state,
	}
	if err := p.pages(r).Forgot(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

func (p *Provider) postForgot(w http.ResponseWriter, r *http.Request, v *visit) {
	typed := v.form[login.FieldUsername]
	if typed == "" {
		page := login.ForgotPage{
			Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, "/u/reset-password/request", v.state), Life: resetLife,
			LoginURL: "/u/login?state=" + v.state, Problems: []login.Problem{{Code: login.MissingIdentifier}},
		}
		if err := p.pages(r).Forgot(w, r, http.StatusBadRequest, page); err != nil {
			p.faultPage(w, r, err)
		}
		return
	}
	conn, err := p.database(r.Context(), v.client, v.request.Connection)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		p.faultPage(w, r, err)
		return
	}
	if err == nil {
		p.sendReset(r, v.client, conn, v.request.Locales, typed)
	}
	page := login.ForgotSentPage{
		Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, "/u/reset-password/request", v.state), Identifier: typed,
		Life: resetLife, SentBy: p.cfg.MailFrom, AnotherURL: "/u/reset-password/request?state=" + v.state, LoginURL: "/u/login?state=" + v.state,
	}
	page.Here = ""
	if err := p.pages(r).ForgotSent(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// sendReset sends a link to set a new password, if there is such an account. It
// goes to the address that is stored, not to the one that was typed.
func (p *Provider) sendReset(r *http.Request, c *tenant.Client, conn *tenant.Connection, locales, typed string) {
	address := canonical(typed)
	p.record(r, "scpr", c, nil, "", nil)
	if !strings.Contains(address, "@") {
		u, _, err := p.tenant.UserByLogin(r.Context(), conn.Name, address)
		if err != nil && !errors.Is(err, tenant.ErrNotFound) {
			p.log.ErrorContext(r.Context(), "letter was not sent", "error", err)
		}
		if err != nil || u.Email == "" {
			return
		}
		address = u.Email
	}
	clientID := ""
	if c != nil {
		clientID = c.ID
	}
	p.sendLetter(r, c, locales, address, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
		u, _, err := p.tenant.UserByLogin(ctx, conn.Name, address)
		if errors.Is(err, tenant.ErrNotFound) || err == nil && u.Blocked {
			return "", login.Letter{}, false, nil
		}
		if err != nil {
			return "", login.Letter{}, false, err
		}
		if err := p.tenant.VoidTokens(ctx, u.ID, tenant.ResetTicket); err != nil {
			return "", login.Letter{}, false, err
		}
		link, err := p.ticket(ctx, ticket{Kind: tenant.ResetTicket, UserID: u.ID, Email: u.Email, ClientID: clientID, MarkVerified: true}, resetLife)
		return login.MailReset, login.Letter{Account: u.Email, Link: link, Life: resetLife}, err == nil, err
	})
}

func (p *Provider) showReset(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("ticket")
	p.browser(w, r)
	p.resetPage(w, r, http.StatusOK, text)
}

func (p *Provider) resetPage(w http.ResponseWriter, r *http.Request, status int, text string, problems ...login.Problem) {
	t, k, u, err := p.openTicket(r.Context(), tenant.ResetTicket, text)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	conn, err := p.databaseOf(r.Context(), u)
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	page := login.ResetPage{
		Frame: p.ticketFrame(r, k), Account: accountName(u), Policy: pagePolicy(conn), Expires: t.ExpiresAt, Problems: problems,
		Form: login.Form{Action: "/u/reset-password", State: text, CSRF: p.csrf(p.browser(w, r))},
	}
	if err := p.pages(r).Reset(w, r, status, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// databaseOf returns the connection in which a user has a password.
func (p *Provider) databaseOf(ctx context.Context, u *tenant.User) (*tenant.Connection, error) {
	for _, id := range u.Identities {
		if id.Provider == tenant.Database {
			return p.tenant.Connections.ByName(ctx, id.Connection)
		}
	}
	return nil, tenant.ErrNotFound
}

// postReset sets a new password. Whoever was logged in is not any more.
func (p *Provider) postReset(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	form, err := p.ownForm(w, r)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	text, fresh := form[login.FieldState], login.Password(form.values())
	_, k, u, err := p.openTicket(ctx, tenant.ResetTicket, text)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	conn, err := p.databaseOf(ctx, u)
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	code := login.MissingPassword
	if fresh != "" {
		code = p.judge(ctx, conn, fresh, u.Email, u.Username, u.Name)
	}
	if code != "" {
		p.resetPage(w, r, http.StatusBadRequest, text, login.Problem{Code: code})
		return
	}
	hash, err := p.hasher.Hash(ctx, fresh)
	if err == nil {
		_, err = p.tenant.UseToken(ctx, tenant.ResetTicket, secret.String(text))
	}
	if err == nil {
		u, err = p.setPassword(ctx, u.ID, hash, k)
	}
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	p.passwordChanged(r, u, conn)
	page := login.ResetDonePage{Frame: p.ticketFrame(r, k), ContinueURL: p.next(ctx, k)}
	page.Here = ""
	if err := p.pages(r).ResetDone(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// setPassword stores a hash and ends what the old password led to.
func (p *Provider) setPassword(ctx context.Context, userID, hash string, k *ticket) (*tenant.User, error) {
	u, err := p.tenant.UpdateUser(ctx, userID, func(u *tenant.User) error {
		if u.Email != k.Email {
			return tenant.ErrNotFound
		}
		for i := range u.Identities {
			if u.Identities[i].Provider == tenant.Database {
				u.Identities[i].PasswordHash, u.Identities[i].PasswordAt = hash, p.now()
				break
			}
		}
		u.LastPasswordReset = p.now().UTC()
		u.EmailVerified = u.EmailVerified || k.MarkVerified
		return nil
	})
	if err != nil {
		return nil, err
	}
	sessions, err := p.tenant.SessionsOf(ctx, userID)
	if err == nil {
		err = p.tenant.EndAll(ctx, userID)
	}
	if err == nil {
		err = p.throttle.Reset(ctx, throttle.Account(userID))
	}
	for _, ses := range sessions {
		p.tellLogout(ses)
	}
	return u, err
}

// passwordChanged tells the owner and the actions.
func (p *Provider) passwordChanged(r *http.Request, u *tenant.User, conn *tenant.Connection) {
	p.record(r, "scp", nil, u, "", nil)
	client, _ := gate.ClientFromContext(r.Context())
	p.sendLetter(r, nil, "", u.Email, func(context.Context) (login.MailKind, login.Letter, bool, error) {
		return login.MailPasswordChanged, login.Letter{Account: u.Email, When: p.now(), Where: addressText(client)}, u.Email != "", nil
	})
	p.runPostChangePassword(r, u, conn)
}
