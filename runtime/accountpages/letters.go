package accountpages

import (
	"net/http"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/markup"
)

// Letters adds the pages of a service that writes to people: to set a forgotten password
// anew, to confirm an address and to change it. One that writes to nobody, as while it
// runs a command of its operator, has none of them.
func Letters() Option {
	return func(p *pages) error {
		if !p.browser.Letters() {
			return nil
		}
		p.exists = p.browser.Flows(nil).AlreadyThere
		p.routes["/forgot"] = route{get: p.showForgot, post: p.forgot}
		p.routes["/verify"] = route{get: p.showVerify, post: p.resend}
		p.routes["/email"] = route{get: p.showEmail, post: p.changeEmail, own: true}
		return nil
	}
}

func (p *pages) showForgot(v *visit) error {
	v.show(http.StatusOK, p.forgotSheet(sheet{}, "", ""))
	return nil
}

func (p *pages) forgotSheet(s sheet, value, problem string) sheet {
	s.state, s.title, s.problem = "open", "Reset your password", problem
	s.lead = markup.Text("Give us your " + strings.ToLower(p.loginLabel()) + " and we send you a link. It works once, for 30 minutes.")
	s.work = markup.All(
		form("/forgot", "Send link", field{
			name: "login", label: p.loginLabel(), kind: p.loginKind(), autocomplete: "username", value: value, focus: true, max: "254",
			problem: sentence(problem),
		}.part()),
		after(markup.Text("Remembered it? "), link("/login", "Log in")))
	return s
}

// forgot has a link sent, if there is such an account. The answer is the same when
// there is none.
func (p *pages) forgot(v *visit) error {
	name := strings.TrimSpace(v.form["login"])
	err := p.browser.Flows(nil).Forgot(v.r.Context(), name)
	if isCode(err, gate.ErrBadRequest) {
		v.show(http.StatusBadRequest, p.forgotSheet(sheet{}, name, answered(err).Message))
		return nil
	}
	if err != nil {
		return err
	}
	v.show(http.StatusOK, sheet{
		state: "open", title: "Check your e-mail", life: "30 minutes",
		lead: markup.All(markup.Text("If "), bdi(name), markup.Text(" has an account, a link to set a new password is on its way.")),
		note: markup.El("div", markup.Attr("class", "note"), markup.El("p",
			markup.Text("Nothing after five minutes? Look in the spam folder, or check the address for a typing mistake."))),
		work: markup.All(
			markup.El("form", markup.Attr("class", "form"), markup.Attr("method", "post"), markup.Attr("action", Path+"/forgot"), hidden("login", name),
				markup.El("button", markup.Attr("class", "btn"), markup.Attr("type", "submit"), markup.Text("Send again"))),
			after(link("/forgot", "Use another address"))),
	})
	return nil
}

func (p *pages) showEmail(v *visit) error {
	return p.emailSheet(v, http.StatusOK, "", "", "")
}

// emailSheet is the form for another address, with what is wrong with either field.
func (p *pages) emailSheet(v *visit, status int, problem, email, current string) error {
	profile, err := p.browser.Profile(v.r, v.person)
	if err != nil {
		return err
	}
	s := sheet{title: "Change your e-mail address", account: profile.Login, problem: problem}
	s.lead = markup.All(markup.Text("We send a link to the new address. It counts when that link was opened; until then letters go to "), bdi(profile.Email), markup.Text("."))
	if problem != "" && email == "" && current == "" {
		s.note = bad(sentence(problem))
	}
	s.work = form("/email", "Send link",
		field{name: "email", label: "New e-mail address", kind: "email", autocomplete: "email", value: v.form["email"], problem: email, focus: current == "", max: "254"}.part(),
		field{name: "current", label: "Current password", autocomplete: "current-password", problem: current, focus: current != ""}.password())
	v.show(status, s)
	return nil
}

// changeEmail has a link sent to the new address. Whether somebody has it already is not
// told.
func (p *pages) changeEmail(v *visit) error {
	current := v.typed("current")
	if current == "" { // a log-in of a moment ago does for the API; a form asks
		return p.emailSheet(v, http.StatusBadRequest, "Not changed: check the current password", "", "The current password is not right.")
	}
	err := p.browser.Flows(v.person).ChangeEmail(v.r.Context(), v.person, v.form["email"], current)
	e := answered(err)
	switch {
	case err == nil:
		v.to(Path + "?done=email")
		return nil
	case stepUp(err):
		v.again()
		return nil
	case e.Status == http.StatusUnauthorized && isCode(err, gate.ErrInvalidCredentials), isCode(err, gate.ErrBadRequest):
		return p.emailSheet(v, http.StatusBadRequest, "Not changed: check the current password", "", "The current password is not right.")
	case e.Status == http.StatusBadRequest:
		return p.emailSheet(v, http.StatusBadRequest, "Not changed: check the address", "This is not an e-mail address.", "")
	case e.Status == http.StatusTooManyRequests:
		v.retry(e)
		return p.emailSheet(v, e.Status, "Too many tries. Wait 15 minutes", "", "")
	}
	return err
}

// verify has the link sent again that confirms the address.
func (p *pages) verify(v *visit) error {
	if err := p.browser.Flows(v.person).SendVerification(v.r.Context(), v.person); err != nil {
		return err
	}
	v.to(Path + "?done=verify")
	return nil
}

// showVerify is for whoever cannot log in before the address is confirmed.
func (p *pages) showVerify(v *visit) error {
	v.show(http.StatusOK, p.verifySheet("", ""))
	return nil
}

func (p *pages) verifySheet(value, problem string) sheet {
	return sheet{
		state: "open", title: "Confirm your e-mail address", problem: problem,
		lead: markup.Text("Give us your " + strings.ToLower(p.loginLabel()) + " and we send you the link again."),
		work: markup.All(
			form("/verify", "Send link", field{
				name: "login", label: p.loginLabel(), kind: p.loginKind(), autocomplete: "username", value: value, focus: true, max: "254",
				problem: sentence(problem),
			}.part()),
			after(link("/login", "Log in"))),
	}
}

// resend has the link sent again, if there is such an account whose address is not
// confirmed. The answer is the same when there is none.
func (p *pages) resend(v *visit) error {
	if v.person != nil {
		return p.verify(v)
	}
	name := strings.TrimSpace(v.form["login"])
	err := p.browser.Flows(nil).ResendVerification(v.r.Context(), name)
	if isCode(err, gate.ErrBadRequest) {
		v.show(http.StatusBadRequest, p.verifySheet(name, answered(err).Message))
		return nil
	}
	if err != nil {
		return err
	}
	v.show(http.StatusOK, sheet{
		state: "open", title: "Check your e-mail",
		lead: markup.All(markup.Text("If "), bdi(name), markup.Text(" has an account with an address to confirm, a link is on its way.")),
		work: after(link("/login", "Log in")),
	})
	return nil
}
