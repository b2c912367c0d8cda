package login_test

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// An element of a page that was read strictly.
type element struct {
	name  string
	attrs map[string]string
	text  string // of all below
}

var (
	tagPattern  = regexp.MustCompile(`^<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z][-a-zA-Z:]*(?:="[^"<>]*")?)*)\s*(/?)>`)
	attrPattern = regexp.MustCompile(`([a-zA-Z][-a-zA-Z:]*)(?:="([^"]*)")?`)
	ampPattern  = regexp.MustCompile(`&(?:#[0-9]+|#x[0-9a-fA-F]+|[a-z]+);`)
)

// read parses a page and refuses what a lenient parser would repair: tags that
// do not close, attributes without quotes or twice, a stray < or & in a text.
func read(page string) ([]*element, error) {
	page, ok := strings.CutPrefix(page, "<!doctype html>\n")
	if !ok {
		return nil, fmt.Errorf("no doctype")
	}
	void := []string{"meta", "link", "input", "br", "img"}
	var all, open []*element
	for page != "" {
		if page[0] != '<' {
			text, rest := page, ""
			if i := strings.IndexByte(page, '<'); i >= 0 {
				text, rest = page[:i], page[i:]
			}
			if strings.Contains(ampPattern.ReplaceAllString(text, ""), "&") || strings.Contains(text, ">") {
				return nil, fmt.Errorf("a stray character in %q", text)
			}
			for _, e := range open {
				e.text += html.UnescapeString(text)
			}
			page = rest
			continue
		}
		m := tagPattern.FindStringSubmatch(page)
		if m == nil {
			return nil, fmt.Errorf("no tag at %.60q", page)
		}
		page = page[len(m[0]):]
		if m[1] == "/" {
			if len(open) == 0 || open[len(open)-1].name != m[2] {
				return nil, fmt.Errorf("</%s> closes nothing", m[2])
			}
			open = open[:len(open)-1]
			continue
		}
		e := &element{name: m[2], attrs: make(map[string]string)}
		for _, a := range attrPattern.FindAllStringSubmatch(m[3], -1) {
			if _, twice := e.attrs[a[1]]; twice {
				return nil, fmt.Errorf("%s twice in %s", a[1], m[0])
			}
			e.attrs[a[1]] = html.UnescapeString(a[2])
		}
		all = append(all, e)
		if m[4] == "" && !slices.Contains(void, m[2]) {
			open = append(open, e)
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("<%s> is not closed", open[len(open)-1].name)
	}
	return all, nil
}

// parse reads the page of a response.
func parse(t testing.TB, page string) []*element {
	t.Helper()
	all, err := read(page)
	if err != nil {
		t.Fatalf("%v in\n%s", err, page)
	}
	return all
}

func find(all []*element, name string) []*element {
	var list []*element
	for _, e := range all {
		if e.name == name {
			list = append(list, e)
		}
	}
	return list
}

func TestRead_refuses(t *testing.T) {
	for _, page := range []string{
		"<p>x", "<p>x</b>", `<p a=b></p>`, `<p a="1" a="2"></p>`, "<p>a < b</p>", "<p>a & b</p>", `<p a="<"></p>`,
	} {
		if _, err := read("<!doctype html>\n" + page); err == nil {
			t.Errorf("%s was read", page)
		}
	}
}

// every page in every language, with harmless texts
func TestPages_areValid(t *testing.T) {
	p := pages(t, config())
	for _, d := range draws() {
		for _, lang := range []string{"en", "de", "fr"} {
			t.Run(d.name+"/"+lang, func(t *testing.T) {
				body := get(t, p, d, "maria@kitchen.example", "Accept-Language", lang).Body.String()
				// bdi with locales of the frame: the header decides only when they say nothing
				all := parse(t, body)
				checkStructure(t, all)
				checkInputs(t, all)
				if strings.ContainsAny(body, "{}") {
					t.Errorf("a slot was not filled: %s", body)
				}
				if got := all[0].attrs["lang"]; got != lang {
					t.Errorf("lang = %q", got)
				}
			})
		}
	}
}

func checkStructure(t *testing.T, all []*element) {
	t.Helper()
	ids := make(map[string]bool)
	for _, e := range all {
		if id, ok := e.attrs["id"]; ok {
			if ids[id] {
				t.Errorf("id %q is there twice", id)
			}
			ids[id] = true
		}
		for name, value := range e.attrs {
			if strings.HasPrefix(name, "on") || name == "style" {
				t.Errorf("<%s %s=%q> is inline code or style", e.name, name, value)
			}
		}
		if e.name == "style" || e.name == "script" && (e.attrs["src"] == "" || e.text != "") {
			t.Errorf("inline %s", e.name)
		}
	}
	for _, e := range all {
		for id := range strings.FieldsSeq(e.attrs["aria-describedby"]) {
			if !ids[id] {
				t.Errorf("aria-describedby names %q, which is not there", id)
			}
		}
	}
	for _, name := range []string{"h1", "main", "title"} {
		if list := find(all, name); len(list) != 1 || strings.TrimSpace(list[0].text) == "" {
			t.Errorf("%d elements %s", len(list), name)
		}
	}
}

// each input that is seen has a label; what is wrong says why
func checkInputs(t *testing.T, all []*element) {
	t.Helper()
	focus := 0
	for _, e := range find(all, "input") {
		if _, ok := e.attrs["autofocus"]; ok {
			focus++
		}
		if e.attrs["type"] == "hidden" || e.attrs["type"] == "checkbox" {
			continue // a checkbox is inside its label
		}
		labelled := e.attrs["aria-label"] != "" || slices.ContainsFunc(find(all, "label"), func(l *element) bool {
			return l.attrs["for"] == e.attrs["id"] && strings.TrimSpace(l.text) != ""
		})
		if !labelled || e.attrs["placeholder"] != "" {
			t.Errorf("input %v has no label", e.attrs)
		}
		if e.attrs["aria-invalid"] == "true" && e.attrs["aria-describedby"] == "" {
			t.Errorf("input %v is wrong and does not say why", e.attrs)
		}
		if e.attrs["autocomplete"] == "" {
			t.Errorf("input %v has no autocomplete", e.attrs)
		}
	}
	if focus > 1 {
		t.Errorf("%d inputs want the focus", focus)
	}
}
