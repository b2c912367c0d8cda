package seed

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/runtime/model"
)

// passwordFile is where the passwords go that were made here.
const passwordFile = ".gate/seed.json"

// An account is one whose password was made here.
type account struct {
	name     string
	login    map[string]string // what identifies it
	password secret.String
}

// password returns that of a row, empty when none is to fit. In development one is
// made where a variable is not set: the service is to start.
func (r *Run) password(e *model.Entity, row *row) (string, error) {
	p := row.Password
	if p.Env != "" {
		value, ok := r.seeder.app.Config.Lookup(p.Env)
		switch {
		case ok && value != "":
			return value, nil
		case r.seeder.app.Config.Dev == nil:
			return "", fmt.Errorf("the variable %s is not set, which holds the password", p.Env)
		}
	} else if !p.Make {
		return "", nil
	}
	a := account{name: row.Name, login: map[string]string{}, password: newPassword()}
	for i := range e.Fields {
		f := &e.Fields[i]
		var text string
		if f.Type == model.Email || f.Type == model.Username {
			if raw, ok := row.Values[f.Name]; ok && json.Unmarshal(raw, &text) == nil {
				a.login[f.Name] = text
			}
		}
	}
	r.passwords = append(r.passwords, a)
	return a.password.Reveal(), nil
}

// newPassword returns 100 random bits in groups that can be read aloud.
func newPassword() secret.String {
	text := strings.ToLower(rand.Text())
	return secret.String(strings.Join([]string{text[:5], text[5:10], text[10:15], text[15:20]}, "-"))
}

// write leaves the passwords in a file beside the one that they are for, before the
// transaction is kept: what was made is never without its password.
func (r *Run) write() error {
	if len(r.passwords) == 0 {
		return nil
	}
	list := map[string]map[string]string{}
	for _, a := range r.passwords {
		a.login["password"] = a.password.Reveal()
		list[a.name] = a.login
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.seeder.file), 0o700); err != nil {
		return fmt.Errorf("keep the passwords, unless they come from variables: %w", err)
	}
	r.draft = r.seeder.file + "." + rand.Text()
	f, err := os.OpenFile(r.draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keep the passwords, unless they come from variables: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Close())
}

// forget removes the file of a run that was undone.
func (r *Run) forget() {
	if r != nil && r.draft != "" {
		_ = os.Remove(r.draft) // its passwords open nothing
		r.draft = ""
	}
}

// keep gives the file its name, or the next one: a file that is there may hold the
// only copy of a password. It returns the name, empty without passwords.
func (r *Run) keep() (string, error) {
	if r.draft == "" {
		return "", nil
	}
	base, ext := strings.TrimSuffix(r.seeder.file, ".json"), ".json"
	for n := 1; ; n++ {
		name := r.seeder.file
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", base, n, ext)
		}
		switch err := os.Link(r.draft, name); {
		case errors.Is(err, os.ErrExist):
			continue
		case err != nil: // a file system without links
			return r.draft, nil
		}
		return name, os.Remove(r.draft)
	}
}

// show tells a person.
func (r *Run) show(w io.Writer, file string) {
	_, _ = fmt.Fprintln(w)
	for _, a := range r.passwords {
		login := a.name
		for _, text := range a.login {
			if text != a.password.Reveal() {
				login = text
			}
		}
		_, _ = fmt.Fprintf(w, "  Account         %s\n  Password        %s\n", login, a.password.Reveal())
	}
	_, _ = fmt.Fprintf(w, "  Also in %s; shown this once.\n\n", file)
}
