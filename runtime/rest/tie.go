package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// tie connects rows to the one of the path, or disconnects them: it changes that one,
// and is judged so. The body is a list of {"id": …}, and the answer has none.
func (h *handlers) tie(relation, verb string, status int) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		list, opts, err := h.list(r)
		if err != nil {
			return h.first(r, authz.Update, err)
		}
		if err := h.verbs(r.Context(), r.PathValue("id"), relation, opts, model.Member{Key: verb, Value: array(list)}); err != nil {
			return err
		}
		w.WriteHeader(status)
		return nil
	}
}

// set makes the rows of a list those that a relation leads to, as far as the caller
// may list them: others stay as they are. Nobody else sets them between the reading and
// the writing, for the row of the path is locked.
func (h *handlers) set(relation string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		list, opts, err := h.list(r)
		if err = h.first(r, authz.Update, err); err != nil {
			return err
		}
		id := r.PathValue("id")
		err = h.service.InTx(r.Context(), func(ctx context.Context) error {
			if _, err := h.service.GetRow(ctx, id, &query.Selection{Lenient: true, Lock: query.ForChange}); err != nil {
				return err
			}
			rows, err := h.service.FindRelated(ctx, id, relation, &query.Query{Limit: query.MaxLimit})
			if err != nil {
				return err
			}
			if rows.Total > query.MaxLimit {
				return badBody(model.Problems{{
					Field: relation, Code: model.CodeLimit,
					Message: "leads to more than " + strconv.Itoa(query.MaxLimit) + " rows: connect by POST, and disconnect by DELETE",
				}})
			}
			gone, come := difference(rows, list)
			return h.verbs(ctx, id, relation, opts,
				model.Member{Key: wordDisconnect, Value: array(gone)}, model.Member{Key: wordConnect, Value: array(come)})
		})
		if err == nil {
			w.WriteHeader(http.StatusOK)
		}
		return err
	}
}

// verbs changes a row as verbs say of a relation.
func (h *handlers) verbs(ctx context.Context, id, relation string, opts []crud.Option, verbs ...model.Member) error {
	change := object([]model.Member{{Key: relation, Value: object(verbs)}})
	_, err := h.service.PatchRow(ctx, id, change, nil, opts...)
	return err
}

// list reads a list of rows. What they are is for package crud to judge.
func (h *handlers) list(r *http.Request) ([]json.RawMessage, []crud.Option, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, nil, err
	}
	if _, err := h.grammar.Select(r.URL.RawQuery); err != nil {
		return nil, nil, err
	}
	opts, err := precondition(r)
	if err != nil {
		return nil, nil, err
	}
	if strictjson.Longer(body, query.MaxLimit+crud.MaxNested) { // those that stay, and those that come
		return nil, nil, badBody(model.Problems{{Code: model.CodeLimit, Message: "names too many rows"}})
	}
	// The list becomes a part of a body, so that it has to be one value and whole.
	var list []json.RawMessage
	if json.Unmarshal(body, &list) != nil || list == nil {
		return nil, nil, badBody(model.Problems{{Code: model.CodeMalformed, Message: `must be a list of rows: [{"id": …}]`}})
	}
	return list, opts, nil
}

// difference tells which rows are not in a list, and what of the list is none of the
// rows, which may be no row at all.
func difference(rows *crud.Rows, list []json.RawMessage) (gone, come []json.RawMessage) {
	there, asked := map[string]bool{}, map[string]bool{}
	for i := range rows.Len() {
		if row := rows.At(i); row.Has(row.Entity().IDField()) {
			there[string(row.AppendField(nil, row.Entity().IDField()))] = true
		}
	}
	for _, one := range list {
		var row struct{ ID json.RawMessage }
		if json.Unmarshal(one, &row) == nil && there[string(row.ID)] {
			asked[string(row.ID)] = true
			continue
		}
		come = append(come, one)
	}
	for i := range rows.Len() {
		row := rows.At(i)
		if !row.Has(row.Entity().IDField()) {
			continue
		}
		if id := row.AppendField(nil, row.Entity().IDField()); !asked[string(id)] {
			gone = append(gone, object([]model.Member{{Key: "id", Value: id}}))
		}
	}
	return gone, come
}

// array writes a JSON array.
func array(list []json.RawMessage) json.RawMessage {
	dst := []byte{'['}
	for i, one := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, one...)
	}
	return append(dst, ']')
}
