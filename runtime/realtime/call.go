package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/rest"
)

// A Call is a method of a service, called on a connection. Nothing in it has
// been checked.
type Call struct {
	// Method is find, get, create, update, patch or remove.
	Method string
	// Path names the entity, or is [AuthenticationPath].
	Path string
	// ID is the row of get, update, patch and remove.
	ID string
	// Data is the JSON body of create, update and patch.
	Data json.RawMessage
	// Query is a JSON object in the grammar of [rest.Feathers]; empty is none.
	Query json.RawMessage
}

// Call answers a call as REST answers the same request: through the same gate,
// in the same grammar, with the same errors, as JSON. Who asks is found out
// anew. On [AuthenticationPath], create is [Conn.Login] and remove is
// [Conn.Logout].
//
// Errors are for [Realtime.ErrorJSON]. A connection may make 50 calls a second,
// after a first hundred; beyond that they are 429.
func (c *Conn) Call(ctx context.Context, call Call) (json.RawMessage, error) {
	if wait := c.calls.take(time.Now()); wait > 0 {
		return nil, &gate.Error{Status: http.StatusTooManyRequests, RetryAfter: wait}
	}
	if len(call.Data)+len(call.Query) > MaxMessage {
		return nil, &gate.Error{Status: http.StatusRequestEntityTooLarge}
	}
	path := strings.Trim(call.Path, "/")
	if path == AuthenticationPath && c.rt.cfg.Service != nil {
		return c.authentication(ctx, call)
	}
	e, err := c.rt.entity(path)
	if err != nil {
		return nil, err
	}
	ctx, err = c.caller(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := call.on(ctx, e)
	return answer, c.rt.mayAsk(err)
}

// entity returns the entity under a path; 404 in the words of Feathers.
func (rt *Realtime) entity(path string) (source, error) {
	if e, ok := rt.entities[path]; ok {
		return e, nil
	}
	return nil, &gate.Error{Status: http.StatusNotFound, Message: "Service '" + brief(path) + "' not found"}
}

// mayAsk turns 401 into 403 where there is no way to show who one is.
func (rt *Realtime) mayAsk(err error) error {
	if err != nil && rt.cfg.Service == nil && isStatus(err, http.StatusUnauthorized) {
		return gate.ErrForbidden
	}
	return err
}

// brief returns a text of a client as an answer may repeat it.
func brief(text string) string {
	text = strings.ToValidUTF8(text, "")
	if runes := []rune(text); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return text
}

func (call Call) unknownMethod() error {
	return &gate.Error{
		Status:  http.StatusMethodNotAllowed,
		Message: fmt.Sprintf("Method '%s' not allowed on service '%s'", brief(call.Method), brief(call.Path)),
	}
}

// authentication logs in or out.
func (c *Conn) authentication(ctx context.Context, call Call) (json.RawMessage, error) {
	var result *gate.Result
	var err error
	switch call.Method {
	case "create":
		if len(call.Data) > maxLogin {
			return nil, &gate.Error{Status: http.StatusRequestEntityTooLarge}
		}
		v, bad := strictjson.Decode(call.Data, strictjson.MaxDepth)
		fields, ok := v.(map[string]any)
		if bad != nil || !ok {
			return nil, badRequest("Credentials must be a JSON object")
		}
		result, err = c.Login(ctx, fields)
	case "remove":
		result, err = c.Logout(ctx, call.ID)
	default:
		return nil, call.unknownMethod()
	}
	if err != nil {
		return nil, err
	}
	answer, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}
	return answer, nil
}

func badRequest(message string) error {
	return &gate.Error{Status: http.StatusBadRequest, Message: message}
}

// noRow is an id that no row has, and noFields a body that is none. With them
// the gate judges the caller and then refuses the rest.
const (
	noRow    = ""
	noFields = ""
)

func mayView(ctx context.Context, e crud.Service) error {
	_, err := e.GetRow(ctx, noRow, nil)
	if isStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// on makes the call.
func (call Call) on(ctx context.Context, e crud.Service) (json.RawMessage, error) {
	switch call.Method {
	case "find":
		return call.find(ctx, e)
	case "create":
		return call.create(ctx, e)
	case "get":
		return call.get(ctx, e)
	case "update", "patch", "remove":
	default:
		return nil, call.unknownMethod()
	}
	if call.ID == "" {
		return nil, &gate.Error{Status: http.StatusMethodNotAllowed, Message: "Can not " + call.Method + " multiple entries"}
	}
	if strings.ContainsRune(call.ID, 0) {
		call.ID = noRow
	}
	fields, err := call.selected()
	if err != nil {
		return nil, call.first(ctx, e, err)
	}
	var row crud.Row
	switch call.Method {
	case "update":
		row, err = e.UpdateRow(ctx, call.ID, call.Data, fields)
	case "patch":
		row, err = e.PatchRow(ctx, call.ID, call.Data, fields)
	case "remove":
		row, err = e.RemoveRow(ctx, call.ID, fields)
	}
	if err != nil {
		return nil, err
	}
	return row.AppendJSON(nil), nil
}

func (call Call) get(ctx context.Context, e crud.Service) (json.RawMessage, error) {
	raw, err := queryString(call.Query)
	var sel *query.Selection
	if err == nil {
		sel, err = rest.Feathers{}.Get(raw)
	}
	if err != nil {
		return nil, call.first(ctx, e, err)
	}
	id := call.ID
	if strings.ContainsRune(id, 0) {
		id = noRow
	}
	row, err := e.GetRow(ctx, id, sel)
	if err != nil {
		return nil, err
	}
	return bounded(row.AppendJSON(nil))
}

func (call Call) find(ctx context.Context, e crud.Service) (json.RawMessage, error) {
	raw, err := queryString(call.Query)
	var q *query.Query
	if err == nil {
		q, err = rest.Feathers{}.Find(raw)
	}
	if err != nil {
		return nil, call.first(ctx, e, err)
	}
	rows, err := e.FindRows(ctx, q)
	if err != nil {
		return nil, err
	}
	return bounded(rest.Feathers{}.AppendPage(nil, rows))
}

// bounded returns an answer to a question.
func bounded(text []byte) (json.RawMessage, error) {
	if err := crud.CheckAnswer(text); err != nil {
		return nil, err
	}
	return text, nil
}

func (call Call) create(ctx context.Context, e crud.Service) (json.RawMessage, error) {
	fields, err := call.selected()
	if err != nil {
		return nil, call.first(ctx, e, err)
	}
	if body := bytes.TrimLeft(call.Data, " \t\r\n"); len(body) > 0 && body[0] == '[' {
		rows, err := e.CreateRows(ctx, call.Data, fields)
		if err != nil {
			return nil, err
		}
		return rows.AppendJSON(nil), nil
	}
	row, err := e.CreateRow(ctx, call.Data, fields)
	if err != nil {
		return nil, err
	}
	return row.AppendJSON(nil), nil
}

// selected returns the fields that the answer is to have; nil for all.
func (call Call) selected() ([]string, error) {
	raw, err := queryString(call.Query)
	if err != nil {
		return nil, err
	}
	return rest.Feathers{}.Select(raw)
}

// first returns what comes before a malformed call: that its maker is nobody, or
// may not do this at all. Otherwise it returns err.
func (call Call) first(ctx context.Context, e crud.Service, err error) error {
	var refusal error
	switch call.Method {
	case "find":
		_, refusal = e.FindRows(ctx, &query.Query{Limit: -1})
	case "get":
		refusal = mayView(ctx, e)
	case "create":
		_, refusal = e.CreateRow(ctx, []byte(noFields), nil)
	case "update", "patch":
		_, refusal = e.PatchRow(ctx, noRow, []byte(noFields), nil)
	case "remove":
		_, refusal = e.RemoveRow(ctx, noRow, nil)
	}
	if isStatus(refusal, http.StatusUnauthorized) || isStatus(refusal, http.StatusForbidden) {
		return refusal
	}
	return err
}

// ErrorJSON returns an error as the clients of Feathers know it: {name, message,
// code, className}. It is what [gate.ErrorWriter] writes; from 500 on it is
// logged.
func (rt *Realtime) ErrorJSON(ctx context.Context, call Call, err error) json.RawMessage {
	r, fault := http.NewRequestWithContext(gate.ContextWithErrorForm(ctx, nil), http.MethodGet, "/", http.NoBody)
	if fault != nil {
		return json.RawMessage(`{"name":"GeneralError","message":"Something went wrong","code":500,"className":"general-error"}`)
	}
	r.Method, r.URL.Path = brief(call.Method), brief(call.Path)
	var w body
	rt.errors.Write(&w, r, err)
	return bytes.TrimSpace(w.Bytes())
}

// body is an answer of which the body alone is wanted.
type body struct {
	bytes.Buffer
	header http.Header
}

// Header implements [http.ResponseWriter].
func (b *body) Header() http.Header {
	if b.header == nil {
		b.header = make(http.Header)
	}
	return b.header
}

// WriteHeader implements [http.ResponseWriter].
func (*body) WriteHeader(int) {}
