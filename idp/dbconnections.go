package idp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

// dbError answers in the shape of Auth0's /dbconnections endpoints.
func dbError(w http.ResponseWriter, code string, description any) {
	const status = http.StatusBadRequest
	writeJSON(w, status, map[string]any{"name": "BadRequestError", "code": code, "description": description, "statusCode": status})
}

// apiSignup makes an account for the pages of a client (Auth0's
// /dbconnections/signup). Whether the address has one already is not told.
func (p *Provider) apiSignup(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	in, err := bodyParams(w, r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	c, conn, err := p.signupConnection(r, in)
	switch {
	case errors.Is(err, tenant.ErrNotFound) && in["client_id"] == "":
		dbError(w, "invalid_body", "client_id is missing")
		return
	case errors.Is(err, tenant.ErrNotFound):
		dbError(w, "invalid_signup", "Invalid sign up")
		return
	case err != nil:
		p.fail(w, r, err)
		return
	case !p.signupOpen(conn):
		dbError(w, "public_signup_disabled", "public signup is disabled")
		return
	}
	clientOrigin(w, r, c)
	n := newUser{ // of no browser: a page of any site can send it from that of somebody else
		Connection: conn, Email: in["email"], Username: in["username"], Password: in["password"], GivenName: in["given_name"],
		FamilyName: in["family_name"], Name: in["name"], Nickname: in["nickname"], Picture: in["picture"],
	}
	if err := boundedProfile(&n); err != nil {
		dbError(w, "invalid_body", err.Error())
		return
	}
	if n.Metadata, err = signupMetadata(in[metadataParam]); err != nil {
		dbError(w, "invalid_body", err.Error())
		return
	}
	for _, problem := range p.checkNewUser(ctx, &n) {
		p.signupProblem(w, problem.Code, conn)
		return
	}
	u, err := p.signUp(r, c, "", n)
	var denied *deniedError
	switch {
	case errors.As(err, &denied):
		writeJSON(w, http.StatusBadRequest, map[string]any{
			"name": "BadRequestError", "code": "extensibility_error", "statusCode": http.StatusBadRequest,
			"description": denied.message, "friendly_message": denied.message,
		})
		return
	case errors.Is(err, errNameTaken):
		dbError(w, "username_exists", "The username already exists")
		return
	case errors.Is(err, tenant.ErrExists):
		p.record(r, "fs", c, nil, "The user already exists", nil)
		if p.cfg.Signup == SignupOpen {
			dbError(w, "invalid_signup", "Invalid sign up")
			return
		}
		u = n.user()
	case err != nil:
		p.fail(w, r, err)
		return
	case u == nil: // there will be one when the address is confirmed
		u = n.user()
	default:
		p.sendVerification(r, u, c, "")
	}
	body := map[string]any{"_id": u.Identities[0].UserID, "email": u.Email, "email_verified": false}
	for name, value := range map[string]string{
		"username": u.Username, "given_name": u.GivenName, "family_name": u.FamilyName, "picture": u.Picture,
		"name": in["name"], "nickname": in["nickname"],
	} {
		if value != "" {
			body[name] = value
		}
	}
	if n.Metadata != nil {
		body[metadataParam] = n.Metadata
	}
	writeJSON(w, http.StatusOK, body)
}

// maxName bounds what a sign-up says about the person: it goes into tokens.
const maxName = 300

// boundedProfile reports what does not fit into a profile.
func boundedProfile(n *newUser) error {
	for name, value := range map[string]string{
		"name": n.Name, "nickname": n.Nickname, "given_name": n.GivenName, "family_name": n.FamilyName,
	} {
		if len(value) > maxName || strings.IndexFunc(value, unprintable) >= 0 {
			return fmt.Errorf("%s is longer than %d bytes, or has characters that do not print", name, maxName)
		}
	}
	if n.Picture == "" {
		return nil
	}
	if u, err := url.Parse(n.Picture); err != nil || u.Scheme != "https" || u.Host == "" || len(n.Picture) > 1000 {
		return errors.New("picture is not an https address")
	}
	return nil
}

// unprintable are control characters, and those that turn text around.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// The bounds of the metadata of a sign-up, as Auth0 has them.
const (
	maxSignupKeys  = 10
	maxSignupValue = 500
)

// signupMetadata reads what a sign-up says about the person: texts by name.
func signupMetadata(text string) (map[string]any, error) {
	if text == "" {
		return nil, nil
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, errors.New("user_metadata is not an object")
	}
	if len(out) > maxSignupKeys {
		return nil, errors.New("user_metadata has more than 10 members")
	}
	for name, value := range out {
		if s, ok := value.(string); !ok || len(s) > maxSignupValue || len(name) > maxSignupValue {
			return nil, errors.New("user_metadata holds texts of at most 500 characters")
		}
	}
	return out, nil
}

func (p *Provider) signupConnection(r *http.Request, in params) (*tenant.Client, *tenant.Connection, error) {
	c, err := p.signupClient(r.Context(), in["client_id"])
	if err != nil {
		return nil, nil, err
	}
	conn, err := p.database(r.Context(), c, in["connection"])
	return c, conn, err
}

// signupClient returns a client, or the global one of the tenant when none is
// named, as Auth0 does. Few tenants have one, and it may use what it is enabled
// for alone.
func (p *Provider) signupClient(ctx context.Context, id string) (*tenant.Client, error) {
	if id != "" {
		return p.tenant.Clients.Get(ctx, id)
	}
	all, err := p.tenant.Clients.List(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c *tenant.Client) bool { return c.Global })
	if i < 0 {
		return nil, fmt.Errorf("global client %w", tenant.ErrNotFound)
	}
	return all[i], nil
}

func (p *Provider) signupProblem(w http.ResponseWriter, code login.Code, conn *tenant.Connection) {
	switch code { //nolint:exhaustive // the others are of other pages
	case login.InvalidEmail:
		dbError(w, "invalid_body", "email is not an e-mail address")
	case login.InvalidUsername:
		dbError(w, "invalid_body", "username is missing or has characters that it must not have")
	case login.MissingPassword:
		dbError(w, "invalid_body", "password is missing")
	case login.PasswordCommon:
		dbError(w, "password_dictionary_error", "Password is too common")
	case login.PasswordLeaked:
		dbError(w, "password_leaked", "Password is in a list of leaked ones")
	default:
		policy := pagePolicy(conn)
		writeJSON(w, http.StatusBadRequest, map[string]any{
			"name": "PasswordStrengthError", "message": "Password is too weak", "code": "invalid_password", "statusCode": http.StatusBadRequest,
			"policy": policyText(policy), "description": map[string]any{"verified": false, "rules": []any{map[string]any{
				"message": "At least %d characters in length", "format": []int{policy.MinLength}, "code": "lengthAtLeast",
				"verified": code != login.PasswordTooShort,
			}, map[string]any{
				"message": "At least %d of these kinds of characters: small letters, capital letters, digits, others",
				"format":  []int{policy.Classes}, "code": "containsAtLeast", "verified": code != login.PasswordTooWeak,
			}}},
		})
	}
}

func policyText(policy login.Policy) string {
	text := "* At least " + itoa(policy.MinLength) + " characters in length"
	if policy.Classes > 1 {
		text += "\n* At least " + itoa(policy.Classes) + " of the following 4 types of characters: a lower case letter, an upper case letter, a number, a special character"
	}
	return text
}

// apiChangePassword sends a link to set a new password (Auth0's
// /dbconnections/change_password), and says the same whether or not there is
// such an account.
func (p *Provider) apiChangePassword(w http.ResponseWriter, r *http.Request) {
	in, err := bodyParams(w, r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	typed := cmp.Or(in["email"], in["username"])
	if typed == "" {
		p.fail(w, r, missing("email"))
		return
	}
	c, conn, err := p.signupConnection(r, in)
	switch {
	case errors.Is(err, tenant.ErrNotFound):
	case err != nil:
		p.fail(w, r, err)
		return
	default:
		clientOrigin(w, r, c)
		p.sendReset(r, c, conn, "", typed)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	noStore(w)
	_, _ = w.Write([]byte("We've just sent you an email to reset your password."))
}
