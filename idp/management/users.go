package management

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/password"
)

func noUser(err error) error {
	return orConflict(orAbsent(err, "The user does not exist.", "inexistent_user"), "The user already exists.", "auth0_idp_error")
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
		return answer{}, badQuery("'No enum match for: %s' on property search_engine.", shape.Cut(v, 16))
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
		return nil, goneConnection()
	}
	return c, err
}

func goneConnection() error {
	return &problem{status: 400, message: "The connection does not exist", code: "inexistent_connection"}
}

func (a *API) createUser(ctx context.Context, q *request) (answer, error) {
	props := shape.User().With(shape.Schema{
		"connection": {Check: shape.Text(1, 128), Needed: true, About: "Name of the connection this user should be created in."},
		"user_id":    {Check: shape.Matching("user-id", shape.MaxUserID, shape.UserID)},
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
	if err == nil {
		err = a.mayVerify(o, u)
	}
	if err != nil {
		return answer{}, err
	}
	if err := a.setPassword(ctx, c, u, &u.Identities[0], o.text("password")); err != nil {
		return answer{}, err
	}
	switch err := a.store.CreateUserIn(ctx, c, u, tenant.Ticket{}); {
	case errors.Is(err, tenant.ErrNotFound): // deleted while the password was hashed
		return answer{}, goneConnection()
	case err != nil:
		return answer{}, noUser(err)
	}
	a.verifyIfAsked(ctx, q, o, u, "")
	return a.answerUser(q, 201, u)
}

// newUser returns the user that a body describes, without a password.
func newUser(c *tenant.Connection, o object) (*tenant.User, error) {
	u, err := into[tenant.User](without(o, "user_id", "connection", "password", "verify_email"))
	if err != nil {
		return nil, err
	}
	u.Extra = nil
	id := tenant.Identity{Connection: c.Name, Provider: c.Strategy, UserID: cmp.Or(o.text("user_id"), tenant.NewSubject())}
	if u.Email, err = tenant.CanonicalEmail(o.text("email")); err != nil {
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
		if err := c.CheckUsername(u.Username); err != nil {
			return nil, err
		}
		id.Email, id.Username = u.Email, u.Username
		if asksLetter(o, u) {
			id.Unproven = tenant.NoBrowser // an application signs somebody up: whoever typed the password need not be the owner
		}
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
	u.AppMetadata = tenant.Unreserved(u.AppMetadata)
	u.Name = cmp.Or(u.Name, u.Email, u.Username, u.PhoneNumber)
	local, _, _ := strings.Cut(u.Email, "@")
	u.Nickname = cmp.Or(u.Nickname, u.Username, local, u.PhoneNumber)
	return u, nil
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

// asksLetter reports whether a body asks for a letter to a user who has an address
// to confirm.
func asksLetter(o object, u *tenant.User) bool {
	return string(o["verify_email"]) == "true" && u.Email != "" && !u.EmailVerified
}

// mayVerify refuses to store what asks for a letter that nobody sends.
func (a *API) mayVerify(o object, u *tenant.User) error {
	if asksLetter(o, u) && a.cfg.SendVerification == nil {
		return unsupported("Letters are not sent here")
	}
	return nil
}

// verifyIfAsked sends a letter where the body asks for one. The user is stored by
// then: why there is none is for the log.
func (a *API) verifyIfAsked(ctx context.Context, q *request, o object, u *tenant.User, client string) {
	if !asksLetter(o, u) {
		return
	}
	err := a.cfg.SendVerification(ctx, u, client)
	switch limited, ok := errors.AsType[*LimitError](err); {
	case ok:
		a.entry(ctx, q, "fapi", http.StatusTooManyRequests, "The letter to "+u.ID+" was not sent: "+limited.Error())
	case err != nil && !errors.Is(err, ErrVerified): // it was confirmed a moment ago
		a.log.ErrorContext(ctx, "letter was not sent", "user_id", u.ID, "err", err)
	}
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
