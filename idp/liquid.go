package idp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/gatewright/gate/idp/login"
)

// liquidVariable returns what a variable of Auth0's templates of letters is in
// ours. Of Liquid there are these variables and the filter escape, which changes
// nothing: in HTML every value is escaped.
func liquidVariable(name string) (string, bool) {
	field, ok := map[string]string{
		"url": "Link", "application.name": "Application", "application.clientName": "Application", "client.name": "Application",
		"user.email": "Account", "email": "Account", "user.source_ip": "Where", "friendly_name": "Name", "tenant": "Name",
		"tenant.friendly_name": "Name", "support_url": "SupportURL", "tenant.support_url": "SupportURL",
	}[name]
	return field, ok
}

// fromLiquid returns a template of Liquid in the words of text/template, with the
// fields that it uses.
func fromLiquid(text string) (converted string, used []string, err error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		if strings.Contains(before, "{%") {
			return "", nil, errors.New("it has a tag like {% if %}; there are only variables")
		}
		b.WriteString(before)
		if !found {
			return b.String(), used, nil
		}
		inner, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return "", nil, errors.New("{{ is not closed")
		}
		field, err := liquidField(strings.Trim(inner, "- \t\r\n"))
		if err != nil {
			return "", nil, err
		}
		used = append(used, field)
		b.WriteString("{{." + field + "}}")
		text = after
	}
}

func liquidField(inner string) (string, error) {
	parts := strings.Split(inner, "|")
	for _, filter := range parts[1:] {
		if strings.TrimSpace(filter) != "escape" {
			return "", fmt.Errorf("there is no filter %q", strings.TrimSpace(filter))
		}
	}
	field, ok := liquidVariable(strings.TrimSpace(parts[0]))
	if !ok {
		return "", fmt.Errorf("there is no variable %q", strings.TrimSpace(parts[0]))
	}
	return field, nil
}

// A letterDocument is a document email-templates/… of the Management API.
type letterDocument struct {
	Body    string `json:"body"`
	Subject string `json:"subject"`
	// Enabled false means our own words: whoever has to confirm an address gets
	// a letter in any case.
	Enabled *bool `json:"enabled"`
}

// letterTemplate returns a document as a template of a kind of letter. The text
// part is what is left of the HTML.
func letterTemplate(kind login.MailKind, d letterDocument) (t login.MailTemplate, err error) {
	if t.Subject, _, err = fromLiquid(d.Subject); err != nil {
		return t, fmt.Errorf("subject: %w", err)
	}
	var used []string
	if t.HTML, used, err = fromLiquid(d.Body); err != nil {
		return t, fmt.Errorf("body: %w", err)
	}
	if t.Text, _, err = fromLiquid(plainText(d.Body)); err != nil {
		return t, fmt.Errorf("body: %w", err)
	}
	switch linked := slices.Contains(used, "Link"); {
	case !linked && kind != login.MailBlocked:
		return t, errors.New("body: it has no {{ url }}, so nobody could follow the link")
	case linked && kind == login.MailBlocked:
		return t, errors.New("body: it has {{ url }}, and there is no link in this letter")
	}
	return t, nil
}

// plainText returns what a person reads of HTML, with the addresses of links
// after their words.
func plainText(source string) string {
	var b strings.Builder
	var href, unread string
	for z := html.NewTokenizer(strings.NewReader(source)); z.Next() != html.ErrorToken; {
		token := z.Token()
		ends := token.Type == html.EndTagToken
		if unread != "" {
			if ends && token.Data == unread {
				unread = ""
			}
			continue
		}
		if token.Type == html.TextToken {
			b.WriteString(words(token.Data))
			continue
		}
		switch token.DataAtom {
		case atom.Style, atom.Script, atom.Title, atom.Head:
			if !ends {
				unread = token.Data
			}
		case atom.A:
			if !ends {
				href = attribute(token, "href")
				continue
			}
			if href != "" && !strings.HasSuffix(strings.TrimSpace(b.String()), href) {
				b.WriteString(" " + href)
			}
			href = ""
		case atom.Br, atom.Hr, atom.P, atom.Div, atom.H1, atom.H2, atom.H3:
			b.WriteString("\n")
		case atom.Li:
			if !ends {
				b.WriteString("\n")
			}
		case atom.Tr, atom.Table:
			if ends {
				b.WriteString("\n")
			}
		case atom.Td, atom.Th:
			b.WriteString(" ")
		}
	}
	return joinLines(b.String())
}

// attribute returns the value of an attribute, empty if there is none.
func attribute(token html.Token, name string) string {
	for _, a := range token.Attr {
		if a.Key == name {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

// words returns text with one blank between its words.
func words(text string) string {
	inner := strings.Join(strings.Fields(text), " ")
	if text == "" || inner == "" {
		return strings.Repeat(" ", min(len(text), 1))
	}
	if strings.ContainsAny(text[:1], " \t\r\n") {
		inner = " " + inner
	}
	if strings.ContainsAny(text[len(text)-1:], " \t\r\n") {
		inner += " "
	}
	return inner
}

// joinLines trims lines, and leaves at most one empty one between them.
func joinLines(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, line)
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}
