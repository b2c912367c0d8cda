package tenant

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/mail"
)

// A FieldError says which member of an object is wrong: its Field is the path,
// its Reason fit to be shown. The Management API answers with it, and an import
// tells it of a row.
type FieldError = shape.Error

func wrong(field, reason string) error { return shape.Wrong(field, reason) }

// CanonicalEmail returns an address as users are found by; the empty one is
// none. The error is a [*FieldError] about the member email.
func CanonicalEmail(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	address, err := mail.Canonical(s)
	if err != nil {
		return "", wrong("email", "Object didn't pass validation for format email: "+shape.Cut(s, 64))
	}
	return address, nil
}

// Unreserved returns app_metadata without the names that are not for it, which
// are removed from the map.
func Unreserved(m map[string]any) map[string]any {
	for _, name := range []string{
		"__tenant", "_id", "blocked", "clientID", "created_at", "email", "email_verified", "globalClientID", "global_client_id",
		"identities", "lastIP", "lastLogin", "loginsCount", "metadata", "multifactor", "multifactor_last_modified", "updated_at", "user_id",
	} {
		delete(m, name)
	}
	return m
}

// Check judges the options of a connection. The error is a [*FieldError].
func (c *Connection) Check() error {
	for _, o := range []struct{ name, address string }{
		{"issuer", c.Options.Issuer},
		{"discovery_url", c.Options.DiscoveryURL},
		{"authorizationURL", c.Options.AuthorizationURL},
		{"tokenURL", c.Options.TokenURL},
		{"userInfoURL", c.Options.UserInfoURL},
	} {
		if o.address == "" {
			continue
		}
		if why := shape.Endpoint(o.address); why != "" {
			return wrong("options."+o.name, shape.Cut(o.address, 128)+" "+why)
		}
	}
	if !slices.Contains([]string{"", "none", "low", "fair", "good", "excellent"}, c.Options.PasswordPolicy) {
		return wrong("options.passwordPolicy", "No enum match for: "+shape.Cut(c.Options.PasswordPolicy, 32))
	}
	if !slices.Contains([]string{"", "on_each_login", "on_first_login", "never_on_login"}, c.Options.SetRootAttributes) {
		return wrong("options.set_user_root_attributes", "No enum match for: "+shape.Cut(c.Options.SetRootAttributes, 32))
	}
	if shape.Placeholder(c.Options.ClientSecret) && !c.Imitates() {
		return wrong("options.client_secret", "is a placeholder: write the one that the other provider gave you")
	}
	if c.Options.Apple["app_secret"] != "" && c.Strategy != "apple" {
		return wrong("options.apple.app_secret", "is for the strategy apple")
	}
	return nil
}

// Imitates reports whether a connection says that it leads to an imitation of the
// provider, which takes any credentials.
func (c *Connection) Imitates() bool {
	var yes bool
	_ = json.Unmarshal(c.Options.Extra["imitation"], &yes) // what is of another shape does not say so
	return yes
}

// CheckUsername judges a user name by the rules of the connection, of 1 to 64
// characters unless its option validation says otherwise. The empty name is
// none, and is right. The error is a [*FieldError].
func (c *Connection) CheckUsername(name string) error {
	var rules struct {
		Username struct{ Min, Max int } `json:"username"`
	}
	if raw := c.Options.Extra["validation"]; raw != nil {
		_ = json.Unmarshal(raw, &rules) // of another shape: the defaults
	}
	least, most := max(1, rules.Username.Min), rules.Username.Max
	if most <= 0 || most > 128 {
		most = 64
	}
	return usernameFits(name, least, most)
}

func usernameFits(name string, least, most int) error {
	if name == "" || len(name) >= least && len(name) <= most && !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune(shape.Alphabet+"_+-.!#$'^`~", r)
	}) {
		return nil
	}
	return wrong("username", fmt.Sprintf("Object didn't pass validation for format username: %d to %d letters, digits and _ + - .", least, most))
}

// Check judges an API. The error is a [*FieldError].
func (a *API) Check() error {
	seen := map[string]bool{}
	for _, s := range a.Scopes {
		if !shape.ScopeName(s.Value) {
			return wrong("scopes.value", "Object didn't pass validation for format scope: "+shape.Cut(s.Value, 64))
		}
		if seen[s.Value] {
			return wrong("scopes", "Array items are not unique: "+shape.Cut(s.Value, 64))
		}
		seen[s.Value] = true
		if why := shape.Judge(0, 500, s.Description); why != "" {
			return wrong("scopes.description", why)
		}
	}
	if a.SigningAlg == string(jose.HS256) && a.SigningSecret != "" {
		if _, err := jose.NewHMACKey("", jose.HS256, []byte(a.SigningSecret)); err != nil {
			return wrong("signing_secret", "signs no token: "+err.Error())
		}
	}
	if a.TokenLifetimeForWeb > a.TokenLifetime && a.TokenLifetime > 0 {
		return wrong("token_lifetime_for_web", "is longer than token_lifetime")
	}
	return nil
}

// ReservedIdentifier reports whether an identifier belongs to the provider whose
// Management API has the other one, whether it ends with a slash or not.
func ReservedIdentifier(identifier, managementAPI string) bool {
	root := strings.TrimSuffix(managementAPI, "/api/v2/")
	return slices.Contains([]string{root, root + "/userinfo", root + "/mfa", root + "/me", root + "/api/v2"}, strings.TrimRight(identifier, "/"))
}

// Check judges a client grant, of a client at an API. The error is a
// [*FieldError].
func (c *ClientGrant) Check(client *Client, api *API) error {
	if client.AuthMethod == AuthNone || client.Global {
		return wrong("client_id", "a client that does not authenticate gets no tokens of its own")
	}
	for _, s := range c.Scope {
		if !api.Defines(s) {
			return wrong("scope", "Scope "+shape.Cut(s, 64)+" is not one of the resource server")
		}
	}
	return nil
}

// The bounds of what the settings keep as documents.
const (
	maxDocuments = 500
	maxTexts     = 300     // documents of texts of pages
	maxAllBytes  = 4 << 20 // of all documents
)

// Check judges the settings: the address of support, and that the documents are
// neither too large nor too many. The error is a [*FieldError].
func (s *Settings) Check() error {
	if _, err := CanonicalEmail(s.SupportEmail); err != nil {
		return wrong("support_email", "Object didn't pass validation for format email")
	}
	all, texts := 0, 0
	for _, name := range slices.Sorted(maps.Keys(s.Documents)) {
		size := len(s.Documents[name])
		if size > shape.MaxDocument && !strings.HasPrefix(name, "gate/") {
			return wrong("", fmt.Sprintf("The document %s is larger than %d bytes", shape.Cut(name, 128), shape.MaxDocument))
		}
		if all += size; strings.Contains(name, "/custom-text/") {
			texts++
		}
	}
	switch {
	case all > maxAllBytes:
		return wrong("", fmt.Sprintf("The documents are larger than %d bytes together", maxAllBytes))
	case len(s.Documents) > maxDocuments:
		return wrong("", fmt.Sprintf("There are more than %d documents", maxDocuments))
	case texts > maxTexts:
		return wrong("", fmt.Sprintf("There are texts for more than %d prompts and languages", maxTexts))
	}
	return nil
}
