package model

import (
	"slices"
	"strings"
)

func parseRoles(v any) (any, fault) {
	roles, ok := v.([]string)
	if !ok {
		return nil, fault{CodeType, "must be a list of strings"}
	}
	if len(roles) > maxRoles {
		return nil, fault{CodeTooLong, "must have at most 100 entries"}
	}
	for i, role := range roles {
		if role == "" || checkRunes(role).bad() {
			return nil, fault{CodeFormat, "must be a list of names"}
		}
		if slices.Contains(roles[:i], role) {
			return nil, fault{CodeFormat, "must not name a role twice"}
		}
	}
	return roles, fault{}
}

// parseValues takes values of the enum, each once, and keeps their order.
func (f *Field) parseValues(v any) (any, fault) {
	list, ok := Plain(v).([]string)
	if others, is := v.([]any); is {
		list, ok = make([]string, len(others)), true
		for i, other := range others {
			text, isText := Plain(other).(string)
			list[i], ok = text, ok && isText
		}
	}
	if !ok {
		return nil, fault{CodeType, "must be a list of values"}
	}
	if len(list) > len(f.Values) { // before each is compared with the others
		return nil, fault{CodeTooLong, "must have at most " + count(len(f.Values), "value") + ", each once"}
	}
	for i, value := range list {
		if !slices.Contains(f.Values, value) {
			return nil, f.notAValue()
		}
		if slices.Contains(list[:i], value) {
			return nil, fault{CodeFormat, "must not have a value twice: " + value}
		}
	}
	return list, fault{}
}

func (f *Field) notAValue() fault {
	return fault{CodeNotInList, "must be one of " + strings.Join(f.Values, ", ")}
}
