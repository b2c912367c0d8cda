package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// alsoKey is the setting of auth-core that lists the entities whose rows log in beside
// the accounts.
const alsoKey = "also"

// alsoSetting is what auth-core says of further entities whose rows log in, nil for
// nothing.
func (l *loader) alsoSetting() *Setting {
	p := l.d.Plugin(AuthCore)
	if p == nil {
		return nil
	}
	return p.Setting(alsoKey)
}

// also lists the entities whose rows log in beside the accounts, those of them that
// are there.
func (l *loader) also() []string {
	var names []string
	if s := l.alsoSetting(); s != nil {
		for i := range s.Children {
			if name, ok := s.Children[i].Value.(string); ok && l.d.Entity(name) != nil && name != l.authEntityName() {
				names = append(names, name)
			}
		}
	}
	return names
}

// RolesOf lists the roles that a field of the type [Roles] can hold: rows that log in
// beside the accounts have roles of their own.
func (d *Design) RolesOf(f *Field) []*Role {
	kind := d.kind(f)
	return slices.DeleteFunc(slices.Clone(d.Roles), func(r *Role) bool { return kind != "" && r.Entity != kind })
}

// DefaultRolesOf lists those that it holds where nobody says any.
func (d *Design) DefaultRolesOf(f *Field) []*Role {
	kind := d.kind(f)
	return slices.DeleteFunc(slices.Clone(d.Roles), func(r *Role) bool { return !r.Default || r.Entity != kind })
}

// kind returns the entity of a field if its rows log in beside the accounts.
func (d *Design) kind(f *Field) string {
	for _, e := range d.Entities {
		if e.LogsIn && slices.Contains(e.Fields, f) {
			return e.Name
		}
	}
	return ""
}

// logsIn reports whether rows of an entity log in: as the accounts, or beside them.
func (l *loader) logsIn(name string) bool {
	return name != "" && (name == l.authEntityName() || slices.Contains(l.also(), name))
}

// whoLogsIn names the entities whose rows log in.
func (l *loader) whoLogsIn() string {
	return strings.Join(append([]string{l.authEntityName()}, l.also()...), " or ")
}

// otherAccounts marks the entities whose rows log in beside the accounts, and checks
// the roles that are for these.
func (l *loader) otherAccounts() {
	also := l.also()
	for _, name := range also {
		l.d.Entity(name).LogsIn = true
	}
	for _, r := range l.d.Roles {
		path := "roles." + r.Name
		switch {
		case r.Entity == "":
		case r.Entity == l.authEntityName():
			l.errs.Add(r.EntityPos, join(path, roleEntityKey), fmt.Sprintf("%s holds the accounts, which may have every role", quote(r.Entity)), "remove "+roleEntityKey)
		case !slices.Contains(also, r.Entity):
			near, hint := l.didYouMean(r.Entity, also), ""
			if near == "" {
				hint = "list it in the plugin: " + AuthCore + ": {" + alsoKey + ": [" + r.Entity + "]}"
			}
			l.errs.Add(r.EntityPos, join(path, roleEntityKey), fmt.Sprintf("nobody logs in as a row of %s%s", quote(r.Entity), near), hint)
		case r.AcrossTenants:
			l.errs.Add(r.EntityPos, join(path, roleEntityKey), fmt.Sprintf("rows of %s do not stand above tenants", r.Entity), "remove "+acrossKey)
		default:
			l.inheritsItsOwn(r, path)
		}
	}
}

// inheritsItsOwn keeps roles of the accounts from those who log in beside them.
func (l *loader) inheritsItsOwn(r *Role, path string) {
	for i, name := range r.Inherits {
		if other := l.d.Role(name); other != nil && other.Entity != r.Entity {
			l.errs.Add(l.heirs[r][i].pos, path+".inherits["+strconv.Itoa(i)+"]",
				fmt.Sprintf("role %s is for rows of %s, and %s is not", quote(r.Name), r.Entity, quote(name)), "inherit roles of "+r.Entity+" alone, or none")
		}
	}
}
