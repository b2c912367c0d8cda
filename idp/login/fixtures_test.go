package login_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/login"
)

// noon is the time of all tests.
func noon() time.Time { return time.Date(2026, 11, 21, 14, 32, 8, 0, time.UTC) }

func config() login.Config {
	return login.Config{
		Name: "Orchard Kitchen", SupportURL: "https://kitchen.example/help",
		PrivacyURL: "https://kitchen.example/privacy", TermsURL: "https://kitchen.example/terms", Now: noon,
	}
}

func pages(t testing.TB, cfg login.Config) *login.Pages {
	t.Helper()
	p, err := login.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A draw writes a page whose every text of others is text.
type draw struct {
	name string
	form bool
	page func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error
}

// frame has text where values of others go.
func frame(text string) login.Frame {
	return login.Frame{
		Host: text, Application: text, ReturnsTo: text, Step: 1, Steps: 2, Locales: text,
		Targets: []string{"https://kitchen.example/callback?a=b", "https://kitchen.example/other", "app.example:/back"},
		Here:    "/u/login?state=c2FtcGxl",
	}
}

func form(text string) login.Form {
	return login.Form{Action: "/u/login?state=c2FtcGxl", State: text, CSRF: text}
}

func ways(text string) []login.Connection {
	return []login.Connection{
		{Name: text, URL: "/u/connection?name=1"},
		{Name: "GitHub", URL: "/u/connection?name=2", Kind: login.KindCode},
		{Name: "Company", Label: text, URL: "/u/connection?name=3", Kind: login.KindCompany},
		{Name: "Mail", URL: "/u/connection?name=4", Kind: login.KindMail},
		{Name: text, URL: "/u/connection?name=5"},
		{Name: "ärzte", URL: "/u/connection?name=6"},
		{Name: "", URL: "/u/connection?name=7"},
	}
}

func draws() []draw {
	loginProblems := []login.Problem{{Code: login.WrongCredentials}}
	return []draw{
		{"login", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Login(w, r, 200, login.CredentialsPage{
				Frame: frame(text), Form: form(text), Identifier: text, Connections: ways(text)[:3], SignupURL: "/u/signup", ForgotURL: "/u/forgot",
			})
		}},
		{"login-wrong", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Login(w, r, 400, login.CredentialsPage{
				Frame: frame(text), Form: form(text), Identifier: text, Usernames: true, Connections: ways(text), ForgotURL: "/u/forgot", Problems: loginProblems,
			})
		}},
		{"login-refused", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Login(w, r, 400, login.CredentialsPage{Frame: frame(text), Form: form(text), Notice: login.NoticeSentAgain, Problems: []login.Problem{
				{Code: login.Refused, Message: text},
				{Code: login.ProviderAway, Provider: text},
				{Code: login.Busy, Wait: time.Minute},
				{Code: login.MissingIdentifier},
				{Code: login.MissingPassword},
			}})
		}},
		{"login-ways", false, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Login(w, r, 200, login.CredentialsPage{Frame: frame(text), Form: form(text), NoPassword: true, Connections: ways(text)})
		}},
		{"signup", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Signup(w, r, 400, login.SignupPage{
				Frame: frame(text), Form: form(text), Email: text, Username: text, AskUsername: true, OptionalUsername: true, LoginURL: "/u/login",
				Policy: login.Policy{MinLength: 8, Classes: 3, NoRepeats: true}, Connections: ways(text),
				Problems: []login.Problem{{Code: login.InvalidEmail}, {Code: login.UsernameTaken}, {Code: login.PasswordTooShort}, {Code: login.PasswordTooWeak}},
			})
		}},
		{"forgot", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Forgot(w, r, 200, login.ForgotPage{
				Frame: frame(text), Form: form(text), Identifier: text, Life: 30 * time.Minute, LoginURL: "/u/login",
				Problems: []login.Problem{{Code: login.MissingIdentifier}},
			})
		}},
		{"forgot-sent", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.ForgotSent(w, r, 200, login.ForgotSentPage{
				Frame: frame(text), Form: form(text), Identifier: text, Life: 30 * time.Minute, SentBy: text, AnotherURL: "/u/forgot", LoginURL: "/u/login", Notice: login.NoticeSentAgain,
			})
		}},
		{"reset", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Reset(w, r, 200, login.ResetPage{
				Frame: frame(text), Form: form(text), Account: text, Policy: login.Policy{MinLength: 15}, Expires: noon().Add(20 * time.Minute),
				Problems: []login.Problem{{Code: login.PasswordLeaked}},
			})
		}},
		{"reset-done", false, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.ResetDone(w, r, 200, login.ResetDonePage{Frame: frame(text), ContinueURL: "/u/login"})
		}},
		{"verify-email", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.VerifyEmail(w, r, 200, login.VerifyEmailPage{Frame: frame(text), Form: form(text), Email: text, Expires: noon().Add(120 * time.Hour)})
		}},
		{"verify-email-done", false, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.VerifyEmailDone(w, r, 200, login.VerifyEmailDonePage{Frame: frame(text), Email: text})
		}},
		{"confirm-email", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.ConfirmEmail(w, r, 200, login.ConfirmEmailPage{
				Frame: frame(text), Form: form(text), Email: text, Life: 120 * time.Hour, SentBy: text, ContinueURL: "/u/continue",
			})
		}},
		{"consent", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Consent(w, r, 200, login.ConsentPage{
				Frame: frame(text), Form: form(text), Account: text, ThirdParty: true, SwitchURL: "/u/switch",
				Scopes: []login.Scope{{Name: "openid"}, {Name: "email"}, {Name: "create:items", Description: text, Changes: true}, {Name: text}, {Name: "offline_access"}},
			})
		}},
		{"hop", false, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Hop(w, r, 200, login.HopPage{Frame: frame(text), Target: "https://kitchen.example/survey?state=abc"})
		}},
		{"logged-out", false, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.LoggedOut(w, r, 200, login.LoggedOutPage{Frame: frame(text), At: noon(), Others: true, LoginURL: "/u/login"})
		}},
		{"logout-confirm", true, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.LogoutConfirm(w, r, 200, login.LogoutConfirmPage{Frame: frame(text), Form: form(text), Account: text, StayURL: "/"})
		}},
		{"error", false, func(p *login.Pages, w http.ResponseWriter, r *http.Request, text string) error {
			return p.Error(w, r, 403, login.ErrorPage{
				Frame: frame(text), Fault: login.FaultCallback, Code: text, Description: text, Reference: text, Developer: text, RestartURL: "/u/login",
			})
		}},
	}
}

// get draws a page.
func get(t testing.TB, p *login.Pages, d draw, text string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/u/page", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	if err := d.page(p, w, r, text); err != nil {
		t.Fatalf("%s: %v", d.name, err)
	}
	return w
}
