package graphql

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// tooLarge says that an answer would have more than [crud.MaxAnswer].
const tooLarge = "the answer is too large: ask for less"

// maxFaults bounds the errors about fields of rows in an answer.
const maxFaults = 100

// An execution is one operation on its way.
type execution struct {
	inputs

	api  *API
	w    http.ResponseWriter
	r    *http.Request
	doc  *ast.QueryDocument
	errs []answerError

	hidden int // fields that the caller may not read in a row
}

// run executes an operation and returns the body of the answer. Fields of the
// root are executed one after the other: queries share the connections of the
// service with others, and changes have an order (§6.2.2).
func (x *execution) run(op *ast.OperationDefinition) []byte {
	root := x.api.schema.Query
	if op.Operation == ast.Mutation {
		root = x.api.schema.Mutation
	}
	fields := x.collect(nil, op.SelectionSet)
	dst := []byte(`{"data":{`)
	begun := time.Now()
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = model.AppendString(dst, f.Alias)
		dst = append(dst, ':')
		if op.Operation == ast.Mutation && time.Since(begun) > x.api.patience {
			x.fail(&gate.Error{Status: http.StatusServiceUnavailable, Message: "Those before took too long, and this was not begun"}, f.Alias)
			dst = append(dst, "null"...)
			continue
		}
		start, told := len(dst), len(x.errs)
		dst = x.root(dst, root, f)
		switch {
		case len(dst) <= crud.MaxAnswer:
		case op.Operation == ast.Mutation: // what was changed stays so, and the others are to be changed
			dst, x.errs = append(dst[:start], "null"...), x.errs[:told]
			x.errs = append(x.errs, answerError{Message: tooLarge, Path: []any{f.Alias}, Extensions: extensions{Code: codeTooMuch}})
		default:
			return append(appendErrors([]byte(`{"data":null,"errors":`), []answerError{{
				Message: tooLarge, Extensions: extensions{Code: codeTooMuch},
			}}), '}')
		}
	}
	dst = append(dst, '}')
	if len(x.errs) > 0 {
		dst = appendErrors(append(dst, `,"errors":`...), x.errs)
	}
	return append(dst, '}')
}

// selected is a field that is to be answered, with all that is selected below it:
// selections of the same key are merged (§6.3.2).
type selected struct {
	*ast.Field
	below []ast.SelectionSet
}

// collect appends the fields of selection sets, in the order of their keys.
func (x *execution) collect(into []selected, sets ...ast.SelectionSet) []selected {
	for _, set := range sets {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				if x.included(s.Directives) {
					into = merge(into, s)
				}
			case *ast.InlineFragment:
				if x.included(s.Directives) {
					into = x.collect(into, s.SelectionSet)
				}
			case *ast.FragmentSpread:
				if f := x.doc.Fragments.ForName(s.Name); f != nil && x.included(s.Directives) {
					into = x.collect(into, f.SelectionSet)
				}
			}
		}
	}
	return into
}

func merge(into []selected, f *ast.Field) []selected {
	for i := range into {
		if into[i].Alias == f.Alias {
			into[i].below = append(into[i].below, f.SelectionSet)
			return into
		}
	}
	return append(into, selected{f, []ast.SelectionSet{f.SelectionSet}})
}

// included reports whether @skip and @include let a selection be (§3.13).
func (x *execution) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		if d.Name != "skip" && d.Name != "include" || d.Definition == nil {
			continue
		}
		args, err := x.arguments(d.Definition.Arguments, d.Arguments)
		if on, _ := args["if"].(bool); err != nil || on != (d.Name == "include") {
			return false
		}
	}
	return true
}

// fail adds an error of a field of the root. There are few of these, and each is
// told: null would be an answer without it.
func (x *execution) fail(err error, path ...any) {
	x.errs = append(x.errs, x.failed(err, path))
}

// hide adds the error of a member of a row that is null for the caller; beyond
// maxFaults there is no use in more.
func (x *execution) hide(err error, path []any, key string) {
	if x.hidden++; x.hidden <= maxFaults {
		x.fail(err, append(slices.Clone(path), key)...)
	}
}

// root appends the answer of a field of the root.
func (x *execution) root(dst []byte, root *ast.Definition, f selected) []byte {
	switch f.Name {
	case "__typename":
		return model.AppendString(dst, root.Name)
	case "__schema", "__type":
		return x.introspect(dst, f)
	}
	c := x.api.calls[f.Definition]
	if c == nil {
		x.fail(fmt.Errorf("graphql: nothing serves %s", f.Name), f.Alias)
		return append(dst, "null"...)
	}
	if c.action == login {
		return x.login(dst, f)
	}
	start := len(dst)
	out, err := x.call(dst, c, f)
	if err != nil {
		x.fail(err, f.Alias)
		return append(dst[:start], "null"...)
	}
	return out
}

// call asks the entity, once, and appends what it answers.
func (x *execution) call(dst []byte, c *call, f selected) ([]byte, error) {
	args, err := x.arguments(f.Definition.Arguments, f.Arguments)
	if err != nil {
		return nil, badInput("", model.CodeType, err.Error())
	}
	ctx := x.r.Context()
	switch c.action {
	case perform:
		return x.perform(ctx, dst, c, f, args)
	case paged:
		return x.page(dst, c, f, args)
	case updateMany, removeMany:
		return x.many(dst, c, f, args)
	}
	s := x.shape(c.entity, f.below)
	id, _ := args["id"].(string)
	switch c.action {
	case page, count:
		return x.find(dst, c, f.Alias, s, args)
	case one, me:
		if c.action == me {
			p, known := gate.PrincipalFromContext(ctx)
			if !known || p.Subject == "" {
				return nil, gate.ErrNotAuthenticated
			}
			if id = c.entity.Account(p.Subject); id == "" {
				if x.elsewhere(c.entity, p.Subject) {
					return append(dst, "null"...), nil
				}
				id = p.Subject // of no entity, such as a machine of an issuer
			}
		}
		row, err := c.service.GetRow(ctx, id, &query.Selection{Include: s.include, Lenient: true})
		if err != nil {
			return nil, err
		}
		return x.object(dst, s, answered{Row: row, related: row}, f.Alias), nil
	}
	row, err := x.change(ctx, c, id, args)
	if err != nil {
		return nil, err
	}
	return x.object(dst, s, x.afterwards(ctx, c, s, row), f.Alias), nil
}

// elsewhere reports whether who is not a row of the entity logged in as one of another.
func (x *execution) elsewhere(e *model.Entity, subject string) bool {
	if e.LogsIn && !strings.Contains(subject, "/") {
		return true // as an account
	}
	for _, other := range x.api.limits.entities {
		if other.LogsIn && other.Account(subject) != "" {
			return true
		}
	}
	return false
}

// change creates, updates, deletes or restores a row.
func (x *execution) change(ctx context.Context, c *call, id string, args map[string]any) (crud.Row, error) {
	if c.action == remove || c.action == restore {
		versions, err := expected(args["version"])
		if err != nil {
			return crud.Row{}, err
		}
		var opts []crud.Option
		if versions != nil {
			opts = append(opts, crud.IfVersion(versions...))
		}
		if c.action == restore {
			return c.service.RestoreRow(ctx, id, nil, opts...)
		}
		return c.service.RemoveRow(ctx, id, nil, opts...)
	}
	body, err := x.api.limits.entities.body(c.entity, args["input"])
	if err != nil {
		return crud.Row{}, err
	}
	switch c.action {
	case create:
		return c.service.CreateRow(ctx, body, nil)
	case update:
		return c.service.PatchRow(ctx, id, body, nil)
	}
	return crud.Row{}, fmt.Errorf("graphql: action %d", c.action)
}

// expected reads the version that a row has to be, a BigInt; nil is any.
func expected(version any) ([]int64, error) {
	if version == nil {
		return nil, nil
	}
	v, err := strconv.ParseInt(fmt.Sprint(version), 10, 64)
	if err != nil {
		return nil, badInput("version", model.CodeType, "must be a whole number")
	}
	return []int64{v}, nil
}

// afterwards adds the relations of a row that was written. The change is kept,
// whatever comes of them: who may not get the row gets none of its relations.
func (x *execution) afterwards(ctx context.Context, c *call, s *shape, row crud.Row) answered {
	a := answered{Row: row}
	switch {
	case len(s.include) == 0:
	case c.action == remove:
		a.err = &gate.Error{Status: http.StatusBadRequest, Message: "A deleted row leads nowhere: ask before"}
	default:
		sel := &query.Selection{Fields: []string{c.entity.Fields[c.entity.IDField()].Name}, Include: s.include, Lenient: true}
		a.related, a.err = c.service.GetRow(ctx, row.ID, sel)
	}
	return a
}

// asked makes the query of a list, a page or a count.
func (x *execution) asked(c *call, args map[string]any) (*query.Query, error) {
	q, err := x.api.limits.entities.find(c.entity, args)
	if err != nil {
		// Who may not ask is told that first. This question reaches no database.
		if _, refusal := c.service.FindRows(x.r.Context(), &query.Query{CountOnly: true, NoTotal: true}); refusal != nil {
			return nil, refusal
		}
	}
	return q, err
}

// find appends a list or a count.
func (x *execution) find(dst []byte, c *call, key string, s *shape, args map[string]any) ([]byte, error) {
	q, err := x.asked(c, args)
	if err != nil {
		return nil, err
	}
	if c.action == count {
		q.CountOnly, q.NoTotal = true, false
	}
	q.Select, q.Include = s.names, s.include
	rows, err := c.service.FindRows(x.r.Context(), q)
	if err != nil {
		return nil, err
	}
	if c.action == count {
		n, err := total(rows)
		return strconv.AppendInt(dst, n, 10), err
	}
	return x.rows(dst, s, rows, key), nil
}

// names lists the fields that a call selects. There is always one: a query that
// names none asks for all.
func names(e *model.Entity, fields []property) []string {
	out := []string{e.Fields[e.IDField()].Name}
	for _, f := range fields {
		if f.field != model.NoField {
			out = append(out, e.Fields[f.field].Name)
		}
	}
	return out
}
