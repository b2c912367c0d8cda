package socketio

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/zishang520/socket.io/servers/socket/v3"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/realtime"
)

// An argument of a method.
type argument uint8

const (
	rowID argument = iota
	data
	query
)

// positions returns the arguments of a method after the path.
func positions(method string) []argument {
	switch method {
	case "find":
		return []argument{query}
	case "get", "remove":
		return []argument{rowID, query}
	case "create":
		return []argument{data, query}
	case "update", "patch":
		return []argument{rowID, data, query}
	}
	return nil
}

// call answers one message. Without an acknowledgement to answer with it is
// made all the same, as Feathers does.
func (p *peer) call(method string, args []any) {
	ack := func(...any) {}
	if n := len(args); n > 0 {
		if f, ok := args[n-1].(socket.Ack); ok {
			args, ack = args[:n-1], func(answer ...any) { f(answer, nil) }
		}
	}
	ctx, stop := p.server.ctx()
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	call, err := newCall(method, args)
	var result json.RawMessage
	if err == nil {
		result, err = p.conn.Call(ctx, call)
	}
	if err != nil {
		ack(p.server.rt.ErrorJSON(ctx, call, err))
		return
	}
	if strings.Trim(call.Path, "/") == realtime.AuthenticationPath && method == "create" {
		p.subscribe(ctx)
	}
	ack(nil, result)
}

// newCall reads the arguments of a message. They come from anybody: nothing is
// taken for what it should be.
func newCall(method string, args []any) (realtime.Call, error) {
	call := realtime.Call{Method: method}
	if len(args) == 0 {
		return call, badRequest("Invalid service path")
	}
	path, ok := args[0].(string)
	if !ok {
		return call, badRequest("Invalid service path")
	}
	call.Path = path
	args = args[1:]
	kinds := positions(method)
	if len(args) > len(kinds) {
		return call, badRequest("Too many arguments for '" + method + "' method")
	}
	for i, arg := range args {
		var err error
		switch kinds[i] {
		case rowID:
			call.ID, err = id(arg)
		case data:
			call.Data, err = encode(arg)
		case query:
			call.Query, err = encode(arg)
		}
		if err != nil {
			return call, err
		}
	}
	return call, nil
}

// id reads the id of a row: a text, a whole number, or null for none.
func id(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", badRequest("An id is a text or a number")
}

// encode returns an argument as the JSON that it was. What is not JSON, such as
// a binary attachment or a second function, is refused.
func encode(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	if !isJSON(v) {
		return nil, badRequest("Arguments are JSON")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, badRequest("Arguments are JSON")
	}
	return raw, nil
}

func isJSON(v any) bool {
	switch v := v.(type) {
	case nil, bool, float64, string:
		return true
	case []any:
		for _, e := range v {
			if !isJSON(e) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, e := range v {
			if !isJSON(e) {
				return false
			}
		}
		return true
	}
	return false
}

func badRequest(message string) error {
	return &gate.Error{Status: http.StatusBadRequest, Message: message}
}
