package permtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// matrix is who may do what, as package gen/permissions writes it, for which
// services have no use otherwise. What it does not say of a field is as of the
// rows.
type matrix struct {
	Service        string         `json:"service"`
	Authentication bool           `json:"authentication"`
	Callers        []matrixCaller `json:"callers"`
	Entities       []matrixEntity `json:"entities"`
	Actions        []matrixAction `json:"actions"`
}

// A matrixAction is something that can be called, and who may.
type matrixAction struct {
	Name    string   `json:"name"`
	Row     string   `json:"row"` // the entity of the row on which it is called
	Callers []string `json:"callers"`
}

// The kinds of callers.
const (
	anonymous  = "anonymous"
	signedIn   = "signed-in"
	role       = "role"
	permission = "permission"
)

type matrixCaller struct {
	Kind          string `json:"kind"`
	Name          string `json:"name"`
	AcrossTenants bool   `json:"acrossTenants"`
}

type matrixEntity struct {
	Name   string  `json:"name"`
	Owner  string  `json:"owner"`
	Tenant string  `json:"tenant"`
	Rules  []rule  `json:"rules"`
	Grants []grant `json:"grants"`
}

type rule struct {
	Action string   `json:"action"`
	Field  string   `json:"field"`
	Words  []string `json:"words"`
}

type grant struct {
	Kind   string  `json:"kind"`
	Name   string  `json:"name"`
	Rows   cells   `json:"rows"`
	Fields []field `json:"fields"`
	Links  []link  `json:"links"`
}

type cells struct {
	View   cell `json:"view"`
	List   cell `json:"list"`
	Create cell `json:"create"`
	Update cell `json:"update"`
	Delete cell `json:"delete"`
}

type field struct {
	Name string `json:"name"`
	cells
}

type link struct {
	Name   string `json:"name"`
	To     string `json:"to"`
	Far    cell   `json:"far"`
	Create cell   `json:"create"`
	Update cell   `json:"update"`
}

// A cell is the rows that somebody reaches.
type cell struct {
	Rows  string   `json:"rows"`
	Parts []part   `json:"parts"`
	By    []string `json:"by"`

	whole string // the set of which all rows are reached
}

type part struct {
	Rows  string   `json:"rows"`
	When  string   `json:"when"`
	Where []clause `json:"where"`
}

type clause struct {
	Field  string `json:"field"`
	Values []any  `json:"values"`
	Not    bool   `json:"not"`
}

// The actions.
const (
	view   = "view"
	list   = "list"
	create = "create"
	update = "update"
	remove = "delete"
	tie    = "tie"
)

// The sets of rows.
const (
	none            = "none"
	own             = "own"
	ownWithinTenant = "own within tenant"
	ownOrTenant     = "own or tenant"
	ofTenant        = "tenant"
	all             = "all"
)

func readMatrix(raw []byte) (*matrix, error) {
	var m matrix
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("read the matrix: %w", err)
	}
	if len(m.Callers) == 0 {
		return nil, errors.New("read the matrix: it has no callers: generate the service again")
	}
	for i := range m.Entities {
		e := &m.Entities[i]
		for j := range e.Grants {
			g := &e.Grants[j]
			err := g.read()
			if err == nil && e.Tenant == "" && g.Rows.tenants() {
				err = errors.New("rows of tenants, and no word of who is in which: generate the service again")
			}
			if err != nil {
				return nil, fmt.Errorf("read the matrix: %s, %s: %w", e.Name, g.Kind+" "+g.Name, err)
			}
		}
	}
	return &m, nil
}

func (g *grant) read() error {
	errs := []error{g.Rows.read()}
	for i := range g.Fields {
		g.Fields[i].complete(&g.Rows)
		errs = append(errs, g.Fields[i].read())
	}
	for i := range g.Links {
		errs = append(errs, g.Links[i].Far.read(), g.Links[i].Create.read(), g.Links[i].Update.read())
	}
	return errors.Join(errs...)
}

// complete fills in what is the same of a field as of the rows.
func (c *cells) complete(rows *cells) {
	for _, action := range []string{view, list, create, update} {
		if one := c.at(action); one.Rows == "" {
			*one = *rows.at(action)
		}
	}
}

func (c *cells) read() error {
	return errors.Join(c.View.read(), c.List.read(), c.Create.read(), c.Update.read(), c.Delete.read())
}

// read finds the set that is whole: "own and some" is all of one's own rows, and
// those that Parts are about.
func (c *cell) read() error {
	c.whole, _, _ = strings.Cut(c.Rows, " and some")
	if strings.HasPrefix(c.whole, "some") || c.whole == "" {
		c.whole = none
	}
	for _, s := range append([]string{c.whole}, sets(c.Parts)...) {
		if !slices.Contains([]string{none, own, ownWithinTenant, ownOrTenant, ofTenant, all}, s) {
			return fmt.Errorf("the rows %q are not known here: the package is older than the matrix", s)
		}
	}
	return nil
}

// tenants reports whether one of the cells has the rows of a tenant.
func (c *cells) tenants() bool {
	return slices.ContainsFunc([]*cell{&c.View, &c.List, &c.Create, &c.Update, &c.Delete}, func(c *cell) bool { return strings.Contains(c.Rows, ofTenant) })
}

func sets(parts []part) []string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = p.Rows
	}
	return list
}

// admitted reports whether the action is open to the caller in some row, were
// there one that the caller sees.
func (c *cell) admitted() bool { return len(c.By) > 0 }

// A standing is what somebody is to a row.
type standing struct {
	mine   bool // it is their own
	within bool // it is of their tenant
}

// in reports whether a row of that standing is in a set.
func (s standing) in(set string) bool {
	switch set {
	case own:
		return s.mine
	case ofTenant:
		return s.within
	case ownWithinTenant:
		return s.mine && s.within
	case ownOrTenant:
		return s.mine || s.within
	}
	return set == all
}

// has reports whether a row is among those of the cell: what it is to the caller,
// and of what conditions it is.
func (c *cell) has(s standing, holds func([]clause) bool) bool {
	return s.in(c.whole) || slices.ContainsFunc(c.Parts, func(p part) bool { return s.in(p.Rows) && holds(p.Where) })
}

// same reports whether two cells have the same rows, as far as their words tell.
func (c *cell) same(o *cell) bool {
	return c.whole == o.whole && slices.EqualFunc(c.Parts, o.Parts, func(p, q part) bool { return p.Rows == q.Rows && p.When == q.When })
}

// outside is what is left of a cell for who is in no tenant.
func (c *cell) outside() *cell {
	left := map[string]string{ofTenant: none, ownWithinTenant: none, ownOrTenant: own}
	rows := func(set string) string {
		if s, ok := left[set]; ok {
			return s
		}
		return set
	}
	out := &cell{By: c.By, whole: rows(c.whole)}
	for _, p := range c.Parts {
		if p.Rows = rows(p.Rows); p.Rows != none && p.Rows != out.whole {
			out.Parts = append(out.Parts, p)
		}
	}
	return out
}

// disowned is what is left of a grant for who can own none of the rows.
func (g *grant) disowned() grant {
	left := *g
	left.Rows = g.Rows.disowned()
	left.Fields = slices.Clone(g.Fields)
	for i := range left.Fields {
		left.Fields[i].cells = left.Fields[i].disowned()
	}
	left.Links = slices.Clone(g.Links) // Far is about rows of another entity, and never by its words
	for i := range left.Links {
		left.Links[i].Create, left.Links[i].Update = left.Links[i].Create.disowned(), left.Links[i].Update.disowned()
	}
	return left
}

func (c *cells) disowned() cells {
	return cells{View: c.View.disowned(), List: c.List.disowned(), Create: c.Create.disowned(), Update: c.Update.disowned(), Delete: c.Delete.disowned()}
}

func (c *cell) disowned() cell {
	rest := map[string]string{own: none, ownWithinTenant: none, ownOrTenant: ofTenant}
	rows := func(set string) string {
		if s, ok := rest[set]; ok {
			return s
		}
		return set
	}
	left := cell{Rows: c.Rows, whole: rows(c.whole), By: slices.DeleteFunc(slices.Clone(c.By), func(word string) bool {
		return word == "owner" || strings.HasPrefix(word, "owner ")
	})}
	for _, p := range c.Parts {
		if p.Rows = rows(p.Rows); p.Rows != none {
			left.Parts = append(left.Parts, p)
		}
	}
	if left.whole == none && left.Parts == nil {
		left.Rows = none
	}
	return left
}

// grant returns what the caller of that kind and name may do: what everybody may
// with an account where the design does not say more.
func (e *matrixEntity) grant(kind, name string) *grant {
	for _, want := range []matrixCaller{{Kind: kind, Name: name}, {Kind: signedIn}, {Kind: anonymous}} {
		for i := range e.Grants {
			if g := &e.Grants[i]; g.Kind == want.Kind && g.Name == want.Name {
				return g
			}
		}
	}
	return &grant{}
}

// field returns what may be done with a field: the same as with the rows where
// nothing else is said.
func (g *grant) field(name string) *field {
	for i := range g.Fields {
		if g.Fields[i].Name == name {
			return &g.Fields[i]
		}
	}
	return &field{Name: name, cells: g.Rows}
}

// ruled reports whether a rule of its own says who may write the field.
func (e *matrixEntity) ruled(name string) bool {
	return slices.ContainsFunc(e.Rules, func(r rule) bool { return r.Field == name && (r.Action == "create" || r.Action == "update") })
}

// ruledBy is ruled for one action.
func (e *matrixEntity) ruledBy(name, action string) bool {
	return slices.ContainsFunc(e.Rules, func(r rule) bool { return r.Field == name && r.Action == action })
}

// nobody reports whether no caller at all may do that.
func (e *matrixEntity) nobody(action string) bool {
	return !slices.ContainsFunc(e.Grants, func(g grant) bool { return g.Rows.at(action).admitted() })
}

// nobody is that of the matrix, of all who log in: surfaces are the same for all.
func (e *entity) nobody(action string) bool { return e.said.nobody(action) }

// at returns the cell of an action.
func (c *cells) at(action string) *cell {
	switch action {
	case view:
		return &c.View
	case list:
		return &c.List
	case create:
		return &c.Create
	case update:
		return &c.Update
	}
	return &c.Delete
}

// hidden reports whether a rule lets nobody do that with the field.
func (e *matrixEntity) hidden(name, action string) bool {
	return slices.ContainsFunc(e.Rules, func(r rule) bool {
		return r.Field == name && r.Action == action && !slices.ContainsFunc(r.Words, func(w string) bool { return w != "nobody" })
	})
}

// wheres lists the conditions that rows are told apart by, each once.
func (e *matrixEntity) wheres() [][]clause {
	var list [][]clause
	seen := map[string]bool{}
	add := func(c *cell) {
		for _, p := range c.Parts {
			if !seen[p.When] {
				seen[p.When] = true
				list = append(list, p.Where)
			}
		}
	}
	for i := range e.Grants {
		g := &e.Grants[i]
		for _, c := range append([]*cells{&g.Rows}, fieldCells(g)...) {
			for _, one := range []*cell{&c.View, &c.List, &c.Create, &c.Update, &c.Delete} {
				add(one)
			}
		}
	}
	return list
}

func fieldCells(g *grant) []*cells {
	list := make([]*cells, len(g.Fields))
	for i := range g.Fields {
		list[i] = &g.Fields[i].cells
	}
	return list
}
