package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"sort"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// An Answer is what an action answered. It belongs to one request.
type Answer struct {
	action *Action
	json   []byte   // of a record, or a list of them
	ids    []string // of rows
	rows   []crud.Row
	read   bool // rows are
}

// take keeps what the code returned.
func (ans *Answer) take(out any) error {
	a := ans.action
	if a.rows != nil {
		ids, ok := out.([]string)
		if !ok || len(ids) > query.MaxLimit || !a.List && len(ids) > 1 {
			return fmt.Errorf("%w: %d rows, of which there may be %d", errAnswer, len(ids), query.MaxLimit)
		}
		ans.ids = ids
		return nil
	}
	if a.Output == nil && a.Value == nil {
		return nil
	}
	v := reflect.ValueOf(out)
	var err error
	switch {
	case a.Value != nil:
		ans.json, err = a.Value.append(nil, v)
	case !a.List:
		ans.json, err = a.Output.append(nil, v)
	case v.Len() > MaxElements:
		err = fmt.Errorf("%w: %d elements, of which there may be %d", errAnswer, v.Len(), MaxElements)
	default:
		ans.json, err = appendList(nil, v, a.Output.append)
	}
	return err
}

// kept returns what [Action.Recall] makes the answer of: the ids of rows, or what was
// answered instead.
func (ans *Answer) kept() []string {
	if ans.action.rows != nil {
		return ans.ids
	}
	if ans.json == nil {
		return nil
	}
	return []string{string(ans.json)}
}

// Recall returns an answer of which a [Last] kept something.
func (a *Action) Recall(kept []string) *Answer {
	ans := &Answer{action: a}
	switch {
	case a.rows != nil:
		ans.ids = kept
	case len(kept) > 0:
		ans.json = []byte(kept[0])
	}
	return ans
}

// JSON returns what was answered where that are no rows: a record, a list of records,
// or nil for nothing.
func (ans *Answer) JSON() []byte { return ans.json }

// Rows returns the rows that were answered, those that the caller may get, or, of a
// list, those that the caller may list, in the order of the code. If they were read
// already it is with what [Call] selected.
func (ans *Answer) Rows(ctx context.Context, sel *query.Selection) ([]crud.Row, error) {
	if ans.read || len(ans.ids) == 0 {
		return ans.rows, nil
	}
	if !ans.action.List {
		row, err := ans.action.rows.GetRow(ctx, ans.ids[0], sel)
		if err != nil {
			return nil, unlessUnseen(err)
		}
		return []crud.Row{row}, nil
	}
	return ans.list(ctx, sel)
}

// list reads all rows with one statement.
func (ans *Answer) list(ctx context.Context, sel *query.Selection) ([]crud.Row, error) {
	e := ans.action.rows.Entity()
	id := e.IDField()
	values := make([]any, len(ans.ids))
	for i, v := range ans.ids {
		values[i] = v
	}
	q := &query.Query{Where: query.Term{Field: e.Fields[id].Name, Op: query.In, Value: values}, Limit: query.MaxLimit, NoTotal: true, Lenient: true}
	if sel != nil {
		q.Select, q.Include, q.Lenient = sel.Fields, sel.Include, sel.Lenient
	}
	page, err := ans.action.rows.FindRows(ctx, q)
	if err != nil {
		return nil, unlessUnseen(err)
	}
	place := make(map[string]int, len(ans.ids))
	for i, v := range ans.ids {
		place[v] = i
	}
	rows := make([]crud.Row, page.Len())
	for i := range rows {
		rows[i] = page.At(i)
	}
	at := func(r crud.Row) int { return place[idOf(r, id)] }
	sort.SliceStable(rows, func(i, j int) bool { return at(rows[i]) < at(rows[j]) })
	return rows, nil
}

// idOf returns the id of a row as text. Every row that is answered has it.
func idOf(r crud.Row, id model.FieldID) string {
	if !r.Has(id) {
		return ""
	}
	raw := r.AppendField(nil, id)
	if len(raw) > 1 && raw[0] == '"' {
		raw = raw[1 : len(raw)-1] // no kind of id has anything to escape
	}
	return string(raw)
}

// unlessUnseen lets errors pass, save those that say that the caller may not see
// what the action answered: it was called all the same.
func unlessUnseen(err error) error {
	e, ok := errors.AsType[*gate.Error](err)
	if ok && (e.Status == http.StatusNotFound || e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized) {
		return nil
	}
	return err
}
