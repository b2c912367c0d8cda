package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

const (
	pingEvery    = 25 * time.Second
	pingTimeout  = 10 * time.Second
	answerWithin = 5 * time.Second // to write an answer
	closeWithin  = time.Second     // for the other end to say goodbye
)

// WebSocket returns the door for WebSockets (RFC 6455), mounted with GET under
// one path. Messages are JSON texts of at most [MaxMessage] bytes; a request
// has a method and, if an answer is to name it, an id:
//
//	{"id": 1, "method": "login", "data": {"strategy": "local", "email": "…", "password": "…"}}
//	{"id": 2, "method": "subscribe", "path": "items"}
//	{"id": 3, "method": "find", "path": "items", "query": {"price": {"$lt": 10}}}
//	{"id": 4, "method": "patch", "path": "items", "key": "0199…", "data": {"price": 9}}
//
// Methods are login, logout, subscribe, unsubscribe, and those of [Call].
// Answers are {"id", "result"} or {"id", "error"}, in the order of the requests,
// events {"event": "items created", "data", "eventId"}. Credentials come in the
// Authorization header or by login; a query in the URL is refused, so that no
// token ends up in one.
//
// The close code is 1008 when the credentials do not hold any more, 1013 when
// the client should connect again, 1001 when the service stops.
func (rt *Realtime) WebSocket() http.Handler { return http.HandlerFunc(rt.serveWebSocket) }

func (rt *Realtime) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawQuery != "" {
		rt.errors.Write(w, r, badRequest("The URL of a WebSocket has no query"))
		return
	}
	c, err := rt.Open(r)
	if err != nil {
		rt.errors.Write(w, r, err)
		return
	}
	defer c.leave()
	meter := &frameMeter{ResponseWriter: w, calls: c.calls}
	ws, err := websocket.Accept(meter, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // Open has compared the origin, exactly
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { c.calls.wait(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.calls.wait() },
	})
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(MaxMessage)
	ctx, cancel := context.WithCancel(r.Context())
	var both sync.WaitGroup
	both.Go(func() { defer c.Close(Gone); c.readWebSocket(ctx, ws, &meter.bytes) })
	both.Go(func() { defer c.Close(Gone); c.pingWebSocket(ctx, ws) })
	err = c.Run(ctx, func(ctx context.Context, e Event) error {
		return ws.Write(ctx, websocket.MessageText, e.message())
	})
	reason, _ := errors.AsType[Reason](err)
	impatient := time.AfterFunc(closeWithin, func() { _ = ws.CloseNow() })
	_ = ws.Close(reason.code(), string(reason)) // it may have gone already
	impatient.Stop()
	cancel()
	both.Wait()
}

// code returns the status of a WebSocket that is closed (RFC 6455 §7.4).
func (r Reason) code() websocket.StatusCode {
	switch r {
	case Expired, Revoked:
		return websocket.StatusPolicyViolation
	case Stopping:
		return websocket.StatusGoingAway
	case Slow, Lost, Unavailable:
		return websocket.StatusTryAgainLater
	}
	return websocket.StatusNormalClosure
}

func (e Event) message() []byte {
	dst := append(make([]byte, 0, len(e.Data)+80), `{"event":`...)
	dst = model.AppendString(dst, e.Name)
	dst = append(dst, `,"data":`...)
	dst = append(dst, e.Data...)
	dst = append(dst, `,"eventId":`...)
	dst = model.AppendString(dst, e.ID)
	return append(dst, '}')
}

func (c *Conn) pingWebSocket(ctx context.Context, ws *websocket.Conn) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.done:
			return
		case <-tick.C:
		}
		ping, cancel := context.WithTimeout(ctx, pingTimeout)
		err := ws.Ping(ping)
		cancel()
		if err != nil {
			return
		}
	}
}

// readWebSocket answers requests one after the other, which is what keeps a
// client from asking for more than it is given. Came counts the bytes of a message.
func (c *Conn) readWebSocket(ctx context.Context, ws *websocket.Conn, came *atomic.Int64) {
	for {
		kind, data, err := ws.Read(ctx)
		if err != nil {
			return
		}
		came.Store(0)
		select {
		case <-c.done:
			continue // the connection is being closed: only that is read
		default:
		}
		if kind != websocket.MessageText {
			_ = ws.Close(websocket.StatusUnsupportedData, "messages are text")
			return
		}
		answer, release := c.message(ctx, data)
		write, cancel := context.WithTimeout(ctx, answerWithin)
		err = ws.Write(write, websocket.MessageText, answer)
		cancel()
		release()
		if err != nil {
			return
		}
	}
}

// request is a message of a client.
type request struct {
	Call

	id json.RawMessage
}

// message answers one message. The answer counts until release is called.
func (c *Conn) message(ctx context.Context, data []byte) (answer []byte, release func()) {
	req, err := readRequest(data)
	var result json.RawMessage
	question := req.Method == "find" || req.Method == "get"
	if err == nil {
		making, made := crud.MakeAnswer(gate.ContextWithPrincipal(ctx, c.principal()), !question)
		defer made()
		result, err = c.perform(making, req.Call)
	}
	ctx, release = gate.ContextWithPrincipal(ctx, c.principal()), func() {}
	switch {
	case err != nil:
	case question:
		if release, err = crud.HoldAnswer(ctx, result); err != nil {
			release = func() {}
		}
	default:
		release = crud.KeepAnswer(ctx, result)
	}
	dst := []byte(`{"id":`)
	if req.id == nil {
		req.id = json.RawMessage("null")
	}
	dst = append(dst, req.id...)
	if err != nil {
		dst = append(append(dst, `,"error":`...), c.rt.ErrorJSON(ctx, req.Call, err)...)
	} else {
		dst = append(append(dst, `,"result":`...), result...)
	}
	return append(dst, '}'), release
}

func (c *Conn) perform(ctx context.Context, call Call) (json.RawMessage, error) {
	null := json.RawMessage("null")
	switch call.Method {
	case "login":
		call.Method, call.Path = "create", AuthenticationPath
	case "logout":
		call.Method, call.Path = "remove", AuthenticationPath
	case "subscribe":
		if wait := c.calls.take(time.Now()); wait > 0 {
			return nil, &gate.Error{Status: http.StatusTooManyRequests, RetryAfter: wait}
		}
		return null, c.Subscribe(ctx, call.Path)
	case "unsubscribe":
		return null, c.Unsubscribe(call.Path)
	}
	return c.Call(ctx, call)
}

// readRequest reads a message; what it returns with an error has the id, if one
// could be read.
func readRequest(data []byte) (request, error) {
	members, err := strictjson.Members(data)
	if err != nil {
		return request{}, badRequest("The message is not a JSON object: " + err.Error())
	}
	var req request
	var bad error
	for _, m := range members {
		ok := true
		switch m.Key {
		case "id":
			if ok = isScalar(m.Value) && len(m.Value) <= 64; ok {
				req.id = m.Value
			}
		case "method":
			req.Method, ok = text(m.Value)
		case "path":
			req.Path, ok = text(m.Value)
		case "key":
			req.ID, ok = rowID(m.Value)
		case "data":
			req.Data = m.Value
		case "query":
			req.Query = m.Value
		default:
			bad = errors.Join(bad, badRequest("A message has no "+strconv.Quote(brief(m.Key))))
		}
		if !ok {
			bad = errors.Join(bad, badRequest(strconv.Quote(m.Key)+" is not of the right kind"))
		}
	}
	return req, bad
}

func isScalar(raw json.RawMessage) bool {
	return raw[0] == '"' || raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
}

func text(raw json.RawMessage) (string, bool) {
	s, err := strictjson.Unquote(raw)
	return s, err == nil
}

// rowID reads an id: a text, or the digits of a number.
func rowID(raw json.RawMessage) (string, bool) {
	if raw[0] == '"' {
		return text(raw)
	}
	return string(raw), isScalar(raw)
}
