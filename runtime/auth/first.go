package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/internal/pattern"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// A Secret is a text that prints as "[secret]" in every way; its method Reveal
// is the one way to its value.
type Secret = secret.String

// An Administrator is the account that the first start of a service creates.
type Administrator struct {
	// Login is what to log in with.
	Login string
	// Password was made for this account and is stored nowhere but in the file.
	Password Secret
}

// FirstAdministrator creates an account that holds every role if there is no
// account at all, writes it to file, readable by its owner only, and returns it.
// It returns nil when there are accounts, and where nobody logs in with a
// password: see [Users.FirstAdmin] then.
//
// Two processes that start at the same time create one: both would take the same
// login, which is unique, so the database lets one of them through, and only
// that one leaves its file.
func (a *Auth) FirstAdministrator(ctx context.Context, file string) (*Administrator, error) {
	if a.accounts.password == nil || !a.passwordLogins {
		return nil, nil //nolint:nilnil // nobody could log in with one
	}
	there, err := a.accounts.any(ctx, a.opts.DB.Read())
	if err != nil || there {
		return nil, err
	}
	admin := &Administrator{Login: a.adminLogin(), Password: newPassword()}
	body, err := a.adminBody(admin)
	if err != nil {
		return nil, fmt.Errorf("first administrator: %w", err)
	}
	draft, err := writeAdministrator(file, a.cfg.Login, admin)
	if err != nil {
		return nil, fmt.Errorf("first administrator: %w", err)
	}
	row, err := a.entity.CreateRow(authz.System(ctx), body, nil)
	if err == nil {
		err = a.confirmFirst(ctx, row)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(draft))
		if there, again := a.accounts.any(ctx, a.opts.DB.Read()); again == nil && there {
			return nil, nil //nolint:nilnil // another process was faster
		}
		return nil, fmt.Errorf("first administrator: %w", explain(err))
	}
	if err := keep(file); err != nil {
		return nil, fmt.Errorf("first administrator: the password is in %s: %w", draft, err)
	}
	if err := os.Rename(draft, file); err != nil {
		return nil, fmt.Errorf("first administrator: the password is in %s: %w", draft, err)
	}
	return admin, nil
}

// confirmFirst takes the address of the first administrator for confirmed: the
// operator has its password.
func (a *Auth) confirmFirst(ctx context.Context, row crud.Row) error {
	var values map[string]any
	if err := json.Unmarshal(row.AppendJSON(nil), &values); err != nil {
		return err
	}
	email, _ := values[a.cfg.Email].(string)
	if email == "" {
		return nil
	}
	return a.verified.SetOwned(ctx, a.cfg.Entity, fmt.Sprint(values[a.accounts.id.Name]), email)
}

// keep moves a file that is there out of the way: it may belong to another
// database, and hold the only copy of a password.
func keep(file string) error {
	other := strings.TrimSuffix(file, ".json") + time.Now().UTC().Format("-20060102T150405.000000") + ".json"
	if err := os.Rename(file, other); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// explain adds the fields to an answer, which are not part of its text.
func explain(err error) error {
	e, ok := errors.AsType[*gate.Error](err)
	if !ok {
		return err
	}
	if problems, ok := e.Errors.(model.Problems); ok {
		return fmt.Errorf("%w: %w", err, problems)
	}
	return err
}

// adminLogin is the login that the settings name, or one of the service's own.
func (a *Auth) adminLogin() string {
	if login := a.opts.Settings.AdminEmail; login != "" {
		return login
	}
	f, err := field(a.entity.Entity(), a.cfg.Login)
	if err == nil && f.Type != model.Email {
		return "admin"
	}
	return "admin@" + a.opts.Service + ".test"
}

// firstAdmin returns the address whose first owner whom an issuer vouches for gets
// every role: what the settings say, else the design.
func (a *Auth) firstAdmin(designed string) string {
	if !a.passwordLogins {
		designed = cmp.Or(a.opts.Settings.AdminEmail, designed)
	}
	return cmp.Or(a.opts.Settings.FirstAdminEmail, designed)
}

// newPassword returns 100 random bits in groups that can be read aloud.
func newPassword() Secret {
	text := strings.ToLower(rand.Text())
	return Secret(strings.Join([]string{text[:5], text[5:10], text[10:15], text[15:20]}, "-"))
}

// adminBody returns the row of the administrator. Fields that the design
// requires are filled with the least that they take.
func (a *Auth) adminBody(admin *Administrator) ([]byte, error) {
	e := a.entity.Entity()
	row := map[string]any{a.cfg.Login: admin.Login, a.cfg.Password: admin.Password.Reveal()}
	if a.cfg.Roles != "" {
		roles := []string{}
		for _, role := range a.opts.Policy.Roles() {
			roles = append(roles, role.Name)
		}
		row[a.cfg.Roles] = roles
	}
	made := []model.Type{model.ID, model.CreatedAt, model.UpdatedAt}
	for i := range e.Fields {
		f := &e.Fields[i]
		if _, set := row[f.Name]; set || !f.Required || f.Computed != nil || slices.Contains(made, f.Type) || f.HasDefault() {
			continue
		}
		value, ok := least(f, admin.Login)
		if !ok {
			return nil, fmt.Errorf("the field %q of %s is required and has no default", f.Name, e.Name)
		}
		row[f.Name] = value
	}
	return json.Marshal(row)
}

// least returns a value that a required field takes, for types of which any
// value will do.
func least(f *model.Field, login string) (any, bool) {
	switch f.Type {
	case model.Text, model.LongText:
		if f.Pattern != "" {
			return pattern.Sample(f.Pattern, 0, f.MinLength, f.MaxLength)
		}
		text := "Administrator"
		for len(text) < f.MinLength {
			text += " of the service"
		}
		if f.MaxLength > 0 && len(text) > f.MaxLength {
			text = text[:f.MaxLength]
		}
		return text, true
	case model.Username:
		return "admin", true
	case model.Email:
		return login, strings.Contains(login, "@")
	case model.URL:
		return "https://example.invalid/", true
	case model.Enum:
		return f.Values[0], true
	case model.MultiEnum:
		return []string{}, true
	case model.Integer, model.Float, model.DecimalType:
		if f.Min != "" {
			return json.Number(f.Min), true
		}
		return 0, f.Max == "" || !strings.HasPrefix(f.Max, "-")
	case model.Boolean:
		return false, true
	case model.DateType:
		return cmp.Or(f.Min, f.Max, time.Now().UTC().Format(time.DateOnly)), true
	case model.DateTime:
		return cmp.Or(f.Min, f.Max, time.Now().UTC().Format(time.RFC3339)), true
	case model.JSON:
		return map[string]any{}, true
	}
	return nil, false
}

// writeAdministrator writes a draft beside file and returns its name. It becomes
// the file once the account exists.
func writeAdministrator(file, login string, admin *Administrator) (draft string, err error) {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(map[string]string{login: admin.Login, "password": admin.Password.Reveal()}, "", "  ")
	if err != nil {
		return "", err
	}
	draft = filepath.Join(dir, filepath.Base(file)+"."+rand.Text())
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the path is the program's own
	if err != nil {
		return "", err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(draft))
	}
	return draft, nil
}
