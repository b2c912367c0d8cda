package graphql

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// Ceilings of one document. They hold before it is validated, because to
// validate is work, too: some rules compare all fields with each other.
const (
	maxText          = 16 << 10 // bytes
	maxTokens        = 1000
	maxLevels        = 10 // fields inside each other
	maxFields        = 200
	maxAliases       = 30
	maxRoots         = 20 // fields of the root
	maxDirectives    = 10 // of one node
	maxVariables     = 50
	maxRows          = 1000          // that all lists of the root may answer together
	maxNested        = query.MaxRows // with all that is inside of them
	maxIntrospective = 16            // levels of a document that introspects
	maxDescribed     = 1000          // fields of it
)

// limits measures documents.
type limits struct {
	introspection bool
	root          func(ast.Operation, string) *call
	own           func(entity, name string) *call
	entities      entities
}

// measure reports what is too much about a document, before anything is known of
// its types, and whether there may be a password in it. The work is bounded by the
// ceilings: fragments are walked where they are spread, and the walk ends with the
// first ceiling.
func (l limits) measure(doc *ast.QueryDocument, variables map[string]any) (secret bool, _ *refusal) {
	m := meter{limits: l, doc: doc, variables: variables, spread: map[string]bool{}, maxLevels: maxLevels, maxFields: maxFields}
	for _, op := range doc.Operations {
		if len(op.VariableDefinitions) > maxVariables {
			return false, tooMuch("variables", maxVariables)
		}
		m.op, m.rows, m.nested, m.passwords = op.Operation, 0, 0, 0
		m.roots = map[*ast.Field]bool{}
		if err := m.directives(op.Directives); err != nil {
			return false, err
		}
		if err := m.set(op.SelectionSet, 0, inside{}); err != nil {
			return false, err
		}
		secret = secret || m.passwords > 0
	}
	for _, f := range doc.Fragments {
		if m.spread[f.Name] {
			continue
		}
		if err := m.set(f.SelectionSet, 1, inside{fragments: []string{f.Name}}); err != nil {
			return false, err
		}
	}
	return secret, nil
}

// meter counts.
type meter struct {
	limits
	doc       *ast.QueryDocument
	variables map[string]any
	op        ast.Operation
	roots     map[*ast.Field]bool
	spread    map[string]bool // the others are validated, too

	maxLevels, maxFields   int
	nodes, fields, aliases int
	rows, nested           int // of the root, and inside
	passwords              int
}

// inside is where a selection set stands.
type inside struct {
	fragments []string
	entity    *model.Entity // whose fields they are; nil at the root, and where there are no relations
	rows      int           // of it, at most
	relations int           // that lead there
	page      bool          // the rows are in its member data
}

func tooMuch(what string, most int) *refusal {
	return refuse(codeTooMuch, fmt.Sprintf("a document may have at most %d %s", most, what))
}

// set measures a selection set at that level.
func (m *meter) set(set ast.SelectionSet, level int, in inside) *refusal {
	for _, s := range set {
		if m.nodes++; m.nodes > 2*m.maxFields {
			return tooMuch("selections", 2*m.maxFields)
		}
		if err := m.selection(s, level, in); err != nil {
			return err
		}
	}
	return nil
}

func (m *meter) selection(s ast.Selection, level int, in inside) *refusal {
	switch s := s.(type) {
	case *ast.Field:
		return m.field(s, level, in)
	case *ast.InlineFragment:
		if err := m.directives(s.Directives); err != nil {
			return err
		}
		return m.set(s.SelectionSet, level, in)
	case *ast.FragmentSpread:
		if err := m.directives(s.Directives); err != nil {
			return err
		}
		if slices.Contains(in.fragments, s.Name) {
			return refuse(codeTooMuch, "a fragment must not spread itself")
		}
		m.spread[s.Name] = true
		if f := m.doc.Fragments.ForName(s.Name); f != nil {
			in.fragments = append(slices.Clip(in.fragments), s.Name)
			return m.set(f.SelectionSet, level, in)
		}
	}
	return nil
}

func (m *meter) field(f *ast.Field, level int, in inside) *refusal {
	if f.Name == "__schema" || f.Name == "__type" {
		if !m.introspection {
			return refuse(codeIntrospection, "introspection is turned off")
		}
		m.maxLevels, m.maxFields = maxIntrospective, maxDescribed
	}
	m.fields++
	if f.Alias != f.Name {
		m.aliases++
	}
	switch {
	case level >= m.maxLevels:
		return tooMuch("levels", m.maxLevels)
	case m.fields > m.maxFields:
		return tooMuch("fields", m.maxFields)
	case m.aliases > maxAliases:
		return tooMuch("aliases", maxAliases)
	}
	if err := m.directives(f.Directives); err != nil {
		return err
	}
	below := inside{fragments: in.fragments}
	var err *refusal
	if level == 0 {
		below.entity, below.rows, err = m.rootField(f)
		below.page = m.isPage(f)
	} else if in.page {
		if f.Name == pageData {
			below.entity, below.rows = in.entity, in.rows
		}
	} else if in.entity != nil {
		err = m.relation(&below, in, f)
	}
	if err != nil {
		return err
	}
	return m.set(f.SelectionSet, level+1, below)
}

// relation counts the rows that a relation leads to.
func (m *meter) relation(below *inside, in inside, f *ast.Field) *refusal {
	l, ok := in.entity.Link(f.Name)
	if c := m.own(in.entity.Name, f.Name); !ok && c != nil {
		return m.ownField(below, in, c)
	}
	if !ok {
		return nil
	}
	below.entity, below.rows, below.relations = m.entities[l.To], in.rows, in.relations+1
	if below.relations > query.MaxIncludeDepth {
		return tooMuch("relations inside each other", query.MaxIncludeDepth)
	}
	if l.Many {
		below.rows *= m.limitOf(f, query.DefaultIncluded)
	}
	if m.nested += below.rows; m.nested > maxNested {
		return refuse(codeTooMuch, fmt.Sprintf("a document may ask for at most %d rows, with those inside of others", maxNested))
	}
	return nil
}

// rootField counts the calls of an operation and the rows that they may answer.
// One that is spread twice in the same place is one call.
func (m *meter) rootField(f *ast.Field) (*model.Entity, int, *refusal) {
	c := m.root(m.op, f.Name)
	if c == nil {
		c = &call{}
	}
	rows := 1
	switch {
	case c.action == page, c.action == paged:
		rows = m.limitOf(f, query.DefaultLimit)
	case c.action == perform && c.act.List:
		rows = query.MaxLimit
	}
	if c.action == updateMany || c.action == removeMany {
		rows = crud.MaxBulk
	}
	if m.roots[f] {
		return c.entity, rows, nil
	}
	m.roots[f] = true
	if len(m.roots) > maxRoots {
		return nil, 0, tooMuch("fields of the root", maxRoots)
	}
	if c.entity == nil {
		if c.action == login {
			return nil, 0, m.password()
		}
		return nil, 0, nil
	}
	m.rows += rows
	if m.rows > maxRows {
		return nil, 0, refuse(codeTooMuch, fmt.Sprintf("a document may ask for at most %d rows", maxRows))
	}
	if (c.action == create || c.action == update) && c.entity.Find(model.Password) != model.NoField {
		return c.entity, rows, m.password()
	}
	return c.entity, rows, nil
}

func (m *meter) isPage(f *ast.Field) bool {
	c := m.root(m.op, f.Name)
	return c != nil && c.action == paged
}

// password counts what hashes one.
func (m *meter) password() *refusal {
	if m.passwords++; m.passwords > 1 {
		return refuse(codeTooMuch, "a document may log in, or write a row with a password, once at most")
	}
	return nil
}

// limitOf returns how many rows a list may answer: standard when it does not say,
// and the most when it says so in a way that is not understood.
func (m *meter) limitOf(f *ast.Field, standard int) int {
	arg := f.Arguments.ForName("limit")
	if arg == nil {
		return standard
	}
	text := ""
	switch arg.Value.Kind {
	case ast.IntValue:
		text = arg.Value.Raw
	case ast.Variable:
		n, _ := m.variables[arg.Value.Raw].(json.Number)
		text = n.String()
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return min(n, query.MaxLimit)
	}
	return query.MaxLimit
}

func (m *meter) directives(list ast.DirectiveList) *refusal {
	if len(list) > maxDirectives {
		return tooMuch("directives on a node", maxDirectives)
	}
	return nil
}

// isGroup reports whether a member of a filter joins others.
func isGroup(name string) bool {
	return name == groupAnd || name == groupOr || name == groupNot
}
