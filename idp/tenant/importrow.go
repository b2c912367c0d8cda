package tenant

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store"
)

const errUnavailable = store.ErrUnavailable

// importedMark stands in [Identity].Unproven for a password that was imported with
// an address that nobody had proven where it comes from.
const importedMark = "import"

// unprovenMember is [Identity].Unproven in a row.
const unprovenMember = "gate_unproven"

// importMembers are the members of a row that are read; the others are errors,
// so that nobody believes in what was left out. Those with false are read over:
// exports have them.
//
//nolint:gochecknoglobals // constant
var importMembers = map[string]bool{
	"email": true, "email_verified": true, "username": true, "phone_number": true, "phone_verified": true,
	"given_name": true, "family_name": true, "name": true, "nickname": true, "picture": true, "blocked": true,
	"user_metadata": true, "app_metadata": true, "created_at": true, "last_password_reset": true,
	"user_id": true, "_id": true, "password_hash": true, "passwordHash": true, "custom_password_hash": true, "password_set_date": true,
	"identifiers": true, "alt_id": true, unprovenMember: true,
	"identities": false, "updated_at": false, "last_login": false, "last_ip": false, "logins_count": false,
	"connection": false, "tenant": false, "version": false, "_tmp_is_unique": false, "multifactor": false,
	"multifactor_last_modified": false, "mfa_factors": false, "id": false, "email_lower": false,
}

// readImported reads a row. The user comes back with the error when their name
// could be read.
func readImported(data []byte, c *Connection) (importedUser, error) {
	var row map[string]json.RawMessage
	if !shallow(data) {
		return importedUser{}, errDepth
	}
	if err := json.Unmarshal(data, &row); err != nil {
		return importedUser{}, errors.New("is not a JSON object")
	}
	if row == nil {
		return importedUser{}, errors.New("is null")
	}
	// A row that two programs would understand differently is not guessed at.
	err := strictjson.ReadObject(string(data), strictjson.Limits{Depth: maxDepth}, func(r *strictjson.Reader, _ string) error {
		_, err := r.Skip()
		return err
	})
	if err != nil {
		return importedUser{}, fmt.Errorf("cannot be read: %w", err)
	}
	known := map[string]json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(row)) {
		use, ok := importMembers[name]
		if !ok {
			return importedUser{}, wrong(cut(name, 100), "Additional properties not allowed")
		}
		if value := string(row[name]); use && value != "null" && value != `""` {
			known[name] = row[name]
		}
	}
	if mfa, ok := row["mfa_factors"]; ok && string(mfa) != "null" && string(mfa) != "[]" {
		return importedUser{}, wrong("mfa_factors", "second factors are not supported")
	}
	if err := takeIdentifiers(known); err != nil {
		return importedUser{}, err
	}
	u, err := importedProfile(known)
	if err == nil {
		err = c.CheckUsername(u.Username)
	}
	if err != nil {
		return importedUser{user: u}, err
	}
	out := importedUser{user: u, row: known}
	identity, err := importedIdentity(u, known, c)
	if err != nil {
		return out, err
	}
	u.Identities = []Identity{*identity}
	u.ID = identity.Provider + "|" + identity.UserID
	return out, nil
}

// importedProfile reads the members that are those of a user.
func importedProfile(row map[string]json.RawMessage) (*User, error) {
	profile := map[string]json.RawMessage{}
	for name, value := range row {
		if importMembers[name] && !strings.Contains(name, "assword") && name != "user_id" && name != "_id" && name != "alt_id" && name != unprovenMember {
			profile[name] = value
		}
	}
	if at, ok := row["last_password_reset"]; ok {
		profile["last_password_reset"] = at
	}
	data, err := json.Marshal(profile)
	if err != nil {
		return nil, err
	}
	u := new(User)
	unread := json.Unmarshal(data, u) // as far as it can be: the name is for the report
	if err := shape.User().Check(profile); err != nil {
		return u, err
	}
	if unread != nil {
		return u, shortened(unread)
	}
	address, err := CanonicalEmail(u.Email)
	if err != nil {
		return u, err
	}
	u.Email, u.Username, u.AppMetadata = address, strings.ToLower(u.Username), Unreserved(u.AppMetadata)
	if u.Email == "" && u.Username == "" {
		return u, wrong("email", "Missing required property: email or username")
	}
	if u.Name == "" {
		u.Name = rowName(u)
	}
	if u.Nickname == "" {
		u.Nickname = rowNickname(u)
	}
	return u, nil
}

// shortened returns what is wrong with a row without its content.
func shortened(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		value, _, _ := strings.Cut(e.Value, " ") // of a number the number itself
		return wrong(e.Field, "cannot be a "+value+" like this")
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errors.New("is not JSON")
	}
	return errors.New("has a member of the wrong type")
}

func importedIdentity(u *User, row map[string]json.RawMessage, c *Connection) (*Identity, error) {
	subject, err := importedSubject(row)
	if err != nil {
		return nil, err
	}
	id := &Identity{Connection: c.Name, Provider: Database, UserID: subject, Email: u.Email, Username: strings.ToLower(u.Username)}
	if id.PasswordHash, err = importedHash(row); err != nil {
		return nil, err
	}
	if mark, ok := row[unprovenMember]; ok {
		if err := json.Unmarshal(mark, &id.Unproven); err != nil {
			return nil, wrong(unprovenMember, "Expected type string")
		}
		if err := fitMark(id.Unproven); err != nil {
			return nil, wrong(unprovenMember, err.Error())
		}
	}
	if id.PasswordHash != "" && id.Email != "" && !u.EmailVerified { // without an address nobody can prove it
		id.Unproven = cmp.Or(id.Unproven, importedMark)
	}
	if at, ok := row["password_set_date"]; ok {
		if id.PasswordAt, err = importedTime(at); err != nil {
			return nil, wrong("password_set_date", err.Error())
		}
	}
	return id, nil
}

// importedSubject returns the second half of the ID of a user.
func importedSubject(row map[string]json.RawMessage) (string, error) {
	var id string
	switch {
	case row["user_id"] != nil:
		if err := json.Unmarshal(row["user_id"], &id); err != nil {
			return "", wrong("user_id", "Expected type string")
		}
	case row["alt_id"] != nil: // of Auth0's export of hashes, where the user had an ID before
		if err := json.Unmarshal(row["alt_id"], &id); err != nil {
			return "", wrong("alt_id", "Expected type string")
		}
	case row["_id"] != nil: // of Auth0's export of hashes
		var object struct {
			OID string `json:"$oid"`
		}
		if err := json.Unmarshal(row["_id"], &object); err != nil || object.OID == "" {
			return "", wrong("_id", "is not an object with $oid")
		}
		id = object.OID
	default:
		return NewSubject(), nil
	}
	provider, subject, ok := strings.Cut(id, "|")
	switch {
	case !ok:
		subject = id
	case provider != Database:
		return "", wrong("user_id", fmt.Sprintf("user of %q, who logs in there", cut(provider, 64)))
	}
	if subject == "" || len(subject) > shape.MaxUserID || !shape.UserID(subject) {
		return "", wrong("user_id", "is empty, too long or has characters that are not allowed")
	}
	return subject, nil
}

// importedTime reads an ISO text, or {"$date": …} as MongoDB writes it.
func importedTime(data json.RawMessage) (t time.Time, err error) {
	var object struct {
		Date json.RawMessage `json:"$date"`
	}
	if json.Unmarshal(data, &object) == nil && object.Date != nil {
		data = object.Date
	}
	var ms int64
	if json.Unmarshal(data, &ms) == nil {
		return time.UnixMilli(ms).UTC(), nil
	}
	if err := json.Unmarshal(data, &t); err != nil {
		return t, errors.New("not a time")
	}
	return t.UTC(), nil
}

// importedHash returns the hash of the password in the words of package
// password, empty when there is none.
func importedHash(row map[string]json.RawMessage) (string, error) {
	plain, custom := row["password_hash"], row["custom_password_hash"]
	if plain == nil {
		plain = row["passwordHash"]
	}
	var hash string
	switch {
	case plain != nil && custom != nil:
		return "", wrong("password_hash", "is there beside custom_password_hash")
	case plain != nil:
		if err := json.Unmarshal(plain, &hash); err != nil {
			return "", wrong("password_hash", "Expected type string")
		}
	case custom != nil:
		var c customHash
		if err := json.Unmarshal(custom, &c); err != nil {
			return "", wrong("custom_password_hash", shortened(err).Error())
		}
		var err error
		if hash, err = c.encode(); err != nil {
			return "", wrong("custom_password_hash", err.Error())
		}
	default:
		return "", nil
	}
	if err := password.CheckHash(hash); err != nil {
		return "", wrong("password_hash", err.Error())
	}
	return hash, nil
}
