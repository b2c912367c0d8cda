package seed

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// A row is one row as it is written for runtime/seed. Keys, Ties and what is later
// name other rows.
type row struct {
	Entity string                     `json:"entity"`
	Was    string                     `json:"was,omitempty"` // the entity, before it was renamed
	Name   string                     `json:"name"`
	At     string                     `json:"at"`
	Values map[string]json.RawMessage `json:"values,omitempty"`
	Keys   map[string]ref             `json:"keys,omitempty"`
	Ties   map[string][]ref           `json:"ties,omitempty"`

	LaterKeys map[string]ref   `json:"laterKeys,omitempty"`
	LaterTies map[string][]ref `json:"laterTies,omitempty"`

	Password *password `json:"password,omitempty"`

	entity *design.Entity
	pos    design.Position
	refs   []reference // in the order of the file
}

// A ref names a row.
type ref struct {
	Entity string `json:"entity"`
	Name   string `json:"name"`
}

// A reference is a place where a row names another one.
type reference struct {
	to    ref
	field *design.Field // that keeps the key; nil where a table keeps pairs
	key   string        // in a body
	pos   design.Position
	path  string
}

// A password says where that of a row comes from: a variable, the service itself,
// or, neither of the two, nowhere.
type password struct {
	Field string `json:"field"`
	Env   string `json:"env,omitempty"`
	Make  bool   `json:"make,omitempty"`
}

// maxTies is how many rows one row can be tied to at once: crud.MaxNested.
const maxTies = 100

var (
	rowName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)
	variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,62}$`)
)

// reader checks rows against a design.
type reader struct {
	d    *design.Design
	errs design.Errors
	file string
	rows []*row
	all  map[ref]*row
}

// read returns the rows of a file in the order in which they can be made. The error
// is a [*design.Errors].
func read(d *design.Design, in gen.Input) ([]*row, error) {
	root, err := design.ParseValues(in.Path, in.Data)
	if err != nil {
		return nil, err
	}
	r := &reader{d: d, file: rowsFile, all: map[ref]*row{}}
	switch root.Kind {
	case design.KindNull:
	case design.KindMapping:
		for i := range root.Children {
			r.entity(&root.Children[i])
		}
	default:
		r.errs.Add(root.ValuePos, "", "the file has to be a mapping of entities", "write for instance: Item: {first: {name: The first one}}")
	}
	for _, row := range r.rows {
		r.references(row)
	}
	r.twice()
	if len(r.errs.Problems) == 0 {
		r.order()
	}
	return r.rows, r.errs.Err()
}

func (r *reader) entity(s *design.Setting) {
	e := r.d.Entity(s.Key)
	if e == nil {
		var names []string
		for _, e := range r.d.Entities {
			names = append(names, e.Name)
		}
		r.errs.Add(s.Pos, s.Path, fmt.Sprintf("unknown entity %q", s.Key), "the entities are: "+strings.Join(names, ", "))
		return
	}
	if s.Kind == design.KindNull {
		return
	}
	if s.Kind != design.KindMapping {
		r.errs.Add(s.ValuePos, s.Path, "the rows of "+e.Name+" have to be a mapping", "give each a name: {first: {…}, second: {…}}")
		return
	}
	for i := range s.Children {
		r.row(e, &s.Children[i])
	}
}

func (r *reader) row(e *design.Entity, s *design.Setting) {
	if !rowName.MatchString(s.Key) {
		r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%q is no name of a row", s.Key), "letters, digits, - and _, starting with a letter")
		return
	}
	row := &row{
		Entity: e.Name, Was: e.RenamedFrom, Name: s.Key, At: fmt.Sprintf("%s:%d:%d", r.file, s.Pos.Line, s.Pos.Column),
		Values: map[string]json.RawMessage{}, entity: e, pos: s.Pos,
	}
	r.rows = append(r.rows, row)
	r.all[ref{e.Name, s.Key}] = row
	if s.Kind != design.KindMapping && s.Kind != design.KindNull {
		r.errs.Add(s.ValuePos, s.Path, fmt.Sprintf("%s %s has to be a mapping of fields", e.Name, s.Key), "write {} for a row of defaults")
		return
	}
	given := map[string]bool{}
	for i := range s.Children {
		child := &s.Children[i]
		given[child.Key] = true
		r.member(row, child)
	}
	for _, f := range e.Fields {
		if f.Required && !given[f.Name] && !filled(f) {
			hint := "write it; a hook may set it to something else"
			if f.Type == design.Password {
				hint = "write password: generated, none, or {env: NAME_OF_A_VARIABLE}"
			}
			r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%s %s has no %s", e.Name, s.Key, f.Name), hint)
		}
	}
}

// filled reports whether the service sets a field that nobody wrote.
func filled(f *design.Field) bool {
	return f.ReadOnly || f.Default != nil || f.Type == design.ID || f.Type == design.Roles
}

// member reads one field or relation of a row.
func (r *reader) member(row *row, s *design.Setting) {
	e := row.entity
	f := e.Field(s.Key)
	switch l := e.Link(s.Key); {
	case f != nil && f.ReadOnly:
		r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%s.%s is set by the service", e.Name, f.Name), "remove it")
	case f != nil && f.Type == design.File:
		r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%s.%s is a file", e.Name, f.Name), "send it to the service: PUT /api/"+e.Route+"/{id}/"+f.Segment)
	case f != nil && f.Type == design.Password:
		r.password(row, f, s)
	case f != nil && f.Relation != nil:
		r.key(row, f, s)
	case f != nil:
		r.value(row, f, s)
	case l != nil && l.Join != nil:
		r.ties(row, l, s)
	case l != nil:
		r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%s is the other end of %s", l, l.Inverse), fmt.Sprintf("write %s in the rows of %s", l.Inverse.Name, l.To.Name))
	default:
		r.unknown(row, s)
	}
}

func (r *reader) unknown(row *row, s *design.Setting) {
	var names []string
	for _, f := range row.entity.Fields {
		if f.Key == s.Key {
			r.errs.Add(s.Pos, s.Path, fmt.Sprintf("%s is the key of %s", s.Key, f.Name), fmt.Sprintf("write %s: and the name of a row of %s", f.Name, f.Relation.To))
			return
		}
		if !f.ReadOnly {
			names = append(names, f.Name)
		}
	}
	for _, l := range row.entity.Links {
		if l.Join != nil {
			names = append(names, l.Name)
		}
	}
	r.errs.Add(s.Pos, s.Path, fmt.Sprintf("unknown field %q of %s", s.Key, row.Entity), "the fields are: "+strings.Join(names, ", "))
}

// value reads a field that is no relation.
func (r *reader) value(row *row, f *design.Field, s *design.Setting) {
	wrong := f.WrongValue(s)
	switch {
	case s.Kind == design.KindNull && f.Required:
		wrong = "cannot be null"
	case f.Type == design.Roles:
		wrong = r.wrongRoles(f, s)
	}
	if wrong != "" {
		r.errs.Add(s.ValuePos, s.Path, f.Name+" "+wrong, "")
		return
	}
	raw, err := json.Marshal(plain(s, f.Type == design.Decimal))
	if err != nil {
		r.errs.Add(s.ValuePos, s.Path, f.Name+": "+err.Error(), "")
		return
	}
	row.Values[f.Name] = raw
}

func (r *reader) wrongRoles(f *design.Field, s *design.Setting) string {
	if s.Kind != design.KindList {
		return "has to be a list of roles"
	}
	var names []string
	for _, role := range r.d.RolesOf(f) {
		names = append(names, role.Name)
	}
	for _, c := range s.Children {
		if name, _ := c.Value.(string); !slices.Contains(names, name) {
			return fmt.Sprintf("names %q, which is none of the roles: %s", name, strings.Join(names, ", "))
		}
	}
	return ""
}

// plain returns what is written as values of Go. The digits of an exact number stay
// as they are.
func plain(s *design.Setting, exact bool) any {
	switch s.Kind {
	case design.KindList:
		list := []any{}
		for i := range s.Children {
			list = append(list, plain(&s.Children[i], exact))
		}
		return list
	case design.KindMapping:
		m := map[string]any{}
		for i := range s.Children {
			m[s.Children[i].Key] = plain(&s.Children[i], exact)
		}
		return m
	case design.KindFloat, design.KindInteger:
		if exact {
			return json.Number(strings.TrimPrefix(s.Text, "+"))
		}
	}
	return s.Value
}

// password reads where a password comes from. One that stands there is refused,
// and not repeated.
func (r *reader) password(row *row, f *design.Field, s *design.Setting) {
	const hint = "write password: generated, none, or {env: NAME_OF_A_VARIABLE}"
	row.Password = &password{Field: f.Name}
	switch env := s.Child("env"); {
	case s.Kind == design.KindString && s.Value == "generated":
		row.Password.Make = true
	case s.Kind == design.KindString && s.Value == "none":
	case env != nil && len(s.Children) == 1:
		name, _ := env.Value.(string)
		if !variable.MatchString(name) || strings.HasPrefix(name, "GATE_") {
			r.errs.Add(env.ValuePos, env.Path, "env has to be the name of a variable", "such as ADA_PASSWORD, and not GATE_ before it")
		}
		row.Password.Env = name
	default:
		r.errs.Add(s.ValuePos, s.Path, "a password does not stand in a file", hint)
	}
}

// key reads a relation to one row.
func (r *reader) key(row *row, f *design.Field, s *design.Setting) {
	if s.Kind == design.KindNull && !f.Required {
		return
	}
	name, ok := s.Value.(string)
	if !ok {
		r.errs.Add(s.ValuePos, s.Path, fmt.Sprintf("%s has to be the name of a row of %s", f.Name, f.Relation.To), "")
		return
	}
	row.refs = append(row.refs, reference{ref{f.Relation.To, name}, f, f.Key, s.ValuePos, s.Path})
}

// ties reads a relation to many rows.
func (r *reader) ties(row *row, l *design.Link, s *design.Setting) {
	if s.Kind != design.KindList {
		r.errs.Add(s.ValuePos, s.Path, fmt.Sprintf("%s has to be a list of names of rows of %s", l.Name, l.To.Name), "")
		return
	}
	if len(s.Children) > maxTies {
		r.errs.Add(s.ValuePos, s.Path, fmt.Sprintf("%s names more than %d rows", l.Name, maxTies), "write the rest at the other end of the relation, or in app/seed.go")
		return
	}
	for _, c := range s.Children {
		name, ok := c.Value.(string)
		if !ok {
			r.errs.Add(c.ValuePos, c.Path, fmt.Sprintf("%s has to be a list of names of rows of %s", l.Name, l.To.Name), "")
			continue
		}
		row.refs = append(row.refs, reference{ref{l.To.Name, name}, nil, l.Name, c.ValuePos, c.Path})
	}
}

// references reports rows that are named and not there.
func (r *reader) references(row *row) {
	for _, x := range row.refs {
		if r.all[x.to] != nil {
			continue
		}
		var names []string
		for _, other := range r.rows {
			if other.Entity == x.to.Entity && len(names) < 10 {
				names = append(names, other.Name)
			}
		}
		hint := fmt.Sprintf("there are no rows of %s in this file", x.to.Entity)
		if len(names) > 0 {
			hint = "some are: " + strings.Join(names, ", ")
		}
		r.errs.Add(x.pos, x.path, fmt.Sprintf("there is no row %q of %s", x.to.Name, x.to.Entity), hint)
	}
}

// twice reports rows with the same value of a unique field.
func (r *reader) twice() {
	for _, e := range r.d.Entities {
		for _, f := range e.Fields {
			if !f.Unique {
				continue
			}
			seen := map[string]*row{}
			for _, row := range r.rows {
				value, ok := row.Values[f.Name]
				if row.entity != e || !ok || string(value) == "null" {
					continue
				}
				if first := seen[string(value)]; first != nil {
					r.errs.Add(row.pos, e.Name+"."+row.Name+"."+f.Name, fmt.Sprintf("%s and %s have the same %s, which is unique", first.Name, row.Name, f.Name), "first on line "+strconv.Itoa(first.pos.Line))
				} else {
					seen[string(value)] = row
				}
			}
		}
	}
}

// Whether a row is being sorted: what is open waits for those that it names.
const (
	unseen = iota
	open
	done
)

// order sorts the rows so that each comes after those that it names, where that is
// possible, and always after those that it cannot be without. What is not possible
// is left for later.
func (r *reader) order() {
	state := map[*row]int{}
	var sorted []*row
	var visit func(row *row)
	visit = func(row *row) {
		state[row] = open
		for _, x := range row.refs {
			if x.required() && state[r.all[x.to]] == unseen { // no design lets these lead in a circle
				visit(r.all[x.to])
			}
		}
		for _, x := range row.refs {
			if to := r.all[x.to]; state[to] == unseen && !r.waits(to, state) {
				visit(to)
			}
		}
		for _, x := range row.refs {
			row.refer(x, state[r.all[x.to]] != done)
		}
		state[row] = done
		sorted = append(sorted, row)
	}
	for _, row := range r.rows {
		if state[row] == unseen {
			visit(row)
		}
	}
	r.rows = sorted
}

// required reports whether the row cannot be made without the other one.
func (x *reference) required() bool { return x.field != nil && x.field.Required }

// waits reports whether a row cannot be made before one that is open.
func (r *reader) waits(row *row, state map[*row]int) bool {
	if state[row] == open {
		return true
	}
	return slices.ContainsFunc(row.refs, func(x reference) bool { return x.required() && r.waits(r.all[x.to], state) })
}

// refer keeps one reference of a row, later said that the other is made after it.
func (r *row) refer(x reference, later bool) {
	keys, ties := &r.Keys, &r.Ties
	if later {
		keys, ties = &r.LaterKeys, &r.LaterTies
	}
	if x.field != nil {
		if *keys == nil {
			*keys = map[string]ref{}
		}
		(*keys)[x.key] = x.to
		return
	}
	if *ties == nil {
		*ties = map[string][]ref{}
	}
	if !slices.Contains((*ties)[x.key], x.to) {
		(*ties)[x.key] = append((*ties)[x.key], x.to)
	}
}
