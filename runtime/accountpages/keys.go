package accountpages

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/internal/markup"
)

// Keys adds the page of a service whose accounts have API keys: to make them, and to
// revoke them. It is an error where they have none.
func Keys() Option {
	return func(p *pages) error {
		if !p.browser.Keys() {
			return errors.New("the service has no API keys")
		}
		p.routes["/keys"] = route{get: p.showKeys, post: p.changeKeys, own: true}
		return nil
	}
}

// keyLives are for how many days a key works, the usual first.
var keyLives = []string{"90", "30", "365"}

// scopes returns what a key can be limited to: what the person may do.
func (v *visit) scopes() []string {
	list := append([]string{gate.ScopeOwner, authz.ScopeSignedIn}, v.person.Permissions...)
	slices.Sort(list[2:])
	return slices.Compact(list)
}

// scopeWords is what people call a scope.
func scopeWords(scope string) string {
	switch scope {
	case gate.ScopeOwner:
		return "What is yours"
	case authz.ScopeSignedIn:
		return "What everybody may who is logged in"
	}
	return scope
}

func (p *pages) showKeys(v *visit) error {
	if id := v.r.URL.Query().Get("revoke"); id != "" {
		return p.askRevoke(v, id)
	}
	return p.keysSheet(v, http.StatusOK, "", nil)
}

// keysSheet lists the keys above a form to make one. Problems are those of the form, by
// field.
func (p *pages) keysSheet(v *visit, status int, problem string, problems map[string]string) error {
	profile, list, err := p.keysOf(v)
	if err != nil {
		return err
	}
	s := sheet{
		title: "API keys", account: profile.Login, problem: problem,
		lead: markup.Text("Keys let programs act in your name, within the limits that you give them."),
	}
	if v.r.URL.Query().Get("done") == "revoke" {
		s.note = good("The key is revoked. Programs that have it are refused.")
	}
	items := []markup.Part{markup.Attr("class", "items sec")}
	for _, k := range list {
		items = append(items, v.key(k))
	}
	s.work = markup.If(len(list) == 0, markup.El("p", markup.Attr("class", "quiet after"), markup.Text("There are no keys yet.")))
	if len(list) > 0 {
		s.work = markup.El("ul", items...)
	}
	s.work = markup.All(s.work, p.keyForm(v, problems))
	v.show(status, s)
	return nil
}

func (p *pages) keysOf(v *visit) (account.Profile, []account.Key, error) {
	profile, err := p.browser.Profile(v.r, v.person)
	if err != nil {
		return profile, nil, err
	}
	list, err := p.browser.Flows(v.person).Keys(v.r.Context(), v.person)
	return profile, list, err
}

// key is a line of the list.
func (v *visit) key(k account.Key) markup.Part {
	used := markup.Text("never used")
	if !k.LastUsedAt.IsZero() {
		used = markup.All(markup.Text("last used "), v.when(k.LastUsedAt))
	}
	names := make([]string, len(k.Scopes))
	for i, scope := range k.Scopes {
		names[i] = scopeWords(scope)
	}
	return markup.El("li",
		markup.El("div", markup.El("h2", markup.Text(k.Name)),
			markup.El("p", markup.El("code", markup.Text(k.ID)), markup.Text(" · "), used, markup.Text(" · works until "), v.when(k.ExpiresAt)),
			markup.El("p", markup.Text(strings.Join(names, ", ")))),
		markup.El("a", markup.Attr("class", "btn small danger"), markup.Attr("href", Path+"/keys?revoke="+k.ID),
			markup.Attr("aria-label", "Revoke "+k.Name), markup.Text("Revoke")))
}

// keyForm makes a key. It takes a log-in of a moment ago, as the API does.
func (p *pages) keyForm(v *visit, problems map[string]string) markup.Part {
	title := markup.El("h2", markup.Attr("id", "new"), markup.Text("Make a key"))
	section := func(parts ...markup.Part) markup.Part {
		return markup.El("section", append([]markup.Part{markup.Attr("class", "sec"), markup.Attr("aria-labelledby", "new"), title}, parts...)...)
	}
	if v.person.RequireFresh(p.browser.StepUp(), v.now()) != nil {
		return section(after(markup.Text("This takes a log-in of a moment ago. "), link("/login?again=1&next=%2Faccount%2Fkeys", "Log in again")))
	}
	scopes := []markup.Part{
		markup.Attr("class", "field"), markup.El("legend", markup.Text("What it is for")),
		markup.If(problems["scopes"] != "", markup.El("p", markup.Attr("class", "error"), markup.Attr("id", "scopes-error"), markup.Text(problems["scopes"]))),
	}
	for _, scope := range v.scopes() {
		name := "scope " + scope
		scopes = append(scopes, markup.El("label", markup.Attr("class", "check"),
			markup.El("input", markup.Attr("type", "checkbox"), markup.Attr("name", name), markup.Attr("value", "1"), markup.If(v.form[name] == "1", markup.Flag("checked")),
				markup.If(problems["scopes"] != "", markup.Attr("aria-describedby", "scopes-error"))),
			markup.Text(" "+scopeWords(scope))))
	}
	days := []markup.Part{markup.Attr("id", "days"), markup.Attr("name", "days")}
	for _, n := range keyLives {
		days = append(days, markup.El("option", markup.Attr("value", n), markup.If(v.form["days"] == n, markup.Flag("selected")), markup.Text(n+" days")))
	}
	return section(form("/keys", "Make key",
		field{name: "name", label: "Name", hint: "What you call the program that gets it.", value: v.form["name"], problem: problems["name"], max: "100", focus: problems["name"] != ""}.part(),
		markup.El("fieldset", scopes...),
		markup.El("div", markup.Attr("class", "field"), markup.El("label", markup.Attr("for", "days"), markup.Text("Works for")), markup.El("select", days...))))
}

// askRevoke asks first, for a key does not come back.
func (p *pages) askRevoke(v *visit, id string) error {
	profile, list, err := p.keysOf(v)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(k account.Key) bool { return k.ID == id })
	if at < 0 {
		v.to(Path + "/keys")
		return nil
	}
	v.show(http.StatusOK, sheet{
		title: "Revoke this key?", account: profile.Login,
		lead: markup.All(markup.Text("Programs that have "), markup.El("strong", bdi(list[at].Name)), markup.Text(" are refused at once. It does not come back.")),
		work: markup.All(
			markup.El("form", markup.Attr("class", "form"), markup.Attr("method", "post"), markup.Attr("action", Path+"/keys"), hidden("revoke", id),
				markup.El("button", markup.Attr("class", "btn danger"), markup.Attr("type", "submit"), markup.Text("Revoke"))),
			after(link("/keys", "Keep it"))),
	})
	return nil
}

// changeKeys revokes a key, or makes one.
func (p *pages) changeKeys(v *visit) error {
	flows, ctx := p.browser.Flows(v.person), v.r.Context()
	if id := v.form["revoke"]; id != "" {
		err := flows.RevokeKey(ctx, v.person, id)
		if err != nil && answered(err).Status != http.StatusNotFound {
			return err
		}
		v.to(Path + "/keys?done=revoke")
		return nil
	}
	var scopes []string
	for name := range v.form {
		if scope, ok := strings.CutPrefix(name, "scope "); ok {
			scopes = append(scopes, scope)
		}
	}
	problems := map[string]string{}
	if len(scopes) == 0 {
		problems["scopes"] = "Choose one at least."
	}
	if strings.TrimSpace(v.form["name"]) == "" {
		problems["name"] = "Name is required."
	}
	if !slices.Contains(keyLives, v.form["days"]) {
		return &gate.Error{Status: http.StatusBadRequest}
	}
	if len(problems) > 0 {
		return p.keysSheet(v, http.StatusBadRequest, "Not made: check the form", problems)
	}
	days, err := strconv.Atoi(v.form["days"])
	if err != nil {
		return &gate.Error{Status: http.StatusBadRequest, Err: err}
	}
	key, text, err := flows.CreateKey(ctx, v.person, strings.TrimSpace(v.form["name"]), scopes, time.Duration(days)*24*time.Hour)
	switch e := answered(err); {
	case err == nil:
		return p.showKey(v, key, text)
	case stepUp(err):
		v.again()
		return nil
	case e.Status == http.StatusBadRequest || e.Status == http.StatusForbidden:
		return p.keysSheet(v, e.Status, "Not made: check the form", map[string]string{"name": "Name must be a line of 1 to 100 characters, and the limits yours to give."})
	}
	return err
}

// showKey shows the text of a new key, which nobody can read again.
func (p *pages) showKey(v *visit, k account.Key, text string) error {
	profile, err := p.browser.Profile(v.r, v.person)
	if err != nil {
		return err
	}
	v.show(http.StatusCreated, sheet{
		title: "Your new key", account: profile.Login,
		note: markup.El("div", markup.Attr("class", "note warn"), markup.Attr("role", "status"),
			markup.El("strong", markup.Text("Copy it now.")), markup.El("p", markup.Text("It is shown this once. Whoever has it acts in your name, within its limits."))),
		work: markup.El("section", markup.Attr("class", "sec"), markup.Attr("aria-labelledby", "key"),
			markup.El("h2", markup.Attr("id", "key"), bdi(k.Name)), markup.El("pre", markup.Attr("tabindex", "0"), markup.Attr("aria-labelledby", "key"), markup.Text(text)),
			after(link("/keys", "I have copied it"))),
	})
	return nil
}
