package realtime

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// maxQueryDepth is deeper than any query that the grammar takes.
const maxQueryDepth = 2*query.MaxDepth + 3

// queryString spells a JSON object as the query string that means the same:
//
//	{"price": {"$lt": 10}, "$select": ["name"]}
//	price[$lt]=10&$select[0]=name
//
// There a null is told by $null, so {"image": null} becomes image[$null]=true.
// What a query string could not say is refused, above all an empty list or
// object, which would vanish and with it the condition.
func queryString(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	members, err := strictjson.Members(raw)
	if err != nil {
		return "", badQuery("", "the query must be a JSON object: "+err.Error())
	}
	var w pairs
	w.object("", members, 0)
	if len(w.problems) > 0 {
		return "", &gate.Error{Status: http.StatusBadRequest, Message: "The query is not valid", Errors: w.problems}
	}
	return w.text.String(), nil
}

func badQuery(name, message string) error {
	var problems model.Problems
	problems.Add(name, model.CodeMalformed, message)
	return &gate.Error{Status: http.StatusBadRequest, Message: "The query is not valid", Errors: problems}
}

// pairs collects the pairs of a query string and what is wrong with them.
type pairs struct {
	text     strings.Builder
	problems model.Problems
}

func (w *pairs) bad(path, message string) {
	if len(w.problems) < 50 {
		w.problems.Add(brief(path), model.CodeMalformed, message)
	}
}

func (w *pairs) add(path, value string) {
	if w.text.Len() > 0 {
		w.text.WriteByte('&')
	}
	w.text.WriteString(url.QueryEscape(path))
	w.text.WriteByte('=')
	w.text.WriteString(url.QueryEscape(value))
}

func (w *pairs) object(path string, members strictjson.Object, depth int) {
	if path != "" && len(members) == 0 {
		w.bad(path, "must not be empty")
	}
	for _, m := range members {
		if m.Key == "" || strings.ContainsAny(m.Key, "[]") {
			w.bad(path+m.Key, "is not a name")
			continue
		}
		kid := m.Key
		if path != "" {
			kid = path + "[" + m.Key + "]"
		}
		w.value(path, kid, m, depth)
	}
}

// value adds one member of the object at parent.
func (w *pairs) value(parent, path string, m strictjson.Member, depth int) {
	if depth > maxQueryDepth {
		w.bad(path, "is nested too deep")
		return
	}
	switch m.Value[0] {
	case '{':
		members, err := strictjson.Members(m.Value)
		if err != nil {
			w.bad(path, "is not a JSON object")
			return
		}
		w.object(path, members, depth+1)
	case '[':
		w.list(path, m.Value, depth)
	case 'n':
		switch {
		case m.Key == "$ne" && parent != "":
			w.add(parent+"[$null]", "false")
		case m.Key[0] != '$':
			w.add(path+"[$null]", "true")
		default:
			w.bad(path, "must not be null")
		}
	case '"':
		text, err := strictjson.Unquote(m.Value)
		if err != nil {
			w.bad(path, "is not a text")
			return
		}
		w.add(path, text)
	default:
		w.add(path, string(m.Value)) // a number, true or false
	}
}

func (w *pairs) list(path string, raw json.RawMessage, depth int) {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		w.bad(path, "is not a list")
		return
	}
	switch {
	case len(elements) == 0:
		w.bad(path, "must not be an empty list")
	case len(elements) > query.MaxValues:
		w.bad(path, "has too many elements")
		return
	}
	for i, element := range elements {
		kid := path + "[" + strconv.Itoa(i) + "]"
		if element[0] == 'n' || element[0] == '[' {
			w.bad(kid, "must be a value")
			continue
		}
		w.value(path, kid, strictjson.Member{Key: strconv.Itoa(i), Value: element}, depth+1)
	}
}
