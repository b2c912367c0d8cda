package rest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/action"
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
	attempt, err := h.begin(r, h.path, body)
	if err != nil {
		return err
	}
	if attempt.Done {
		return h.replay(w, r, fields, isList(body), attempt.IDs)
	}
	err = h.made(w, r, fields, body, crud.BeforeCommit(func(ctx context.Context, tx *sql.Tx, ids []string) error {
		return onceAnswer(attempt.Finish(ctx, tx, http.StatusCreated, ids))
	}))
	if err != nil {
		abandon(r, attempt)
	}
	return err
}

// maxKept is how many bytes of an answer that is no row are remembered.
const maxKept = 16 << 10

// actOnce calls an action unless the caller has called it before with the same key.
func (h *handlers) actOnce(w http.ResponseWriter, r *http.Request, act *action.Action) (*action.Answer, error) {
	if err := act.Admit(r.Context()); err != nil {
		return nil, err
	}
	body, err := wholeBody(r)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	attempt, err := h.begin(r, act.Path, append([]byte(r.URL.EscapedPath()+"?"+r.URL.RawQuery+"\n"), body...))
	if err != nil {
		return nil, err
	}
	if attempt.Done {
		w.Header().Set("Idempotency-Replayed", "true")
		return act.Recall(attempt.IDs), nil
	}
	answer, err := h.call(r, act, func(ctx context.Context, tx *sql.Tx, kept []string) error {
		if act.Entity() == nil && len(kept) > 0 && len(kept[0]) > maxKept {
			return badHeader(fmt.Sprintf("Idempotency-Key is kept with answers of %d bytes at most, which this one has not: nothing was done", maxKept))
		}
		return onceAnswer(attempt.Finish(ctx, tx, http.StatusOK, kept))
	})
	if err != nil {
		abandon(r, attempt)
	}
	return answer, err
}

// begin lets a request with a key be made, or finds what came of it before.
func (h *handlers) begin(r *http.Request, path string, body []byte) (*idempotency.Attempt, error) {
	key, err := idempotencyKey(r)
	if err != nil {
		return nil, err
	}
	p, ok := gate.PrincipalFromContext(r.Context())
	if h.once == nil || !ok || p.Subject == "" {
		return nil, badHeader("Idempotency-Key is for those who are signed in: it is one of theirs")
	}
	attempt, err := h.once.Begin(r.Context(), idempotency.Request{Caller: p.Subject, Route: r.Method + " " + path, Key: key, Body: body})
	return attempt, onceAnswer(err)
}

// abandon forgets a request that was not made.
func abandon(r *http.Request, attempt *idempotency.Attempt) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), abandonTimeout)
	defer cancel()
	_ = attempt.Abandon(ctx) // or else it is forgotten in two minutes
}

// keyed reports whether a request has a key that is kept for the action.
func keyed(r *http.Request, act *action.Action) bool {
	_, ok := r.Header["Idempotency-Key"]
	return ok && act.Changes && r.Method != http.MethodGet && r.Method != http.MethodHead
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
	return badHeader("Idempotency-Key is kept for actions that change something, and for POST of rows to their own route, such as /api/items: this would be done again")
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
	body := encode(func(dst []byte) []byte {
		if !list {
			return h.appendMade(dst, rows[0], ids[0])
		}
		dst = append(dst, '[')
		for i, row := range rows {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = h.appendMade(dst, row, ids[i])
		}
		return append(dst, ']')
	})
	release, err := crud.HoldAnswer(r.Context(), *body)
	if err != nil {
		return err
	}
	defer release()
	w.Header().Set("Idempotency-Replayed", "true")
	if !list {
		w.Header().Set("Location", h.path+"/"+url.PathEscape(ids[0]))
		mark(w, rows[0])
	}
	send(w, http.StatusCreated, body)
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
