package login

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Text returns a message for a title, a label or an attribute.
func (v *view) Text(key string) string { return v.speaker.plain(key, v.slots) }

// Heading returns a message whose "e-mail" does not break at its hyphen.
func (v *view) Heading(key string) template.HTML {
	text := template.HTMLEscapeString(v.Text(key))
	for _, word := range []string{"E-Mail-Adresse", "E-Mail", "e-mails", "e-mail"} {
		if before, after, ok := strings.Cut(text, word); ok {
			text = before + `<span class="nb">` + word + `</span>` + after
			break
		}
	}
	return template.HTML(text) //nolint:gosec // escaped above
}

// Rich returns a message with links and strong words.
func (v *view) Rich(key string) template.HTML { return v.speaker.rich(key, v.slots, v.Links) }

// Title is the title of the window: it begins with the problem.
func (v *view) Title() string {
	title := v.Text(v.Topic() + ".heading")
	if len(v.Problems) > 0 {
		return v.Text("problem.prefix") + " " + title
	}
	return title
}

// Topic begins the keys of the page.
func (v *view) Topic() string {
	if v.fault != "" {
		return v.fault
	}
	return v.name
}

// Fault returns a message of the fault of an error page.
func (v *view) Fault(part string) template.HTML { return v.Rich(v.fault + "." + part) }

// Problem returns the sentence for a problem.
func (v *view) Problem(p Problem) template.HTML {
	if p.Code == Refused && p.Message != "" {
		return template.HTML(template.HTMLEscapeString(p.Message)) //nolint:gosec // escaped
	}
	key := "problem." + string(p.Code)
	if v.usernames && v.speaker.has(key+".names") {
		key += ".names"
	}
	return v.speaker.rich(key, v.problemSlots(p), v.Links)
}

// Remedy returns what to do about a problem of the whole page, if there is more
// to say than the problem.
func (v *view) Remedy(p Problem) template.HTML {
	key := "problem." + string(p.Code) + ".do"
	if p.Code == Refused || !v.speaker.has(key) {
		return ""
	}
	return v.speaker.rich(key, v.problemSlots(p), v.Links)
}

func (v *view) problemSlots(p Problem) map[string]string {
	slots := map[string]string{
		"duration": v.speaker.duration(p.Wait), "provider": p.Provider,
		"length": strconv.Itoa(v.Policy.MinLength), "classes": strconv.Itoa(v.Policy.Classes),
	}
	for _, name := range []string{"application", "tenant", "host"} {
		slots[name] = v.slots[name]
	}
	return slots
}

// field says which input a problem is about; empty is the whole page.
func field(c Code) string {
	switch c {
	case MissingIdentifier, InvalidEmail:
		return "identifier"
	case InvalidUsername, UsernameTaken:
		return "username"
	case MissingPassword, PasswordTooShort, PasswordTooWeak, PasswordRepeats, PasswordLeaked, PasswordCommon:
		return "password"
	}
	return ""
}

// At returns the problems of a field; those of the whole page are at "".
func (v *view) At(name string) []Problem {
	var list []Problem
	for _, p := range v.Problems {
		if field(p.Code) == name {
			list = append(list, p)
		}
	}
	return list
}

// Both reports whether identifier and password are wrong together.
func (v *view) Both() bool {
	return slices.ContainsFunc(v.Problems, func(p Problem) bool { return p.Code == WrongCredentials })
}

// First returns the field to begin with: the first that is wrong, else the first
// that is empty.
func (v *view) First() string {
	for _, f := range v.order {
		if len(v.At(f.name)) > 0 {
			return f.name
		}
	}
	for _, f := range v.order {
		if f.value == "" {
			return f.name
		}
	}
	return ""
}

// Steps says how far the person is.
func (v *view) Steps() string {
	return v.speaker.plain("fact.step.of", map[string]string{"step": strconv.Itoa(v.Frame.Step), "steps": strconv.Itoa(v.Frame.Steps)})
}

// A way is a connection and the view that draws it.
type way struct {
	View       *view
	Connection Connection
}

// With pairs a connection with the view, for a template that sees one thing.
func (v *view) With(c Connection) way { return way{v, c} }

// Demands returns what the policy asks for, one sentence each.
func (v *view) Demands() []string {
	var list []string
	if v.Policy.MinLength > 1 {
		list = append(list, v.Text("policy.length"))
	}
	if v.Policy.Classes > 1 {
		list = append(list, v.Text("policy.classes"))
	}
	if v.Policy.NoRepeats {
		list = append(list, v.Text("policy.repeats"))
	}
	if v.Policy.Classes <= 1 { // four words have one kind of characters
		list = append(list, v.Text("policy.tip"))
	}
	return list
}

// Way returns the words of a connection.
func (v *view) Way(c Connection) string {
	if c.Label != "" {
		return c.Label
	}
	return v.speaker.plain("way.continue", map[string]string{"provider": c.Name})
}

// Initial returns the letter for the square of a connection without an icon.
func (v *view) Initial(c Connection) string {
	first, _ := utf8.DecodeRuneInString(c.Name)
	if !unicode.IsLetter(first) && !unicode.IsDigit(first) {
		return "·"
	}
	return string(unicode.ToUpper(first))
}

// A moment is a time on the server, for people and for programs.
type moment struct {
	Machine, Human string
}

// Moment says a time: the hour on the same day, else the date too.
func (v *view) Moment(t time.Time) moment {
	t, now := t.UTC(), v.pages.now().UTC()
	human := t.Format(clock)
	if t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		human = v.speaker.moment(t)
	}
	return moment{Machine: t.Format(time.RFC3339), Human: human}
}

// Now is the time of the answer.
func (v *view) Now() moment {
	now := v.pages.now().UTC()
	return moment{Machine: now.Format(time.RFC3339), Human: now.Format("15:04:05\u00a0UTC")}
}

// scopes gives words to what the application asks for. openid says nothing that
// profile and email do not say.
func (v *view) scopes(list []Scope) {
	has := func(name string) bool {
		return slices.ContainsFunc(list, func(s Scope) bool { return s.Name == name })
	}
	for _, s := range list {
		if s.Name == "openid" && (has("profile") || has("email")) {
			continue
		}
		v.Scopes = append(v.Scopes, s)
	}
}

// ScopeTitle says what a scope is; it is empty when nobody does.
func (v *view) ScopeTitle(s Scope) string {
	if s.Description == "" && standard(s.Name) {
		return v.Text("scope." + s.Name)
	}
	return s.Description
}

// ScopeText explains a scope of OpenID Connect, and that nobody describes another
// one; it is empty for one that is described.
func (v *view) ScopeText(s Scope) string {
	switch {
	case s.Description != "":
		return ""
	case standard(s.Name):
		return v.Text("scope." + s.Name + ".text")
	}
	return v.Text("scope.other.text")
}

// standard reports whether a scope is one of OpenID Connect Core §5.4 and §11.
func standard(scope string) bool {
	return slices.Contains([]string{"openid", "profile", "email", "address", "phone", "offline_access"}, scope)
}

// ScopeNames are the names that the application sent.
func (v *view) ScopeNames(list []Scope) string {
	names := make([]string, 0, len(list))
	for _, s := range list {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// Away reports whether an address is elsewhere.
func (v *view) Away(address string) bool { return !strings.HasPrefix(address, "/") }
