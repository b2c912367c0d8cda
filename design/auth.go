package design

import "fmt"

// AuthCore is the name of the plugin without which nobody can sign in. Its
// setting "entity" names the entity that holds the accounts.
const AuthCore = "auth-core"

// The words that can stand in a rule besides roles and permissions.
const (
	rulePublic   = "public"
	ruleSignedIn = "signed-in"
	ruleNobody   = "nobody"
	ruleOwner    = "owner"
)

// An AuthEntity is the entity that holds the accounts, and the fields by which
// somebody signs in.
type AuthEntity struct {
	*Entity

	Strategy string // that a password logs in with: local, or local-customer

	Identity *Field // the first required and unique field of type username or email
	Password *Field // the field of type password
	Roles    *Field // the field of type roles
}

// AuthEntity returns the entity of that name as the one that holds the accounts.
// at is where the name was written. If there is no such entity, or a field is
// missing by which somebody could sign in, the error is an [*Errors].
func (d *Design) AuthEntity(name string, at Position) (*AuthEntity, error) {
	return d.loginEntity(name, at, "plugins."+AuthCore+".entity", "holds the accounts")
}

// AlsoAuthEntity is [Design.AuthEntity] for an entity whose rows log in beside the
// accounts, each by a log-in of its own. path leads to where the name was written.
func (d *Design) AlsoAuthEntity(name string, at Position, path string) (*AuthEntity, error) {
	a, err := d.loginEntity(name, at, path, "logs in")
	if err != nil {
		return nil, err
	}
	a.Strategy += "-" + kebab(name)
	return a, nil
}

func (d *Design) loginEntity(name string, at Position, written, does string) (*AuthEntity, error) {
	var errs Errors
	e := d.Entity(name)
	if e == nil {
		var names []string
		for _, e := range d.Entities {
			names = append(names, e.Name)
		}
		errs.Add(at, written, fmt.Sprintf("unknown entity %s%s", quote(name), didYouMean(name, names)),
			"name the entity that "+does)
		return nil, errs.Err()
	}
	a := &AuthEntity{Entity: e, Strategy: "local"}
	for _, f := range e.Fields {
		switch f.Type {
		case Username, Email:
			if a.Identity == nil && f.Required && f.Unique {
				a.Identity = f
			}
		case Password:
			a.Password = f
		case Roles:
			a.Roles = f
		}
	}
	path := "entities." + name + ".fields"
	if a.Identity == nil {
		errs.Add(e.Pos, path, fmt.Sprintf("%s %s and has nothing to sign in with", name, does),
			"add: email: {type: email, required: true, unique: true}, or: username: username")
	} else if a.Identity.Name == "strategy" || a.Identity.Name == "accessToken" {
		errs.Add(a.Identity.Pos, path+"."+a.Identity.Name, fmt.Sprintf("%s is a word of the log-in itself", quote(a.Identity.Name)), "choose another name")
	}
	if a.Password == nil {
		errs.Add(e.Pos, path, fmt.Sprintf("%s %s and has no password", name, does), "add: password: password")
	} else if !a.Password.Required {
		errs.Add(a.Password.Pos, path+"."+a.Password.Name, "the password of an account has to be required", "remove required: false")
	}
	if a.Roles == nil {
		errs.Add(e.Pos, path, fmt.Sprintf("%s %s and has no roles", name, does), "add: roles: roles")
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return a, nil
}
