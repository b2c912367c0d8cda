package design

import (
	"fmt"
	"slices"
	"strings"
)

// tenantWord is a word that stands for a tenant and can name no role.
const tenantWord = "tenant"

// Tenants returns the entity whose rows are the tenants, nil when there are none.
func (d *Design) Tenants() *Entity {
	for _, e := range d.Entities {
		if e.Tenant != nil && e.Tenant.Relation != nil {
			return e.Tenant.Relation.Entity
		}
	}
	return nil
}

// NamesTenant reports whether callers above tenants say to which a row belongs, in
// a new row, or, of an account, in a change.
func (e *Entity) NamesTenant(action string) bool {
	return e.Tenant != nil && e.Tenant.Relation != nil && (action == "create" || action == "update" && !e.Tenant.Required)
}

// AboveTenants returns the names of the roles that stand above tenants, those among
// them that inherit one.
func (d *Design) AboveTenants() []string {
	var names []string
	for _, r := range d.Roles {
		if d.above(r, map[*Role]bool{}) {
			names = append(names, r.Name)
		}
	}
	return names
}

func (d *Design) above(r *Role, seen map[*Role]bool) bool {
	if r == nil || seen[r] {
		return false
	}
	seen[r] = true
	return r.AcrossTenants || slices.ContainsFunc(r.Inherits, func(name string) bool { return d.above(d.Role(name), seen) })
}

// tenant reads which field of an entity says to which tenant a row belongs.
func (l *loader) tenant(e *Entity, n *node, path string) {
	if n == nil {
		return
	}
	name, ok := l.text(n, path, maxName)
	if !ok {
		return
	}
	l.tenantAt[e] = n
	accounts := e.Name == l.authEntityName()
	f := e.Field(name)
	what := "tenant " + quote(name)
	switch link := e.Link(name); {
	case f == nil && link != nil:
		l.errs.Add(n.pos, path, what+" is a relation to many or the other end of one, and a row belongs to one tenant", "name a relation to one that "+e.Name+" keeps the key of")
	case f == nil:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s is not a field of %s%s", what, e.Name, l.didYouMean(name, toOne(e))), "")
	case f.Type == ID && accounts:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s is for the entity whose rows are the tenants, and those of %s are the accounts", what, e.Name), "for rows that each account has for itself write owner")
	case f.Type == ID:
		e.Tenant = f
	case f.Type != ToOne:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s is of type %s and has to be a relation", what, f.Type), "")
	case f.Relation.Entity == nil: // reported where the relation is
	case f.Relation.To == l.authEntityName():
		l.errs.Add(n.pos, path, fmt.Sprintf("%s points to %s, which holds the accounts", what, f.Relation.To), "rows of one account have an owner: write owner: "+name)
	case f.Relation.Entity == e:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s points to %s itself", what, e.Name), "where rows are the tenants write tenant: "+e.IDField().Name)
	case accounts && f.Required:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s is required, and the first account, which makes the first %s, is in none", what, f.Relation.To), "write required: false behind "+name)
	case !accounts && !f.Required:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s can be null, and such a row would be nobody's", what), "write required: true behind "+name)
	default:
		e.Tenant = f
	}
}

// toOne lists the relations to one of an entity.
func toOne(e *Entity) []string {
	var names []string
	for _, f := range e.Fields {
		if f.Type == ToOne {
			names = append(names, f.Name)
		}
	}
	return names
}

// tenants checks what entities say of tenants together, and makes unique within a
// tenant what is unique.
func (l *loader) tenants() {
	var first *Entity
	for _, e := range l.d.Entities {
		if l.tenantAt[e] != nil && first == nil {
			first = e
		}
	}
	l.tenantRoles(first)
	if first == nil {
		return
	}
	at, path := l.tenantAt[first].pos, "entities."+first.Name+".tenant"
	if l.d.Service.InsecureOpenToEveryone {
		l.errs.Add(at, path, openKey+" cannot open what belongs to tenants: without authentication nobody is in one", "remove one or the other")
	}
	if s := l.alsoSetting(); s != nil && len(s.Children) > 0 {
		l.errs.Add(s.Pos, s.Path, fmt.Sprintf("rows of %s belong to tenants: beside that nobody logs in yet but the accounts", first.Name), "remove "+alsoKey+", or tenant: from all entities")
		return
	}
	core, accounts := l.d.Plugin(AuthCore), l.d.Entity(l.authEntityName())
	switch {
	case core == nil:
		l.errs.Add(at, path, "nobody is in a tenant: there are no accounts", "add: plugins: {auth-core: {entity: User}}")
		return
	case accounts == nil: // reported by the plugin
		return
	case l.tenantAt[accounts] == nil:
		l.errs.Add(at, path, fmt.Sprintf("rows of %s belong to tenants, and %s, which holds the accounts, says of nobody in which they are", first.Name, accounts.Name),
			fmt.Sprintf("add to %s a relation that is not required, and tenant: with its name", accounts.Name))
		return
	case accounts.Tenant == nil: // reported where it stands
		return
	}
	for _, e := range l.d.Entities {
		if e.Tenant != nil {
			l.sameTenants(e, accounts)
			l.tenantRules(e, accounts)
			l.tenantUnique(e, accounts)
		}
	}
}

// tenantRoles checks which roles stand above tenants.
func (l *loader) tenantRoles(first *Entity) {
	above := l.d.AboveTenants()
	for _, r := range l.d.Roles {
		switch path := "roles." + r.Name; {
		case r.AcrossTenants && first == nil:
			l.errs.Add(r.Pos, path+"."+acrossKey, fmt.Sprintf("role %s stands above tenants, and there are none", quote(r.Name)), "remove "+acrossKey+", or add tenant: to the entities that belong to one")
		case r.Default && slices.Contains(above, r.Name):
			l.errs.Add(r.Pos, path, fmt.Sprintf("every new account holds role %s, and would stand above tenants", quote(r.Name)), "remove default: true or "+acrossKey)
		}
	}
	if first != nil && len(above) == 0 {
		l.errs.Add(l.tenantAt[first].pos, "entities."+first.Name+".tenant", "no role stands above tenants: nobody could make the first one, or bring anybody into it",
			"add to a role: "+acrossKey+": true")
	}
}

// sameTenants lets all entities belong to the same tenants as the accounts.
func (l *loader) sameTenants(e, accounts *Entity) {
	tenants := accounts.Tenant.Relation.Entity
	at, path := l.tenantAt[e].pos, "entities."+e.Name+".tenant"
	switch {
	case e.Tenant.Type == ID && e != tenants:
		l.errs.Add(at, path, fmt.Sprintf("tenant %s is only for %s, whose rows are the tenants", quote(e.Tenant.Name), tenants.Name), "name a field that is a relation to "+tenants.Name)
	case e == tenants && e.Tenant.Type != ID:
		l.errs.Add(at, path, fmt.Sprintf("rows of %s are the tenants themselves", e.Name), "write tenant: "+e.IDField().Name)
	case e.Tenant.Relation != nil && e.Tenant.Relation.Entity != tenants:
		l.errs.Add(at, path, fmt.Sprintf("tenant %s points to %s and has to point to %s, as that of %s does", quote(e.Tenant.Name), e.Tenant.Relation.To, tenants.Name, accounts.Name), "")
	}
}

// tenantRules refuses rules that let in who is in no tenant, and those of the key.
func (l *loader) tenantRules(e, accounts *Entity) {
	for _, action := range Actions() {
		signsUp := e == accounts && action == "create"
		for _, r := range e.Allow.Rules(action) {
			if r.Kind == Public && !signsUp {
				l.errs.Add(r.Pos, "entities."+e.Name+".allow."+action, fmt.Sprintf("rows of %s belong to tenants, and who is not signed in is in none: public would let nobody in", e.Name),
					"signed-in is everybody of the tenant")
			}
		}
		rules := e.Tenant.Access.Rules(action)
		if e.Tenant.Relation != nil && action != "view" && len(rules) > 0 {
			l.errs.Add(rules[0].Pos, join(join("entities."+e.Name+".fieldRules", e.Tenant.Name), action),
				fmt.Sprintf("%s says to which tenant a row belongs: who stands above tenants writes it, and nobody else", quote(e.Tenant.Name)), "remove this rule")
		}
	}
}

// tenantUnique puts the tenant before what is unique: that a value is taken tells of
// a row, and nobody hears of those of other tenants. Accounts and tenants are unique
// across tenants, as log-ins and names have to be, and so is a relation to one
// from both sides.
func (l *loader) tenantUnique(e, accounts *Entity) {
	key := e.Tenant
	if e == accounts || key.Type == ID {
		return
	}
	for _, x := range e.Unique {
		if !slices.Contains(x.Fields, key) {
			x.Fields = slices.Insert(slices.Clone(x.Fields), 0, key)
		}
	}
	for _, f := range e.Fields {
		if !f.Unique || f.Relation != nil || f.Type == ID {
			continue
		}
		f.Unique = false
		x := &Index{Fields: []*Field{key, f}, Pos: f.Pos}
		if i := slices.IndexFunc(e.Unique, func(o *Index) bool { return sameFields(o.Fields, x.Fields) }); i >= 0 {
			l.errs.Add(e.Unique[i].Pos, "entities."+e.Name+".unique", fmt.Sprintf("%s is unique within the tenant already", quote(f.Name)), "remove one or the other")
			continue
		}
		e.Unique = append(e.Unique, x)
	}
}

// tenant warns of entities that belong to no tenant and show what rows of tenants
// they have to do with: those that point to them, and the tenants themselves.
func (w *warner) tenant(e *Entity) {
	tenants := w.d.Tenants()
	if tenants == nil || e.Tenant != nil || !w.d.Authentication() || !w.crosses(e) {
		return
	}
	hint := "write accept: [" + WarnOutsideTenants + "] if that is meant"
	if e == tenants {
		w.add(WarnOutsideTenants, e.Pos, "entities."+e.Name+".tenant", fmt.Sprintf("everybody of all tenants has the same rules for %s, the tenants", e.Plural),
			"add tenant: "+e.IDField().Name+" to keep each to their own, or "+hint)
		return
	}
	var near []string
	for _, link := range e.Links {
		if !link.Far() && (link.To.Tenant != nil || link.To == tenants) {
			near = append(near, link.Name)
		}
	}
	if len(near) > 0 {
		w.add(WarnOutsideTenants, e.Pos, "entities."+e.Name+".tenant",
			fmt.Sprintf("%s have no tenant, and point by %s to what has: their rules let in people of all tenants", e.Plural, strings.Join(near, ", ")),
			"add a relation to "+tenants.Name+" and tenant: with its name, or "+hint)
	}
}

// crosses reports whether a rule of rows lets in others than their owner and those
// who stand above tenants.
func (w *warner) crosses(e *Entity) bool {
	above := w.d.AboveTenants()
	return slices.ContainsFunc(Actions(), func(action string) bool {
		return slices.ContainsFunc(e.Allow.Rules(action), func(r Rule) bool {
			switch r.Kind {
			case Nobody, RowOwner:
				return false
			case HasRole:
				return !slices.Contains(above, r.Name)
			}
			return action != "create" || r.Kind == Public
		})
	})
}
