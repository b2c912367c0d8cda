package accountpages

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/markup"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/runtime/model"
)

func isCode(err error, code gate.Code) bool {
	refusal, ok := errors.AsType[*gate.AuthError](err)
	return ok && refusal.Code == code
}

// letters reports whether there are the pages of [Letters].
func (p *pages) letters() bool { return p.exists != nil }

// signsUp reports whether strangers make accounts here.
func (p *pages) signsUp() bool { return p.routes["/signup"].get != nil }

// loginIsEmail reports whether people log in with an address.
func (p *pages) loginIsEmail() bool {
	login, _, _ := p.browser.Fields()
	if p.users == nil {
		return false
	}
	e := p.users.Entity()
	f, ok := e.Field(login)
	return ok && e.Fields[f].Type == model.Email
}

func (p *pages) loginKind() string {
	if p.loginIsEmail() {
		return "email"
	}
	return "text"
}

// done are the notes after something was done, by the word in the address.
var done = map[string]string{
	"password": "Your password is changed. Every other device was logged out.",
	"email":    "A link to confirm the new address is on its way to it.",
	"verify":   "A link to confirm your address is on its way.",
}

func (p *pages) showAccount(v *visit) error {
	profile, err := p.browser.Profile(v.r, v.person)
	if err != nil {
		return err
	}
	note := markup.Part{}
	if text := done[v.r.URL.Query().Get("done")]; text != "" {
		note = good(text)
	}
	item := func(name string, value markup.Part, path, verb, of string) markup.Part {
		return markup.El("li", markup.El("div", markup.El("h2", markup.Text(name)), markup.El("p", value)),
			markup.El("a", markup.Attr("class", "btn small"), markup.Attr("href", Path+path), markup.Attr("aria-label", verb+" "+of), markup.Text(verb)))
	}
	items := []markup.Part{markup.Attr("class", "items sec")}
	login := markup.El("div", markup.El("h2", markup.Text(p.loginLabel())), markup.El("p", bdi(profile.Login)))
	if p.letters() {
		address := []markup.Part{bdi(profile.Email), markup.Text(" "), markup.El("span", markup.Attr("class", "tag"), markup.Text("confirmed"))}
		if !profile.EmailVerified {
			address[2] = markup.El("span", markup.Attr("class", "tag"), markup.Text("not confirmed"))
		}
		if !p.loginIsEmail() {
			items = append(items, markup.El("li", login))
		}
		items = append(items, item("E-mail address", markup.All(address...), "/email", "Change", "e-mail address"))
	} else {
		items = append(items, markup.El("li", login))
	}
	items = append(items,
		item("Password", markup.Text("What you log in with."), "/password", "Change", "password"),
		item("Devices", markup.Text("Where you are logged in."), "/devices", "Show", "devices"))
	if p.routes["/keys"].get != nil {
		items = append(items, item("API keys", markup.Text("What programs act with in your name."), "/keys", "Show", "API keys"))
	}
	v.show(http.StatusOK, sheet{
		title: "Account", account: profile.Login, note: note,
		lead: markup.All(markup.Text("Who you are to "), markup.El("strong", markup.Text(p.service)), markup.Text(".")),
		work: markup.All(markup.El("ul", items...), markup.If(p.letters() && !profile.EmailVerified && profile.Email != "",
			markup.El("form", markup.Attr("class", "after"), markup.Attr("method", "post"), markup.Attr("action", Path+"/verify"),
				markup.El("button", markup.Attr("class", "btn small"), markup.Attr("type", "submit"), markup.Text("Send the link again"))))),
	})
	return nil
}

func (p *pages) showPassword(v *visit) error {
	return p.passwordSheet(v, http.StatusOK, "", "", "")
}

// passwordSheet is the form, with what is wrong with either password.
func (p *pages) passwordSheet(v *visit, status int, problem, current, fresh string) error {
	profile, err := p.browser.Profile(v.r, v.person)
	if err != nil {
		return err
	}
	s := sheet{title: "Change your password", account: profile.Login, problem: problem, lead: markup.Text("Every other device is logged out.")}
	if problem != "" && current == "" && fresh == "" {
		s.note = bad(problem)
	}
	s.work = form("/password", "Save password",
		field{name: "username", label: p.loginLabel(), autocomplete: "username", value: profile.Login, readonly: true}.part(),
		field{name: "current", label: "Current password", autocomplete: "current-password", problem: current, focus: fresh == ""}.password(),
		field{name: "password", label: "New password", autocomplete: "new-password", hint: p.passwordHint(), problem: fresh, focus: fresh != ""}.password())
	v.show(status, s)
	return nil
}

func (p *pages) passwordHint() string {
	return "At least " + strconv.Itoa(password.Policy{}.Least()) + " characters. Four unrelated words are easy to remember and hard to guess."
}

// changePassword changes it, and logs in with the new one: the session of before has
// ended with the others.
func (p *pages) changePassword(v *visit) error {
	profile, err := p.browser.Profile(v.r, v.person)
	if err != nil {
		return err
	}
	err = p.browser.Flows(v.person).ChangePassword(v.r.Context(), v.person, v.typed("current"), v.typed("password"))
	e := answered(err)
	switch {
	case err == nil:
		if err := p.browser.LogIn(v.w, v.r, profile.Login, v.typed("password")); err != nil {
			v.again()
			return nil
		}
		v.to(Path + "?done=password")
		return nil
	case stepUp(err):
		v.again()
		return nil
	case e.Status == http.StatusUnauthorized && isCode(err, gate.ErrInvalidCredentials),
		e.Status == http.StatusBadRequest && isCode(err, gate.ErrBadRequest):
		return p.passwordSheet(v, http.StatusBadRequest, "Not changed: check the current password", "The current password is not right.", "")
	case e.Status == http.StatusBadRequest:
		return p.passwordSheet(v, http.StatusBadRequest, "Not changed: choose another password", "", passwordWords(e.Message))
	case e.Status == http.StatusTooManyRequests:
		v.retry(e)
		return p.passwordSheet(v, e.Status, "Too many tries. Wait 15 minutes.", "", "")
	}
	return err
}

// passwordWords says why a new password is refused.
func passwordWords(message string) string {
	message = strings.TrimPrefix(message, "The password ")
	if strings.Contains(message, "leaked") {
		return "This password appears in lists of leaked passwords. Choose another."
	}
	return "The password " + strings.TrimSuffix(message, ".") + ". Choose another."
}
