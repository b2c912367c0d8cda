package tenant

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/password"
)

// What stands in a file is judged by the rules of the Management API: the shapes
// of the members, and Check of the object.

const maxIdentities = 100 // of a user

// about returns err with the member that it is about: a path, or with a dot at
// its end what comes before one.
func about(field string, err error) error {
	if err == nil || errors.Is(err, errUnavailable) {
		return err
	}
	if e, ok := errors.AsType[*FieldError](err); ok {
		if strings.HasSuffix(field, ".") {
			return &FieldError{Field: field + e.Field, Reason: e.Reason, About: e.About}
		}
		return e
	}
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) {
		return fmt.Errorf("%s: %w", strings.TrimSuffix(field, "."), err)
	}
	return err
}

// An exported object can be judged.
type exported interface {
	json.Marshaler
	Check() error
}

// fit judges an object of a dump.
func fit(s shape.Schema, o exported) error {
	if err := fitMembers(s, o); err != nil {
		return err
	}
	return o.Check()
}

// fitMembers judges the members of an object of a dump, and its ID.
func fitMembers(s shape.Schema, o json.Marshaler) error {
	data, err := o.MarshalJSON()
	if err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	s = s.Stored()
	for _, name := range []string{"id", "client_id"} {
		if _, known := s[name]; !known {
			s[name] = shape.Property{Check: shape.Matching("id", 64, shape.ID)}
		}
	}
	return s.Check(members)
}

func (a *Action) fit() error {
	if err := fit(shape.Action(), a); err != nil {
		return err
	}
	for i := range a.Versions {
		if len(a.Versions[i].Code) > shape.MaxCode {
			return wrong(fmt.Sprintf("gate_versions[%d].code", i), "String is too long")
		}
	}
	return a.CheckSecrets()
}

func (b *Bindings) fit() error {
	switch {
	case CurrentTrigger(b.Trigger) == "":
		return wrong("trigger_id", "No enum match for: "+shape.Cut(b.Trigger, 64))
	case len(b.List) > shape.MaxBindings:
		return wrong("bindings", fmt.Sprintf("Array is too long (%d), maximum %d", len(b.List), shape.MaxBindings))
	}
	for _, item := range b.List {
		if len(item.DisplayName) > 255 {
			return wrong("bindings.display_name", "String is too long")
		}
	}
	return nil
}

// fit judges the settings, and each document of theirs.
func (s *Settings) fit() error {
	for _, name := range slices.Sorted(maps.Keys(s.Protection)) {
		var members map[string]json.RawMessage
		path := "gate_attack_protection." + shape.Cut(name, 64)
		if err := json.Unmarshal(s.Protection[name], &members); err != nil {
			return wrong(path, "Expected type object")
		}
		if err := shape.Protection().Stored().Check(members); err != nil {
			return about(path+".", err)
		}
	}
	return fit(shape.Settings(), s)
}

// fit judges what a user is told by; their identities are judged before.
func (u *User) fit() error {
	Unreserved(u.AppMetadata)
	if err := fitMembers(shape.StoredUser(), u); err != nil {
		return err
	}
	if _, err := CanonicalEmail(u.Email); err != nil && u.Identities[0].Provider == Database {
		return err
	}
	return nil
}

// fit judges an identity of a dump: one with a password is of a database
// connection, and logs in by what the sign-up would have taken.
func (i *Identity) fit(c *Connection) error {
	if i.Provider == "" || len(i.Provider) > 64 || strings.ContainsFunc(i.Provider, foreign) || strings.Contains(i.Provider, "|") {
		return wrong("provider", "is empty, too long or has characters that are not allowed")
	}
	if i.UserID == "" || len(i.UserID) > 255 || strings.ContainsFunc(i.UserID, foreign) {
		return wrong("user_id", "is empty, too long or has characters that are not allowed")
	}
	if (i.Provider == Database) != (c.Strategy == Database) {
		return wrong("provider", "is not that of the connection, "+c.Strategy)
	}
	if err := fitMark(i.Unproven); err != nil {
		return wrong("unproven", err.Error())
	}
	if i.Provider != Database {
		if i.PasswordHash != "" {
			return wrong("password_hash", "the connection has no passwords")
		}
		return nil
	}
	var err error
	if i.Email, err = CanonicalEmail(i.Email); err != nil {
		return err
	}
	if i.Username = strings.ToLower(i.Username); i.Email == "" && i.Username == "" {
		return wrong("email", "Missing required property: email")
	}
	// The rules of the connection may have been others when the name was chosen.
	if err := usernameFits(i.Username, 1, 128); err != nil {
		return err
	}
	if i.PasswordHash == "" {
		return nil
	}
	if err := password.CheckHash(i.PasswordHash); err != nil {
		return wrong("password_hash", err.Error())
	}
	return nil
}

// fitMark judges [Identity].Unproven.
func fitMark(mark string) error {
	if len(mark) > 64 || strings.ContainsFunc(mark, foreign) {
		return errors.New("is too long or has characters that are not allowed")
	}
	return nil
}
