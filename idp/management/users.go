package management

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
)

func noUser(err error) error {
	return orConflict(orAbsent(err, "The user does not exist.", "inexistent_user"), "The user already exists.", "auth0_idp_error")
}

// maxMetadata is how large the metadata of a user may be, in bytes.
const maxMetadata = 64 << 10

// userSchema is what callers may say of a user, and all of it.
func userSchema() schema {
	name := text(1, 300)
	return schema{
		"email":          {check: text(1, 320)},
		"email_verified": {check: boolean},
		"verify_email":   {check: boolean, about: "Whether a letter is sent to verify the address"},
		"username":       {check: text(1, 128)},
		"phone_number":   {check: matching("phone-number", 16, phoneNumber)},
		"phone_verified": {check: boolean},
		"password":       {check: text(1, password.MaxRunes)},
		"blocked":        {check: boolean},
		"given_name":     {check: text(1, 150)},
		"family_name":    {check: text(1, 150)},
		"name":           {check: name},
		"nickname":       {check: name},
		"picture":        {check: urlCheck(plainURL)},
		"user_metadata":  {check: objectOf(1000, maxMetadata)},
		"app_metadata":   {check: objectOf(1000, maxMetadata)},
		"connection":     {check: text(1, 128), about: "Name of the connection"},
	}
}

// phoneNumber reports whether s is a number as E.164 has it.
func phoneNumber(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	if !plus || len(digits) < 6 || len(digits) > 15 || digits[0] == '0' {
		return false
	}
	return !strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}

// emailAddress returns an address as users are found by.
func emailAddress(s string) (string, error) {
	canonical, err := mail.Canonical(s)
	return strings.ToLower(canonical), err
}

// showUser returns a user as callers see them.
func showUser(u *tenant.User) (object, error) {
	o, err := view(u)
	if err != nil {
		return nil, err
	}
	for name, t := range map[string]bool{"user_metadata": len(u.UserMetadata) == 0, "app_metadata": len(u.AppMetadata) == 0} {
		if t {
			delete(o, name)
		}
	}
	return o, nil
}

func (a *API) answerUser(q *request, status int, u *tenant.User) (answer, error) {
	o, err := showUser(u)
	if err != nil {
		return answer{}, err
	}
	return answer{status: status, body: q.pick(o)}, nil
}

func (a *API) getUser(ctx context.Context, q *request) (answer, error) {
	u, err := a.store.User(ctx, q.id("user"))
	if err != nil {
		return answer{}, noUser(err)
	}
	return a.answerUser(q, 200, u)
}

func (a *API) listUsers(ctx context.Context, q *request) (answer, error) {
	p, err := q.page()
	if err != nil {
		return answer{}, err
	}
	if p.checkpoint {
		return answer{}, badQuery("'users have no checkpoints' on property take.")
	}
	if v := q.query.Get("search_engine"); v != "" && v != "v3" {
		return answer{}, badQuery("'No enum match for: %s' on property search_engine.", cutText(v, 16))
	}
	if p.start()+p.size > maxUsers {
		return answer{}, &problem{
			status: 400, code: "invalid_paging",
			message: fmt.Sprintf("You can only page through the first %d records. See the export of users for all of them", maxUsers),
		}
	}
	users, total, err := a.store.SearchUsers(ctx, tenant.UserQuery{
		Q: q.query.Get("q"), Sort: q.query.Get("sort"), Connection: q.query.Get("connection"),
		Offset: p.start(), Limit: p.size, Total: p.totals,
	})
	if err != nil {
		return answer{}, badSearch(err)
	}
	s := part{key: "users", total: total, length: true, unknown: !p.totals}
	for _, u := range users {
		o, err := showUser(u)
		if err != nil {
			return answer{}, err
		}
		s.items = append(s.items, o)
	}
	return q.show(p, s)
}

func (a *API) usersByEmail(ctx context.Context, q *request) (answer, error) {
	address := q.query.Get("email")
	if address == "" {
		return answer{}, badQuery("'Missing required property: email' on property email.")
	}
	users, err := a.store.UsersByEmail(ctx, address)
	if err != nil {
		return answer{}, err
	}
	list := []object{}
	for _, u := range users {
		o, err := showUser(u)
		if err != nil {
			return answer{}, err
		}
		list = append(list, q.pick(o))
	}
	return ok(list)
}

// connectionNamed returns the connection that a body names.
func (a *API) connectionNamed(ctx context.Context, name string) (*tenant.Connection, error) {
	c, err := a.store.Connections.ByName(ctx, name)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, &problem{status: 400, message: "The connection does not exist", code: "inexistent_connection"}
	}
	return c, err
}

func (a *API) createUser(ctx context.Context, q *request) (answer, error) {
	props := userSchema().with(schema{
		"connection": {check: text(1, 128), needed: true, about: "Name of the connection this user should be created in."},
		"user_id": {check: matching("user-id", 100, func(s string) bool {
			return !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(alphabet+"-_.@+", r) })
		})},
	})
	o, err := q.only(props)
	if err != nil {
		return answer{}, err
	}
	c, err := a.connectionNamed(ctx, o.text("connection"))
	if err != nil {
		return answer{}, err
	}
	u, err := newUser(c, o)
	if err != nil {
		return answer{}, err
	}
	if err := a.setPassword(ctx, c, u, &u.Identities[0], o.text("password")); err != nil {
		return answer{}, err
	}
	if err := a.store.CreateUser(ctx, u); err != nil {
		return answer{}, noUser(err)
	}
	if err := a.verifyIfAsked(ctx, o, u, ""); err != nil {
		return answer{}, err
	}
	return a.answerUser(q, 201, u)
}

// newUser returns the user that a body describes, without a password.
func newUser(c *tenant.Connection, o object) (*tenant.User, error) {
	u, err := into[tenant.User](without(o, "user_id", "connection", "password", "verify_email"))
	if err != nil {
		return nil, err
	}
	u.Extra = nil
	id := tenant.Identity{Connection: c.Name, Provider: c.Strategy, UserID: orText(o.text("user_id"), tenant.NewSubject())}
	if u.Email, err = canonicalOrEmpty(o.text("email")); err != nil {
		return nil, err
	}
	u.Username = strings.ToLower(u.Username)
	switch c.Strategy {
	case tenant.Database:
		switch {
		case o.text("password") == "":
			return nil, badProperty("password", "Missing required property: password", "")
		case u.Email == "" && u.Username == "":
			return nil, badProperty("email", "Missing required property: email", "")
		case c.Options.RequiresUsername && u.Username == "":
			return nil, badProperty("username", "Missing required property: username", "")
		}
		if err := checkUsername(c, u.Username); err != nil {
			return nil, err
		}
		id.Email, id.Username = u.Email, u.Username
	case "email":
		if u.Email == "" {
			return nil, badProperty("email", "Missing required property: email", "")
		}
		id.Email = u.Email
	case "sms":
		if u.PhoneNumber == "" {
			return nil, badProperty("phone_number", "Missing required property: phone_number", "")
		}
		id.Username = u.PhoneNumber
	default:
		return nil, unsupported("The users of the connection %s come by logging in", c.Name)
	}
	if c.Strategy != tenant.Database && o.text("password") != "" {
		return nil, badProperty("password", "the connection has no passwords", "")
	}
	u.Identities = []tenant.Identity{id}
	u.AppMetadata = unreserved(u.AppMetadata)
	u.Name = orText(u.Name, orText(u.Email, orText(u.Username, u.PhoneNumber)))
	local, _, _ := strings.Cut(u.Email, "@")
	u.Nickname = orText(u.Nickname, orText(u.Username, orText(local, u.PhoneNumber)))
	return u, nil
}

func canonicalOrEmpty(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	address, err := emailAddress(s)
	if err != nil {
		return "", badProperty("email", "Object didn't pass validation for format email: "+cutText(s, 64), "")
	}
	return address, nil
}

func without(o object, names ...string) object {
	rest := object{}
	for name, value := range o {
		if !slices.Contains(names, name) {
			rest[name] = value
		}
	}
	return rest
}

// checkUsername judges a user name by the rules of its connection.
func checkUsername(c *tenant.Connection, name string) error {
	if name == "" {
		return nil
	}
	var rules struct {
		Username struct{ Min, Max int } `json:"username"`
	}
	if raw := c.Options.Extra["validation"]; raw != nil {
		_ = json.Unmarshal(raw, &rules) // of another shape: the defaults
	}
	least, most := max(1, rules.Username.Min), rules.Username.Max
	if most <= 0 || most > 128 {
		most = 15
	}
	if len(name) < least || len(name) > most || strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune(alphabet+"_+-.!#$'^`~", r)
	}) {
		return badProperty("username", fmt.Sprintf("Object didn't pass validation for format username: %d to %d letters, digits and _ + - .", least, most), "")
	}
	return nil
}

// unreserved returns metadata without the names that are not for it.
func unreserved(m map[string]any) map[string]any {
	for _, name := range []string{
		"__tenant", "_id", "blocked", "clientID", "created_at", "email", "email_verified", "globalClientID", "global_client_id",
		"identities", "lastIP", "lastLogin", "loginsCount", "metadata", "multifactor", "multifactor_last_modified", "updated_at", "user_id",
	} {
		delete(m, name)
	}
	return m
}

// setPassword judges and hashes a password; the empty one is none.
func (a *API) setPassword(ctx context.Context, c *tenant.Connection, u *tenant.User, id *tenant.Identity, pass string) error {
	if pass == "" {
		return nil
	}
	if a.cfg.Hasher == nil {
		return unsupported("Passwords are not kept here")
	}
	err := a.cfg.Policy(ctx, c, u, pass)
	if weak, is := errors.AsType[*password.PolicyError](err); is {
		return &problem{status: 400, message: "PasswordStrengthError: Password is too weak", code: "invalid_body", reasons: weak.Reasons}
	}
	if err != nil {
		return err
	}
	if id.PasswordHash, err = a.cfg.Hasher.Hash(ctx, pass); err != nil {
		return err
	}
	id.PasswordAt = a.now().UTC()
	return nil
}

func defaultPolicy(_ context.Context, _ *tenant.Connection, u *tenant.User, pass string) error {
	return password.Policy{MinLength: password.MinRunesSecondFactor}.Check(pass, u.Email, u.Username, u.Name)
}

// verifyIfAsked sends a letter where the body asks for one.
func (a *API) verifyIfAsked(ctx context.Context, o object, u *tenant.User, client string) error {
	if string(o["verify_email"]) != "true" || u.Email == "" || u.EmailVerified {
		return nil
	}
	if a.cfg.SendVerification == nil {
		return unsupported("Letters are not sent here")
	}
	return a.cfg.SendVerification(ctx, u, client)
}

func (a *API) deleteUser(ctx context.Context, q *request) (answer, error) {
	return a.endUser(ctx, q.id("user"))
}

// endUser deletes a user and says which sessions ended by that.
func (a *API) endUser(ctx context.Context, id string) (answer, error) {
	sessions, err := a.store.SessionsOf(ctx, id)
	if err != nil {
		return answer{}, err
	}
	if err := a.store.DeleteUser(ctx, id); err != nil {
		return answer{}, err
	}
	a.ended(ctx, id, sessions)
	return noContent()
}

func (a *API) ended(ctx context.Context, id string, sessions []*tenant.Session) {
	if a.cfg.SessionsEnded != nil && len(sessions) > 0 {
		a.cfg.SessionsEnded(ctx, id, sessions)
	}
}

// endAll ends all that a user has open.
func (a *API) endAll(ctx context.Context, id string) error {
	sessions, err := a.store.SessionsOf(ctx, id)
	if err != nil {
		return err
	}
	if err := a.store.EndAll(ctx, id); err != nil {
		return err
	}
	a.ended(ctx, id, sessions)
	return nil
}
