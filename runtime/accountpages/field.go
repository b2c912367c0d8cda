package accountpages

import (
	"strings"

	"github.com/gatewright/gate/internal/markup"
)

// A field is an input of a form with its label.
type field struct {
	name, label  string
	hint, value  string
	kind         string // type of the input; empty means text
	autocomplete string
	optional     bool
	focus        bool
	readonly     bool
	problem      string // what is wrong with the value
	described    string // id of a note that says what is wrong
	max          string // length, empty for none
}

// describedBy names what says more of an input.
func (f field) describedBy() markup.Part {
	var ids []string
	if f.hint != "" {
		ids = append(ids, f.name+"-hint")
	}
	if f.problem != "" {
		ids = append(ids, f.name+"-error")
	}
	if f.described != "" {
		ids = append(ids, f.described)
	}
	return markup.Opt("aria-describedby", strings.Join(ids, " "))
}

// head is what stands above the input.
func (f field) head() markup.Part {
	return markup.All(
		markup.El("label", markup.Attr("for", f.name), markup.Text(f.label),
			markup.If(f.optional, markup.All(markup.Text(" "), markup.El("span", markup.Attr("class", "quiet"), markup.Text("(optional)"))))),
		markup.If(f.hint != "", markup.El("p", markup.Attr("class", "hint"), markup.Attr("id", f.name+"-hint"), markup.Text(f.hint))))
}

// tail is what stands below it.
func (f field) tail() markup.Part {
	return markup.If(f.problem != "", markup.El("p", markup.Attr("class", "error"), markup.Attr("id", f.name+"-error"), markup.Text(f.problem)))
}

// invalid says that the value is wrong.
func (f field) invalid() markup.Part {
	return markup.If(f.problem != "" || f.described != "", markup.Attr("aria-invalid", "true"))
}

// part is a field of one line.
func (f field) part() markup.Part {
	kind := f.kind
	if kind == "" {
		kind = "text"
	}
	person := f.kind == "email" || f.autocomplete == "username"
	return markup.El("div", markup.Attr("class", "field"), f.head(),
		markup.El("input", markup.Attr("id", f.name), markup.Attr("name", f.name), markup.Attr("type", kind),
			markup.Opt("autocomplete", f.autocomplete), markup.Opt("maxlength", f.max),
			markup.If(person, markup.Attr("autocapitalize", "none")), markup.If(person, markup.Attr("spellcheck", "false")),
			markup.If(!f.optional && !f.readonly, markup.Flag("required")), markup.If(f.readonly, markup.Flag("readonly")),
			markup.If(f.value != "", markup.Attr("value", f.value)),
			f.describedBy(), f.invalid(), markup.If(f.focus, markup.Flag("autofocus"))),
		f.tail())
}

// password is a field for a password: two inputs, one of them there at a time, and
// beside the box that chooses what else there is to say. It never has a value.
func (f field) password(beside ...markup.Part) markup.Part {
	row := []markup.Part{markup.Attr("class", "row"), markup.El("label", markup.Attr("class", "check"),
		markup.El("input", markup.Attr("class", "reveal"), markup.Attr("type", "checkbox"), markup.Attr("name", f.name+"_reveal"), markup.Attr("value", "1")),
		markup.Text(" Show "+strings.ToLower(f.label)))}
	return markup.El("div", markup.Attr("class", "field pw"), f.head(),
		markup.El("input", markup.Attr("class", "hid"), markup.Attr("id", f.name), markup.Attr("name", f.name), markup.Attr("type", "password"),
			markup.Opt("autocomplete", f.autocomplete), markup.Attr("maxlength", "256"), f.describedBy(), f.invalid(), markup.If(f.focus, markup.Flag("autofocus"))),
		markup.El("input", markup.Attr("class", "plain"), markup.Attr("name", f.name+"_shown"), markup.Attr("type", "text"),
			markup.Attr("autocomplete", "off"), markup.Attr("autocapitalize", "none"), markup.Attr("spellcheck", "false"), markup.Attr("maxlength", "256"),
			markup.Attr("aria-label", f.label+", shown while you type"), f.describedBy(), f.invalid()),
		f.tail(),
		markup.El("div", append(row, beside...)...))
}

// hidden is a value that comes back with the form.
func hidden(name, value string) markup.Part {
	return markup.El("input", markup.Attr("type", "hidden"), markup.Attr("name", name), markup.Attr("value", value))
}

// form is a form that is sent to a page, with one button that does what it is for.
func form(path, button string, parts ...markup.Part) markup.Part {
	parts = append([]markup.Part{markup.Attr("class", "form"), markup.Attr("method", "post"), markup.Attr("action", Path+path)}, parts...)
	return markup.El("form", append(parts, submit(button))...)
}

// submit is the button of a form.
func submit(name string) markup.Part {
	return markup.El("button", markup.Attr("class", "btn primary"), markup.Attr("type", "submit"), markup.Text(name))
}
