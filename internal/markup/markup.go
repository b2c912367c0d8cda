// Package markup writes HTML in which nothing that a person chose can be markup.
//
// Names of elements and attributes, and whole pieces of HTML, are constants of the
// program: the types of the parameters take nothing else. Every other text is escaped
// where it is written, and a link leads to a path of the same origin or nowhere. That is
// less than html/template can do, and a service is three megabytes smaller without it.
package markup

import (
	"embed"
	"html"
	"strings"
)

// literal is a text that only a constant can be: other packages cannot name the type.
type literal string

// A Part is a piece of a page: an element, an attribute of the element that it is handed
// to, text. The zero value is nothing.
type Part struct {
	attribute bool
	text      string
}

// Text is what the text says.
func Text(s string) Part { return Part{text: html.EscapeString(s)} }

// Raw is HTML that is part of the program.
func Raw(s literal) Part { return Part{text: string(s)} }

// File is HTML in a file that is part of the program. It panics when there is none.
func File(files embed.FS, name literal) Part {
	data, err := files.ReadFile(string(name))
	if err != nil {
		panic("markup: " + err.Error()) // the files are part of the program
	}
	return Part{text: string(data)}
}

// Attr is an attribute. It panics for those that run scripts or hold styles. One that
// makes a link has a value that [Path] takes, or leads nowhere.
func Attr(name literal, value string) Part {
	switch {
	case strings.HasPrefix(string(name), "on") || name == "style" || name == "srcdoc":
		panic("markup: the attribute " + string(name) + " is not for pages")
	case name == "href" || name == "src" || name == "action" || name == "formaction":
		if !Path(value) && !strings.HasPrefix(value, "#") {
			value = "#"
		}
	}
	return Part{attribute: true, text: " " + string(name) + `="` + html.EscapeString(value) + `"`}
}

// Opt is [Attr] unless the value is empty.
func Opt(name literal, value string) Part { return If(value != "", Attr(name, value)) }

// Flag is an attribute without a value.
func Flag(name literal) Part { return Part{attribute: true, text: " " + string(name)} }

// El is an element with these attributes and, after them, this content.
func El(name literal, parts ...Part) Part {
	var b strings.Builder
	b.WriteString("<" + string(name))
	for _, p := range parts {
		if p.attribute {
			b.WriteString(p.text)
		}
	}
	b.WriteByte('>')
	switch name {
	case "br", "input", "link", "meta":
		return Part{text: b.String()}
	}
	for _, p := range parts {
		if !p.attribute {
			b.WriteString(p.text)
		}
	}
	b.WriteString("</" + string(name) + ">")
	return Part{text: b.String()}
}

// All is these parts, one after another; none of them is an attribute.
func All(parts ...Part) Part {
	var b strings.Builder
	for _, p := range parts {
		if p.attribute {
			panic("markup: an attribute belongs to an element")
		}
		b.WriteString(p.text)
	}
	return Part{text: b.String()}
}

// If is the part if it is to be there.
func If(there bool, p Part) Part {
	if there {
		return p
	}
	return Part{}
}

// String returns the HTML.
func (p Part) String() string { return p.text }

// Path reports whether a browser takes this for a path of the origin that it is at. It
// has one meaning only: no other host behind two slashes or a backslash, nothing that
// browsers drop.
func Path(s string) bool {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || len(s) > 1<<10 {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' || c == '\ufffd' })
}
