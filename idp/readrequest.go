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

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

// readRequest checks an authorization request. The error is a *pageError until
// the client and its address are known, and a *backError from then on; others
// are faults, with as much of the request as was read and can be answered, or nil.
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
	wrong := readResponse(q, in)
	if err := q.checkPosts(c); err != nil {
		return nil, c, err
	}
	if wrong != nil {
		return nil, c, &backError{q, c, wrong}
	}
	if err := p.readRest(ctx, q, c, in); err != nil {
		var page *pageError
		var refused *oauthError
		if !errors.As(err, &page) && errors.As(err, &refused) {
			return nil, c, &backError{q, c, refused}
		}
		return q, c, err
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
	hint := "Add " + strconv.Quote(address) + " to the callbacks of the application " + strconv.Quote(c.Name) + ", " + commandPlace +
		": gate idp client update " + c.ID + " --callback " + shellQuote(address)
	if origin := originOf(address); c.AppType == tenant.SPA && origin != "" && !slices.ContainsFunc(c.WebOrigins, func(o string) bool { return originOf(o) == origin }) {
		hint += " --web-origin " + shellQuote(origin) // its pages ask in the background, too
	}
	return hint
}

// commandPlace says where gate idp finds the database of a provider in development.
const commandPlace = "in the folder of idp.yaml or, with gate dev, of the service"

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

// checkPosts refuses an answer by a message to an origin that is not registered,
// whatever else is wrong with the request.
func (q *request) checkPosts(c *tenant.Client) error {
	if q.posts(c) {
		return nil
	}
	return &pageError{
		oauthError: &oauthError{
			status: http.StatusForbidden, code: "invalid_request",
			description: "The origin of redirect_uri is not in the list of allowed web origins.",
		},
		fault: login.FaultWebOrigin, client: c,
		hint: "Add " + originOf(q.RedirectURI) + " to the web origins of the application, " + commandPlace + ": gate idp client update " + c.ID +
			" --web-origin " + originOf(q.RedirectURI),
	}
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
