package accountpages

import (
	"net/http"
	"strconv"

	"github.com/gatewright/gate/internal/looks"
	"github.com/gatewright/gate/internal/markup"
)

// A sheet is what a page shows. It has a side board, or a rail when it is one of the
// pages of an account.
type sheet struct {
	state     string // of the tail beside the heading: open, set, fault
	title     string
	problem   string // which the title of the document begins with
	lead      markup.Part
	note      markup.Part
	work      markup.Part // below the note
	account   string      // whose page it is; empty for a page of nobody in particular
	life      string      // for how long a link works
	reference string
}

// show answers with a sheet.
func (v *visit) show(status int, s sheet) {
	text := "<!doctype html>\n" + v.document(s).String() + "\n"
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write([]byte(text)) // nobody is left to be told
	}
}

func (v *visit) document(s sheet) markup.Part {
	title := s.title + " · " + v.service
	if s.problem != "" {
		title = s.problem + " · " + title
	}
	return markup.El("html", markup.Attr("lang", "en"), markup.Attr("dir", "ltr"),
		markup.El("head",
			markup.Raw(`<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`+
				`<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">`),
			markup.El("title", markup.Text(title)),
			markup.El("link", markup.Attr("rel", "icon"), markup.Attr("href", Path+"/mark.svg")),
			markup.El("link", markup.Attr("rel", "stylesheet"), markup.Attr("href", Path+"/gate.css"))),
		markup.El("body", v.body(s)))
}

func (v *visit) body(s sheet) markup.Part {
	top := markup.El("header", markup.Attr("class", "top"),
		markup.El("a", markup.Attr("class", "brand"), markup.Attr("href", Path), looks.Mark(), markup.El("span", markup.Text(v.service))))
	work := markup.El("main", markup.Attr("class", "work"), markup.Attr("id", "main"), markup.Attr("tabindex", "-1"),
		markup.El("h1", markup.Text(s.title)),
		markup.If(s.lead != markup.Part{}, markup.El("p", markup.Attr("class", "lead"), s.lead)),
		s.note, s.work)
	if s.account == "" {
		state := s.state
		if state == "fault" {
			state = "open fault"
		}
		return markup.El("div", markup.Attr("class", "sheet duo "+state), top, work,
			markup.El("aside", markup.Attr("class", "side"), markup.Attr("aria-label", "About this page"), looks.Drawing(), v.block(s)))
	}
	return markup.All(
		markup.El("a", markup.Attr("class", "skip"), markup.Attr("href", "#main"), markup.Text("Skip to the content")),
		markup.El("div", markup.Attr("class", "sheet hall"), top, v.rail(), work,
			markup.El("aside", markup.Attr("class", "side"), markup.Attr("aria-label", "About this account"), v.block(s),
				markup.El("form", markup.Attr("class", "after"), markup.Attr("method", "post"), markup.Attr("action", Path+"/logout"),
					markup.El("button", markup.Attr("class", "btn small"), markup.Attr("type", "submit"), markup.Text("Log out"))))))
}

// block is the title block: the facts of the page.
func (v *visit) block(s sheet) markup.Part {
	fact := func(name string, value markup.Part) markup.Part {
		return markup.El("div", markup.El("dt", markup.Text(name)), markup.El("dd", value))
	}
	if s.account != "" {
		return markup.El("dl", markup.Attr("class", "block"), markup.El("div", markup.Attr("class", "wide"),
			markup.El("dt", markup.Text("Account")), markup.El("dd", bdi(s.account))))
	}
	return markup.El("dl", markup.Attr("class", "block"),
		fact("Application", markup.Text(v.service)),
		markup.If(s.life != "", fact("Link works", markup.Text("once, for "+s.life))),
		markup.If(s.reference != "", fact("Reference", markup.El("code", markup.Text(s.reference)))),
		fact("This page is", bdi(v.r.Host)))
}

// rail leads to the pages of an account.
func (v *visit) rail() markup.Part {
	var entries []markup.Part
	for _, e := range []struct{ path, name string }{{"", "Account"}, {"/password", "Password"}, {"/devices", "Devices"}, {"/keys", "API keys"}} {
		if v.routes[e.path].get == nil {
			continue
		}
		entries = append(entries, markup.El("li", markup.El("a", markup.Attr("href", Path+e.path),
			markup.If(v.path == e.path, markup.Attr("aria-current", "page")), markup.Text(e.name))))
	}
	return markup.El("nav", markup.Attr("class", "rail"), markup.Attr("aria-label", "Account"), markup.El("ul", entries...))
}

// bdi is a text of somebody's that may be written in either direction.
func bdi(s string) markup.Part { return markup.El("bdi", markup.Text(s)) }

// bad is the note of a problem of the whole page: what happened, and what to do.
func bad(what string, do ...markup.Part) markup.Part {
	return markup.El("div", markup.Attr("class", "note bad"), markup.Attr("role", "alert"), markup.Attr("id", "problem"),
		markup.El("strong", markup.Text(what)), markup.If(len(do) > 0, markup.El("p", do...)))
}

// good is the note of something that is done.
func good(what string) markup.Part {
	return markup.El("div", markup.Attr("class", "note good"), markup.Attr("role", "status"), markup.Text(what))
}

// link leads to a page.
func link(path, name string) markup.Part {
	return markup.El("a", markup.Attr("href", Path+path), markup.Text(name))
}

// after is a line below a form.
func after(parts ...markup.Part) markup.Part {
	return markup.El("p", append([]markup.Part{markup.Attr("class", "after")}, parts...)...)
}
