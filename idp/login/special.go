package login

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// A Fault names what a person cannot mend on the page: [Pages.Error] has a
// title, a sentence and advice for each.
type Fault string

// The faults.
const (
	FaultRequest       Fault = "request"        // the application asked for something that does not exist
	FaultCallback      Fault = "callback"       // the address to return to is not registered
	FaultLogoutURL     Fault = "logout_url"     // the same at log-out
	FaultUnknownClient Fault = "unknown_client" // no such application
	FaultWebOrigin     Fault = "web_origin"     // no origin is registered for an answer by message
	FaultExpired       Fault = "expired"        // the transaction is over, or began in another browser
	FaultNoCookies     Fault = "no_cookies"     // the browser sent none that we set
	FaultTicket        Fault = "ticket"         // a link is used, too old or not whole
	FaultNameTaken     Fault = "name_taken"     // a link came too late for its user name
	FaultSignupClosed  Fault = "signup_closed"  // a link came when nobody may sign up any more
	FaultLogInFirst    Fault = "log_in_first"   // a link is for who is logged in to the account here
	FaultForm          Fault = "form"           // a form came from elsewhere or was open for too long
	FaultNotFound      Fault = "not_found"      // there is no such page
	FaultTooMany       Fault = "too_many"       // slow down
	FaultBusy          Fault = "busy"           // 503
	FaultOwn           Fault = "own"            // 500
)

// An ErrorPage says why it goes no further. It never redirects.
type ErrorPage struct {
	Frame
	Fault Fault
	// Code is the OAuth error code, if there is one.
	Code string
	// Description is the technical sentence, in English. It is shown small, as text, where
	// the application is what is wrong; of everything else the page itself says all there is.
	Description string
	// Reference finds the event in the log.
	Reference string
	// RestartURL begins again: a path, or a registered address. Empty leaves the
	// button out.
	RestartURL string
	// Developer explains what to change, on a provider under development only.
	Developer string
}

// ofApplication reports whether it is for the makers of the application to mend.
func (f Fault) ofApplication() bool {
	switch f {
	case FaultRequest, FaultCallback, FaultLogoutURL, FaultUnknownClient, FaultWebOrigin:
		return true
	default:
		return false
	}
}

// Error writes the page for what cannot be mended in place.
func (p *Pages) Error(w http.ResponseWriter, r *http.Request, status int, data ErrorPage) error {
	if !data.Fault.ofApplication() {
		data.Description = ""
	}
	v := p.view(r, "error", "open fault", data, data.Frame)
	v.fault = "error." + string(data.Fault)
	if !v.speaker.has(v.fault + ".heading") {
		v.fail(fmt.Errorf("there is no fault %q", data.Fault))
	}
	v.slot("reference", data.Reference)
	v.developer = data.Developer
	v.away("restart", data.RestartURL)
	return v.write(w, status)
}

// advice cuts the command off that a developer is told to run.
func advice(text string) (words, command string) {
	words, command, found := strings.Cut(text, ": gate ")
	if !found {
		return text, ""
	}
	return words + ":", "gate " + command
}

// Advice is what a developer is told, and Command what they copy.
func (v *view) Advice() string {
	words, _ := advice(v.developer)
	return words
}

// Command is what a developer copies; may be empty.
func (v *view) Command() string {
	_, command := advice(v.developer)
	return command
}

// A WebMessagePage hands the answer to the window that opened or frames it:
// response_mode=web_message.
type WebMessagePage struct {
	Frame
	// Origin is the registered origin that the message is for, and the only one
	// that may frame the page: "https://app.example". Required.
	Origin string
	// Response is the answer: code and state, or error, error_description, state.
	Response map[string]string
}

// WebMessage writes the page that posts
// {"type":"authorization_response","response":{…}} to the window that opened it,
// else to the one that frames it.
func (p *Pages) WebMessage(w http.ResponseWriter, r *http.Request, status int, data WebMessagePage) error {
	data.Targets, data.Here = nil, ""
	v := p.view(r, "web-message", "set", data, data.Frame)
	origin, err := webOrigin(data.Origin)
	if err == nil && origin != data.Origin {
		err = fmt.Errorf("%q is an address, the message needs its origin %q", data.Origin, origin)
	}
	if err == nil && strings.Contains(origin, "[") {
		err = fmt.Errorf("a policy cannot name %q, which is an IPv6 address", data.Origin) // and then nobody could frame the page
	}
	v.fail(err)
	response, err := json.Marshal(data.Response)
	v.fail(err)
	v.Message, v.framer = string(response), data.Origin
	return v.write(w, status)
}

// policyOf is the Content-Security-Policy of a page.
func (v *view) policyOf() string {
	if v.framer != "" {
		return "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors " + v.framer
	}
	form := "'none'"
	if v.hasForm {
		form = strings.Join(append([]string{"'self'"}, v.targets...), " ")
	}
	return "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action " + form + "; base-uri 'none'; frame-ancestors 'none'"
}

// CommandWords is Command, cut where a line may end: no page breaks a flag or an
// ID at a hyphen.
func (v *view) CommandWords() []string {
	return strings.Split(v.Command(), " ")
}
