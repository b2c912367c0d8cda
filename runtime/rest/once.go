package rest

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/idempotency"
)

// abandonTimeout is how long a request that failed may take to say so.
const abandonTimeout = 3 * time.Second

// createOnce makes what a body says unless the caller has had it made before with
// the same key.
func (h *handlers) createOnce(w http.ResponseWriter, r *http.Request, fields []string, body []byte) error {
	if err := h.first(r, authz.Create, nil); err != nil {
		return err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	p, ok := gate.PrincipalFromContext(r.Context())
	if h.once == nil || !ok || p.Subject == "" {
		return badHeader("Idempotency-Key is for those who are signed in: it is one of theirs")
	}
	attempt, err := h.once.Begin(r.Context(), idempotency.Request{Caller: p.Subject, Route: r.Method + " " + h.path, Key: key, Body: body})
	if err != nil {
		return onceAnswer(err)
	}
	if attempt.Done {
		return h.replay(w, r, fields, isList(body), attempt.IDs)
	}
	err = h.made(w, r, fields, body, crud.BeforeCommit(func(ctx context.Context, tx *sql.Tx, ids []string) error {
		return onceAnswer(attempt.Finish(ctx, tx, http.StatusCreated, ids))
	}))
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), abandonTimeout)
		defer cancel()
		_ = attempt.Abandon(ctx) // or else it is forgotten in two minutes
	}
	return err
}

// idempotencyKey returns the one key of a request.
func idempotencyKey(r *http.Request) (string, error) {
	keys := r.Header["Idempotency-Key"]
	bad := func(c rune) bool { return c < ' ' || c > '~' }
	if len(keys) != 1 || keys[0] == "" || len(keys[0]) > idempotency.MaxKey || strings.ContainsFunc(keys[0], bad) {
		return "", badHeader("Idempotency-Key must be one key, of 1 to 255 characters of ASCII")
	}
	return keys[0], nil
}

// notKept refuses a key where nothing is remembered: whoever sends one takes it that
// the request is made once, and may send it again.
func notKept(r *http.Request) error {
	if _, keyed := r.Header["Idempotency-Key"]; !keyed {
		return nil
	}
	return badHeader("Idempotency-Key is kept for POST of rows to their own route alone, such as /api/items: this would be done again")
}

// onceAnswer turns an error of package idempotency into an answer.
func onceAnswer(err error) error {
	switch {
	case errors.Is(err, idempotency.ErrBusy):
		return &gate.Error{Status: http.StatusConflict, Message: "The same request is being made: ask again", RetryAfter: time.Second}
	case errors.Is(err, idempotency.ErrOther):
		return &gate.Error{Status: http.StatusUnprocessableEntity, Message: "The Idempotency-Key was used with another body"}
	case errors.Is(err, idempotency.ErrTooMany):
		return &gate.Error{Status: http.StatusTooManyRequests, Message: "Too many requests with an Idempotency-Key within a day", RetryAfter: time.Hour}
	case errors.Is(err, store.ErrUnavailable):
		return &gate.Error{Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Err: err}
	}
	return err
}

// replay answers a request that was made before with the rows as they are, and as
// its caller may get them now.
func (h *handlers) replay(w http.ResponseWriter, r *http.Request, fields []string, list bool, ids []string) error {
	rows := make([]crud.Row, len(ids))
	for i, id := range ids {
		row, err := h.service.GetRow(r.Context(), id, &query.Selection{Fields: fields})
		if err != nil && !unseen(err) {
			return err
		}
		rows[i] = row // without an ID if it is out of sight
	}
	w.Header().Set("Idempotency-Replayed", "true")
	if !list {
		w.Header().Set("Location", h.path+"/"+url.PathEscape(ids[0]))
		mark(w, rows[0])
		writeJSON(w, http.StatusCreated, func(dst []byte) []byte { return h.appendMade(dst, rows[0], ids[0]) })
		return nil
	}
	writeJSON(w, http.StatusCreated, func(dst []byte) []byte {
		dst = append(dst, '[')
		for i, row := range rows {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = h.appendMade(dst, row, ids[i])
		}
		return append(dst, ']')
	})
	return nil
}

// unseen reports whether a row is out of its maker's sight: gone, or not theirs to
// get.
func unseen(err error) bool {
	e, ok := errors.AsType[*gate.Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == http.StatusForbidden)
}

// appendMade appends a row, or of one out of sight what its maker was told when it
// was made: its id.
func (h *handlers) appendMade(dst []byte, row crud.Row, id string) []byte {
	if row.ID != "" {
		return h.dialect.appendRow(dst, row)
	}
	e := h.service.Entity()
	field := &e.Fields[e.IDField()]
	dst = field.AppendKey(append(dst, '{'))
	if field.ID == model.Serial {
		return append(append(dst, id...), '}')
	}
	return append(model.AppendString(dst, id), '}')
}
