package rest

import (
	"net/http"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/query"
)

// chosen reads the conditions by which a request chooses the rows that it changes.
func (h *handlers) chosen(r *http.Request) (*query.Query, error) {
	if len(r.Header["If-Match"]) > 0 || len(r.Header["If-None-Match"]) > 0 {
		return nil, badHeader("If-Match and If-None-Match are for one row: write the version into the body, or into the query")
	}
	if err := notKept(r); err != nil {
		return nil, err
	}
	return h.grammar.Find(r.URL.RawQuery)
}

func (h *handlers) patchMany(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(r)
	var q *query.Query
	if err == nil {
		q, err = h.chosen(r)
	}
	if err != nil {
		return h.first(r, authz.Update, err)
	}
	rows, err := h.service.PatchRows(r.Context(), q, body, q.Select)
	if err != nil {
		return err
	}
	writeJSON(w, r, http.StatusOK, rows.AppendJSON)
	return nil
}

func (h *handlers) removeMany(w http.ResponseWriter, r *http.Request) error {
	q, err := h.chosen(r)
	if err != nil {
		return h.first(r, authz.Delete, err)
	}
	rows, err := h.service.RemoveRows(r.Context(), q, q.Select)
	if err != nil {
		return err
	}
	writeJSON(w, r, http.StatusOK, rows.AppendJSON)
	return nil
}
