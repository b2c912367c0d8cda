package permtest

import (
	"slices"
	"strings"

	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/model"
)

// A logIn is how those come in who log in as rows of one entity. Where there are
// several, everything is tried as each of them, on a database of its own: what rows
// of the others own is nobody's then who calls, whatever ids they have.
type logIn struct {
	key                       string // of an entity beside the accounts, in answers
	strategy, login, password string
}

// logIns lists those of a service, that of the accounts first.
func logIns(a *auth.Config) []logIn {
	if a == nil {
		return []logIn{{}}
	}
	list := []logIn{{strategy: "local", login: a.Login, password: a.Password}}
	for _, also := range a.Also {
		list = append(list, logIn{also.Entity, also.Strategy, also.Login, also.Password})
	}
	return list
}

// name is how callers are told from the accounts; empty for these.
func (l logIn) name(e *entity) string {
	if l.key == "" {
		return ""
	}
	return e.Name
}

// callsAs reports whether callers are rows of the entity.
func (k *kit) callsAs(e *model.Entity) bool {
	if k.app.Auth == nil {
		return false
	}
	if k.as.key == "" {
		return e.Name == k.app.Auth.EntityName()
	}
	return e.LogsIn && strings.EqualFold(e.Name, k.as.key)
}

// disown takes the owner off an entity whose rows are owned by others than call: to
// callers they are rows of which none is their own, and the word for owners is not
// about them.
func (k *kit) disown() {
	for _, e := range k.entities {
		of := e
		near, far, through := strings.Cut(e.Owner, ".")
		if through {
			of, near = k.find(e.named(near).To), far
		}
		if e.Owner == "" || of.named(near) == nil {
			continue
		}
		if f := of.named(near); f.Type == model.Relation {
			of = k.find(f.To)
		}
		if k.accounts != nil && of != k.accounts {
			m := *e.matrixEntity
			if f := e.named(near); !through && f.Type == model.Relation {
				e.others = f.Name
			}
			m.Owner, m.Grants = "", make([]grant, len(e.Grants))
			for i := range e.Grants {
				m.Grants[i] = e.Grants[i].disowned()
			}
			e.matrixEntity = &m
		}
	}
}

// owned reports whether a field of the design says whose row it is.
func (e *entity) owned(name string) bool {
	return name == e.Owner || e.others != "" && e.wire(name) == e.others
}

// holds reports whether callers may hold the role.
func (k *kit) holds(role string) bool {
	kind := k.as.name(k.accounts)
	for _, r := range k.cfg.Service.Roles {
		if r.Name == role {
			return r.Entity == kind
		}
	}
	return true
}

// foreign lists the roles that callers beside the accounts may not hold: what stands in
// the database counts for nothing.
func (k *kit) foreign() []string {
	var names []string
	for _, r := range k.cfg.Service.Roles {
		if k.as.key != "" && !k.holds(r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// known lists the callers of the matrix that there can be.
func (k *kit) known() []matrixCaller {
	return slices.DeleteFunc(slices.Clone(k.m.Callers), func(c matrixCaller) bool { return c.Kind == role && !k.holds(c.Name) })
}
