package management

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// updateUser changes a user. What may be changed depends on the scope: all with
// update:users, app_metadata with update:users_app_metadata, and user_metadata
// of oneself with update:current_user_metadata.
func (a *API) updateUser(ctx context.Context, q *request) (answer, error) {
	o, err := q.only(shape.User().With(shape.Schema{"client_id": {Check: shape.Text(1, 64), About: "Where letters say they come from"}}).Patching())
	if err != nil {
		return answer{}, err
	}
	if err := userScope(q, o); err != nil {
		return answer{}, err
	}
	if err := oneGroup(o); err != nil {
		return answer{}, err
	}
	u, err := a.store.User(ctx, q.id("user"))
	if err != nil {
		return answer{}, noUser(err)
	}
	w := &userWrite{object: o}
	if err := a.prepare(ctx, w, u); err != nil {
		return answer{}, err
	}
	u, sessions, err := a.store.ChangeUser(ctx, u.ID, func(u *tenant.User) (tenant.Ending, error) {
		ending, err := w.apply(u)
		if err == nil {
			err = a.mayVerify(o, u)
		}
		return ending, err
	})
	if err != nil {
		return answer{}, noUser(err)
	}
	a.ended(ctx, u.ID, sessions)
	if w.hash.PasswordHash != "" && a.cfg.PasswordChanged != nil {
		a.cfg.PasswordChanged(ctx, u, w.conn)
	}
	a.verifyIfAsked(ctx, q, o, u, w.text("client_id"))
	return a.answerWritten(q, u)
}

// answerWritten shows a user who was changed: to whoever may not read users what
// their scope lets them write, and no more.
func (a *API) answerWritten(q *request, u *tenant.User) (answer, error) {
	seen := "user_metadata"
	switch {
	case q.self && q.can("read:current_user"), !q.self && (q.can("update:users") || q.can("read:users")):
		return a.answerUser(q, 200, u)
	case !q.self:
		seen = "app_metadata"
	}
	o, err := showUser(u)
	if err != nil {
		return answer{}, err
	}
	maps.DeleteFunc(o, func(name string, _ json.RawMessage) bool {
		return name != "user_id" && name != "updated_at" && name != seen
	})
	return answer{status: 200, body: q.pick(o)}, nil
}

// userScope refuses what the scopes of the caller do not cover.
func userScope(q *request, o object) error {
	allowed := []string{"user_metadata"}
	switch {
	case !q.self && q.can("update:users"):
		return nil
	case !q.self && q.can("update:users_app_metadata"):
		allowed = []string{"app_metadata"}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(allowed, name) {
			return insufficient("update:users")
		}
	}
	return nil
}

// oneGroup refuses to change two of the things that people log in by at once.
func oneGroup(o object) error {
	first := ""
	for _, group := range []struct {
		name    string
		members []string
	}{
		{"email", []string{"email", "email_verified"}},
		{"phone_number", []string{"phone_number", "phone_verified"}},
		{"username", []string{"username"}},
		{"password", []string{"password"}},
		{"blocked", []string{"blocked"}},
	} {
		if !slices.ContainsFunc(group.members, func(m string) bool { _, there := o[m]; return there }) {
			continue
		}
		if first != "" {
			return &problem{
				status: 400, code: "operation_not_supported",
				message: fmt.Sprintf("Cannot update %s and %s simultaneously", first, group.name),
			}
		}
		first = group.name
	}
	return nil
}

// A userWrite is a change of a user: what was asked, and what was found out
// before the user was locked.
type userWrite struct {
	object
	conn *tenant.Connection
	// identity says which of the user's identities the change is about.
	provider, subject string
	hash              tenant.Identity // the new password
	ending            tenant.Ending
}

// credentials are what belongs to an identity and not to the user.
func credentials() []string {
	return []string{"email", "email_verified", "verify_email", "phone_number", "phone_verified", "username", "password"}
}

// prepare finds the identity that a change is about, and hashes its password.
func (a *API) prepare(ctx context.Context, w *userWrite, u *tenant.User) error {
	if w.text("connection") == "" && !slices.ContainsFunc(credentials(), func(m string) bool { _, there := w.object[m]; return there }) {
		return nil
	}
	id, err := identityFor(u, w.text("connection"))
	if err != nil {
		return err
	}
	w.provider, w.subject = id.Provider, id.UserID
	if w.conn, err = a.connectionNamed(ctx, id.Connection); err != nil {
		return err
	}
	for _, name := range []string{"password", "username"} {
		if _, there := w.object[name]; there && w.conn.Strategy != tenant.Database {
			return unsupported("The connection %s has no %s", w.conn.Name, name)
		}
	}
	if raw, there := w.object["password"]; there && string(raw) == "null" {
		return badProperty("password", "Expected type string but found type null", "")
	}
	return a.setPassword(ctx, w.conn, u, &w.hash, w.text("password"))
}

// identityFor returns the identity in a connection, or the only one.
func identityFor(u *tenant.User, connection string) (*tenant.Identity, error) {
	for i := range u.Identities {
		if u.Identities[i].Connection == connection {
			return &u.Identities[i], nil
		}
	}
	switch {
	case connection != "":
		return nil, badProperty("connection", "the user has no identity in this connection", "")
	case len(u.Identities) != 1:
		return nil, badProperty("connection", "Missing required property: connection", "The user has several identities")
	}
	return &u.Identities[0], nil
}

// apply changes a user that is locked, and says what ends by that: with a new
// password or a block everything, with a new address the links that went to the
// one before.
func (w *userWrite) apply(u *tenant.User) (tenant.Ending, error) {
	w.ending = tenant.Ending{}
	err := w.applyAll(u)
	return w.ending, err
}

func (w *userWrite) applyAll(u *tenant.User) error {
	if err := w.applyProfile(u); err != nil {
		return err
	}
	if err := w.applyMetadata(u); err != nil {
		return err
	}
	if w.provider == "" {
		return nil
	}
	for i := range u.Identities {
		id := &u.Identities[i]
		if id.Provider == w.provider && id.UserID == w.subject {
			return w.applyIdentity(u, id)
		}
	}
	return conflict("The identity was unlinked in the meantime", "")
}

func (w *userWrite) applyProfile(u *tenant.User) error {
	was := u.Blocked
	for name, field := range map[string]any{
		"given_name": &u.GivenName, "family_name": &u.FamilyName, "name": &u.Name, "nickname": &u.Nickname,
		"picture": &u.Picture, "blocked": &u.Blocked,
	} {
		if raw, there := w.object[name]; there && string(raw) == "null" {
			w.object[name] = map[bool]json.RawMessage{true: json.RawMessage("false"), false: json.RawMessage(`""`)}[name == "blocked"]
		}
		if err := w.read(name, field); err != nil {
			return err
		}
	}
	w.ending.All = u.Blocked && !was
	return nil
}

func (w *userWrite) applyMetadata(u *tenant.User) error {
	for name, field := range map[string]*map[string]any{"user_metadata": &u.UserMetadata, "app_metadata": &u.AppMetadata} {
		raw, there := w.object[name]
		if !there {
			continue
		}
		current, err := json.Marshal(*field)
		if err != nil {
			return err
		}
		if string(raw) == "null" {
			raw = json.RawMessage("{}")
		}
		next, err := mergeLevel(current, raw, name)
		if err != nil {
			return err
		}
		if len(next) > shape.MaxMetadata {
			return badProperty(name, fmt.Sprintf("Object is too large, maximum %d bytes", shape.MaxMetadata), "")
		}
		*field = nil
		if err := json.Unmarshal(next, field); err != nil {
			return err
		}
		if name == "app_metadata" {
			*field = tenant.Unreserved(*field)
		}
	}
	return nil
}

// applyIdentity changes what a person logs in by. The user's own address and
// name follow those of the identity that the ID comes from.
func (w *userWrite) applyIdentity(u *tenant.User, id *tenant.Identity) error {
	root := u.ID == id.Provider+"|"+id.UserID
	if !root && !slices.ContainsFunc([]string{"password", "email", "username"}, func(m string) bool { _, there := w.object[m]; return there }) {
		return unsupported("Of a linked identity the address, the user name or the password can be changed")
	}
	if w.hash.PasswordHash != "" {
		id.PasswordHash, id.PasswordAt = w.hash.PasswordHash, w.hash.PasswordAt
		u.LastPasswordReset = w.hash.PasswordAt
		w.ending.All = true
	}
	if err := w.applyEmail(u, id, root); err != nil {
		return err
	}
	if err := w.applyPhone(u, id, root); err != nil {
		return err
	}
	raw, there := w.object["username"]
	if !there {
		return nil
	}
	if string(raw) == "null" {
		return badProperty("username", "Expected type string but found type null", "")
	}
	name := strings.ToLower(w.text("username"))
	if err := w.conn.CheckUsername(name); err != nil {
		return err
	}
	id.Username = name
	if root {
		u.Username = name
	}
	return nil
}

func (w *userWrite) applyEmail(u *tenant.User, id *tenant.Identity, root bool) error {
	_, there := w.object["email"]
	if there {
		address, err := tenant.CanonicalEmail(w.text("email"))
		if err != nil {
			return err
		}
		if address == "" {
			return badProperty("email", "Expected type string but found type null", "")
		}
		if w.conn.Strategy == tenant.Database || w.conn.Strategy == "email" {
			id.Email = address
		}
		if root {
			w.ending.Links = address != u.Email
			u.EmailVerified = u.EmailVerified && !w.ending.Links // nobody has proved the new one
			u.Email = address
		}
	}
	if !root {
		return nil
	}
	w.ending.Strangers = true // who signed up need not be whose address is vouched for
	return w.read("email_verified", &u.EmailVerified)
}

func (w *userWrite) applyPhone(u *tenant.User, id *tenant.Identity, root bool) error {
	number := w.text("phone_number")
	if number != "" && root {
		if w.conn.Strategy == "sms" {
			id.Username = number
		}
		u.PhoneVerified = u.PhoneVerified && number == u.PhoneNumber
		u.PhoneNumber = number
	}
	if !root {
		return nil
	}
	return w.read("phone_verified", &u.PhoneVerified)
}
