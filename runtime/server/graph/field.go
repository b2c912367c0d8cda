package graph

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/server"
)

// Field has fn answer a field that app/schema.graphql adds to a root: Query.menuOfTheDay,
// or Mutation.closeKitchen, which is one transaction. Allow lists the words of who may
// ask for it, none of them nobody. In is a struct of the arguments, as
// [action.RecordOf] describes it; struct{} takes none. Out is a struct like that, a
// value, a pointer to the row of an entity, or a slice of one of these. Of rows only
// their ids count: what is answered of them is what the caller may read.
//
// It is for [server.Service.Build], after the entities are served. A field that is not
// in the schema, and one in the schema that nothing answers, keep the service from
// starting.
func Field[In, Out any](a *server.App, name string, allow []string, fn func(ctx context.Context, in In) (Out, error)) {
	add(a, name, allow, reflect.TypeFor[In](), reflect.TypeFor[Out](), func(act *action.Action, give func(any) any) {
		act.New = func() any { return new(In) }
		act.Run = func(ctx context.Context, _ string, in any) (any, error) {
			out, err := fn(ctx, input[In](act, in))
			return give(out), err
		}
	})
}

// RowField is [Field] for a field that app/schema.graphql adds to the type of an entity:
// Item.rating. The function gets the row as the caller may see it: what they may not
// read has its zero value. It is called once for each row that is answered.
func RowField[Row, In, Out any](a *server.App, name string, allow []string, fn func(ctx context.Context, row *Row, in In) (Out, error)) {
	add(a, name, allow, reflect.TypeFor[In](), reflect.TypeFor[Out](), func(act *action.Action, give func(any) any) {
		act.New = func() any { return new(In) }
		act.RunOn = func(ctx context.Context, row, in any) (any, error) {
			r, ok := row.(*Row)
			if !ok {
				return nil, fmt.Errorf("%s: the function takes a %s, and the row is a %T", name, reflect.TypeFor[*Row](), row)
			}
			out, err := fn(ctx, r, input[In](act, in))
			return give(out), err
		}
	})
}

func input[In any](act *action.Action, in any) In {
	if act.Input == nil {
		return *new(In)
	}
	return action.In[In](in)
}

// add describes a field and registers it.
func add(a *server.App, name string, allow []string, in, out reflect.Type, run func(*action.Action, func(any) any)) {
	act := &action.Action{Name: name, Rules: allow, Flat: true}
	give, err := describe(a, act, in, out)
	if err == nil && strings.Count(name, ".") != 1 {
		err = errors.New("a field is named with its type: Query.menuOfTheDay")
	}
	if err != nil {
		a.Extend(func(*server.App) error { return fmt.Errorf("field %s: %w", name, err) })
		return
	}
	run(act, give)
	a.ServeFields(act)
}

// describe says what a field takes and answers. Give turns what the function returns
// into what [action.Action] does.
func describe(a *server.App, act *action.Action, in, out reflect.Type) (give func(any) any, err error) {
	if in != reflect.TypeFor[struct{}]() {
		if act.Input, err = action.RecordOf(in); err != nil {
			return nil, err
		}
	}
	give = func(v any) any { return v }
	one := out
	if out.Kind() == reflect.Slice {
		one = out.Elem()
	} else if out.Kind() == reflect.Pointer {
		one = out.Elem()
	}
	if id, ok := rowOf(a, one); ok && out != one {
		act.Rows, act.List = one.Name(), out.Kind() == reflect.Slice
		return func(v any) any { return ids(reflect.ValueOf(v), id) }, nil
	}
	if one.Kind() == reflect.Struct && !scalar(one) && out.Kind() != reflect.Pointer {
		act.List = out.Kind() == reflect.Slice
		act.Output, err = action.RecordOf(one)
		return give, err
	}
	act.Value, err = action.ValueOf(out)
	return give, err
}

// scalar reports whether a struct is one value.
func scalar(t reflect.Type) bool {
	m, err := action.ValueOf(t)
	return err == nil && m.Record == nil
}

// rowOf reports whether a struct is the row of an entity, and finds its id.
func rowOf(a *server.App, t reflect.Type) (id []int, ok bool) {
	if t.Kind() != reflect.Struct {
		return nil, false
	}
	for _, s := range a.Entities() {
		if f, has := t.FieldByName("ID"); has && s.Entity().Name == t.Name() {
			return f.Index, true
		}
	}
	return nil, false
}

// ids returns the ids of rows.
func ids(v reflect.Value, id []int) []string {
	text := func(row reflect.Value) string {
		if f := row.FieldByIndex(id); f.CanInt() {
			return strconv.FormatInt(f.Int(), 10)
		}
		return row.FieldByIndex(id).String()
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		return []string{text(v.Elem())}
	}
	out := make([]string, v.Len())
	for i := range out {
		out[i] = text(v.Index(i))
	}
	return out
}
