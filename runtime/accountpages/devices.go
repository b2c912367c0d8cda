package accountpages

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/markup"
	"github.com/gatewright/gate/store/accounts"
)

// ended are the notes after something ended, by the word in the address.
var ended = map[string]string{
	"one":    "That device is logged out.",
	"others": "Every other device is logged out.",
	"gone":   "That device was not logged in any more.",
}

func (p *pages) showDevices(v *visit) error {
	profile, err := p.browser.Profile(v.r, v.person)
	if err != nil {
		return err
	}
	list, err := p.browser.Flows(v.person).Sessions(v.r.Context(), v.person)
	if err != nil {
		return err
	}
	var this, others []markup.Part
	for _, s := range list {
		if s.ID == v.person.SessionID {
			this = append(this, v.device(s, true))
		} else {
			others = append(others, v.device(s, false))
		}
	}
	items := slices.Concat([]markup.Part{markup.Attr("class", "items")}, this, others)
	note := markup.Part{}
	if text := ended[v.r.URL.Query().Get("ended")]; text != "" {
		note = good(text)
	}
	v.show(http.StatusOK, sheet{
		title: "Devices", account: profile.Login, note: note,
		lead: markup.Text("Where you are logged in. Log out whatever you do not recognise, then change your password."),
		work: markup.All(
			markup.El("form", markup.Attr("class", "sec"), markup.Attr("method", "post"), markup.Attr("action", Path+"/devices"),
				markup.El("ul", items...),
				markup.If(len(others) > 0, after(markup.El("button", markup.Attr("class", "btn danger"), markup.Attr("type", "submit"),
					markup.Attr("name", "session"), markup.Attr("value", "others"), markup.Text("Log out everywhere else"))))),
			markup.If(len(others) == 0, markup.El("p", markup.Attr("class", "quiet after"), markup.Text("Only this device is logged in.")))),
	})
	return nil
}

// device is a line of the list.
func (v *visit) device(s accounts.Session, own bool) markup.Part {
	name := deviceName(s.Client.UserAgent)
	var facts []markup.Part
	if s.Client.Address.IsValid() {
		facts = append(facts, bdi(s.Client.Address.String()))
	}
	if own {
		facts = append(facts, markup.Text("now"))
	} else {
		facts = append(facts, markup.All(markup.Text("last seen "), v.when(s.LastSeenAt)))
	}
	facts = append(facts, markup.All(markup.Text("logged in "), v.when(s.AuthenticatedAt)))
	line := facts[0]
	for _, f := range facts[1:] {
		line = markup.All(line, markup.Text(" · "), f)
	}
	return markup.El("li",
		markup.El("div",
			markup.El("h2", markup.Text(name), markup.If(own, markup.All(markup.Text(" "), markup.El("span", markup.Attr("class", "tag"), markup.Text("this device"))))),
			markup.El("p", line)),
		markup.If(!own, markup.El("button", markup.Attr("class", "btn small"), markup.Attr("type", "submit"), markup.Attr("name", "session"), markup.Attr("value", s.ID),
			markup.Attr("aria-label", "Log out "+name), markup.Text("Log out"))))
}

// when is a time as people say it, with its zone: the server does not know theirs.
func (v *visit) when(t time.Time) markup.Part {
	t, now := t.UTC(), v.now().UTC()
	text := t.Format("2 January 2006, 15:04 MST")
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		text = t.Format("today, 15:04 MST")
	}
	return markup.El("time", markup.Attr("datetime", t.Format(time.RFC3339)), markup.Text(text))
}

func (p *pages) endDevices(v *visit) error {
	flows, what := p.browser.Flows(v.person), "one"
	var err error
	if id := v.form["session"]; id == "others" {
		what = id
		err = flows.EndOtherSessions(v.r.Context(), v.person)
	} else {
		err = flows.EndSession(v.r.Context(), v.person, id)
	}
	if e := answered(err); err != nil && e.Status == http.StatusNotFound {
		what, err = "gone", nil
	}
	if err != nil {
		return err
	}
	v.to(Path + "/devices?ended=" + what)
	return nil
}

// deviceName is what people call a browser: "Firefox on Linux". What sends it chooses
// the text, so nothing rests on it.
func deviceName(agent string) string {
	find := func(names ...[2]string) string {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	browser := find([2]string{"Edg/", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"Firefox/", "Firefox"}, [2]string{"FxiOS/", "Firefox"},
		[2]string{"CriOS/", "Chrome"}, [2]string{"Chrome/", "Chrome"}, [2]string{"Safari/", "Safari"})
	system := find([2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"}, [2]string{"Android", "Android"}, [2]string{"Windows", "Windows"},
		[2]string{"Mac OS X", "Mac"}, [2]string{"CrOS", "Chromebook"}, [2]string{"Linux", "Linux"})
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "" || system != "":
		return browser + system
	}
	name, _, _ := strings.Cut(agent, " ")
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
	if name == "" {
		return "Unknown device"
	}
	return name[:min(len(name), 40)]
}
