package accountpages

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/markup"
	"github.com/gatewright/gate/runtime/model"
)

// asked returns the fields that a form to sign up asks for, in the order of the entity:
// those that an account cannot be without, and the name. It is false where strangers
// make no accounts, or where what an account needs is no question for a form.
func (p *pages) asked() ([]*model.Field, bool) {
	may, _ := p.users.May(context.Background())
	e := p.users.Entity()
	login, _, secret := p.browser.Fields()
	if may.Create == "" || !slices.Contains(may.Fields.Create, login) || !slices.Contains(may.Fields.Create, secret) {
		return nil, false
	}
	var list []*model.Field
	for i := range e.Fields {
		f := &e.Fields[i]
		mine := slices.Contains(may.Fields.Create, f.Name)
		needed := f.Required && !f.ReadOnly && f.Computed == nil && !f.HasDefault() && f.Type != model.Roles
		switch {
		case f.Name == login || f.Name == secret || needed && mine && inputs[f.Type] != "":
			list = append(list, f)
		case needed && f.Type != model.ID && f.Type != model.CreatedAt && f.Type != model.UpdatedAt:
			return nil, false
		case f.Name == "name" && mine && inputs[f.Type] != "":
			list = append(list, f)
		}
	}
	return list, true
}

// inputs are the types of inputs, by those of the fields that a form asks for.
var inputs = map[model.Type]string{
	model.Text: "text", model.LongText: "text", model.Username: "text", model.Email: "email", model.URL: "url",
	model.Integer: "number", model.DecimalType: "text", model.Float: "text", model.DateType: "date",
	model.Enum: "select", model.Boolean: "checkbox", model.Password: "password",
}

func (p *pages) showSignUp(v *visit) error {
	if v.person != nil {
		v.to(v.after())
		return nil
	}
	v.show(http.StatusOK, p.signUpSheet(v, sheet{}, nil))
	return nil
}

// signUp makes an account by the gate that a POST of the API goes through.
func (p *pages) signUp(v *visit) error {
	if v.person != nil {
		v.to(v.after())
		return nil
	}
	login, _, secret := p.browser.Fields()
	_, err := p.users.CreateRow(v.r.Context(), p.newAccount(v), nil)
	var problems model.Problems
	if e, ok := errors.AsType[*gate.Error](err); ok {
		problems, _ = e.Errors.(model.Problems)
	}
	taken := len(problems) == 1 && problems[0].Field == login && problems[0].Code == model.CodeTaken
	name := strings.TrimSpace(v.form[login])
	switch {
	case taken && p.tellsNothing():
		if err := p.exists(v.r.Context(), name); err != nil {
			return err
		}
		return p.welcome(v, name)
	case err == nil && p.tellsNothing():
		return p.welcome(v, name)
	case err == nil:
		if err := p.browser.LogIn(v.w, v.r, name, v.typed(secret)); err != nil {
			v.to(Path + "/login" + query(v.next()))
			return nil
		}
		v.to(v.after())
		return nil
	case len(problems) == 0:
		return err
	}
	e := answered(err)
	s := sheet{problem: "Not created: check your details"}
	if n := len(problems); n > 1 {
		s.problem = "Not created: check " + strconv.Itoa(n) + " details"
	}
	v.show(e.Status, p.signUpSheet(v, s, problems))
	return nil
}

// tellsNothing reports whether a letter tells what the page does not: that somebody has
// the address already.
func (p *pages) tellsNothing() bool { return p.exists != nil && p.loginIsEmail() }

// welcome is what new accounts and those that were there are answered.
func (p *pages) welcome(v *visit, address string) error {
	v.show(http.StatusOK, sheet{
		state: "open", title: "Confirm your e-mail address",
		lead: markup.All(markup.Text("We sent a message to "), markup.El("strong", bdi(address)), markup.Text(". Open its link.")),
		note: markup.El("div", markup.Attr("class", "note"), markup.El("p",
			markup.Text("Nothing after five minutes? Look in the spam folder, or check the address for a typing mistake."))),
		work: after(link("/login"+query(v.next()), "Log in"), markup.Text(" or "), link("/signup"+query(v.next()), "use another address")),
	})
	return nil
}

// newAccount returns the row that the form describes. What it does not have is left out,
// and what makes no sense is for the entity to refuse.
func (p *pages) newAccount(v *visit) []byte {
	list, _ := p.asked()
	body := []byte("{")
	for _, f := range list {
		text := strings.TrimSpace(v.form[f.Name])
		if f.Type == model.Password {
			text = v.typed(f.Name)
		}
		if text == "" && f.Type != model.Boolean {
			continue
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(model.AppendString(body, f.Name), ':')
		switch number := json.Valid([]byte(text)) && strings.Trim(text, "-.0123456789") == ""; {
		case f.Type == model.Boolean:
			body = strconv.AppendBool(body, text == "1")
		case number && !f.Quoted && (f.Type == model.Integer || f.Type == model.DecimalType || f.Type == model.Float):
			body = append(body, text...)
		default:
			body = model.AppendString(body, text)
		}
	}
	return append(body, '}')
}

// signUpSheet is the form. It has what was sent before, but for the password.
func (p *pages) signUpSheet(v *visit, s sheet, problems model.Problems) sheet {
	list, _ := p.asked()
	login, _, _ := p.browser.Fields()
	said := map[string]string{}
	for _, problem := range problems {
		if said[problem.Field] == "" {
			said[problem.Field] = problem.Message
		}
	}
	var fields []markup.Part
	focused := false
	for _, f := range list {
		in := field{
			name: f.Name, label: label(f.Name), kind: inputs[f.Type], value: v.form[f.Name], optional: !f.Required && f.Name != login,
			hint: f.Description, focus: !focused && (len(problems) == 0 || said[f.Name] != ""),
		}
		switch f.Name {
		case login:
			in.label, in.autocomplete, in.hint, in.max = p.loginLabel(), "username", "", "254"
		case "name":
			in.autocomplete = "name"
		}
		if message := said[f.Name]; message != "" {
			in.problem = in.label + " " + message + "."
			delete(said, f.Name)
		}
		focused = focused || in.focus
		switch in.kind {
		case "password":
			in.hint, in.autocomplete = p.passwordHint(), "new-password"
			if in.problem != "" {
				in.problem = passwordWords(strings.TrimPrefix(in.problem, in.label+" "))
			}
			fields = append(fields, in.password())
		case "select":
			fields = append(fields, in.choice(f.Values))
		case "checkbox":
			fields = append(fields, in.box())
		default:
			if f.MaxLength > 0 {
				in.max = strconv.Itoa(f.MaxLength)
			}
			fields = append(fields, in.part())
		}
	}
	var more []string // of fields that the form does not have
	for _, message := range said {
		more = append(more, sentence(message))
	}
	slices.Sort(more)
	if len(more) > 0 {
		s.note = bad("The account was not created.", markup.Text(strings.Join(more, " ")))
	}
	next := v.next()
	s.state, s.title = "open", "Create an account"
	s.lead = markup.All(markup.Text("for "), markup.El("strong", markup.Text(p.service)))
	s.work = markup.All(
		form("/signup", "Create account", append([]markup.Part{markup.If(next != "", hidden("next", next))}, fields...)...),
		after(markup.Text("Already have an account? "), link("/login"+query(next), "Log in")))
	return s
}

// label is what people call a field: birthDate is "Birth date".
func label(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case i == 0:
			r = unicode.ToUpper(r)
		case unicode.IsUpper(r):
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// choice is a field with the values of an enum.
func (f field) choice(values []string) markup.Part {
	parts := []markup.Part{
		markup.Attr("id", f.name), markup.Attr("name", f.name), markup.If(!f.optional, markup.Flag("required")),
		f.describedBy(), f.invalid(), markup.If(f.focus, markup.Flag("autofocus")),
		markup.El("option", markup.Attr("value", ""), markup.Text("Choose")),
	}
	for _, value := range values {
		parts = append(parts, markup.El("option", markup.Attr("value", value), markup.If(value == f.value, markup.Flag("selected")), markup.Text(label(value))))
	}
	return markup.El("div", markup.Attr("class", "field"), f.head(), markup.El("select", parts...), f.tail())
}

// box is a field that is yes or no.
func (f field) box() markup.Part {
	return markup.El("div", markup.Attr("class", "field"),
		markup.El("label", markup.Attr("class", "check"),
			markup.El("input", markup.Attr("type", "checkbox"), markup.Attr("id", f.name), markup.Attr("name", f.name), markup.Attr("value", "1"),
				markup.If(f.value == "1", markup.Flag("checked")), f.describedBy(), f.invalid(), markup.If(f.focus, markup.Flag("autofocus"))),
			markup.Text(" "+f.label)),
		f.tail())
}
