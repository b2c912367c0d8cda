// Package permissions says who may do what by a design: for each entity and each
// of its fields what somebody who is not signed in may do, somebody who is, who
// holds a role, and who carries a permission.
//
// The answers come from the rules of the design and from package authz. The
// runtime, which enforces the same rules, is not asked: a test of one against the
// other would find nothing if they shared their mistakes.
//
// What is not in the design is not in a [Matrix]: hooks, the scopes of an API key,
// and that an administrator gives only roles that they hold themselves.
package permissions

import "github.com/gatewright/gate/authz"

// Kind is the kind of a [Caller].
type Kind string

// The kinds of callers.
const (
	Anonymous  Kind = "anonymous"  // nobody is signed in
	SignedIn   Kind = "signed-in"  // an account without a role
	Role       Kind = "role"       // an account with that one role, and what it inherits
	Permission Kind = "permission" // an account without a role, whose credentials carry that one permission
)

// A Caller is somebody who may do things. What somebody with several roles may do
// is what they may do by any of them.
type Caller struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name,omitempty"` // of the role or the permission

	// Of a role: the roles that come with it, what it gives together with them, and
	// whether every new account holds it.
	Inherits    []string `json:"inherits,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	Default     bool     `json:"default,omitempty"`
	// Entity is that of which rows hold the role, where it is not for the accounts:
	// one that logs in beside them.
	Entity string `json:"entity,omitempty"`
	// AcrossTenants says of a role that it stands above tenants: rules hold for the
	// rows of all.
	AcrossTenants bool `json:"acrossTenants,omitempty"`
}

// String returns the name, or the kind of who has none.
func (c Caller) String() string {
	if c.Name == "" {
		return string(c.Kind)
	}
	return c.Name
}

// A Cell says what somebody may do.
type Cell struct {
	// Rows are those that the action reaches. Whom get does not show a row cannot
	// change or delete it, so there the rows of view limit it, and the rows of a field
	// are limited by those of its entity.
	Rows Reach `json:"rows"`
	// Parts are rows that the action reaches beside those that Rows has whole: of some
	// of which it is said what they are like.
	Parts []Part `json:"parts,omitempty"`
	// Decision is what the words of the rule decide that are for all rows.
	Decision authz.Decision `json:"decision"`
	// By lists the words of the rule that admit the caller, with their conditions.
	By []string `json:"by,omitempty"`
}

// Cells holds what a caller may do with a field.
type Cells struct {
	View   Cell `json:"view"`   // in an answer of get
	List   Cell `json:"list"`   // in an answer of find
	Create Cell `json:"create"` // in a new row
	Update Cell `json:"update"`
}

// RowCells holds what a caller may do with rows.
type RowCells struct {
	Cells

	Delete Cell `json:"delete"`
}

// At returns the cell of an action. That of delete is the zero value.
func (c *Cells) At(a authz.Action) Cell {
	if p := c.at(a); p != nil {
		return *p
	}
	return Cell{}
}

func (c *Cells) at(a authz.Action) *Cell {
	switch a {
	case authz.View:
		return &c.View
	case authz.List:
		return &c.List
	case authz.Create:
		return &c.Create
	case authz.Update:
		return &c.Update
	}
	return nil
}

// At returns the cell of an action.
func (c *RowCells) At(a authz.Action) Cell {
	if a == authz.Delete {
		return c.Delete
	}
	return c.Cells.At(a)
}

// A Matrix is who may do what by a design. Its lists are in the order of the
// design; encoding/json writes it as it is.
type Matrix struct {
	Service        string `json:"service"`
	Authentication bool   `json:"authentication"` // whether anybody can sign in
	// Also are the entities whose rows sign in beside the accounts. They may do what
	// everybody may who is signed in, and own what leads to them.
	Also []string `json:"also,omitempty"`
	// SignedIn says in words who that is, where rows of Also are among them.
	SignedIn string   `json:"signedIn,omitempty"`
	Callers  []Caller `json:"callers"` // anonymous first
	Entities []Entity `json:"entities"`
	Actions  []Action `json:"actions,omitempty"`
}

// An Entity is the part of a [Matrix] about one entity.
type Entity struct {
	Name   string `json:"name"`
	Plural string `json:"plural"`
	Owner  string `json:"owner,omitempty"`  // field that says whose row it is; id where rows own themselves
	Tenant string `json:"tenant,omitempty"` // field that says to which tenant a row belongs; id where rows are the tenants
	Rules  []Rule `json:"rules"`
	// Cascades are the entities whose rows go with a deleted row, whatever their own
	// rules say.
	Cascades []Cascade `json:"cascades,omitempty"`
	// Grants are those of the callers, in their order. Who carries a permission for
	// which no rule of the entity asks may do what everybody may who is signed in, and
	// has none.
	Grants []Grant `json:"grants"`
	// OwnedBy is the entity whose rows own these, where it logs in beside the accounts, and
	// Others what somebody else may do who is signed in: none of the rows is their own.
	OwnedBy string `json:"ownedBy,omitempty"`
	Others  *Grant `json:"others,omitempty"`
}

// A Cascade is an entity whose rows are deleted with those of another.
type Cascade struct {
	Entity string `json:"entity"`
	// Beyond are the callers who may delete rows of the other, and not all of these
	// by themselves. Those with one permission alone are left out.
	Beyond []string `json:"beyond,omitempty"`
}

// A Rule is a rule as the design has it.
type Rule struct {
	Action string   `json:"action"`
	Field  string   `json:"field,omitempty"`
	Words  []string `json:"words"`
}

// A Grant is what one caller may do with one entity.
type Grant struct {
	Kind   Kind     `json:"kind"`
	Name   string   `json:"name,omitempty"`
	Rows   RowCells `json:"rows"`
	Fields []Field  `json:"fields"`
	Links  []Link   `json:"links,omitempty"`
}

// A Link is what one caller may do with a relation of which a table keeps the
// pairs: it has no field, and no rules but those of the two entities.
type Link struct {
	Name string `json:"name"`
	To   string `json:"to"` // entity
	// See are the rows of To that are shown with one of these, those that list
	// reaches; Far those that may be tied to one of these, and untied: those that get
	// shows, or, where the relation is written in To, those that update reaches.
	See Cell `json:"see"`
	Far Cell `json:"far"`
	// Create and Update are the rows of this entity with which that may be done, when
	// they are made and later.
	Create Cell `json:"create"`
	Update Cell `json:"update"`
}

// A Field is what one caller may do with one field.
type Field struct {
	Name string `json:"name"`
	Cells
}

// Entity returns the entity of that name, nil if there is none.
func (m *Matrix) Entity(name string) *Entity {
	for i := range m.Entities {
		if m.Entities[i].Name == name {
			return &m.Entities[i]
		}
	}
	return nil
}

// Only returns the matrix of that entity alone; of none if there is no such entity.
func (m *Matrix) Only(entity string) *Matrix {
	one := *m
	one.Entities, one.Actions = []Entity{}, nil
	if e := m.Entity(entity); e != nil {
		one.Entities = append(one.Entities, *e)
	}
	return &one
}
