package shape

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The checks of values. Each returns what is wrong, in the words of a schema
// validator; "" is right.

// A check returns what is wrong with a value; "" is right.
type check = func(json.RawMessage) string

// Text is a text of that many characters, without control characters.
func Text(least, most int) check {
	return func(raw json.RawMessage) string {
		var s string
		if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
			return "Expected type string but found type " + TypeOf(raw)
		}
		return Judge(least, most, s)
	}
}

// Judge is what [Text] says of a text that was read.
func Judge(least, most int, s string) string {
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		return fmt.Sprintf("String is too short (%d chars), minimum %d", n, least)
	case n > most:
		return fmt.Sprintf("String is too long (%d chars), maximum %d", n, most)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f }) {
		return "String holds control characters"
	}
	return ""
}

// Matching is a text that a function takes; form says what that is.
func Matching(form string, most int, match func(string) bool) check {
	base := Text(1, most)
	return func(raw json.RawMessage) string {
		if why := base(raw); why != "" {
			return why
		}
		var s string
		_ = json.Unmarshal(raw, &s) // base read it
		if !match(s) {
			return "Object didn't pass validation for format " + form + ": " + Cut(s, 64)
		}
		return ""
	}
}

// Boolean is true or false.
func Boolean(raw json.RawMessage) string {
	if s := string(raw); s != "true" && s != "false" {
		return "Expected type boolean but found type " + TypeOf(raw)
	}
	return ""
}

// Integer is a whole number between two.
func Integer(least, most int64) check {
	return func(raw json.RawMessage) string {
		var n int64
		if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') || json.Unmarshal(raw, &n) != nil {
			return "Expected type integer but found type " + TypeOf(raw)
		}
		switch {
		case n < least:
			return fmt.Sprintf("Value %d is less than minimum %d", n, least)
		case n > most:
			return fmt.Sprintf("Value %d is greater than maximum %d", n, most)
		}
		return ""
	}
}

// Number is a number above zero.
func Number(most float64) check {
	return func(raw json.RawMessage) string {
		var n float64
		if TypeOf(raw) != "number" || json.Unmarshal(raw, &n) != nil {
			return "Expected type number but found type " + TypeOf(raw)
		}
		if n <= 0 || n > most {
			return fmt.Sprintf("Value %g is not between 0 and %g", n, most)
		}
		return ""
	}
}

// OneOf is one of some texts.
func OneOf(list ...string) check {
	return func(raw json.RawMessage) string {
		var s string
		if TypeOf(raw) != "string" || json.Unmarshal(raw, &s) != nil {
			return "Expected type string but found type " + TypeOf(raw)
		}
		if !slices.Contains(list, s) {
			return "No enum match for: " + Cut(s, 64)
		}
		return ""
	}
}

// List is an array of at most that many items, each of which passes a check.
func List(most int, item check) check {
	return func(raw json.RawMessage) string {
		var items []json.RawMessage
		if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
			return "Expected type array but found type " + TypeOf(raw)
		}
		if len(items) > most {
			return fmt.Sprintf("Array is too long (%d), maximum %d", len(items), most)
		}
		for _, i := range items {
			if why := item(i); why != "" {
				return why
			}
		}
		return ""
	}
}

// ObjectOf is an object of at most that many members, of at most that many bytes.
func ObjectOf(members, size int) check {
	return func(raw json.RawMessage) string {
		var o map[string]json.RawMessage
		if raw[0] != '{' || json.Unmarshal(raw, &o) != nil {
			return "Expected type object but found type " + TypeOf(raw)
		}
		if len(o) > members || len(raw) > size {
			return fmt.Sprintf("Object is too large, maximum %d members and %d bytes", members, size)
		}
		return ""
	}
}

// Pairs is an object of texts; null removes one.
func Pairs(members, length int) check {
	item := Text(0, length)
	return func(raw json.RawMessage) string {
		if why := ObjectOf(members, members*8*length)(raw); why != "" {
			return why
		}
		var o map[string]json.RawMessage
		_ = json.Unmarshal(raw, &o) // ObjectOf read it
		for name, value := range o {
			if utf8.RuneCountInString(name) > length {
				return "the name of a member is too long"
			}
			if string(value) == "null" {
				continue
			}
			if why := item(value); why != "" {
				return why
			}
		}
		return ""
	}
}

// TypeOf returns the name of the type of a value.
func TypeOf(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}
