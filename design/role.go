package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// acrossKey says of a role that it stands above tenants.
const acrossKey = "acrossTenants"

// roleEntityKey says of a role that it is for the rows of one entity.
const roleEntityKey = "entity"

// A Role is a named set of permissions.
type Role struct {
	Name        string // kebab-case
	Description string
	Default     bool     // given to every new account
	Permissions []string // verb:noun; either may be "*", which stands for any; "*" alone is everything
	// AcrossTenants says that who holds the role stands above tenants: sees and
	// changes by their rules the rows of all.
	AcrossTenants bool
	// Entity is the entity whose rows hold the role, one that logs in beside the
	// accounts; empty for those of the accounts.
	Entity    string
	EntityPos Position
	Inherits  []string // names of roles that whoever holds this one holds too; never in a circle
	Pos       Position
}

// Permissions lists the permissions that roles hold, wildcards among them,
// sorted, each once.
func (d *Design) Permissions() []string {
	var all []string
	for _, r := range d.Roles {
		all = append(all, r.Permissions...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (l *loader) role(e entry) {
	r := &Role{Name: e.key, Pos: e.pos}
	l.d.Roles = append(l.d.Roles, r)
	path := "roles." + e.key
	if isRuleWord(e.key) || e.key == tenantWord {
		l.errs.Add(e.pos, path, fmt.Sprintf("%s is a word of the rules and cannot name a role", quote(e.key)), "")
	}
	n := e.value
	if n.kind == KindList {
		l.errs.Add(n.pos, path, "a role is a mapping, not a list", "write: {permissions: [create:items]}")
		return
	}
	if n.isNull() || !l.object(n, path, "role "+quote(e.key), roleKeys()) {
		return
	}
	r.Description = l.description(n, path)
	if v := n.get("default"); v != nil {
		r.Default, _ = l.boolean(v, path+".default")
	}
	if v := n.get(acrossKey); v != nil {
		r.AcrossTenants, _ = l.boolean(v, join(path, acrossKey))
	}
	if v := n.get(roleEntityKey); v != nil {
		if name, ok := l.text(v, join(path, roleEntityKey), maxName); ok {
			r.Entity, r.EntityPos = name, v.pos
		}
	}
	if v := n.get("permissions"); !v.isNull() {
		l.permissionsOf(r, v, path+".permissions")
	}
	if v := n.get("inherits"); !v.isNull() {
		l.inherits(r, v, path+".inherits")
	}
}

func (l *loader) permissionsOf(r *Role, n *node, path string) {
	for i, item := range l.list(n, path) {
		at := path + "[" + strconv.Itoa(i) + "]"
		p, ok := l.text(item, at, maxPermission)
		if !ok || !l.checkName("permission", p, verbNounWild, item.pos, at) {
			continue
		}
		if slices.Contains(r.Permissions, p) {
			l.errs.Add(item.pos, at, fmt.Sprintf("permission %s is listed twice", quote(p)), "")
			continue
		}
		r.Permissions = append(r.Permissions, p)
		l.held[r] = append(l.held[r], item)
	}
}

// inherits reads the roles that come with one; see [loader.inheritance].
func (l *loader) inherits(r *Role, n *node, path string) {
	for i, item := range l.list(n, path) {
		at := path + "[" + strconv.Itoa(i) + "]"
		name, ok := l.text(item, at, maxName)
		if !ok || !l.checkName("role name", name, kebabCase, item.pos, at) {
			continue
		}
		if slices.Contains(r.Inherits, name) {
			l.errs.Add(item.pos, at, fmt.Sprintf("role %s is listed twice", quote(name)), "")
			continue
		}
		r.Inherits = append(r.Inherits, name)
		l.heirs[r] = append(l.heirs[r], item)
	}
}

// inheritance reports roles that inherit what is not there, and roles that
// inherit each other, once for each circle, where it closes.
func (l *loader) inheritance() {
	roles := make(map[string]*Role, len(l.d.Roles))
	var names []string
	for _, r := range l.d.Roles {
		roles[r.Name] = r
		names = append(names, r.Name)
	}
	done := make(map[*Role]bool, len(l.d.Roles))
	place := make(map[string]int) // in the trail
	var visit func(r *Role, trail []string)
	visit = func(r *Role, trail []string) {
		done[r], place[r.Name] = true, len(trail)
		defer delete(place, r.Name)
		trail = append(trail, r.Name)
		for i, name := range r.Inherits {
			at, path := l.heirs[r][i].pos, "roles."+r.Name+".inherits["+strconv.Itoa(i)+"]"
			first, open := place[name]
			switch other := roles[name]; {
			case other == nil:
				l.unknownInherited(name, names, at, path)
			case open:
				l.errs.Add(at, path, "roles inherit each other: "+strings.Join(append(slices.Clone(trail[first:]), name), " inherits "), "remove one of them here")
			case !done[other]:
				visit(other, trail)
			}
		}
	}
	for _, r := range l.d.Roles {
		if !done[r] {
			visit(r, nil)
		}
	}
}

func (l *loader) unknownInherited(name string, names []string, at Position, path string) {
	near, hint := l.didYouMean(name, names), ""
	switch {
	case isRuleWord(name) || name == tenantWord:
		hint = "it is a word of the rules and no role"
	case near == "":
		hint = "add it to the roles, or remove it here"
	}
	l.errs.Add(at, path, fmt.Sprintf("unknown role %s%s", quote(name), near), hint)
}

// Holds reports whether a role holds that permission, be it by a wildcard. A text that is
// none, or stands for several, nobody holds.
func (d *Design) Holds(permission string) bool {
	if strings.Contains(permission, "*") || verbNoun.check(permission) != "" {
		return false
	}
	return held(permission, d.Permissions())
}

// isHeld reports whether a role holds the permission, be it by a wildcard. For
// the two words of a permission it is what gate.Permits says.
func (l *loader) isHeld(permission string) bool { return held(permission, l.permissions) }

// held reports whether the permissions, which are sorted, include one.
func held(permission string, permissions []string) bool {
	verb, noun, _ := strings.Cut(permission, ":")
	return slices.ContainsFunc([]string{permission, verb + ":*", "*:" + noun, "*:*", "*"}, func(held string) bool {
		_, found := slices.BinarySearch(permissions, held)
		return found
	})
}
