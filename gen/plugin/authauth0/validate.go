package authauth0

import (
	"net/mail"
	"net/url"
	"regexp"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/plugin/internal/remote"
	"github.com/gatewright/gate/internal/loopback"
)

// Validate refuses what the service would refuse when it starts, and what would
// keep accounts from being made.
func (p *part) Validate(d *design.Design, place *design.Plugin) error {
	c := &checker{place: place, s: &p.settings}
	if c.texts(&place.Settings); len(c.errs.Problems) > 0 {
		return c.errs.Err()
	}
	c.spellings()
	c.tenant()
	c.words()
	email := c.one("emailFieldName", "recipe.emailFieldName")
	mapping := c.one("payloadFieldMapping", "payLoadMapping", "recipe.payloadFieldMapping", "recipe.payLoadMapping")
	if err := c.errs.Err(); err != nil {
		return err
	}
	accounts, err := remote.Resolve(d, place, remote.Settings{
		EmailField: email, Mapping: mapping, DefaultUser: place.Setting("defaultUser"), Roles: place.Setting("roles"),
	})
	if accounts == nil && err == nil {
		accounts = &remote.Accounts{}
	}
	p.accounts = accounts
	return err
}

// checker collects what is wrong with the settings.
type checker struct {
	place *design.Plugin
	s     *settings
	errs  design.Errors
}

// at returns the setting at a path, nil if it was not written.
func (c *checker) at(path string) *design.Setting {
	s := &c.place.Settings
	for name := range strings.SplitSeq(path, ".") {
		if s = s.Child(name); s == nil {
			return nil
		}
	}
	return s
}

func (c *checker) bad(path, message, hint string) {
	if s := c.at(path); s != nil {
		c.errs.Add(s.ValuePos, s.Path, path+" "+message, hint)
		return
	}
	c.errs.Add(c.place.Pos, "plugins."+c.place.Name+"."+path, "plugin "+c.place.Name+": "+path+" "+message, hint)
}

// one returns the one setting among several spellings that was written.
func (c *checker) one(paths ...string) *design.Setting {
	var found *design.Setting
	first := ""
	for _, path := range paths {
		s := c.at(path)
		switch {
		case s == nil:
		case found != nil:
			c.bad(path, "stands there twice, as "+first+" too", "keep one of them")
		default:
			found, first = s, path
		}
	}
	return found
}

// placeholder matches what examples put where a value belongs, besides what every
// text is searched for.
var placeholder = regexp.MustCompile(`(?i)^(your|auth0)[-_ ]|[{}<>]|\byour-(tenant|domain|client|api)\b`)

// texts looks into settings inside of others, too.
func (c *checker) texts(s *design.Setting) {
	for i := range s.Children {
		child := &s.Children[i]
		path := strings.TrimPrefix(child.Path, "plugins."+c.place.Name+".")
		text, ok := child.Value.(string)
		switch {
		case path == "defaultUser":
			continue
		case ok && placeholder.MatchString(text):
			c.bad(path, "is a placeholder: \""+text+"\"", "write what the tenant says")
		case ok && strings.Contains(path, ".") && strings.TrimSpace(text) == "":
			c.bad(path, "is empty", "leave it out for its default")
		}
		c.texts(child)
	}
}

// spellings brings together what can be spelt in two ways.
func (c *checker) spellings() {
	c.one("clientId", "clientID")
	if c.s.ClientID == "" {
		c.s.ClientID = c.s.ClientIDToo
	}
	if c.s.ClientID == "" && c.at("clientId") == nil && c.at("clientID") == nil {
		c.errs.Add(c.place.Pos, "plugins."+c.place.Name+".clientId", "plugin "+c.place.Name+" has no clientId",
			"the Client ID of the application that logs people in")
	}
	if c.at("managementParams.accessToken") != nil {
		c.bad("managementParams.accessToken", "does not belong into a file: whoever reads it owns the tenant",
			"take it out, revoke it, and set AUTH0_MGMT_TOKEN when gate auth0 apply runs")
	}
	if c.at("recipe.type") != nil && c.s.Recipe.Type != "password" {
		c.bad("recipe.type", "cannot be \""+c.s.Recipe.Type+"\": how people prove who they are is for the tenant to say", "leave it out")
	}
	if c.at("recipe.method") != nil && c.s.Recipe.Method != "database" {
		c.bad("recipe.method", "cannot be \""+c.s.Recipe.Method+"\": how people prove who they are is for the tenant to say", "leave it out")
	}
}

// tenant checks what says where the tenant is.
func (c *checker) tenant() {
	if message := checkDomain(c.s.Domain); message != "" {
		c.bad("domain", message, "for instance shop.eu.auth0.com")
	} else {
		c.issuer()
	}
	if strings.ContainsAny(c.s.Audience, " \t") {
		c.bad("audience", "has to be one name", "for instance https://api.example.com")
	}
	if c.s.ClientID != "" && c.s.ClientID == c.s.Audience {
		c.bad("audience", "cannot be the client, which is what ID tokens are for", "the identifier of the API in the tenant")
	}
}

// checkDomain says what is wrong with a domain.
func checkDomain(domain string) string {
	u, err := url.Parse("https://" + domain)
	switch {
	case strings.Contains(domain, "://"):
		return "has a scheme, and is a host alone"
	case strings.ContainsAny(domain, "/?#"):
		return "has a path, and is a host alone"
	case err != nil || u.Host != domain || u.Hostname() == "":
		return "has to be a host"
	}
	return ""
}

func (c *checker) issuer() {
	const example = "for instance https://shop.eu.auth0.com/"
	s := c.s
	u, err := url.Parse(s.IssuerURL)
	switch {
	case !strings.Contains(s.IssuerURL, "://"):
		c.bad("issuerURL", "has no scheme", "https://"+strings.TrimSuffix(s.IssuerURL, "/")+"/")
	case err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(s.IssuerURL, "?#|"):
		c.bad("issuerURL", "has to be https://, a host and a slash", example)
	case strings.Contains(u.Path, "/.well-known/"):
		c.bad("issuerURL", "is the address of a document", "leave out what begins with .well-known")
	case !strings.HasSuffix(s.IssuerURL, "/"):
		c.bad("issuerURL", "has no slash at the end, which the tokens of the issuer have", s.IssuerURL+"/")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback.Host(u.Hostname())):
		c.bad("issuerURL", "has to begin with https://", "http:// is for this machine only: localhost, 127.0.0.1, [::1]")
	case u.Path != "/":
		c.bad("issuerURL", "has a path, and an Auth0 issuer is a host alone", "take auth-oidc for an issuer of another kind")
	case u.Host != s.Domain:
		c.bad("issuerURL", "is of another host than the domain "+s.Domain, "both are the tenant, or its custom domain")
	}
}

// words checks what is read by people and pages.
func (c *checker) words() {
	for _, r := range []struct{ name, value string }{{"redirectUri", c.s.RedirectURI}, {"logoutRedirectUri", c.s.LogoutRedirectURI}} {
		u, err := url.Parse(r.value)
		switch {
		case err != nil || u.Fragment != "" || u.User != nil || strings.HasPrefix(r.value, "//") || u.Scheme == "" && !strings.HasPrefix(r.value, "/"):
			c.bad(r.name, "has to be a path or a URL", "for instance /auth-callback")
		case u.Scheme != "" && u.Scheme != "https" && (u.Scheme != "http" || !loopback.Host(u.Hostname())):
			c.bad(r.name, "has to begin with https://", "http:// is for this machine only: localhost, 127.0.0.1, [::1]")
		}
	}
	if c.s.FirstAdmin != "" {
		if a, err := mail.ParseAddress(c.s.FirstAdmin); err != nil || a.Address != c.s.FirstAdmin {
			c.bad("firstAdmin", "is not an e-mail address", "")
		}
	}
	if strings.ContainsAny(c.s.Namespace, " \t") {
		c.bad("namespace", "has to be one name", "for instance https://shop.example.com")
	}
}
