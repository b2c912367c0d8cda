package gen

import (
	"bytes"
	"fmt"
	"go/format"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode"
)

// modulePath is the module that services require.
const modulePath = "github.com/gatewright/gate"

// Lower returns a Go name with a small first letter, as for something that a
// package keeps to itself: orderItem, url, httpLog.
func Lower(name string) string {
	r := []rune(name)
	for i := range r {
		if i > 0 && i+1 < len(r) && unicode.IsLower(r[i+1]) || !unicode.IsUpper(r[i]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	return string(r)
}

// parseTemplate reads a template. Text of a design gets into it through the
// functions quote, comment, markdown, js and jsdoc only.
func parseTemplate(templates fs.FS, name string) (*template.Template, error) {
	t, err := template.New(path.Base(name)).Option("missingkey=error").Funcs(template.FuncMap{
		"quote":    strconv.Quote,
		"comment":  comment,
		"markdown": markdown,
		"js":       Script,
		"jsdoc":    jsdoc,
		"lower":    Lower,
		"imports":  imports,
	}).ParseFS(templates, name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return t, nil
}

// render executes a template, and formats what it makes if that is Go.
func render(f File, t *template.Template, data any) ([]byte, error) {
	var b bytes.Buffer
	isGo := strings.HasSuffix(f.Path, ".go")
	if isGo && f.Owner == Generated {
		b.WriteString(header + "\n")
	}
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("template %s: %w", t.Name(), err)
	}
	if !isGo {
		return b.Bytes(), nil
	}
	out, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("template %s: %w in\n%s", t.Name(), err, numbered(b.Bytes()))
	}
	return out, nil
}

// numbered returns source with the number of each line.
func numbered(source []byte) string {
	var b strings.Builder
	n := 0
	for line := range bytes.Lines(source) {
		n++
		fmt.Fprintf(&b, "%4d  %s", n, line)
	}
	return b.String()
}

// imports returns an import declaration in three blocks: the standard library,
// others, and the service itself. A path may carry a name: embed:_.
func imports(service string, lists ...[]string) string {
	blocks := make([][]string, 3)
	for _, p := range slices.Concat(lists...) {
		first, _, _ := strings.Cut(p, "/")
		i := 0
		switch {
		case p == service || strings.HasPrefix(p, service+"/"):
			i = 2
		case strings.Contains(first, "."):
			i = 1
		}
		name, alias, _ := strings.Cut(p, ":")
		blocks[i] = append(blocks[i], strings.TrimSpace(alias+" "+strconv.Quote(name)))
	}
	var out []string
	for _, block := range blocks {
		if len(block) > 0 {
			slices.SortFunc(block, func(a, b string) int {
				return strings.Compare(a[strings.IndexByte(a, '"'):], b[strings.IndexByte(b, '"'):])
			})
			out = append(out, strings.Join(slices.Compact(block), "\n"))
		}
	}
	return "import (\n" + strings.Join(out, "\n\n") + "\n)"
}

// Imports lists the packages that members need.
func Imports(members []Member) []string {
	var all []string
	for _, m := range members {
		all = append(all, m.Value.imports...)
	}
	return all
}

// markdown returns text as one line of Markdown that holds no markup.
func markdown(text string) string {
	text = strings.Join(strings.Fields(visible(text)), " ")
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_{}[]<>()#+-!|~&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
