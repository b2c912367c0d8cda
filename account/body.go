package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/strictjson"
)

// body is the members of a JSON object.
type body map[string]any

// readBody reads a JSON object that has no members but these.
func readBody(w http.ResponseWriter, r *http.Request, names ...string) (body, error) {
	if err := requireJSON(r.Header); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, &gate.Error{Status: http.StatusRequestEntityTooLarge, Err: err}
		}
		return nil, gate.Unreadable(err)
	}
	v, err := strictjson.Decode(data, 4)
	if err != nil {
		return nil, badRequest("The body is not valid JSON: " + err.Error())
	}
	members, ok := v.(map[string]any)
	if !ok {
		return nil, badRequest("The body must be a JSON object")
	}
	for name := range members {
		if !slices.Contains(names, name) {
			return nil, badRequest(fmt.Sprintf("The body has an unknown member %q", name))
		}
	}
	return members, nil
}

// requireJSON refuses bodies that are not plainly JSON: a browser sends JSON to
// another origin only after asking, which it does not for forms and text.
func requireJSON(h http.Header) error {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || len(h["Content-Type"]) != 1 || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return &gate.Error{Status: http.StatusUnsupportedMediaType, Message: "The body must be application/json"}
	}
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return &gate.Error{Status: http.StatusUnsupportedMediaType, Message: "The body must not be compressed"}
	}
	return nil
}

func badRequest(message string) error {
	return &gate.Error{Status: http.StatusBadRequest, Message: message}
}

// text returns a string, "" when it is not there.
func (b body) text(name string) (string, error) {
	v, ok := b[name]
	if !ok {
		return "", nil
	}
	s, ok := v.(string)
	if !ok || len(s) > maxField {
		return "", badRequest(fmt.Sprintf("%q must be a string of at most %d bytes", name, maxField))
	}
	return s, nil
}

func (b body) two(first, second string) (one, other string, err error) {
	if one, err = b.text(first); err != nil {
		return "", "", err
	}
	other, err = b.text(second)
	return one, other, err
}

// texts returns a list of strings.
func (b body) texts(name string) ([]string, error) {
	wrong := badRequest(fmt.Sprintf("%q must be a list of strings", name))
	list, ok := b[name].([]any)
	if !ok {
		return nil, wrong
	}
	values := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, wrong
		}
		values = append(values, s)
	}
	return values, nil
}

// number returns a whole number from 1 to most, 0 when it is not there.
func (b body) number(name string, most int) (int, error) {
	v, ok := b[name]
	if !ok {
		return 0, nil
	}
	text, _ := v.(json.Number)
	n, err := strconv.Atoi(text.String())
	if err != nil || n < 1 || n > most {
		return 0, badRequest(fmt.Sprintf("%q must be a whole number from 1 to %d", name, most))
	}
	return n, nil
}
