package shape

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gatewright/gate/password"
)

// The bounds of objects.
const (
	maxURLs = 100 // addresses in a list of a client
	// MaxMetadata is how large the metadata of a user may be, in bytes.
	MaxMetadata = 64 << 10
	// MaxUserID is how long the second half of the ID of a new user may be.
	MaxUserID = 200
	// MaxCode is how long the code of an action may be, in bytes.
	MaxCode = 100_000
	// MaxBindings is how many actions a trigger may have.
	MaxBindings = 20
	// MaxSecrets is how many secrets an action has.
	MaxSecrets = 30
	// MaxDocument is how large a document of the settings may be, in bytes.
	MaxDocument = 128 << 10
)

// Alphabet is the letters and digits of names.
const Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// User is what callers may say of a user, and all of it.
func User() Schema {
	name := Text(1, 300)
	return Schema{
		"email":          {Check: Text(1, 320)},
		"email_verified": {Check: Boolean},
		"verify_email":   {Check: Boolean, About: "Whether a letter is sent to verify the address"},
		"username":       {Check: Text(1, 128)},
		"phone_number":   {Check: Matching("phone-number", 16, PhoneNumber)},
		"phone_verified": {Check: Boolean},
		"password":       {Check: Text(1, password.MaxRunes)},
		"blocked":        {Check: Boolean},
		"given_name":     {Check: Text(1, 150)},
		"family_name":    {Check: Text(1, 150)},
		"name":           {Check: name},
		"nickname":       {Check: name},
		"picture":        {Check: URL(PlainURL)},
		"user_metadata":  {Check: ObjectOf(1000, MaxMetadata)},
		"app_metadata":   {Check: ObjectOf(1000, MaxMetadata)},
		"connection":     {Check: Text(1, 128), About: "Name of the connection"},
	}
}

// StoredUser is what an export says of a user: their names may come from a sign-up
// or another provider, which may be longer.
func StoredUser() Schema {
	return User().Stored().With(Schema{"given_name": {Check: Text(1, 300)}, "family_name": {Check: Text(1, 300)}})
}

// UserID reports whether s can be the second half of the ID of a new user.
func UserID(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(Alphabet+"-_.@+", r) })
}

// ID reports whether s can be the ID of an object.
func ID(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(Alphabet+"-_", r) })
}

// PhoneNumber reports whether s is a number as E.164 has it.
func PhoneNumber(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	if !plus || len(digits) < 6 || len(digits) > 15 || digits[0] == '0' {
		return false
	}
	return !strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}

// Client is what callers may say of a client. The rules of addresses
// depend on the client as a whole, see Check of tenant.Client.
func Client() Schema {
	urls := List(maxURLs, Text(1, 2048))
	return Schema{
		"name":            {Check: Matching("client-name", 140, func(s string) bool { return !strings.ContainsAny(s, "<>") }), Needed: true, About: "The name of the client"},
		"description":     {Check: Text(0, 140)},
		"app_type":        {Check: OneOf("spa", "native", "regular_web", "non_interactive", "sso_integration", "resource_server", "express_configuration")},
		"logo_uri":        {Check: URL(func(s string) string { return ReturnURL(s, false) })},
		"client_secret":   {Check: Text(32, 255)},
		"is_first_party":  {Check: Boolean},
		"oidc_conformant": {Check: Boolean},
		"unsafe_wildcards": {
			Check: Boolean, About: "Whether addresses may have a wildcard in the first label of their host",
		},
		"is_token_endpoint_ip_header_trusted": {Check: Boolean},
		"token_endpoint_auth_method":          {Check: OneOf("none", "client_secret_basic", "client_secret_post", "private_key_jwt")},
		"grant_types":                         {Check: List(20, OneOf(GrantTypes()...))},
		"callbacks":                           {Check: urls},
		"allowed_logout_urls":                 {Check: urls},
		"web_origins":                         {Check: urls},
		"allowed_origins":                     {Check: urls},
		"allowed_clients":                     {Check: List(maxURLs, Text(1, 64))},
		"client_aliases":                      {Check: List(20, Text(1, 2048))},
		"initiate_login_uri":                  {Check: URL(LoginURL)},
		"client_metadata":                     {Check: Pairs(10, 255), About: "At most 10 pairs of texts"},
		"jwt_configuration":                   {Check: ObjectOf(10, 4096)},
		"refresh_token":                       {Check: ObjectOf(12, 16384)},
		"oidc_logout":                         {Check: ObjectOf(6, 32768)},
		// The keys of a client come by client_authentication_methods.
		"client_authentication_methods": {Check: ObjectOf(4, 65536)},
	}.Reserve("client_id", "global", "tenant", "credentials", "signing_keys", "is_system", "owners", "callback_url_template")
}

// GrantTypes are those that Auth0 knows; clients may have all of them, and this
// provider answers some.
func GrantTypes() []string {
	return []string{
		"authorization_code", "implicit", "refresh_token", "client_credentials", "password",
		"http://auth0.com/oauth/grant-type/password-realm", "http://auth0.com/oauth/grant-type/passwordless/otp",
		"http://auth0.com/oauth/grant-type/mfa-oob", "http://auth0.com/oauth/grant-type/mfa-otp",
		"http://auth0.com/oauth/grant-type/mfa-recovery-code", "urn:ietf:params:oauth:grant-type:device_code",
		"urn:ietf:params:oauth:grant-type:token-exchange", "urn:openid:params:grant-type:ciba",
		"urn:okta:params:oauth:grant-type:webauthn",
	}
}

// LoginURL says what is wrong with an address where a log-in begins: https.
func LoginURL(s string) string {
	if !strings.HasPrefix(strings.ToLower(s), "https://") {
		return "has to be https"
	}
	return ReturnURL(s, false)
}

// API is what callers may say of an API.
func API() Schema {
	return Schema{
		"name": {Check: Matching("api-name", 200, func(s string) bool { return !strings.ContainsAny(s, "<>") })},
		"identifier": {
			Check: Matching("identifier", 600, func(s string) bool { return !strings.ContainsAny(s, " \t\r\n") }), Needed: true,
			About: "The audience of access tokens",
		},
		"scopes":                 {Check: List(1000, ObjectOf(4, 4096))},
		"signing_alg":            {Check: OneOf("RS256", "HS256", "PS256", "ES256")},
		"signing_secret":         {Check: Text(32, 128)},
		"token_lifetime":         {Check: Integer(1, 2592000)},
		"token_lifetime_for_web": {Check: Integer(1, 2592000)},
		"allow_offline_access":   {Check: Boolean},
		"enforce_policies":       {Check: Boolean},
		"token_dialect":          {Check: OneOf("access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz")},
		"skip_consent_for_verifiable_first_party_clients": {Check: Boolean},
	}.Reserve("id", "is_system")
}

// ScopeName reports whether s can be a scope (RFC 6749 §3.3) of an API.
func ScopeName(s string) bool {
	if s == "" || len(s) > 280 {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Grant is what callers may say of a client grant.
func Grant() Schema {
	return Schema{
		"client_id":              {Check: Text(1, 64), Needed: true, About: "ID of the client"},
		"audience":               {Check: Text(1, 600), Needed: true, About: "The audience (API identifier) of this client grant"},
		"scope":                  {Check: List(1000, Text(1, 280)), Needed: true, About: "Scopes allowed for this client grant"},
		"organization_usage":     {Check: OneOf("deny", "allow", "require")},
		"allow_any_organization": {Check: Boolean},
		"subject_type":           {Check: OneOf("client", "user")},
	}.Reserve("id")
}

// Role is what callers may say of a role.
func Role() Schema {
	return Schema{
		"name":        {Check: Text(1, 128), Needed: true, About: "Name of the role."},
		"description": {Check: Text(0, 512)},
	}.Reserve("id")
}

// Placeholder reports whether nobody can have meant s as the ID or the secret of a
// client at another provider.
func Placeholder(s string) bool {
	if s == "" {
		return false
	}
	low := strings.ToLower(s)
	for _, part := range []string{"<", ">", "${", "{{", "changeme", "change-me", "change_me", "placeholder", "your-", "your_", "yourclient"} {
		if strings.Contains(low, part) {
			return true
		}
	}
	return strings.Trim(low, low[:1]) == "" || slices.Contains([]string{"secret", "client_secret", "client-secret", "client_id", "client-id", "todo"}, low)
}

// Connection is what callers may say of a connection.
func Connection() Schema {
	return Schema{
		"name": {
			Check: Matching("connection-name", 128, ConnectionName), Needed: true,
			About: "The name of the connection, of letters, digits and hyphens",
		},
		"strategy":             {Check: strategy, Needed: true},
		"display_name":         {Check: Text(0, 128)},
		"options":              {Check: ObjectOf(100, 200_000)},
		"enabled_clients":      {Check: List(5000, Text(1, 64))},
		"realms":               {Check: List(10, Text(1, 128))},
		"is_domain_connection": {Check: Boolean},
		"show_as_button":       {Check: Boolean},
		"metadata":             {Check: Pairs(10, 255)},
		"authentication":       {Check: ObjectOf(10, 4096)},
		"connected_accounts":   {Check: ObjectOf(10, 4096)},
	}.Reserve("id")
}

// Strategies are those that a connection may have, first the one that keeps
// passwords here.
func Strategies() []string {
	return []string{"auth0", "google-oauth2", "github", "windowslive", "waad", "apple", "facebook", "gitlab", "oidc", "oauth2"}
}

// strategy is OneOf them, and says which there are.
func strategy(raw json.RawMessage) string {
	why := OneOf(Strategies()...)(raw)
	if strings.HasPrefix(why, "No enum match") {
		why += " (there are " + strings.Join(Strategies(), ", ") + ")"
	}
	return why
}

// ConnectionName reports whether s is made of letters, digits and single
// hyphens between them.
func ConnectionName(s string) bool {
	for part := range strings.SplitSeq(s, "-") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return !strings.ContainsRune(Alphabet, r) }) {
			return false
		}
	}
	return true
}

// Action is what callers may say of an action.
func Action() Schema {
	return Schema{
		"name":               {Check: Text(1, 255), Needed: true, About: "The name of an action."},
		"supported_triggers": {Check: List(1, ObjectOf(6, 4096)), Needed: true, About: "The list of triggers that this action supports."},
		"code":               {Check: Text(0, MaxCode), About: "The source code of the action."},
		"runtime":            {Check: OneOf("node12", "node16", "node18", "node18-actions", "node20", "node22", "node24")},
		"dependencies":       {Check: List(50, ObjectOf(4, 2048))},
		"secrets":            {Check: List(MaxSecrets, ObjectOf(3, 32768))},
		"modules":            {Check: List(50, ObjectOf(10, 2048))},
		"deploy":             {Check: Boolean},
	}.Reserve("id", "status", "deployed_version", "current_version", "all_changes_deployed", "installed_integration_id", "errors")
}

// Settings is what callers may say of the tenant.
func Settings() Schema {
	return Schema{
		"friendly_name":           {Check: Text(0, 128)},
		"picture_url":             {Check: URL(PlainURL)},
		"support_email":           {Check: Text(0, 320)},
		"support_url":             {Check: URL(PlainURL)},
		"default_audience":        {Check: Text(0, 600)},
		"default_directory":       {Check: Text(0, 128)},
		"default_redirection_uri": {Check: URL(LoginURL)},
		"allowed_logout_urls":     {Check: List(maxURLs, URL(func(s string) string { return ReturnURL(s, false) }))},
		"session_lifetime":        {Check: Number(8760)},
		"idle_session_lifetime":   {Check: Number(8760)},
		"enabled_locales":         {Check: List(100, Text(2, 35))},
		"flags":                   {Check: Flags},
		"sandbox_version":         {Check: Text(0, 8)},
		"change_password":         {Check: ObjectOf(10, MaxDocument)},
		"guardian_mfa_page":       {Check: ObjectOf(10, MaxDocument)},
		"error_page":              {Check: ObjectOf(10, MaxDocument)},
		"session_cookie":          {Check: sessionCookie},
		"sessions":                {Check: ObjectOf(10, 4096)},
		"oidc_logout":             {Check: ObjectOf(10, 4096)},
		"mtls":                    {Check: ObjectOf(10, 4096)},
		"acr_values_supported":    {Check: List(100, Text(1, 255))},
	}
}

func sessionCookie(raw json.RawMessage) string {
	var o struct {
		Mode json.RawMessage `json:"mode"`
	}
	if m := ObjectOf(1, 64)(raw); m != "" {
		return m
	}
	if json.Unmarshal(raw, &o) != nil || len(o.Mode) == 0 {
		return "Missing required property: mode"
	}
	return OneOf("persistent", "non-persistent")(o.Mode)
}

// Flags is an object of booleans; null removes one.
func Flags(raw json.RawMessage) string {
	if why := ObjectOf(200, 32<<10)(raw); why != "" {
		return why
	}
	var o map[string]json.RawMessage
	_ = json.Unmarshal(raw, &o) // objectOf read it
	for _, value := range o {
		if string(value) == "null" {
			continue
		}
		if why := Boolean(value); why != "" {
			return why
		}
	}
	return ""
}

// Protection is what callers may say of attack protection.
func Protection() Schema {
	return Schema{
		"enabled":                      {Check: Boolean},
		"shields":                      {Check: List(3, OneOf("block", "user_notification", "admin_notification"))},
		"mode":                         {Check: OneOf("count_per_identifier_and_ip", "count_per_identifier")},
		"allowlist":                    {Check: List(100, Text(2, 64))},
		"max_attempts":                 {Check: Integer(1, 100)},
		"stage":                        {Check: ObjectOf(4, 4096)},
		"method":                       {Check: OneOf("standard", "enhanced")},
		"admin_notification_frequency": {Check: List(4, OneOf("immediately", "daily", "weekly", "monthly"))},
	}
}
