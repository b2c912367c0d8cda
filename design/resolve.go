package design

import (
	"fmt"
	"slices"
	"strings"
)

// resolve checks what needs the whole file.
func (l *loader) resolve() {
	l.permissions = l.d.Permissions()
	l.exact = slices.DeleteFunc(slices.Clone(l.permissions), func(p string) bool { return strings.Contains(p, "*") })
	l.otherAccounts()
	l.inheritance()
	l.relations()
	l.links()
	l.entityCollisions()
	l.renamed()
	l.actionPaths()
	for _, check := range l.todo {
		check()
	}
	for _, e := range l.d.Entities {
		l.keepsRows(e)
	}
	l.passwordHolders()
	l.tenants()
	if len(l.errs.Problems) == 0 {
		l.constants()
		l.requiredCycles()
	}
	if l.d.Service.InsecureOpenToEveryone {
		for _, e := range l.d.Entities {
			openToEveryone(e)
		}
		for _, a := range l.d.Actions {
			a.Allow = []Rule{{Kind: Public, Pos: a.Pos}}
		}
	}
}

// openToEveryone makes every rule of an entity public. What the service sets
// itself stays so, and so do passwords and roles: whoever turns authentication on
// again must not find administrators that somebody made meanwhile.
func openToEveryone(e *Entity) {
	public := []Rule{{Kind: Public, Pos: e.Pos}}
	e.Allow = Access{View: public, List: public, Create: public, Update: public, Delete: public}
	for _, f := range e.Fields {
		switch {
		case f.Type == Password, f.Type == Roles: // closed without authentication
		case f == e.Owner && f.Relation != nil: // otherwise nobody could say whose row it is
			f.Access = FieldAccess{Create: public, Update: public}
		default:
			f.Access = FieldAccess{}
		}
	}
}

// entityCollisions reports entities that would become the same name in Go,
// GraphQL, SQL or a path.
func (l *loader) entityCollisions() {
	routes, tables := map[string]*Entity{}, map[string]*Entity{}
	for _, e := range l.d.Entities {
		path := "entities." + e.Name
		if first := routes[e.Route]; first != nil {
			l.errs.Add(e.Pos, path+".route", fmt.Sprintf("entities %s and %s have the same route %s", first.Name, e.Name, quote(e.Route)), "write another: route: "+clip(e.Route, 50)+"-2")
		} else {
			routes[e.Route] = e
		}
		if first := tables[strings.ToLower(e.Table)]; first != nil {
			l.errs.Add(e.Pos, path+".table", fmt.Sprintf("entities %s and %s have the same table %s", first.Name, e.Name, quote(e.Table)), "write another: table: "+clip(e.Table, 50)+"_2")
		} else {
			tables[strings.ToLower(e.Table)] = e
		}
	}
	l.typeCollisions()
}

// typeCollisions reports entities and enums whose types collide with each other
// or with what a generated package has anyway.
func (l *loader) typeCollisions() {
	taken := map[string]string{} // lower case → owner
	for _, n := range ReservedNames() {
		taken[strings.ToLower(n)] = "the generated package itself"
	}
	for _, n := range graphQLTypes() {
		taken[strings.ToLower(n)] = "GraphQL"
	}
	claim := func(name, owner, what, path string, at Position) bool {
		other, ok := taken[strings.ToLower(name)]
		if ok && other != owner {
			l.errs.Add(at, path, fmt.Sprintf("%s needs the name %s, which belongs to %s", what, quote(name), other), "rename it")
			return false
		}
		taken[strings.ToLower(name)] = owner
		return true
	}
	for _, e := range l.d.Entities {
		for _, n := range derivedNames(e) {
			if !claim(n, "entity "+e.Name, "entity "+e.Name, "entities."+e.Name, e.Pos) {
				break
			}
		}
	}
	for _, e := range l.d.Entities {
		for _, k := range e.Links {
			claim(e.Name+k.GoName+"LinkInput", "relation "+k.String(), "relation "+k.String(), "entities."+e.Name, k.Pos)
		}
		for _, f := range e.Fields {
			if len(f.Values) > 0 {
				what := "enum " + e.Name + "." + f.Name
				path := "entities." + e.Name + ".fields." + f.Name
				_ = claim(e.Name+f.GoName, what, what, path, f.Pos) && claim(e.Name+f.GoName+"Filter", what, what, path, f.Pos)
			}
		}
	}
	l.recordNames(claim)
}

// passwordHolders lets only the accounts have passwords and roles.
func (l *loader) passwordHolders() {
	auth := l.authEntityName()
	if auth == "" {
		return
	}
	for _, e := range l.d.Entities {
		for _, f := range e.Fields {
			if !l.logsIn(e.Name) && (f.Type == Password || f.Type == Roles) {
				l.errs.Add(f.Pos, "entities."+e.Name+".fields."+f.Name,
					fmt.Sprintf("only %s, the entity of the accounts, can have a field of type %s", l.whoLogsIn(), f.Type), "list it in the plugin for a log-in of its own: "+AuthCore+": {"+alsoKey+": ["+e.Name+"]}")
			}
		}
	}
}

// requiredCycles reports entities of which no first row could ever be made.
func (l *loader) requiredCycles() {
	const (
		unseen = iota
		open
		done
	)
	state := map[*Entity]int{}
	var visit func(e *Entity, trail []string)
	visit = func(e *Entity, trail []string) {
		state[e] = open
		trail = append(trail, e.Name)
		for _, f := range e.Fields {
			if f.Relation == nil || !f.Required {
				continue
			}
			switch to := f.Relation.Entity; state[to] {
			case unseen:
				visit(to, trail)
			case open:
				cycle := append(slices.Clone(trail[slices.Index(trail, to.Name):]), to.Name)
				l.errs.Add(f.Pos, "entities."+e.Name+".fields."+f.Name,
					"no first row could be made: "+strings.Join(cycle, " needs "), "make one of the relations required: false")
			}
		}
		state[e] = done
	}
	for _, e := range l.d.Entities {
		if state[e] == unseen {
			visit(e, nil)
		}
	}
}
