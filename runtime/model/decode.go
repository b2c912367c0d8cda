package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gatewright/gate/internal/strictjson"
)

// A Member is one member of a JSON object: a name and a value that is checked
// JSON.
type Member = strictjson.Member

// Members returns the members of the JSON object in body. What could be read in
// two ways is refused: members that are there twice, half surrogate pairs,
// bytes that are not UTF-8, more than one value.
func Members(body []byte) ([]Member, error) {
	members, err := strictjson.Members(body)
	if err != nil {
		return nil, Problems{{Code: CodeMalformed, Message: err.Error()}}
	}
	return members, nil
}

// Decode reads a JSON value, as [Members] answers it, into the field at p. What
// is wrong with it comes back as a [Problem]; then p is as it was.
func (f *Field) Decode(raw json.RawMessage, p any) (Problem, bool) {
	v, bad := f.decode(raw)
	if !bad.bad() && v == nil && f.Required {
		bad = fault{CodeRequired, "must not be null"}
	}
	if bad.bad() {
		return Problem{Field: f.Name, Code: bad.code, Message: bad.message}, false
	}
	f.Store(p, v)
	return Problem{}, true
}

// Check checks the value in the field at p by the rules of the field. It is for
// values that came from Go; [Field.Decode] has done it.
func (f *Field) Check(p any) (Problem, bool) {
	v, bad := f.parse(f.Value(p))
	if !bad.bad() && v == nil && f.Required {
		bad = fault{CodeRequired, "must not be null"}
	}
	if bad.bad() {
		return Problem{Field: f.Name, Code: bad.code, Message: bad.message}, false
	}
	f.Store(p, v) // in its one spelling: scale, zone, case of an id
	return Problem{}, true
}

func (f *Field) decode(raw json.RawMessage) (any, fault) {
	if f.Type == JSON {
		return decodeJSON(raw)
	}
	switch raw[0] {
	case 'n':
		return nil, fault{}
	case 't', 'f':
		if f.Type == Boolean {
			return raw[0] == 't', fault{}
		}
	case '"':
		if f.isText() {
			s, err := strictjson.Unquote(raw)
			if err != nil {
				return nil, fault{CodeFormat, "must be a string"}
			}
			return f.parse(s)
		}
		if f.Quoted {
			return f.decodeQuoted(raw)
		}
	case '[':
		if f.Type == Roles || f.Type == MultiEnum {
			most := maxRoles
			if f.Type == MultiEnum {
				most = len(f.Values)
			}
			if strictjson.Longer(raw, most) {
				return f.parse(make([]string, most+1)) // which is refused for its length
			}
			var list []string
			if json.Unmarshal(raw, &list) == nil {
				return f.parse(list)
			}
		}
	case '{':
		if f.Type == GeoType {
			return decodeGeo(raw)
		}
	default:
		switch f.Type {
		case Integer, DecimalType, Float, ID, Relation:
			return f.parse(json.Number(raw))
		}
	}
	return nil, fault{CodeType, "must be " + f.wants()}
}

// decodeQuoted reads a number that is a string.
func (f *Field) decodeQuoted(raw json.RawMessage) (any, fault) {
	s, err := strictjson.Unquote(raw)
	if _, number := parseJSONFloat(s); err != nil || !number {
		return nil, fault{CodeType, "must be " + f.wants()}
	}
	return f.parse(json.Number(s))
}

// isText reports whether the field is a string in JSON.
func (f *Field) isText() bool {
	switch f.Type {
	case Integer, DecimalType, Float, Boolean, Roles, JSON, MultiEnum, GeoType, FileType:
		return false
	case ID, Relation:
		return f.ID != Serial
	}
	return true
}

func (f *Field) wants() string {
	switch {
	case f.Type == DateType:
		return "a date such as \"2026-11-21\""
	case f.Type == DateTime || f.Type == CreatedAt || f.Type == UpdatedAt:
		return "a time such as \"2026-11-21T11:45:40Z\""
	case f.Type == Boolean:
		return "true or false"
	case f.Type == Roles:
		return "a list of strings"
	case f.Type == MultiEnum:
		return "a list of values"
	case f.Type == GeoType:
		return geoForm
	case f.Type == FileType:
		return "sent at a path of its own"
	case f.Quoted && f.Type == Integer:
		return "an integer, as a string such as \"42\""
	case f.Quoted:
		return "a number, as a string such as \"9.99\""
	case f.Type == Integer || f.serial():
		return "an integer"
	case f.isText():
		return "a string"
	}
	return "a number"
}

// decodeJSON refuses what a JSON column cannot keep, and spells it as it will be read.
func decodeJSON(raw json.RawMessage) (any, fault) {
	if string(raw) == "null" {
		return nil, fault{}
	}
	s := speller{from: json.NewDecoder(bytes.NewReader(raw)), out: make([]byte, 0, len(raw))}
	s.from.UseNumber()
	if bad := s.next(); bad.bad() {
		return nil, bad
	}
	if s.from.More() {
		return nil, fault{CodeFormat, "must be JSON"}
	}
	return json.RawMessage(s.out), fault{}
}

// maxDigits bounds a number inside a JSON field, so that no database has to
// refuse it.
const maxDigits = 300

// maxZeros bounds those that all exponents of a value stand for, which are written out.
const maxZeros = 64 << 10

// modest returns the zeros that the exponent of a number stands for, and whether the
// number is within bounds when it is written out.
func modest(number string) (zeros int, ok bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	exp, err := strconv.Atoi(cmp.Or(exponent, "0"))
	if err != nil || exp > maxDigits || exp < -maxDigits {
		return 0, false
	}
	zeros = max(exp, -exp)
	return zeros, len(strings.TrimLeft(mantissa, "-"))-strings.Count(mantissa, ".")+zeros <= maxDigits
}
