package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// The routes of pairs are another spelling of a change of the row in the path, whose
// body connects others with it or disconnects one: there is one way in which rows are
// tied, and its rules are the rules here.

// connect ties the row of the path to the rows of the body: {"id": …} or a list.
func (h *handlers) connect(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		fields, body, opts, err := h.conditional(r)
		if err == nil && !json.Valid(body) { // what is put inside of a body has to be a whole
			err = &gate.Error{Status: http.StatusBadRequest, Message: "The body is not JSON"}
		}
		if err != nil {
			return h.first(r, authz.Update, err)
		}
		if !isList(body) {
			body = append(append([]byte("["), body...), ']')
		}
		return h.tied(w, r, pairing(name, "connect", body), fields, opts)
	}
}

// disconnect unties the row of the path from the other one there, which is 404 when
// the caller does not see it.
func (h *handlers) disconnect(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		fields, err := h.grammar.Select(r.URL.RawQuery)
		var opts []crud.Option
		if err == nil {
			opts, err = precondition(r)
		}
		if err != nil {
			return h.first(r, authz.Update, err)
		}
		other := model.AppendString([]byte(`[{"id":`), r.PathValue("other"))
		err = h.tied(w, r, pairing(name, "disconnect", append(other, "}]"...)), fields, opts)
		if nowhere(err) {
			return &gate.Error{Status: http.StatusNotFound, Message: "There is no such row of " + name}
		}
		return err
	}
}

// pairing is a body that does one thing to rows that a relation leads to. Rows are
// valid JSON.
func pairing(name, verb string, rows []byte) []byte {
	body := append(model.AppendString([]byte("{"), name), ':', '{')
	body = append(model.AppendString(body, verb), ':')
	return append(append(body, rows...), "}}"...)
}

// tied makes the change, and answers the row of the path as it is then.
func (h *handlers) tied(w http.ResponseWriter, r *http.Request, body []byte, fields []string, opts []crud.Option) error {
	row, err := h.service.PatchRow(r.Context(), r.PathValue("id"), body, fields, opts...)
	if err != nil {
		return err
	}
	mark(w, row)
	writeJSON(w, r, http.StatusOK, row.AppendJSON)
	return nil
}

// nowhere reports whether all that is wrong is that a row does not exist, for the
// caller.
func nowhere(err error) bool {
	e, ok := errors.AsType[*gate.Error](err)
	if !ok {
		return false
	}
	problems, _ := e.Errors.(model.Problems)
	return len(problems) == 1 && problems[0].Code == model.CodeNotFound && strings.Contains(problems[0].Field, ".disconnect[")
}
