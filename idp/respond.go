package idp

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

// frontTokens adds the tokens that the authorization endpoint gives out itself
// (OAuth 2.0 Multiple Response Type Encoding Practices).
func (p *Provider) frontTokens(ctx context.Context, q *request, i *issuance, out *answer) error {
	access := ""
	if q.wants("token") {
		t, err := p.accessToken(ctx, i)
		if err != nil {
			return err
		}
		access = t.text
		out.add("access_token", t.text)
		out.add("token_type", "Bearer")
		out.add("expires_in", strconv.Itoa(int(t.life/time.Second)))
		out.add("scope", strings.Join(i.scope, " "))
	}
	if q.wants("id_token") {
		text, err := p.idToken(ctx, i, access)
		if err != nil {
			return err
		}
		out.add("id_token", text)
	}
	return nil
}

// respondError sends an error back to the client.
func (p *Provider) respondError(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, e *oauthError) {
	p.send(w, r, q, c, nil, errorAnswer(e))
}

// send brings an answer to the client in the mode that it asked for, with the
// state that it sent and our name (RFC 9207).
func (p *Provider) send(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, u *tenant.User, out answer) {
	if q.State != nil {
		out.add("state", *q.State)
	}
	if q.ResponseMode != "web_message" {
		out.add("iss", p.issuer)
	}
	noStore(w)
	w.Header().Set("Referrer-Policy", "no-referrer")
	frame := p.frame(r, q, c)
	failed := out[0].name == "error"
	var err error
	switch q.ResponseMode {
	case "form_post":
		page := login.ContinuePage{Frame: frame, Target: q.RedirectURI, Failed: failed}
		for _, f := range out {
			page.Fields = append(page.Fields, login.Field{Name: f.name, Value: f.value})
		}
		if u != nil {
			page.Account = accountName(u)
		}
		err = p.pages(r).Continue(w, r, http.StatusOK, page)
	case "web_message":
		response := map[string]string{}
		for _, f := range out {
			response[f.name] = f.value
		}
		err = p.pages(r).WebMessage(w, r, http.StatusOK, login.WebMessagePage{
			Frame: frame, Origin: originOf(q.RedirectURI), Response: response,
		})
	default:
		http.Redirect(w, r, withParameters(q.RedirectURI, out, q.ResponseMode == "fragment"), onward(r))
	}
	if err != nil {
		p.faultPage(w, r, err)
	}
}

// onward is the status of a redirect to elsewhere.
func onward(r *http.Request) int {
	if r.Method == http.MethodPost {
		return http.StatusSeeOther // so that no browser posts the password on
	}
	return http.StatusFound
}

// withParameters adds parameters to a registered address, whose own query and, with
// parameters in the query, whose own fragment stay.
func withParameters(target string, out answer, fragment bool) string {
	var b strings.Builder
	target, own, _ := strings.Cut(target, "#")
	b.WriteString(target)
	switch {
	case fragment:
		b.WriteByte('#')
	case !strings.Contains(target, "?"):
		b.WriteByte('?')
	case !strings.HasSuffix(target, "?") && !strings.HasSuffix(target, "&"):
		b.WriteByte('&')
	}
	for n, f := range out {
		if n > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(f.name) + "=" + escape(f.value))
	}
	if own != "" && !fragment {
		b.WriteString("#" + own)
	}
	return b.String()
}

// escape is url.QueryEscape with %20 for a blank, which every client understands.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}
