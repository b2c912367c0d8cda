package design

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Link is one end of a relation: what the rows of an entity call the rows that
// the relation leads to. A relation has a second end when it names one by
// "inverse", and each is the Inverse of the other.
type Link struct {
	Name   string // camelCase: author, posts, tags
	GoName string // Go name of Name
	From   *Entity
	To     *Entity
	Many   bool // leads to any number of rows, not to one at most

	// Field keeps the key: a field of From, or of To at the other end of it. It is
	// nil when a table keeps pairs of keys.
	Field *Field
	Join  *Join // nil unless both ends are to many

	// RenamedFrom is its name of before, or the table of pairs of before; "" unless
	// it is kept in one and was renamed.
	RenamedFrom string

	Inverse *Link // nil without a second end
	Pos     Position

	far bool // named by "inverse" only
}

// HasKey reports whether the rows of From keep the key themselves.
func (l *Link) HasKey() bool { return l.Field != nil && !l.far }

// Far reports whether the link was named by "inverse" at the other end.
func (l *Link) Far() bool { return l.far }

// A Join is the table between two entities: pairs of their ids, each pair once.
type Join struct {
	Table     string
	Near, Far string   // columns: the id of a row of From, and of To
	Pos       Position // of the relation
}

// String returns the link as errors name it: Post.author.
func (l *Link) String() string { return l.From.Name + "." + l.Name }

// Link returns the link of that name, nil if there is none.
func (e *Entity) Link(name string) *Link {
	for _, l := range e.Links {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// asked is a relation as it is written, until the whole file is read.
type asked struct {
	from    *Entity
	field   *Field // not one of from when it is to many
	many    bool
	inverse *node
	through *node
	pos     Position
	path    string
}

// relation reads what a field says about a relation besides its properties. One
// to many is no column: it is kept for a table of its own, and the field is not
// one of the entity.
func (l *loader) relation(e *Entity, f *Field, n *node, path string) {
	f.Key, f.GoKey, f.Column = f.Name+"Id", f.GoName+"ID", f.Column+"_id"
	f.Relation = &Relation{OnDelete: Restrict}
	a := &asked{from: e, field: f, inverse: n.get("inverse"), through: n.get("through"), pos: f.Pos, path: path}
	if v := n.get("many"); v != nil {
		a.many, _ = l.boolean(v, path+".many")
	}
	if a.many {
		e.Fields = slices.DeleteFunc(e.Fields, func(o *Field) bool { return o == f })
		for _, name := range []string{"required", "unique", "onDelete", "column", "readOnly"} {
			if v := n.get(name); v != nil {
				l.errs.Add(v.pos, join(path, name), fmt.Sprintf("a relation to many has no %s: a table keeps it", quote(name)), "remove it, or many: true")
			}
		}
	} else if a.through != nil {
		l.errs.Add(a.through.pos, path+".through", "only a relation to many goes through a table", "add: many: true")
	}
	l.asked = append(l.asked, a)
}

// relations finds what relations point to.
func (l *loader) relations() {
	var names []string
	for _, e := range l.d.Entities {
		names = append(names, e.Name)
	}
	for _, a := range l.asked {
		f := a.field
		r := f.Relation
		if r.To == "" {
			continue
		}
		if r.Entity = l.d.Entity(r.To); r.Entity == nil {
			hint := "the entities are: " + strings.Join(names, ", ")
			near := l.didYouMean(r.To, names)
			if near != "" {
				hint = ""
			}
			l.errs.Add(r.Pos, a.path+".to", fmt.Sprintf("unknown entity %s%s", quote(r.To), near), hint)
		}
		if f.Required && r.OnDelete == SetNull {
			l.errs.Add(f.Pos, a.path, "a required relation cannot be emptied by onDelete: set-null", "restrict, cascade, or required: false")
		}
		if r.OnDelete == Cascade && !a.many && l.logsIn(a.from.Name) {
			l.later(func() { l.cascadesToAccounts(f, a.path) })
		}
	}
}

// cascadesToAccounts refuses accounts that are deleted with other rows: nothing asks
// then who may delete them, and nothing ends that they are logged in. With a tenant
// that is kept they are closed, and stay.
func (l *loader) cascadesToAccounts(f *Field, path string) {
	if to := f.Relation.Entity; to == nil || to.SoftDelete != nil {
		return // of those that are kept keepsRows takes the tenant, and nothing else
	}
	l.errs.Add(f.Pos, path, fmt.Sprintf("onDelete: cascade would delete accounts with rows of %s, past all that is asked of who deletes an account", f.Relation.To),
		"restrict, or set-null; accounts are closed with their tenant where that has softDelete: true")
}

// links makes the ends of all relations: first those that are written, then those
// that they name as their inverse.
func (l *loader) links() {
	type end struct {
		*asked
		link *Link
	}
	var ends []end
	for _, a := range l.asked {
		to := a.field.Relation.Entity
		if to == nil {
			continue
		}
		link := &Link{Name: a.field.Name, GoName: a.field.GoName, From: a.from, To: to, Many: a.many, Field: a.field, Pos: a.pos}
		if a.many {
			link.RenamedFrom = a.field.RenamedFrom
			link.Field = nil
			link.Join = l.joinTable(a, to)
		}
		a.from.Links = append(a.from.Links, link)
		ends = append(ends, end{a, link})
	}
	for _, x := range ends {
		if x.inverse != nil {
			l.inverse(x.asked, x.link)
		}
	}
	for _, x := range ends {
		l.twice(x.link)
		l.keyTaken(x.link)
	}
	l.joinCollisions()
	l.files()
}

// inverse gives a relation its second end.
func (l *loader) inverse(a *asked, link *Link) {
	path := a.path + ".inverse"
	name, ok := l.text(a.inverse, path, maxName)
	if !ok || !l.checkName("inverse", name, camelCase, a.inverse.pos, path) {
		return
	}
	back := &Link{
		Name: name, GoName: goName(name), From: link.To, To: link.From, Field: link.Field, far: true,
		Many: link.Many || !a.field.Unique, Inverse: link, Pos: a.inverse.pos,
	}
	if link.Join != nil {
		back.Join = &Join{Table: link.Join.Table, Near: link.Join.Far, Far: link.Join.Near, Pos: link.Join.Pos}
	}
	if l.taken(back, path) {
		return
	}
	link.Inverse = back
	link.To.Links = append(link.To.Links, back)
}

// taken reports an inverse whose name the other entity has for something else.
func (l *loader) taken(back *Link, path string) bool {
	e, same := back.From, func(name string) bool { return foldName(name) == foldName(back.Name) }
	for _, o := range e.Links {
		switch {
		case !same(o.Name):
		case o == back.Inverse:
			l.errs.Add(back.Pos, path, fmt.Sprintf("%s cannot be its own inverse", o), "name the other end as its rows see it, such as inverse: "+clip(back.Name, 50)+"Of")
			return true
		case o.Inverse != nil && o.far:
			l.errs.Add(back.Pos, path, fmt.Sprintf("%s and %s would both be %s of %s: two relations need two inverses", o.Inverse, back.Inverse, quote(back.Name), e.Name), "name another")
			return true
		default:
			l.errs.Add(back.Pos, path, fmt.Sprintf("%s has a relation %s already", e.Name, quote(o.Name)),
				fmt.Sprintf("a relation is written once: remove %s if it is the other end of %s, or name another inverse", o, back.Inverse))
			return true
		}
	}
	for _, f := range e.Fields {
		if same(f.Name) || same(f.Key) {
			l.errs.Add(back.Pos, path, fmt.Sprintf("%s has a field %s already", e.Name, quote(f.Name)), "name another inverse")
			return true
		}
	}
	return false
}

// keyTaken reports a relation to many that has the name of another one's key. For
// those that are fields, [loader.fieldCollisions] does.
func (l *loader) keyTaken(link *Link) {
	for _, f := range link.From.Fields {
		if link.Join != nil && foldName(f.Key) == foldName(link.Name) {
			l.errs.Add(link.Pos, "entities."+link.From.Name+".fields."+link.Name,
				fmt.Sprintf("relation %s has the name of the key of %s", quote(link.Name), quote(f.Name)), "rename one of them")
		}
	}
}

// twice reports a relation to many that is written at both of its ends: each would
// have a table of its own.
func (l *loader) twice(link *Link) {
	if link.Join == nil || link.Inverse != nil {
		return
	}
	for _, o := range link.To.Links {
		if o != link && o.Join != nil && o.Inverse == nil && o.To == link.From && o.From != link.From && o.below(link) {
			l.errs.Add(o.Pos, "entities."+o.From.Name+".fields."+o.Name,
				fmt.Sprintf("%s and %s would be two relations, each with a table of its own", link, o),
				fmt.Sprintf("write inverse: %s behind %s and remove this one, or give each an inverse", o.Name, link))
		}
	}
}

// below reports whether l stands below o in the file.
func (l *Link) below(o *Link) bool {
	return cmp.Or(cmp.Compare(l.Pos.Line, o.Pos.Line), cmp.Compare(l.Pos.Column, o.Pos.Column)) > 0
}

// joinTable returns the table of a relation to many.
func (l *loader) joinTable(a *asked, to *Entity) *Join {
	j := &Join{Table: snake(a.from.Name) + "_" + snake(a.field.Name), Near: snake(a.from.Name) + "_id", Far: snake(to.Name) + "_id", Pos: a.pos}
	if j.Near == j.Far {
		j.Near, j.Far = "from_"+j.Near, "to_"+j.Far
	}
	at, path := a.pos, a.path
	if v := a.through; v != nil {
		at, path = v.pos, path+".through"
		s, ok := l.text(v, path, maxName)
		if !ok || !l.checkName("table", s, snakeCase, v.pos, path) {
			return j
		}
		j.Table = s
	}
	l.checkSQLName("table", j.Table, at, path, "name the table yourself: through: app_"+clip(j.Table, 40))
	return j
}

// joinCollisions reports tables of relations that are something else, too.
func (l *loader) joinCollisions() {
	owners := map[string]string{}
	for _, e := range l.d.Entities {
		owners[strings.ToLower(e.Table)] = "the entity " + e.Name
	}
	for _, e := range l.d.Entities {
		for _, link := range e.Links {
			if link.Join == nil || link.far {
				continue
			}
			if owner, ok := owners[strings.ToLower(link.Join.Table)]; ok {
				l.errs.Add(link.Pos, "entities."+e.Name+".fields."+link.Name, fmt.Sprintf("the table %s of %s belongs to %s", quote(link.Join.Table), link, owner),
					"name another: through: "+clip(link.Join.Table, 50)+"_2")
				continue
			}
			owners[strings.ToLower(link.Join.Table)] = "the relation " + link.String()
		}
	}
}

// noRules reports rules for a name that is a relation and no field.
func (l *loader) noRules(link *Link, at Position, path string) {
	if link.far && link.Field != nil {
		l.errs.Add(at, path, fmt.Sprintf("%s is the other end of %s, whose rules close both", quote(link.Name), link.Inverse),
			fmt.Sprintf("write them under fieldRules of %s: %s", link.To.Name, link.Inverse.Name))
		return
	}
	l.errs.Add(at, path, fmt.Sprintf("rules for %s, a relation to many, are not supported yet", quote(link.Name)),
		fmt.Sprintf("who may see its rows is said by allow of %s", link.To.Name))
}
