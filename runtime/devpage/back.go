package devpage

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate"
)

// A ComeBack is a path that the provider sends browsers back to, after a log-in or a
// log-out, where pages of an application are served and none of a service.
type ComeBack struct {
	Path string
	// Logout says that it is for a log-out. Setting and Variable are what names the
	// path in gate.yaml and in the environment.
	Logout            bool
	Setting, Variable string
}

// back tells who came to such a path what it is for. Like in production nothing is
// there; programs are told so in the words of every other error.
func (p *Page) back(w http.ResponseWriter, r *http.Request, at ComeBack) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		gate.WriteError(w, r, &gate.Error{Status: http.StatusNotFound})
		return
	}
	view := struct {
		ComeBack

		Facts
		Assets, Problem string
		Pages           []string
	}{ComeBack: at, Facts: p.facts, Assets: Assets}
	for _, origin := range p.facts.Origins {
		view.Pages = append(view.Pages, strings.TrimSuffix(origin, "/")+at.Path)
	}
	if code := r.URL.Query().Get("error"); code != "" {
		view.Problem = strings.TrimSuffix(code+": "+r.URL.Query().Get("error_description"), ": ")
	}
	writePage(w, r, http.StatusNotFound, "back", view)
}

// comeBack returns what a path is for that browsers are sent back to.
func (p *Page) comeBack(path string) (ComeBack, bool) {
	i := slices.IndexFunc(p.facts.ComeBacks, func(c ComeBack) bool { return c.Path == path })
	if i < 0 {
		return ComeBack{}, false
	}
	return p.facts.ComeBacks[i], true
}
