package tenant

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
)

// merged are the members that an upsert takes over, beside those that say what was
// proven.
//
//nolint:gochecknoglobals // constant
var merged = []string{"given_name", "family_name", "name", "nickname", "picture", "blocked", "phone_number"}

// upsert changes a user by a row. What is wrong with the row is in the report; the
// error is the database's.
func (in *userImport) upsert(ctx context.Context, tx *sql.Tx, row importedUser, id string, report *ImportReport) error {
	u, err := in.s.lockUser(ctx, tx, id)
	if err != nil {
		return err
	}
	blocked, over := u.Blocked, false
	if err = row.mayChange(u); err == nil {
		if over = row.takesOver(u); over {
			u.forget(in.s.now())
		}
		err = row.merge(u)
	}
	if err != nil {
		report.failRow(row.line, row.nth, rowName(row.user), err)
		return nil
	}
	if over {
		if err := in.s.detach(ctx, tx, u); err != nil {
			return err
		}
	}
	if over || u.Blocked && !blocked {
		if _, err := in.s.endAll(ctx, tx, u.ID); err != nil {
			return err
		}
	}
	report.Updated++
	if in.changed = append(in.changed, u.ID); over {
		in.over = append(in.over, u)
	}
	return in.s.saveUser(ctx, tx, u)
}

// names reports by what a row names an identity.
func (row importedUser) names(i *Identity) (byID, byEmail, byName bool) {
	imported := row.user.Identities[0]
	if i.Connection != imported.Connection {
		return false, false, false
	}
	return i.Provider == imported.Provider && i.UserID == imported.UserID,
		imported.Email != "" && i.Email == imported.Email, imported.Username != "" && i.Username == imported.Username
}

// mayChange reports whether a row is about a user: about the identity that their ID
// comes from, and not about somebody who has the same user name.
func (row importedUser) mayChange(u *User) error {
	if own := u.Own(); own != nil {
		byID, byEmail, byName := row.names(own)
		switch {
		case byID || byEmail && !u.Moved():
			return nil
		case byEmail:
			return wrong("email", "is that of a user whose address was changed to it, and who has not shown that it is theirs; name the user by user_id")
		case byName && own.Email != "" && row.user.Email != "":
			return wrong("username", "is that of a user with another address; name the user by user_id")
		case byName && u.unproven():
			return wrong("username", "is that of a user whose address nobody has proven; name the user by user_id or by the address")
		case byName:
			return nil
		}
	}
	for n := range u.Identities {
		if byID, byEmail, byName := row.names(&u.Identities[n]); byID || byEmail || byName {
			return fmt.Errorf("is an identity that is linked to the user %q: change that one, or unlink it first", cut(u.ID, 300))
		}
	}
	return errors.New("the user is of another connection")
}

// takesOver reports whether a row proves an address whose account a stranger may
// have made. That it had a password where it comes from is a proof of once: what an
// import made is not handed over to the same row again.
func (row importedUser) takesOver(u *User) bool {
	if !u.doubted() || row.user.Email == "" || u.Email != row.user.Email || u.Own().Email != row.user.Email {
		return false
	}
	return row.user.EmailVerified || row.user.Identities[0].PasswordHash != "" && u.Own().Unproven != importedMark
}

// forget takes from a user what whoever made the account said and chose. What an
// administrator or an action gave stays, and so does the user name.
func (u *User) forget(now time.Time) {
	if own := u.Own(); own != nil {
		own.PasswordHash, own.PasswordAt, own.Unproven, own.Profile = "", time.Time{}, "", nil
	}
	u.LastPasswordReset = now.UTC()
	u.GivenName, u.FamilyName, u.Picture, u.UserMetadata = "", "", "", nil
	u.PhoneNumber, u.PhoneVerified = "", false
	u.Name, u.Nickname = rowName(u), rowNickname(u)
}

// merge takes over what the row has.
func (row importedUser) merge(u *User) error {
	profile := map[string]json.RawMessage{}
	for _, name := range merged {
		if value, ok := row.row[name]; ok {
			profile[name] = value
		}
	}
	data, err := json.Marshal(profile)
	if err != nil {
		return err
	}
	number := u.PhoneNumber
	if err := json.Unmarshal(data, u); err != nil {
		return shortened(err)
	}
	row.mergeProofs(u, number)
	MergeMetadata(&u.UserMetadata, row.user.UserMetadata)
	MergeMetadata(&u.AppMetadata, row.user.AppMetadata)
	for name, value := range map[string]map[string]any{"user_metadata": u.UserMetadata, "app_metadata": u.AppMetadata} {
		data, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if len(data) > shape.MaxMetadata {
			return wrong(name, fmt.Sprintf("Object is too large, maximum %d bytes", shape.MaxMetadata))
		}
	}
	own, imported := u.Own(), row.user.Identities[0]
	if own.PasswordHash == "" && imported.PasswordHash != "" {
		own.PasswordHash, own.PasswordAt = imported.PasswordHash, imported.PasswordAt
		if !u.EmailVerified {
			own.Unproven = cmp.Or(own.Unproven, imported.Unproven)
		}
	}
	return nil
}

// mergeProofs takes over what the row says was proven: of its address and its
// number, if they are those of the user. A number other than before is new.
func (row importedUser) mergeProofs(u *User, number string) {
	if _, there := row.row["email_verified"]; there && u.Email == row.user.Email {
		u.EmailVerified = row.user.EmailVerified
	}
	u.PhoneVerified = u.PhoneVerified && u.PhoneNumber == number
	if _, there := row.row["phone_verified"]; there && row.user.PhoneNumber != "" {
		u.PhoneVerified = row.user.PhoneVerified
	}
}

// MergeMetadata adds members to those of a user; null removes one.
func MergeMetadata(into *map[string]any, from map[string]any) {
	for name, value := range from {
		if value == nil {
			delete(*into, name)
			continue
		}
		if *into == nil {
			*into = map[string]any{}
		}
		(*into)[name] = value
	}
}
