// Package words is what [account.Flows] says to people in English: the letters
// that it sends, and the pages that their links lead to. A service with other
// words or looks implements [account.Words] itself.
//
// It is a package of its own because templates weigh some megabytes in a
// program that writes no letters.
package words

import (
	"embed"
	"fmt"
	html "html/template"
	"io"
	text "text/template"

	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/internal/looks"
)

//go:embed letters/*.txt pages
var files embed.FS

// Words implements [account.Words]. It is safe for concurrent use; [English]
// makes one.
type Words struct {
	letters map[string]*text.Template
	pages   map[string]*html.Template
}

var _ account.Words = (*Words)(nil)

// English returns the words in English.
func English() *Words {
	w := &Words{letters: make(map[string]*text.Template), pages: make(map[string]*html.Template)}
	for _, name := range []string{"change", "email-changed", "email-undone", "exists", "password-changed", "reset", "verify"} {
		w.letters[name] = text.Must(text.ParseFS(files, "letters/"+name+".txt"))
	}
	for _, name := range []string{"dead", "done", "email", "reset", "undo", "verify"} {
		w.pages[name] = html.Must(html.ParseFS(files, "pages/layout.html", "pages/"+name+".html"))
	}
	return w
}

// Letter implements [account.Words].
func (w *Words) Letter(out io.Writer, name string, l account.Letter) error {
	t := w.letters[name]
	if t == nil {
		return fmt.Errorf("there is no letter %q", name)
	}
	return t.Execute(out, l)
}

// Page implements [account.Words].
func (w *Words) Page(out io.Writer, name string, p account.Page) error {
	t := w.pages[name]
	if t == nil {
		return fmt.Errorf("there is no page %q", name)
	}
	return t.ExecuteTemplate(out, "layout.html", p)
}

// Style implements [account.Words].
func (w *Words) Style() []byte { return looks.Style() }
