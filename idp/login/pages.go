package login

import (
	"errors"
	"net/http"
	"time"
)

// A CredentialsPage asks for identifier and password in one step, and lists the
// other ways. It posts [FieldUsername] and the password fields.
type CredentialsPage struct {
	Frame
	Form
	// Identifier is filled in, from login_hint or the last try.
	Identifier string
	// Usernames says that the identifier may be a user name.
	Usernames bool
	// NoPassword leaves the form out: only Connections are offered, and there
	// must be some. Form is not used then.
	NoPassword bool
	// Connections are shown in this order; those after the fifth are folded.
	Connections []Connection
	// SignupURL and ForgotURL are paths; empty leaves the link out.
	SignupURL, ForgotURL string
	Problems             []Problem
	Notice               Notice
}

// Login writes the log-in page.
func (p *Pages) Login(w http.ResponseWriter, r *http.Request, status int, data CredentialsPage) error {
	v := p.view(r, "login", "open", data, data.Frame)
	switch {
	case !data.NoPassword:
		v.form(data.Form)
	case len(data.Connections) == 0:
		v.fail(errors.New("there is no way to log in"))
	}
	v.problems(data.Problems)
	v.order = []input{{"identifier", data.Identifier}, {"password", ""}}
	v.usernames = data.Usernames
	v.notice(data.Notice)
	v.link("reset", data.ForgotURL)
	v.link("signup", data.SignupURL)
	v.connections(data.Connections)
	return v.write(w, status)
}

// A SignupPage asks for what a new account needs. It posts [FieldEmail],
// [FieldUsername] if asked for, and the password fields.
type SignupPage struct {
	Frame
	Form
	Email, Username string
	// AskUsername shows the field of the user name, which is then required
	// unless OptionalUsername.
	AskUsername, OptionalUsername bool
	Policy                        Policy
	Connections                   []Connection
	// LoginURL is a path; empty leaves the link out.
	LoginURL string
	Problems []Problem
}

// Signup writes the page that creates an account.
func (p *Pages) Signup(w http.ResponseWriter, r *http.Request, status int, data SignupPage) error {
	v := p.view(r, "signup", "open", data, data.Frame)
	v.form(data.Form)
	v.problems(data.Problems)
	v.order = []input{{"identifier", data.Email}}
	if data.AskUsername {
		v.order = append(v.order, input{"username", data.Username})
	}
	v.order = append(v.order, input{"password", ""})
	v.policy(data.Policy)
	v.link("login", data.LoginURL)
	v.outside("terms", p.chrome.TermsURL)
	v.outside("privacy", p.chrome.PrivacyURL)
	v.connections(data.Connections)
	return v.write(w, status)
}

// A ForgotPage asks where to send a link to. It posts [FieldUsername].
type ForgotPage struct {
	Frame
	Form
	Identifier string
	// Usernames says that the identifier may be a user name.
	Usernames bool
	// Life is how long the link will work.
	Life     time.Duration
	LoginURL string
	Problems []Problem
}

// Forgot writes the page that asks for a link to set a new password.
func (p *Pages) Forgot(w http.ResponseWriter, r *http.Request, status int, data ForgotPage) error {
	v := p.view(r, "forgot", "open", data, data.Frame)
	v.form(data.Form)
	v.problems(data.Problems)
	v.duration("duration", data.Life)
	v.link("login", data.LoginURL)
	return v.write(w, status)
}

// A ForgotSentPage says the same for existing and unknown accounts. Its form
// asks once more and posts [FieldUsername].
type ForgotSentPage struct {
	Frame
	Form
	Identifier string
	Life       time.Duration
	// SentBy is the address that letters come from.
	SentBy string
	// AnotherURL leads back to [Pages.Forgot], LoginURL to the log-in.
	AnotherURL, LoginURL string
	Notice               Notice
}

// ForgotSent writes the page that says where to look for the link.
func (p *Pages) ForgotSent(w http.ResponseWriter, r *http.Request, status int, data ForgotSentPage) error {
	v := p.view(r, "forgot-sent", "open", data, data.Frame)
	v.form(data.Form)
	v.link("outbox", data.Outbox)
	v.slot("account", data.Identifier)
	v.duration("duration", data.Life)
	v.notice(data.Notice)
	v.link("another", data.AnotherURL)
	v.link("login", data.LoginURL)
	return v.write(w, status)
}

// A ResetPage asks for a new password; a ticket led to it. It posts the password
// fields.
type ResetPage struct {
	Frame
	Form
	// Account is shown read-only, so that password managers keep the pair.
	Account string
	// Confirmed says that the person has just confirmed the address of an account
	// that somebody else may have made, which is why they choose a password.
	Confirmed bool
	// Moved says that the address of the account was changed to this one, so that
	// further ways to log in to it end with the password.
	Moved  bool
	Policy Policy
	// Expires is when the ticket does.
	Expires  time.Time
	Problems []Problem
}

// Reset writes the page that sets a new password.
func (p *Pages) Reset(w http.ResponseWriter, r *http.Request, status int, data ResetPage) error {
	v := p.view(r, "reset", "open", data, data.Frame)
	v.form(data.Form)
	v.problems(data.Problems)
	v.order = []input{{"password", ""}}
	v.policy(data.Policy)
	return v.write(w, status)
}

// A ResetDonePage says that the new password counts.
type ResetDonePage struct {
	Frame
	// ContinueURL is where to log in: a path, or an http address that is
	// registered. Empty leaves the button out.
	ContinueURL string
}

// ResetDone writes the page after a new password was set.
func (p *Pages) ResetDone(w http.ResponseWriter, r *http.Request, status int, data ResetDonePage) error {
	v := p.view(r, "reset-done", "set", data, data.Frame)
	v.away("continue", data.ContinueURL)
	return v.write(w, status)
}

// A VerifyEmailPage is where the link of a letter leads. It confirms nothing by
// itself, because scanners open links: the person presses a button.
type VerifyEmailPage struct {
	Frame
	Form
	Email string
	// Expires is when the ticket does.
	Expires time.Time
}

// VerifyEmail writes the page that asks to confirm an e-mail address.
func (p *Pages) VerifyEmail(w http.ResponseWriter, r *http.Request, status int, data VerifyEmailPage) error {
	v := p.view(r, "verify-email", "open", data, data.Frame)
	v.form(data.Form)
	v.slot("account", data.Email)
	return v.write(w, status)
}

// A VerifyEmailDonePage says that the address is confirmed.
type VerifyEmailDonePage struct {
	Frame
	Email string
	// ContinueURL is as in [ResetDonePage].
	ContinueURL string
}

// VerifyEmailDone writes the page after an address was confirmed.
func (p *Pages) VerifyEmailDone(w http.ResponseWriter, r *http.Request, status int, data VerifyEmailDonePage) error {
	v := p.view(r, "verify-email-done", "set", data, data.Frame)
	v.slot("account", data.Email)
	v.away("continue", data.ContinueURL)
	return v.write(w, status)
}

// A ConfirmEmailPage asks to open the letter that was sent. It is the same after
// signing up with a new address and with a known one. Its form sends the letter
// again.
type ConfirmEmailPage struct {
	Frame
	Form
	Email  string
	Life   time.Duration
	SentBy string
	// ContinueURL goes on without; empty when the address must be confirmed.
	ContinueURL string
	// AnotherURL leads back to where the address was typed; empty leaves the
	// link out.
	AnotherURL string
	Notice     Notice
}

// ConfirmEmail writes the page that says that a letter is on its way.
func (p *Pages) ConfirmEmail(w http.ResponseWriter, r *http.Request, status int, data ConfirmEmailPage) error {
	v := p.view(r, "confirm-email", "open", data, data.Frame)
	v.form(data.Form)
	v.link("outbox", data.Outbox)
	v.slot("account", data.Email)
	v.duration("duration", data.Life)
	v.notice(data.Notice)
	v.link("continue", data.ContinueURL)
	v.link("another", data.AnotherURL)
	return v.write(w, status)
}

// A Scope is what an application asks for.
type Scope struct {
	// Name is the scope itself: "create:items".
	Name string
	// Description is what it means, by the registered API. Empty means the
	// words for the scopes of OpenID Connect, else the name, as code.
	Description string
	// Changes marks what changes something.
	Changes bool
}

// A ConsentPage asks whether an application may. It posts [FieldDecision].
type ConsentPage struct {
	Frame
	Form
	// Account is who is logged in.
	Account string
	// ThirdParty says that the application is not the tenant's own.
	ThirdParty bool
	Scopes     []Scope
	// SwitchURL logs in as someone else; empty leaves the link out.
	SwitchURL string
}

// Consent writes the page that asks to allow access.
func (p *Pages) Consent(w http.ResponseWriter, r *http.Request, status int, data ConsentPage) error {
	v := p.view(r, "consent", "set", data, data.Frame)
	v.form(data.Form)
	v.link("switch", data.SwitchURL)
	v.scopes(data.Scopes)
	return v.write(w, status)
}

// A LoggedOutPage says that the session is over.
type LoggedOutPage struct {
	Frame
	// At is when; zero leaves it out.
	At time.Time
	// Others says that the person goes on to be logged in on other devices. Nothing
	// is said of them otherwise.
	Others bool
	// LoginURL is a path, ReturnURL a registered address; empty ones are left
	// out.
	LoginURL, ReturnURL string
}

// LoggedOut writes the page after a log-out that leads nowhere else.
func (p *Pages) LoggedOut(w http.ResponseWriter, r *http.Request, status int, data LoggedOutPage) error {
	v := p.view(r, "logged-out", "open", data, data.Frame)
	v.link("login", data.LoginURL)
	v.away("return", data.ReturnURL)
	return v.write(w, status)
}

// A LogoutConfirmPage asks whether to log out, when nothing in the request shows
// that the person wants it.
type LogoutConfirmPage struct {
	Frame
	Form
	// Account is who is logged in; empty leaves it out.
	Account string
	// StayURL is where Cancel leads: a registered address or a path. Empty
	// leaves the button out.
	StayURL string
}

// LogoutConfirm writes the page that asks before it logs out.
func (p *Pages) LogoutConfirm(w http.ResponseWriter, r *http.Request, status int, data LogoutConfirmPage) error {
	v := p.view(r, "logout-confirm", "set", data, data.Frame)
	v.form(data.Form)
	v.away("stay", data.StayURL)
	return v.write(w, status)
}

// A Field is a name and a value that a page posts.
type Field struct {
	Name, Value string
}

// A ContinuePage posts the answer to the application (OAuth 2.0 Form Post
// Response Mode): by itself, or by its button where scripts are off.
type ContinuePage struct {
	Frame
	// Target is the registered redirect URI: http or https. Required.
	Target string
	// Fields are posted in this order.
	Fields []Field
	// Account is who is logged in; empty leaves it out.
	Account string
	// Failed says that the answer is an error.
	Failed bool
}

// Continue writes the page that posts the answer of response_mode=form_post.
func (p *Pages) Continue(w http.ResponseWriter, r *http.Request, status int, data ContinuePage) error {
	look := "set"
	if data.Failed {
		look = "open"
	}
	data.Targets = []string{data.Target}
	data.Here = ""
	v := p.view(r, "continue", look, data, data.Frame)
	v.post(data.Target)
	return v.write(w, status)
}

// A HopPage sends the browser on to an address by itself, or by its link.
type HopPage struct {
	Frame
	// Target is where: http or https, chosen by the tenant and not by a request.
	// Required.
	Target string
}

// Hop writes the page that leads elsewhere after a form: a redirect would be
// judged by the form-action directive of the page that had the form, which does
// not know where it leads.
func (p *Pages) Hop(w http.ResponseWriter, r *http.Request, status int, data HopPage) error {
	data.Targets, data.Here = nil, ""
	v := p.view(r, "hop", "set", data, data.Frame)
	v.away("target", data.Target)
	if v.err == nil {
		w.Header().Set("Refresh", "0;url="+data.Target)
	}
	return v.write(w, status)
}
