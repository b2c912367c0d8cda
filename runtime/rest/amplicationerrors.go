package rest

import (
	"net/http"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
)

// errors implements dialect: {statusCode, message, error}. The message about what was
// sent is a list; errors is that list for programs.
func (Amplication) errors() gate.ErrorForm {
	return func(e *gate.Error, requestID string) any {
		body := struct {
			StatusCode int    `json:"statusCode"`
			Message    any    `json:"message"`
			Error      string `json:"error"`
			Errors     any    `json:"errors,omitempty"`
			Data       any    `json:"data,omitempty"`
			RequestID  string `json:"requestId,omitempty"`
		}{e.Status, e.Message, http.StatusText(e.Status), e.Errors, e.Data, requestID}
		if problems, ok := e.Errors.(model.Problems); ok && e.Status == http.StatusBadRequest && len(problems) > 0 {
			list := make([]string, len(problems))
			for i, p := range problems {
				list[i] = strings.TrimSpace(p.Field + " " + p.Message)
			}
			body.Message = list
		}
		return body
	}
}
