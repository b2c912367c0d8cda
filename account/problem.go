package account

import "github.com/gatewright/gate"

// A problem is one thing that is wrong with what somebody sent, with the members and
// the codes that a generated service has for its fields.
type problem struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// problems makes the answer of what is wrong with one field.
func problems(status int, message, field, code string, reasons ...string) *gate.Error {
	list := make([]problem, len(reasons))
	for i, reason := range reasons {
		list[i] = problem{field, code, reason}
	}
	return &gate.Error{Status: status, Message: message, Errors: list}
}
