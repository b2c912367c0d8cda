package tenant

import (
	"encoding/json"
	"fmt"
	"strings"
)

// An identifier is a name that Auth0's exports of today list beside the members of
// the row, or instead of them.
type identifier struct {
	Type     string `json:"type"`
	Value    string `json:"value"`
	Verified bool   `json:"verified"`
}

// takeIdentifiers puts what the member identifiers of a row says where the row
// itself says nothing: the first of each type, and whether that was proven. The
// member is gone afterwards.
func takeIdentifiers(row map[string]json.RawMessage) error {
	data, ok := row["identifiers"]
	if !ok {
		return nil
	}
	delete(row, "identifiers")
	var list []identifier
	if err := json.Unmarshal(data, &list); err != nil {
		return wrong("identifiers", shortened(err).Error())
	}
	if len(list) > 30 {
		return wrong("identifiers", "Too many items, 30 at most")
	}
	for i, id := range list {
		verified := ""
		switch id.Type {
		case "email":
			verified = "email_verified"
		case "phone_number":
			verified = "phone_verified"
		case "username":
		default:
			return wrong(fmt.Sprintf("identifiers[%d].type", i), "has to be email, phone_number or username")
		}
		if id.Value == "" {
			return wrong(fmt.Sprintf("identifiers[%d].value", i), "is empty")
		}
		var said string
		if row[id.Type] != nil && (json.Unmarshal(row[id.Type], &said) != nil || !strings.EqualFold(said, id.Value)) {
			continue // what the row says itself wins, also whether it was proven
		}
		put(row, id.Type, id.Value)
		if verified != "" && row[verified] == nil {
			put(row, verified, id.Verified)
		}
	}
	return nil
}

// put sets a member of a row to a text or a truth value.
func put(row map[string]json.RawMessage, name string, value any) {
	row[name], _ = json.Marshal(value) //nolint:errchkjson // neither fails
}
