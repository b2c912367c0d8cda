package devpage

import (
	"net/http"
	"net/url"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/outbox"
	"github.com/gatewright/gate/internal/secret"
)

const (
	outboxFile = "outbox"
	// maxLetters is how many letters the page shows.
	maxLetters = 50
)

// outboxPath is where the letters are, for whoever brought the token of this run.
func (p *Page) outboxPath(token string) string {
	if p.facts.Outbox == "" {
		return ""
	}
	path := Assets + outboxFile
	if p.opens(token) {
		path += "?" + url.Values{"token": {token}}.Encode()
	}
	return path
}

// opens reports whether this is the token of this run.
func (p *Page) opens(token string) bool {
	return p.facts.Token != "" && p.facts.Token.Equal(secret.String(token))
}

// letters shows what the service would have sent. The links in it set passwords, so
// that they are for whoever brings the token.
func (p *Page) letters(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	view := struct {
		Service, Assets, Folder, Home string
		Open                          bool
		Letters                       []outbox.Letter
	}{Service: p.facts.Service, Assets: Assets, Folder: whole(p.facts.Outbox), Home: "/", Open: p.opens(token)}
	var err error
	if view.Open {
		view.Home += "?" + url.Values{"token": {token}}.Encode()
		view.Letters, err = outbox.Read(p.facts.Outbox, maxLetters)
	}
	if err != nil {
		gate.WriteError(w, r, err)
		return
	}
	writePage(w, r, http.StatusOK, "letters", view)
}
