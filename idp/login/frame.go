package login

import (
	"net/url"
	"time"
)

// The names that the forms of the pages post. Which form posts which is said at
// the page.
const (
	FieldState    = "state"          // the transaction
	FieldCSRF     = "csrf"           // [Form.CSRF]
	FieldUsername = "username"       // identifier at log-in; name wished for at sign-up
	FieldEmail    = "email"          // e-mail address
	FieldPassword = "password"       // the password, hidden; see [Password]
	FieldShown    = "password_shown" // the password, shown while it was typed
	FieldReveal   = "reveal"         // "1" when the shown one counts
	FieldDecision = "decision"       // "allow" or "deny" on consent
	FieldLocales  = "ui_locales"     // query of the language links
	DecisionAllow = "allow"
	DecisionDeny  = "deny"
)

// Password returns the password of a posted form. The pages have two inputs for
// it, of which a checkbox shows one; the other is ignored.
func Password(form url.Values) string {
	if form.Get(FieldReveal) == "1" {
		return form.Get(FieldShown)
	}
	return form.Get(FieldPassword)
}

// A Frame is what every page has. All of it may be empty.
type Frame struct {
	// Host is this provider's name and port as people see it:
	// "id.kitchen.example".
	Host string
	// Application is the name of the client; empty means the tenant's name.
	Application string
	// ReturnsTo is the host that the answer goes to.
	ReturnsTo string
	// Step of Steps says how far the person is; zero leaves it out.
	Step, Steps int
	// Targets are registered addresses that a form of this page may end at by
	// redirects, whole or as origins: http, https or the scheme of an application
	// on a device, with names in ASCII. They become sources of form-action;
	// anything else is an error.
	Targets []string
	// Locales is ui_locales of the transaction. A ui_locales parameter of the
	// request itself comes before it, Accept-Language after it.
	Locales string
	// Here is the path and query at which a GET shows this page again, for the
	// links to other languages; empty leaves them out.
	Here string
	// Outbox is a path where letters that were sent can be read, in development;
	// empty leaves the link out.
	Outbox string
}

// A Form is where a page posts to.
type Form struct {
	// Action is a path of this provider, with query if any. Required.
	Action string
	// State is posted as [FieldState], CSRF as [FieldCSRF]; empty ones are not.
	State, CSRF string
}

// A Code names a problem that the person can mend on the page that shows it.
type Code string

// The problems. Those of an account that must not be told from each other have
// one code: wrong password, unknown account and blocked account are all
// [WrongCredentials].
const (
	WrongCredentials  Code = "wrong_credentials"
	TooManyTries      Code = "too_many_tries"     // with Wait
	LeakedAtLogin     Code = "leaked_at_login"    // the password is right, and on a list
	MissingIdentifier Code = "missing_identifier" // log-in and forgot
	MissingPassword   Code = "missing_password"   // every password field
	ProviderAway      Code = "provider_away"      // with Provider
	ProviderRefused   Code = "provider_refused"   // with Provider: cancelled or refused there
	Busy              Code = "busy"               // with Wait
	TooManySignups    Code = "too_many_signups"   // with Wait
	Refused           Code = "refused"            // by an action; with Message
	InvalidEmail      Code = "invalid_email"      // sign-up
	InvalidUsername   Code = "invalid_username"   // sign-up
	UsernameTaken     Code = "username_taken"     // sign-up
	PasswordTooShort  Code = "password_too_short" // see Policy
	PasswordTooWeak   Code = "password_too_weak"  // too few kinds of characters
	PasswordRepeats   Code = "password_repeats"   // more than two equal characters in a row
	PasswordLeaked    Code = "password_leaked"    // on a list of leaked ones
	PasswordCommon    Code = "password_common"    // in a dictionary
)

// A Problem is what a person has to mend.
type Problem struct {
	Code Code
	// Wait is when to try again, for TooManyTries, Busy and TooManySignups.
	Wait time.Duration
	// Provider names the upstream of ProviderAway and ProviderRefused.
	Provider string
	// Message is the text of Refused, shown as it is.
	Message string
}

// A Policy is what a new password needs; its hint says so.
type Policy struct {
	// MinLength is in characters; zero or one is no demand.
	MinLength int
	// Classes of the four kinds of characters (small, capital, digit, other)
	// must be there; zero or one is no demand.
	Classes int
	// NoRepeats refuses three equal characters in a row.
	NoRepeats bool
}

// A Kind of connection chooses its icon; the zero value shows the first letter
// of its name in a square.
type Kind string

// The kinds of connection.
const (
	KindCode    Kind = "code"    // where programs are kept
	KindCompany Kind = "company" // directory of an organization
	KindMail    Kind = "mail"    // code or link by e-mail
)

// A Connection is another way to log in: a link, no form.
type Connection struct {
	// Name is what people call it: "GitHub". Required.
	Name string
	// URL is a path of this provider that starts it. Required.
	URL string
	// Label replaces "Continue with Name".
	Label string
	Kind  Kind
}

// A Notice is good news that a page begins with.
type Notice string

// The notices; the zero value is none.
const (
	NoticeSentAgain Notice = "sent_again"
)
