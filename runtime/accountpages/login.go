package accountpages

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/markup"
)

// loginLabel is what people call that which they log in with.
func (p *pages) loginLabel() string {
	if p.loginIsEmail() {
		return "E-mail address"
	}
	return "User name"
}

// showLogin shows the form, unless somebody is logged in who came for nothing else.
func (p *pages) showLogin(v *visit) error {
	if v.person != nil && v.r.URL.Query().Get("again") == "" {
		v.to(v.after())
		return nil
	}
	v.show(http.StatusOK, p.loginSheet(v, sheet{}, ""))
	return nil
}

// after is where a log-in leads.
func (v *visit) after() string {
	if next := v.next(); next != "" {
		return next
	}
	return v.home
}

// logIn logs in, and goes on to where the person was about to go.
func (p *pages) logIn(v *visit) error {
	name := strings.TrimSpace(v.form["login"])
	err := p.browser.LogIn(v.w, v.r, name, v.typed("password"))
	if err == nil {
		v.to(v.after())
		return nil
	}
	e := answered(err)
	var s sheet
	switch e.Status {
	case http.StatusUnauthorized, http.StatusBadRequest: // what cannot be a password is not the right one
		e.Status = http.StatusUnauthorized
		s.problem = "Not logged in: check your details"
		do := []markup.Part{markup.Text("Check both and try again.")}
		if p.letters() {
			do = []markup.Part{markup.Text("Check both and try again, or "), link("/forgot", "reset your password"), markup.Text(".")}
		}
		s.note = bad(p.wrong(), do...)
	case http.StatusTooManyRequests:
		s.problem = "Too many tries"
		do := []markup.Part{markup.Text("Wait 15 minutes.")}
		if p.letters() {
			do = []markup.Part{markup.Text("Wait 15 minutes, or "), link("/forgot", "reset your password"), markup.Text(".")}
		}
		s.note = bad("Too many tries.", do...)
	case http.StatusServiceUnavailable:
		s.problem, s.note = "Not logged in: try again", bad(busyWords(e.RetryAfter))
	default:
		return err
	}
	v.retry(e)
	v.show(e.Status, p.loginSheet(v, s, name))
	return nil
}

// wrong is the one answer to every log-in that is refused.
func (p *pages) wrong() string {
	if p.loginIsEmail() {
		return "The e-mail address or the password is not right."
	}
	return "The user name or the password is not right."
}

// loginSheet is the form. What is wrong with it is in s already.
func (p *pages) loginSheet(v *visit, s sheet, name string) sheet {
	described := ""
	if strings.HasPrefix(s.problem, "Not logged in: check") {
		described = "problem"
	}
	login := field{
		name: "login", label: p.loginLabel(), kind: p.loginKind(), autocomplete: "username", value: name,
		focus: s.problem == "", described: described, max: "254",
	}
	secret := field{name: "password", label: "Password", autocomplete: "current-password", focus: s.problem != "", described: described}
	s.state, s.title = "open", "Log in"
	s.lead = markup.All(markup.Text("to continue to "), markup.El("strong", markup.Text(p.service)))
	next := v.next()
	s.work = markup.All(
		form("/login", "Log in", markup.If(next != "", hidden("next", next)), login.part(),
			secret.password(markup.If(p.letters(), link("/forgot", "Forgot password?")))),
		markup.If(p.signsUp(), after(markup.Text("New here? "), link("/signup"+query(next), "Create an account"))),
		markup.If(p.browser.Confirm(), after(markup.Text("No letter to confirm your address? "), link("/verify", "Send it again"))))
	return s
}

// query is what leads on to the same page after another form.
func query(next string) string {
	if next == "" {
		return ""
	}
	return "?" + url.Values{"next": {next}}.Encode()
}

// showLogout asks whoever opened the address: links do not log out.
func (p *pages) showLogout(v *visit) error {
	if v.person == nil {
		v.to(Path + "/logged-out")
		return nil
	}
	v.show(http.StatusOK, sheet{
		state: "set", title: "Log out?", lead: markup.All(markup.Text("of "), markup.El("strong", markup.Text(p.service)), markup.Text(" on this device.")),
		work: markup.All(form("/logout", "Log out"), after(link("", "Stay logged in"))),
	})
	return nil
}

// logOut ends the session of the browser.
func (p *pages) logOut(v *visit) error {
	if err := p.browser.LogOut(v.w, v.r); err != nil {
		return err
	}
	v.to(Path + "/logged-out")
	return nil
}

func (p *pages) showLoggedOut(v *visit) error {
	if v.person != nil {
		v.to(Path)
		return nil
	}
	v.show(http.StatusOK, sheet{
		state: "open", title: "You are logged out",
		lead: markup.All(markup.Text("of "), markup.El("strong", markup.Text(p.service)), markup.Text(" on this device.")),
		work: markup.All(
			markup.El("div", markup.Attr("class", "form"), markup.El("a", markup.Attr("class", "btn primary"), markup.Attr("href", Path+"/login"), markup.Text("Log in again"))),
			after(markup.Text("On a shared computer, close the browser too. To log out your other devices, log in and open "), link("/devices", "Devices"), markup.Text("."))),
	})
	return nil
}

// again sends somebody to log in who has not for a while, and then back to the page.
func (v *visit) again() {
	v.to(Path + "/login?" + url.Values{"again": {"1"}, "next": {Path + v.path}}.Encode())
}

// stepUp reports whether an error asks for a log-in of a moment ago.
func stepUp(err error) bool { return isCode(err, gate.ErrStepUpRequired) }
