package idp

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

// transactionLife is how long a page may stay open before its form is posted.
const transactionLife = time.Hour

// A request is an authorization request that was checked (RFC 6749 §4.1.1,
// OpenID Connect Core 1.0 §3.1.2.1). It travels sealed through the browser while
// a person logs in, so it takes no memory here.
type request struct {
	ClientID string `json:"c"`
	// RedirectURI is registered for the client. RedirectGiven says that the
	// client named it, so that it has to name it again with the code.
	RedirectURI   string   `json:"r"`
	RedirectGiven bool     `json:"rg,omitempty"`
	ResponseType  []string `json:"t"` // sorted
	ResponseMode  string   `json:"m"`
	Scope         []string `json:"s,omitempty"`
	Audience      string   `json:"a,omitempty"`
	State         *string  `json:"st,omitempty"` // nil: none was sent, none goes back
	Nonce         string   `json:"n,omitempty"`
	Challenge     string   `json:"ch,omitempty"`
	Prompt        []string `json:"p,omitempty"`
	MaxAge        *int64   `json:"ma,omitempty"`
	LoginHint     string   `json:"lh,omitempty"`
	ScreenHint    string   `json:"sh,omitempty"`
	Connection    string   `json:"cn,omitempty"`
	UserID        string   `json:"u,omitempty"` // of id_token_hint
	Locales       string   `json:"l,omitempty"`
	ACR           []string `json:"acr,omitempty"`
	// Query is what actions see: without secrets.
	Query   params    `json:"q,omitempty"`
	Started time.Time `json:"at"`
	Browser string    `json:"b,omitempty"` // hash of the cookie of the browser it began in
	// UpstreamParams go along to another provider.
	ConnectionScope string `json:"cs,omitempty"`
	// Asked is what a consent page showed, and to whom: the answer counts for
	// that alone.
	Asked *asked `json:"as,omitempty"`
	// Sent is what a letter was asked for, of a page that says so.
	Sent string `json:"to,omitempty"`
	// Consented is set when the person has just said yes. It does not travel.
	Consented bool `json:"-"`
}

// An asked is what somebody was asked to allow.
type asked struct {
	SessionID string   `json:"s"`
	Scope     []string `json:"sc"`
}

func (q *request) wants(kind string) bool { return slices.Contains(q.ResponseType, kind) }
func (q *request) asks(prompt string) bool {
	return slices.Contains(q.Prompt, prompt)
}

// fresh reports whether an authentication at that time will do for the request.
func (q *request) fresh(at time.Time) bool {
	age, asked := q.age()
	return !asked || !at.Before(q.oldest(age))
}

// age returns how old an authentication may be at the request, and whether that
// matters to it.
func (q *request) age() (time.Duration, bool) {
	switch {
	case q.asks("login"):
		return 0, true
	case q.MaxAge != nil:
		return time.Duration(*q.MaxAge) * time.Second, true
	}
	return 0, false
}

// now reports whether somebody has to log in for this request alone: one who just did
// may have done so in the same millisecond, which is all that a session knows.
func (q *request) now() bool {
	age, asked := q.age()
	return asked && age == 0
}

// oldest returns when an authentication of that age was: times of sessions are
// whole milliseconds.
func (q *request) oldest(age time.Duration) time.Time {
	return q.Started.Add(-age).Truncate(time.Millisecond)
}

// A pageError is an error that must not go back to the client, because nobody
// knows whether the address is the client's.
type pageError struct {
	*oauthError
	fault  login.Fault
	hint   string // for whoever develops the client
	client *tenant.Client
	// address is the one that is not registered, for the log alone.
	address string
	// restart is where the person can begin again; empty means where the client
	// says.
	restart string
	locales string // of the log-in that it ends
}

// A backError is an error that goes back to the client.
type backError struct {
	request *request
	client  *tenant.Client
	*oauthError
}

func (e *pageError) Unwrap() error { return e.oauthError }
func (e *backError) Unwrap() error { return e.oauthError }

// readRequest checks an authorization request. The error is a *pageError until
// the client and its address are known, and a *backError from then on; others
// are faults.
func (p *Provider) readRequest(ctx context.Context, in params) (*request, *tenant.Client, error) {
	c, err := p.requestClient(ctx, in["client_id"])
	if err != nil {
		return nil, nil, err
	}
	q := &request{ClientID: c.ID, Started: p.now(), ResponseMode: "query", ResponseType: []string{"code"}}
	if err := p.readAddress(q, c, in); err != nil {
		return nil, c, err
	}
	if state, ok := in["state"]; ok {
		q.State = &state
	}
	if err := readResponse(q, in); err != nil {
		return nil, c, &backError{q, c, err}
	}
	if err := p.readRest(ctx, q, c, in); err != nil {
		var page *pageError
		var refused *oauthError
		if !errors.As(err, &page) && errors.As(err, &refused) {
			return nil, c, &backError{q, c, refused}
		}
		return nil, c, err
	}
	sealed, err := p.sealRequest(q)
	if err == nil && len(sealed) > maxRequest {
		err = &backError{q, c, refuse("invalid_request", "The request is too long")}
	}
	return q, c, err
}

func (p *Provider) requestClient(ctx context.Context, id string) (*tenant.Client, error) {
	if id == "" {
		return nil, &pageError{oauthError: missing("client_id"), fault: login.FaultRequest}
	}
	c, err := p.tenant.Clients.Get(ctx, id)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && c.Global {
		return nil, &pageError{
			oauthError: refuse("invalid_request", unknownClient(id)), fault: login.FaultUnknownClient,
			hint: "No application has this client_id. See those there are: gate idp client list",
		}
	}
	return c, err
}

// unknownClient says that there is no such client. What could not be the ID of one
// is not repeated: a page of ours must not say what an address wants.
func unknownClient(id string) string {
	const most = 64
	if len(id) > most || strings.Trim(id, unreserved) != "" {
		return "Unknown client"
	}
	return "Unknown client: " + id
}

func (p *Provider) readAddress(q *request, c *tenant.Client, in params) error {
	raw, given := in["redirect_uri"]
	if !given && len(c.Callbacks) > 0 {
		raw = c.Callbacks[0]
	}
	uri, ok := callback(c, raw)
	if !ok {
		return &pageError{
			oauthError: &oauthError{
				status: http.StatusForbidden, code: "invalid_request",
				description: "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs.",
			},
			fault: login.FaultCallback, client: c, address: bare(raw),
			hint: callbackHint(c, bare(raw)),
		}
	}
	q.RedirectURI, q.RedirectGiven = uri, given
	return nil
}

// callbackHint tells a developer how an address becomes a callback. Whoever made the
// link chose it, so that nothing is in the command that a terminal obeys.
func callbackHint(c *tenant.Client, address string) string {
	if address == "" {
		return "The redirect_uri is no address to be registered; one is added by: gate idp client update " + c.ID + " --callback URL"
	}
	return "Add " + strconv.Quote(address) + " to the callbacks of the application " + strconv.Quote(c.Name) +
		": gate idp client update " + c.ID + " --callback " + shellQuote(address)
}

// readResponse reads how the answer is wanted. The default mode depends on the
// type, so that an error about either still goes where it belongs.
func readResponse(q *request, in params) *oauthError {
	types := in.list("response_type")
	slices.Sort(types)
	types = slices.Compact(types)
	if len(types) == 0 {
		return missing("response_type")
	}
	for _, t := range types {
		if t != "code" && t != "token" && t != "id_token" {
			return refuse("unsupported_response_type", "Unsupported response type: "+echo(in["response_type"]))
		}
	}
	q.ResponseType = types
	tokens := q.wants("token") || q.wants("id_token")
	if tokens {
		q.ResponseMode = "fragment"
	}
	switch mode := in["response_mode"]; {
	case mode == "":
	case posted(mode) && originOf(q.RedirectURI) == "":
		return refuse("invalid_request", "response_mode "+mode+" is for a redirect_uri of http or https: a page cannot post to an application on a device")
	case mode == "web_message" && strings.Contains(originOf(q.RedirectURI), "["):
		return refuse("invalid_request", "response_mode web_message is for a redirect_uri with a name: no policy lets a page at an IPv6 address frame another")
	case mode == "query" && tokens:
		return refuse("invalid_request", "response_mode query is not for tokens: they would be logged")
	case slices.Contains([]string{"query", "fragment", "form_post", "web_message"}, mode):
		q.ResponseMode = mode
	default:
		return refuse("invalid_request", "Unsupported response_mode")
	}
	if !tokens {
		return nil
	}
	if q.wants("id_token") && in["nonce"] == "" {
		return missing("nonce")
	}
	return nil
}

// posted reports whether a page of ours hands the answer on in this mode, which
// it can to other pages alone.
func posted(mode string) bool { return mode == "form_post" || mode == "web_message" }

// maxState bounds what a client wants back: it travels in addresses.
const maxState = 4096

// maxNonce bounds what a client has put into its ID token, which has a size.
const maxNonce = 1024

// maxRequest bounds a sealed request, so that it fits into the cookies of a trip
// with what goes along: names of a connection and addresses.
const maxRequest = tripCookies*cookieSize - 1500

// withheld are parameters that scripts have no business with.
var withheld = []string{"client_secret", "client_assertion", "id_token_hint", "request", "code_challenge", "state", "nonce"} //nolint:gochecknoglobals // constant

// grant returns the grant type that a client needs for the request.
func (q *request) grant() string {
	if q.wants("token") || q.wants("id_token") {
		return "implicit"
	}
	return "authorization_code"
}

// posts reports whether a message with the answer may go to where the client wants it.
func (q *request) posts(c *tenant.Client) bool {
	return q.ResponseMode != "web_message" ||
		slices.ContainsFunc(c.WebOrigins, func(o string) bool { return originOf(o) == originOf(q.RedirectURI) })
}

func (p *Provider) readRest(ctx context.Context, q *request, c *tenant.Client, in params) error {
	if err := (caller{Client: c}).may(q.grant()); err != nil {
		return err
	}
	if in["request"] != "" {
		return refuse("request_not_supported", "Request objects are not supported")
	}
	if in["request_uri"] != "" {
		return refuse("request_uri_not_supported", "Request objects are not supported")
	}
	if in["organization"] != "" || in["invitation"] != "" {
		// Going on without would log somebody in who need not be a member.
		return refuse("invalid_request", "Organizations are not supported")
	}
	if err := readPKCE(q, c, in); err != nil {
		return err
	}
	if err := readPrompt(q, in); err != nil {
		return err
	}
	if len(in["state"]) > maxState {
		return refuse("invalid_request", "state is too long")
	}
	if len(in["nonce"]) > maxNonce {
		return refuse("invalid_request", "nonce is too long")
	}
	q.Nonce, q.LoginHint, q.ScreenHint = in["nonce"], in["login_hint"], in["screen_hint"]
	q.Locales, q.ACR, q.ConnectionScope = in["ui_locales"], in.list("acr_values"), in["connection_scope"]
	var err error
	if q.Scope, err = in.scope(); err != nil {
		return err
	}
	if q.Audience, err = p.readAudience(ctx, in); err != nil {
		return err
	}
	if err := p.readConnection(ctx, q, c, in["connection"]); err != nil {
		return err
	}
	if err := p.readHint(ctx, q, in["id_token_hint"]); err != nil {
		return err
	}
	if !q.posts(c) {
		return &pageError{
			oauthError: &oauthError{
				status: http.StatusForbidden, code: "invalid_request",
				description: "The origin of redirect_uri is not in the list of allowed web origins.",
			},
			fault: login.FaultWebOrigin, client: c,
			hint: "Add " + originOf(q.RedirectURI) + " to the web origins of the application: gate idp client update " + c.ID +
				" --web-origin " + originOf(q.RedirectURI),
		}
	}
	q.Query = params{}
	for name, value := range in {
		if !slices.Contains(withheld, name) && len(value) <= 512 {
			q.Query[name] = value
		}
	}
	return nil
}

// readPKCE reads the challenge (RFC 7636 §4.3): S256, and demanded of clients
// that cannot keep a secret.
func readPKCE(q *request, c *tenant.Client, in params) error {
	challenge, method := in["code_challenge"], in["code_challenge_method"]
	switch {
	case challenge == "" && method != "":
		return missing("code_challenge")
	case challenge == "":
		if q.wants("code") && c.AuthMethod == tenant.AuthNone {
			return refuse("invalid_request", "Missing required parameter: code_challenge. Clients without a secret have to use PKCE")
		}
		return nil
	case method != "S256":
		return refuse("invalid_request", "code_challenge_method has to be S256")
	case len(challenge) < 43 || len(challenge) > 128 || strings.Trim(challenge, unreserved) != "":
		return refuse("invalid_request", "code_challenge is not 43 to 128 characters of base64url")
	}
	q.Challenge = challenge
	return nil
}

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

func readPrompt(q *request, in params) error {
	q.Prompt = in.list("prompt")
	for _, word := range q.Prompt {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, word) {
			return refuse("invalid_request", "Unsupported prompt")
		}
	}
	if q.asks("none") && len(q.Prompt) > 1 {
		return refuse("invalid_request", "prompt none stands alone")
	}
	if q.asks("select_account") {
		q.Prompt = append(q.Prompt, "login") // one account a browser: another one logs in
	}
	if text := in["max_age"]; text != "" {
		age, err := strconv.ParseInt(text, 10, 32)
		if err != nil || age < 0 {
			return refuse("invalid_request", "max_age has to be a number of seconds")
		}
		q.MaxAge = &age
	}
	return nil
}

// readAudience finds the API that the access token is for. Empty is userinfo.
func (p *Provider) readAudience(ctx context.Context, in params) (string, error) {
	audience, err := p.wanted(ctx, in)
	if err != nil || audience == "" || audience == p.base+"/userinfo" {
		return "", err
	}
	_, err = p.tenant.APIs.ByName(ctx, audience)
	if errors.Is(err, tenant.ErrNotFound) {
		code := "access_denied" // as Auth0 says
		if in["resource"] != "" {
			code = "invalid_target" // RFC 8707 §2
		}
		err = refuse(code, "Service not found: "+echo(audience))
	}
	return audience, err
}

// wanted returns the audience that a request names: by the parameter audience, by
// resource (RFC 8707), or by default.
func (p *Provider) wanted(ctx context.Context, in params) (string, error) {
	audience, resource := in["audience"], in["resource"]
	switch {
	case audience != "" && resource != "" && audience != resource:
		return "", refuse("invalid_target", "audience and resource differ")
	case audience != "" || resource != "":
		return cmp.Or(audience, resource), nil
	}
	set, err := p.tenant.Settings(ctx)
	if err != nil {
		return "", err
	}
	return set.DefaultAudience, nil
}

func (p *Provider) readConnection(ctx context.Context, q *request, c *tenant.Client, name string) error {
	if name == "" {
		return nil
	}
	conn, err := p.tenant.Connections.ByName(ctx, name)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return err
	}
	if err != nil || !p.offers(conn, c) {
		return refuse("access_denied", "the connection is not enabled")
	}
	q.Connection = name
	return nil
}

// readHint reads whom the client believes to be logged in.
func (p *Provider) readHint(ctx context.Context, q *request, token string) error {
	if token == "" {
		return nil
	}
	claims, err := p.verifyHint(ctx, token)
	if errors.Is(err, errHint) {
		return refuse("invalid_request", "id_token_hint is not a token of ours")
	}
	if err != nil {
		return err
	}
	q.UserID = claims.Subject
	return nil
}

// enabled reports whether a client may use a connection.
func enabled(conn *tenant.Connection, c *tenant.Client) bool {
	return conn.DomainLevel && !c.FirstParty || slices.Contains(conn.EnabledClients, c.ID)
}

// offers reports whether a client may use a connection here: one to an imitation
// of another provider, where nobody is asked for a password, is for development.
func (p *Provider) offers(conn *tenant.Connection, c *tenant.Client) bool {
	return enabled(conn, c) && (p.cfg.Development || !conn.Imitates())
}

// imagined reports whether all that a user logs in with are imitations of other
// providers, and this is no development: then there is no such person.
func (p *Provider) imagined(ctx context.Context, u *tenant.User) (bool, error) {
	if p.cfg.Development || len(u.Identities) == 0 {
		return false, nil
	}
	for _, i := range u.Identities {
		conn, err := p.tenant.Connections.ByName(ctx, i.Connection)
		if errors.Is(err, tenant.ErrNotFound) || err == nil && !conn.Imitates() {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

func unique(list []string) []string {
	var out []string
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// maxScope bounds the scopes that a request asks for, in bytes: some four hundred.
const maxScope = 8 << 10

// scope returns the scopes that a request asks for, each once.
func (p params) scope() ([]string, error) {
	if len(p["scope"]) > maxScope {
		return nil, refuse("invalid_scope", "scope is too long")
	}
	return unique(p.list("scope")), nil
}

// bare returns an address that somebody sent without what is in it for its owner
// alone, and which does not count where addresses are compared; empty of what is
// no address, and of what nobody registers: it is printable ASCII.
func bare(raw string) string {
	const longest = 500
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || len(raw) > longest {
		return ""
	}
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment, u.User = "", false, "", "", nil
	s := u.String()
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}

// shellQuote returns a word that a shell takes as it is.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

const useState = "transaction"

// sealRequest returns the parameter state of the pages.
func (p *Provider) sealRequest(q *request) (string, error) { return p.seal.close(useState, q) }

var errTransaction = errors.New("transaction is over, or began in another browser")

// sealedRequest returns the request in the parameter state, whoever brings it and
// when.
func (p *Provider) sealedRequest(state string) (*request, error) {
	q := new(request)
	if state == "" || p.seal.open(useState, state, q) != nil {
		return nil, errTransaction
	}
	return q, nil
}

// openRequest returns the request of a page, which has to come back in the
// browser that it began in: a link with a log-in of somebody else does nothing.
// With an error it is for [Provider.expiredPage] alone.
func (p *Provider) openRequest(r *http.Request, state string) (*request, *tenant.Client, error) {
	q, err := p.sealedRequest(state)
	if err != nil {
		return nil, nil, err
	}
	if p.now().After(q.Started.Add(transactionLife)) || q.Browser == "" || q.Browser != p.browserHash(r) {
		return q, nil, errTransaction
	}
	c, err := p.clientOf(r.Context(), q)
	return q, c, err
}

// clientOf returns the client of a request that was under way, or errTransaction:
// what was registered when it began may not be any more.
func (p *Provider) clientOf(ctx context.Context, q *request) (*tenant.Client, error) {
	c, err := p.tenant.Clients.Get(ctx, q.ClientID)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, errTransaction
	}
	if err != nil {
		return nil, err
	}
	if _, ok := callback(c, q.RedirectURI); !ok || !slices.Contains(c.GrantTypes, q.grant()) || !q.posts(c) {
		return nil, errTransaction
	}
	return c, nil
}
