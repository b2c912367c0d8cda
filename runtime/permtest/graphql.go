package permtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/gatewright/gate/runtime/model"
)

// graphql is the surface of services with apis: [rest, graphql].
type graphql struct{ *kit }

func (*graphql) String() string { return "graphql" }

// takes reports whether the inputs have a member of that name: those of fields
// that nobody may send have none.
func (s *graphql) takes(e *entity, action, key string) bool {
	if l, ok := e.model.Link(key); ok && l.Through != nil {
		to := s.find(l.To)
		return !e.nobody(action) && sendable(s, e, action) && !to.nobody(view) && (l.Through.Inverse == "" || !to.nobody(update))
	}
	f, ok := e.model.Field(key)
	if !ok {
		return false
	}
	name := e.design(key)
	field := &e.model.Fields[f]
	return !field.ReadOnly && field.Type != model.FileType && !e.hidden(name, action) && (!e.owned(name) || e.ruledBy(name, action)) &&
		(name != e.Tenant || s.namesTenant(e, action)) &&
		(field.Type != model.Roles || e.ruledBy(name, action)) && (field.Type != model.Password || s.m.Authentication)
}

// has reports whether the type has the field: those that are hidden from
// everybody it has not.
func (s *graphql) has(e *entity, f *model.Field) bool {
	return f.Type != model.Password && f.Name != e.model.SoftDelete && !e.hidden(e.design(f.Name), "view")
}

// member begins a name with lower case: OrderItem is orderItem, HTTPLog httpLog.
func member(name string) string {
	r := []rune(name)
	for i := range r {
		if i > 0 && i+1 < len(r) && unicode.IsLower(r[i+1]) || !unicode.IsUpper(r[i]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	return string(r)
}

// selection is all fields of an entity.
func (s *graphql) selection(e *entity) string {
	var names []string
	for i := range e.model.Fields {
		if f := &e.model.Fields[i]; s.has(e, f) {
			names = append(names, f.Name)
		}
	}
	return "{ " + strings.Join(names, " ") + " }"
}

// reply is what the surface answers.
type reply struct {
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions struct{ Code string }
	}
}

// statuses are those of REST for the codes.
func statusOf(code string) int {
	switch code {
	case "UNAUTHENTICATED":
		return http.StatusUnauthorized
	case "FORBIDDEN":
		return http.StatusForbidden
	case "NOT_FOUND":
		return http.StatusNotFound
	case "CONFLICT":
		return http.StatusConflict
	case "BAD_USER_INPUT":
		return http.StatusBadRequest
	case "UNAVAILABLE":
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// ran sends a document with one field at the root, called "it".
func (s *graphql) ran(c *caller, e *entity, document string, variables map[string]any) answer {
	status, raw := s.do(c, http.MethodPost, "/api/graphql", map[string]any{"query": document, "variables": variables})
	a := answer{status: status, text: short(raw)}
	if status != http.StatusOK {
		return a
	}
	var r reply
	if err := decode(raw, &r); err != nil {
		s.t.Errorf("graphql answers no object: %s", a.text)
		return a
	}
	if e == nil || r.Data["it"] == nil {
		for _, err := range r.Errors {
			a.status = statusOf(err.Extensions.Code)
			break
		}
		return a
	}
	switch it := r.Data["it"].(type) {
	case map[string]any:
		a.rows = []shown{s.rowOf(e, it, &r, []any{"it"})}
	case []any:
		for i, row := range it {
			m, _ := row.(map[string]any)
			a.rows = append(a.rows, s.rowOf(e, m, &r, []any{"it", i}))
		}
	}
	return a
}

// rowOf reads a row: what is null and has an error is not shown.
func (s *graphql) rowOf(e *entity, m map[string]any, r *reply, path []any) shown {
	out := shown{fields: map[string]bool{}}
	for name, v := range m {
		at := fmt.Sprint(append(slices.Clone(path), name))
		refused := false
		for _, err := range r.Errors {
			refused = refused || fmt.Sprint(err.Path) == at && err.Extensions.Code == "FORBIDDEN"
		}
		if v != nil && refused {
			s.t.Errorf("graphql answers %s with an error and a value", at)
		}
		out.fields[name] = v != nil || !refused
	}
	if id := m[e.id().Name]; id != nil {
		out.id = fmt.Sprint(id)
	}
	return out
}

func (s *graphql) get(c *caller, e *entity, id string) answer {
	return s.ran(c, e, "query($id: ID!) { it: "+member(e.Name)+"(id: $id) "+s.selection(e)+" }", map[string]any{"id": id})
}

// list asks for so few rows at a time that each field that is refused has an error
// of its own.
func (s *graphql) list(c *caller, e *entity) answer {
	size := max(1, 90/len(e.model.Fields))
	var sum answer
	for {
		a := s.ran(c, e, fmt.Sprintf("{ it: %s(limit: %d, skip: %d) %s }", member(e.model.Plural), size, len(sum.rows), s.selection(e)), nil)
		sum.status, sum.text, sum.rows = a.status, a.text, append(sum.rows, a.rows...)
		if len(a.rows) < size {
			return sum
		}
	}
}

// follows tries the relations of rows that are listed: the rows that they lead to, and
// of each the fields that are not open to the caller in every one. A relation that is
// closed to them is null, with an error.
func (k *kit) follows(s *graphql, c *caller, e *entity) {
	k.t.Helper()
	if !e.grantTo(c).Rows.List.admitted() {
		return
	}
	for i := range e.model.Links {
		l := &e.model.Links[i]
		x := &lead{link: l, from: e, to: k.find(l.To), action: view}
		if l.Many {
			x.action = list
		}
		cell := cellName(s, c, include, e, l.Name)
		if k.except(cell) || x.to.nobody(x.action) || l.Key != "" && e.hidden(l.Name, view) || l.Inverse != "" && x.to.hidden(x.to.design(l.Inverse), view) {
			continue // the schema does not have it
		}
		undo := k.tieFor(c, x)
		found := s.include(cell, c, x)
		w, g := k.onLead(s, c, x, false), e.grantTo(c)
		whole := k.whole(c, e, &g.field(e.design(x.key())).List, &g.Rows.List)
		for id, got := range found {
			switch {
			case w.refused() && (len(got.rows) > 0 || !got.refused):
				k.t.Errorf("%s: want a refusal, got %d rows (of %s)", cell, len(got.rows), id)
			case !w.refused() && got.refused && whole:
				k.t.Errorf("%s: want rows, got a refusal (of %s)", cell, id)
			}
		}
		if !w.refused() {
			k.checkIncluded(cell, s, c, x, found)
		}
		undo()
	}
}

// include lists some rows with what a relation leads to. There are so few of them that
// each field that is refused has an error of its own.
func (s *graphql) include(cell string, c *caller, x *lead) map[string]led {
	s.t.Helper()
	const inner = 10
	rows := x.to.grantTo(c).Rows.at(x.action)
	fields := []string{x.to.id().Name}
	for i := range x.to.model.Fields {
		f := &x.to.model.Fields[i]
		if s.has(x.to, f) && f != x.to.id() && len(fields) < 5 && !s.whole(c, x.to, x.to.grantTo(c).field(x.to.design(f.Name)).at(x.action), rows) {
			fields = append(fields, f.Name)
		}
	}
	page, each := "", 1
	if x.link.Many {
		page, each = fmt.Sprintf("(limit: %d)", inner), inner
	}
	size := max(1, 90/(each*len(fields)))
	status, raw := s.do(c, http.MethodPost, "/api/graphql", map[string]any{"query": fmt.Sprintf("{ it: %s(limit: %d) { %s %s%s { %s } } }",
		member(x.from.model.Plural), size, x.from.id().Name, x.link.Name, page, strings.Join(fields, " "))})
	var r reply
	if err := decode(raw, &r); err != nil || status != http.StatusOK {
		s.t.Errorf("%s: want 200, got %d: %s", cell, status, short(raw))
		return nil
	}
	found := map[string]led{}
	list, _ := r.Data["it"].([]any)
	for i, one := range list {
		m, _ := one.(map[string]any)
		path := []any{"it", i, x.link.Name}
		got := led{rows: map[string]shown{}}
		for _, err := range r.Errors {
			got.refused = got.refused || fmt.Sprint(err.Path) == fmt.Sprint(path)
		}
		switch to := m[x.link.Name].(type) {
		case map[string]any:
			row := s.rowOf(x.to, to, &r, path)
			got.rows[row.id] = row
		case []any:
			for j, far := range to {
				m, _ := far.(map[string]any)
				row := s.rowOf(x.to, m, &r, append(slices.Clone(path), j))
				got.rows[row.id] = row
			}
			got.part = len(to) == inner
		}
		if id := m[x.from.id().Name]; id != nil {
			found[fmt.Sprint(id)] = got
		}
	}
	return found
}

func (s *graphql) ask(c *caller, e *entity, question, key string) answer {
	q := map[string]string{
		filter: "(limit: 1, where: {" + key + ": {null: true}}) { __typename }",
		sort:   "(limit: 1, orderBy: [{" + key + ": asc}]) { __typename }",
	}[question]
	return s.ran(c, e, "{ it: "+member(e.model.Plural)+q+" }", nil)
}

// input spells a row as the inputs have it: names of enums have no dashes.
func (s *graphql) input(e *entity, body map[string]any) map[string]any {
	in := map[string]any{}
	for name, v := range body {
		f, ok := e.model.Field(name)
		switch list, isList := v.([]string); {
		case !ok || v == nil:
		case e.model.Fields[f].Type == model.Enum:
			v = strings.ReplaceAll(fmt.Sprint(v), "-", "_")
		case e.model.Fields[f].Type == model.MultiEnum && isList:
			v = strings.Split(strings.ReplaceAll(strings.Join(list, ","), "-", "_"), ",")
		}
		in[name] = v
	}
	return in
}

func (s *graphql) create(c *caller, e *entity, body map[string]any) answer {
	a := s.ran(c, e, "mutation($input: Create"+e.Name+"Input!) { it: create"+e.Name+"(input: $input) "+s.selection(e)+" }",
		map[string]any{"input": s.input(e, body)})
	if a.status == http.StatusOK {
		a.status = http.StatusCreated
	}
	return a
}

func (s *graphql) update(c *caller, e *entity, id string, body map[string]any) answer {
	return s.ran(c, e, "mutation($id: ID!, $input: Update"+e.Name+"Input!) { it: update"+e.Name+"(id: $id, input: $input) "+s.selection(e)+" }",
		map[string]any{"id": id, "input": s.input(e, body)})
}

func (s *graphql) remove(c *caller, e *entity, id string) answer {
	return s.ran(c, e, "mutation($id: ID!) { it: delete"+e.Name+"(id: $id) "+s.selection(e)+" }", map[string]any{"id": id})
}
