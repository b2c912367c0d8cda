package graphql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// bindAction compares a field of the root with the action of its name.
func (b *binder) bindAction(act *action.Action, f *ast.FieldDefinition) (*call, error) {
	c := &call{action: perform, act: act, entity: act.Entity()}
	if f.Type.NonNull {
		return nil, errors.New("an error here would take away all other answers: the type has to be nullable")
	}
	if (act.List || act.Value != nil && act.Value.List) != (f.Type.Elem != nil) {
		return nil, errors.New("the action answers a list, or the schema says so, and not both")
	}
	if err := b.checkArguments(act, f); err != nil {
		return nil, err
	}
	switch {
	case act.Value != nil:
		if def := b.schema.Types[f.Type.Name()]; def == nil || def.Kind != ast.Scalar {
			return nil, errors.New("the function answers a value: the type has to be a scalar")
		}
		return c, nil
	case c.entity != nil:
		if f.Type.Name() != c.entity.Name {
			return nil, fmt.Errorf("the action answers rows of %s", c.entity.Name)
		}
		return c, b.checkType(c.entity, c.entity.Name)
	case act.Output != nil:
		return c, b.checkRecord(act.Output, f.Type.Name())
	case f.Type.Name() != "Boolean":
		return nil, errors.New("the action answers nothing: the type has to be Boolean")
	}
	return c, nil
}

// checkArguments compares the arguments of a field with what the action takes.
func (b *binder) checkArguments(act *action.Action, f *ast.FieldDefinition) error {
	if act.Flat {
		return b.checkFlat(act, f)
	}
	if (act.Row != "") != (f.Arguments.ForName("id") != nil) {
		return errors.New("the argument id belongs to an action on a row")
	}
	if f.Arguments.ForName("version") != nil && (act.Row == "" || !act.Changes) {
		return errors.New("the argument version belongs to an action that changes a row")
	}
	input := f.Arguments.ForName("input")
	if (act.Input != nil) != (input != nil) {
		return errors.New("the action takes an input, or the schema says so, and not both")
	}
	if input == nil {
		return nil
	}
	return b.checkRecord(act.Input, input.Type.Name())
}

// checkRecord compares the members of a type with those of a record.
func (b *binder) checkRecord(r *action.Record, name string) error {
	def := b.schema.Types[name]
	if def == nil {
		return fmt.Errorf("there is no type %s", name)
	}
	if def.IsAbstractType() {
		return fmt.Errorf("%s:%d: %s is %s, and a function answers objects: give it a type", def.Position.Src.Name, def.Position.Line, name,
			map[ast.DefinitionKind]string{ast.Interface: "an interface", ast.Union: "a union"}[def.Kind])
	}
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		m := memberOf(r, f.Name)
		if m == nil || listed(m) != (f.Type.Elem != nil) {
			return fmt.Errorf("%s.%s: %s has no such field", name, f.Name, r.Name)
		}
		if m.Record != nil {
			if err := b.checkRecord(m.Record, f.Type.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed reports whether the value of a member is a list in GraphQL.
func listed(m *action.Member) bool { return m.List || m.Type == model.MultiEnum }

func memberOf(r *action.Record, name string) *action.Member {
	for i := range r.Members {
		if r.Members[i].Name == name {
			return &r.Members[i]
		}
	}
	return nil
}

// perform calls an action and appends what it answers.
func (x *execution) perform(ctx context.Context, dst []byte, c *call, f selected, args map[string]any) ([]byte, error) {
	id, _ := args["id"].(string)
	var versions []int64
	if !c.act.Flat { // else it is an argument like others
		var err error
		if versions, err = expected(args["version"]); err != nil {
			return nil, err
		}
	}
	var sel *query.Selection
	if c.entity != nil {
		sel = selection(c, x.shape(c.entity, f.below))
	}
	answer, err := c.act.Call(ctx, action.Call{ID: id, Versions: versions, Selection: sel}, func(r *action.Record, into any) error {
		return readArguments(c, args, r, into)
	})
	if err != nil {
		return nil, err
	}
	return x.answer(ctx, dst, c, f, answer, f.Alias)
}

// readArguments reads the arguments of a field into the input of an action.
func readArguments(c *call, args map[string]any, r *action.Record, into any) error {
	members, _ := args["input"].(map[string]any)
	if c.act.Flat {
		members = args
	}
	body, err := appendRecord(nil, r, members)
	if err != nil {
		return err
	}
	return action.JSON(body, nil)(r, into)
}

// answer appends what an action answered.
func (x *execution) answer(ctx context.Context, dst []byte, c *call, f selected, answer *action.Answer, path ...any) ([]byte, error) {
	switch {
	case c.entity != nil:
		return x.performed(ctx, dst, c, f, answer, path)
	case answer.JSON() == nil:
		return append(dst, "true"...), nil
	case c.act.Value != nil && c.act.Value.List:
		return append(dst, answer.JSON()...), nil
	case c.act.Value != nil:
		return spell(append(dst, answer.JSON()...), len(dst), &c.act.Value.Field), nil
	}
	return x.record(dst, c.act.Output, answer.JSON(), c.act.List, f.below)
}

// selection is what is asked of the rows that an action answers.
func selection(c *call, s *shape) *query.Selection {
	sel := &query.Selection{Include: s.include, Lenient: true}
	if c.act.List {
		sel.Fields = s.names
	}
	return sel
}

// performed appends the rows that an action answers.
func (x *execution) performed(ctx context.Context, dst []byte, c *call, f selected, answer *action.Answer, path []any) ([]byte, error) {
	s := x.shape(c.entity, f.below)
	rows, err := answer.Rows(ctx, selection(c, s))
	if err != nil {
		return nil, err
	}
	if c.act.List {
		return x.objects(dst, s, len(rows), func(i int) crud.Row { return rows[i] }, path...), nil
	}
	if len(rows) == 0 {
		return append(dst, "null"...), nil
	}
	return x.object(dst, s, answered{Row: rows[0], related: rows[0]}, path...), nil
}

// appendRecord makes the JSON object of an input, as a client of REST would send it.
func appendRecord(dst []byte, r *action.Record, members map[string]any) ([]byte, error) {
	return appendObject(dst, members, func(dst []byte, name string, v any) ([]byte, error) {
		m := memberOf(r, name)
		if m == nil {
			return nil, errors.New("graphql: an input names a field that the action lacks") // New has looked
		}
		return appendMember(dst, m, v)
	})
}

func appendMember(dst []byte, m *action.Member, v any) ([]byte, error) {
	if members, ok := v.(map[string]any); ok && m.Record != nil {
		return appendRecord(dst, m.Record, members)
	}
	if list, many := v.([]any); many && listed(m) {
		dst = append(dst, '[')
		for i, element := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendMember(dst, m, element); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	text, ok := v.(string)
	switch {
	case !ok:
		return appendInput(dst, nil, &m.Field, v)
	case numeric(&m.Field) && isNumber(text):
		return append(dst, text...), nil
	case m.Type == model.Enum, m.Type == model.MultiEnum:
		if i := slices.IndexFunc(m.Values, func(value string) bool { return strings.ReplaceAll(value, "-", "_") == text }); i >= 0 {
			text = m.Values[i]
		}
	}
	return model.AppendString(dst, text), nil
}

// record appends what is selected of a record, or of each of a list, that was answered
// as JSON.
func (x *execution) record(dst []byte, r *action.Record, raw json.RawMessage, list bool, below []ast.SelectionSet) ([]byte, error) {
	if string(raw) == "null" {
		return append(dst, raw...), nil
	}
	if list {
		return eachElement(dst, raw, func(dst []byte, one json.RawMessage) ([]byte, error) {
			return x.record(dst, r, one, false, below)
		})
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, fmt.Errorf("graphql: the answer of an action: %w", err)
	}
	dst = append(dst, '{')
	for i, s := range x.collect(nil, below...) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(model.AppendString(dst, s.Alias), ':')
		if s.Name == "__typename" {
			dst = model.AppendString(dst, s.ObjectDefinition.Name)
			continue
		}
		m := memberOf(r, s.Name)
		var err error
		switch value := values[s.Name]; {
		case m.Record != nil:
			dst, err = x.record(dst, m.Record, value, m.List, s.below)
		case m.List && string(value) != "null":
			dst, err = eachElement(dst, value, func(dst []byte, one json.RawMessage) ([]byte, error) {
				return spell(append(dst, one...), len(dst), &m.Field), nil
			})
		default:
			dst = spell(append(dst, value...), len(dst), &m.Field)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// eachElement appends the elements of a list, each as one appends it.
func eachElement(dst []byte, raw json.RawMessage, one func([]byte, json.RawMessage) ([]byte, error)) ([]byte, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return nil, fmt.Errorf("graphql: the answer of an action: %w", err)
	}
	dst = append(dst, '[')
	for i, element := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = one(dst, element); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// byName returns the actions by their names.
func byName(actions []*action.Action) map[string]*action.Action {
	out := make(map[string]*action.Action, len(actions))
	for _, a := range actions {
		out[a.Name] = a
	}
	return out
}
