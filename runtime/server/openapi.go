package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/model"
)

// ownTag is that of own routes.
var ownTag = map[string]string{"name": "own routes", "description": "What the service has besides its entities."}

// describe adds own routes to an OpenAPI document, of which all else stays as it is.
func describe(doc []byte, routes []*action.Action) ([]byte, error) {
	if len(routes) == 0 {
		return doc, nil
	}
	top, err := model.Members(doc)
	if err != nil {
		return nil, fmt.Errorf("the OpenAPI document: %w", err)
	}
	at := slices.IndexFunc(top, func(m model.Member) bool { return m.Key == "paths" })
	if at < 0 {
		return doc, nil
	}
	paths, err := model.Members(top[at].Value)
	if err != nil {
		return nil, fmt.Errorf("the OpenAPI document: paths: %w", err)
	}
	var known struct {
		Components struct {
			Responses map[string]json.RawMessage `json:"responses"`
		} `json:"components"`
	}
	if err := json.Unmarshal(doc, &known); err != nil {
		return nil, fmt.Errorf("the OpenAPI document: %w", err)
	}
	for _, r := range routes {
		operation, err := json.Marshal(operationOf(r, func(name string) bool { return known.Components.Responses[name] != nil }))
		if err != nil {
			return nil, fmt.Errorf("the OpenAPI document: %s: %w", r.Name, err)
		}
		item := model.Member{Key: strings.ToLower(r.Method), Value: operation}
		i := slices.IndexFunc(paths, func(m model.Member) bool { return m.Key == r.Path })
		if i < 0 {
			paths = append(paths, model.Member{Key: r.Path, Value: object([]model.Member{item})})
			continue
		}
		operations, err := model.Members(paths[i].Value)
		if err != nil {
			return nil, fmt.Errorf("the OpenAPI document: %s: %w", r.Path, err)
		}
		paths[i].Value = object(append(operations, item))
	}
	top[at].Value = object(paths)
	at = slices.IndexFunc(top, func(m model.Member) bool { return m.Key == "tags" })
	if at < 0 {
		at, top = len(top), append(top, model.Member{Key: "tags", Value: []byte("[]")})
	}
	var tags []any
	if err := json.Unmarshal(top[at].Value, &tags); err != nil {
		return nil, fmt.Errorf("the OpenAPI document: tags: %w", err)
	}
	top[at].Value, err = json.Marshal(append(tags, ownTag))
	return object(top), err
}

func object(members []model.Member) []byte {
	dst := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(model.AppendString(dst, m.Key), ':'), m.Value...)
	}
	return append(dst, '}')
}

// operationOf describes one route.
func operationOf(r *action.Action, shared func(response string) bool) map[string]any {
	summary := r.Description
	if summary == "" {
		summary = r.Name
	}
	op := map[string]any{"operationId": operationID(r), "tags": []string{ownTag["name"]}, "summary": summary, "description": "For: " + strings.Join(r.Rules, ", ") + "."}
	if slices.Contains(r.Rules, "public") {
		op["security"] = []any{}
	}
	refusals := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable}
	words := braced(r.Path)
	inPath := func(name string) bool { return slices.Contains(words, name) }
	bodyless := r.Method == http.MethodGet || r.Method == http.MethodDelete
	var params []any
	if r.Input != nil {
		for i := range r.Input.Members {
			m := &r.Input.Members[i]
			if !bodyless && !inPath(m.Name) {
				continue
			}
			place := "query"
			if inPath(m.Name) {
				place = "path"
			}
			present := *m
			present.Required = true // it is there, or it is not
			params = append(params, map[string]any{"name": m.Name, "in": place, "required": m.Required, "schema": present.Schema(false)})
		}
		if !bodyless && len(words) < len(r.Input.Members) {
			op["requestBody"] = map[string]any{"required": true, "content": content(r.Input.Schema(false, inPath))}
			refusals = append(refusals, http.StatusUnsupportedMediaType)
		}
	}
	if params != nil {
		op["parameters"] = params
	}
	responses := map[string]any{}
	switch {
	case r.Output == nil:
		responses["204"] = map[string]any{"description": "Done."}
	case r.List:
		responses["200"] = map[string]any{"description": "What was asked for.", "content": content(map[string]any{"type": "array", "items": r.Output.Schema(true, nil)})}
	default:
		responses["200"] = map[string]any{"description": "What was asked for.", "content": content(r.Output.Schema(true, nil))}
	}
	for _, status := range refusals {
		responses[strconv.Itoa(status)] = refusal(status, shared)
	}
	op["responses"] = responses
	return op
}

func content(schema any) map[string]any {
	return map[string]any{"application/json": map[string]any{"schema": schema}}
}

// refusal describes an error: as the document does elsewhere, if it does.
func refusal(status int, shared func(string) bool) map[string]any {
	name := map[int]string{
		http.StatusBadRequest: "BadRequest", http.StatusUnauthorized: "NotAuthenticated", http.StatusForbidden: "Forbidden",
		http.StatusServiceUnavailable: "Unavailable", http.StatusUnsupportedMediaType: "UnsupportedMediaType",
	}[status]
	if shared(name) {
		return map[string]any{"$ref": "#/components/responses/" + name}
	}
	return map[string]any{"description": http.StatusText(status) + "."}
}

// operationID makes a name of a method and a path: postApiQuotes.
func operationID(r *action.Action) string {
	var id strings.Builder
	id.WriteString(strings.ToLower(r.Method))
	for _, word := range strings.FieldsFunc(r.Path, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') }) {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}
