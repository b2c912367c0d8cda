package rest

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// Action returns the route of an action that was bound. A body is JSON; what has none,
// GET and DELETE, is sent in the query string. Words of the path besides {id} are input,
// too. Nothing answered is 204.
func (a API) Action(act *action.Action) Route {
	h := &handlers{dialect: dialectOf(a.Grammar), errors: a.Errors, noCredentials: a.NoCredentials, once: a.Once}
	handler := h.handle(func(w http.ResponseWriter, r *http.Request) error { return h.act(w, r, act) })
	if a.Protect != nil {
		handler = a.Protect(handler)
	}
	return Route{Method: act.Method, Path: act.Path, Rules: act.Rules, Handler: handler}
}

func (h *handlers) act(w http.ResponseWriter, r *http.Request, act *action.Action) error {
	if err := crud.Room(r.Context()); err != nil {
		return err
	}
	var answer *action.Answer
	var err error
	if keyed(r, act) {
		answer, err = h.actOnce(w, r, act)
	} else {
		answer, err = h.call(r, act)
	}
	if err != nil {
		return err
	}
	if act.Entity() != nil {
		rows, err := answer.Rows(r.Context(), nil)
		if err != nil {
			return err
		}
		writeJSON(w, r, http.StatusOK, func(dst []byte) []byte { return h.appendRows(dst, rows, act.List) })
		return nil
	}
	if answer.JSON() == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	writeJSON(w, r, http.StatusOK, func(dst []byte) []byte { return append(dst, answer.JSON()...) })
	return nil
}

func (h *handlers) call(r *http.Request, act *action.Action, last ...action.Last) (*action.Answer, error) {
	versions, unfit := expected(r)
	if len(r.Header["If-Match"]) > 0 && (act.Row == "" || !act.Changes) {
		versions, unfit = nil, badHeader("If-Match is for actions that are called on a row and change something, which this one is not")
	}
	return act.Call(r.Context(), action.Call{ID: r.PathValue("id"), Versions: versions}, func(record *action.Record, into any) error {
		if unfit != nil {
			return unfit
		}
		in, err := inputOf(r, record, act)
		if err != nil {
			return err
		}
		return in(record, into)
	}, last...)
}

// appendRows appends a list, or the one row that there is, or null.
func (h *handlers) appendRows(dst []byte, rows []crud.Row, list bool) []byte {
	if !list {
		if len(rows) == 0 {
			return append(dst, "null"...)
		}
		return h.dialect.appendRow(dst, rows[0])
	}
	dst = append(dst, '[')
	for i, row := range rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = h.dialect.appendRow(dst, row)
	}
	return append(dst, ']')
}

// inputOf finds what was sent.
func inputOf(r *http.Request, record *action.Record, act *action.Action) (action.Input, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !keyed(r, act) {
		if err := notKept(r); err != nil {
			return nil, err
		}
	}
	named, err := parameters(r)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodDelete {
		maps.Copy(named, wildcards(r, act))
		return action.Values(named), nil
	}
	if len(named) > 0 {
		var problems model.Problems
		for name := range named {
			problems.Add(shown(name), model.CodeUnknown, "is no parameter: what is sent stands in the body")
		}
		return nil, badQuery(problems)
	}
	words := wildcards(r, act)
	if len(record.Members) == len(words) && r.ContentLength == 0 {
		return action.Values(words), nil
	}
	body, err := readBody(r)
	return action.JSON(body, words), err
}

// parameters reads the query string.
func parameters(r *http.Request) (url.Values, error) {
	var problems model.Problems
	if len(r.URL.RawQuery) > maxQuery || strings.Count(r.URL.RawQuery, "&") >= maxPairs {
		problems.Add("", model.CodeLimit, "the query string is too long")
		return nil, badQuery(problems)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		problems.Add("", model.CodeMalformed, "the query string is not properly encoded")
		return nil, badQuery(problems)
	}
	return values, nil
}

// wildcards returns the words of the path that are input.
func wildcards(r *http.Request, act *action.Action) url.Values {
	values := url.Values{}
	for segment := range strings.SplitSeq(act.Path, "/") {
		name, ok := strings.CutPrefix(segment, "{")
		if name = strings.TrimSuffix(name, "}"); ok && (name != "id" || act.Row == "") {
			values[name] = []string{r.PathValue(name)}
		}
	}
	return values
}
