package idp

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatewright/gate/internal/strictjson"
)

const (
	maxBody  = 64 << 10
	maxQuery = 8 << 10
)

// federatedParam is the one parameter that needs no value, as in /v2/logout?federated.
const federatedParam = "federated"

// params are the parameters of a request: each once, never empty (RFC 6749
// §3.1: one without a value is treated as absent).
type params map[string]string

func (p params) list(name string) []string { return strings.Fields(p[name]) }

// queryParams reads the parameters of an address.
func queryParams(r *http.Request) (params, error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, refuse("invalid_request", "The query is too long")
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse("invalid_request", "The query is not well-formed")
	}
	return single(values)
}

// bodyParams reads the parameters of a body: a form, or one JSON object as
// Auth0's SDKs send it.
func bodyParams(w http.ResponseWriter, r *http.Request) (params, error) {
	for _, coding := range r.Header["Content-Encoding"] {
		if !strings.EqualFold(coding, "identity") {
			return nil, &oauthError{status: http.StatusUnsupportedMediaType, code: "invalid_request", description: "Send the body without a Content-Encoding"}
		}
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, &oauthError{status: http.StatusRequestEntityTooLarge, code: "invalid_request", description: "The body is too large"}
		}
		return nil, refuse("invalid_request", "The body cannot be read")
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(data))
		if err != nil {
			return nil, refuse("invalid_request", "The body is not well-formed")
		}
		return single(values)
	case err == nil && kind == "application/json":
		return jsonParams(data)
	case len(data) == 0:
		return params{}, nil
	}
	return nil, refuse("invalid_request", "The body has to be application/x-www-form-urlencoded or application/json")
}

// single returns the parameters that are there once.
func single(values url.Values) (params, error) {
	out := make(params, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list := values[name]
		if len(list) > 1 {
			return nil, refuse("invalid_request", shown(name)+" was sent more than once")
		}
		if !utf8.ValidString(list[0]) || strings.ContainsRune(list[0], 0) {
			return nil, refuse("invalid_request", shown(name)+" is not text")
		}
		switch {
		case list[0] != "":
			out[name] = list[0]
		case name == federatedParam:
			out[name] = name
		}
	}
	return out, nil
}

// metadataParam is the one parameter that is an object; it is kept as JSON.
const metadataParam = "user_metadata"

// jsonParams reads an object. Values that are no text are left out, as
// parameters that nobody knows are: except that numbers become text.
func jsonParams(data []byte) (params, error) {
	value, err := strictjson.Decode(data, 0)
	object, ok := value.(map[string]any)
	if err != nil || !ok {
		return nil, refuse("invalid_request", "The body is not a JSON object, or has a member twice")
	}
	out := make(params, len(object))
	for name, value := range object {
		switch v := value.(type) {
		case string:
			if v != "" && !strings.ContainsRune(v, 0) {
				out[name] = v
			}
		case map[string]any:
			if data, err := json.Marshal(v); name == metadataParam && err == nil {
				out[name] = string(data)
			}
		case interface{ String() string }: // json.Number
			out[name] = v.String()
		}
	}
	return out, nil
}

// shown names a parameter in an error text, which a page may print: in no words that
// whoever wrote the address chose.
func shown(name string) string {
	if len(name) > 40 || strings.Trim(name, unreserved) != "" {
		return "A parameter"
	}
	return "Parameter '" + name + "'"
}

func unique(list []string) []string {
	var out []string
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// maxScope bounds the scopes that a request asks for, in bytes: some four hundred.
const maxScope = 8 << 10

// scope returns the scopes that a request asks for, each once.
func (p params) scope() ([]string, error) {
	if len(p["scope"]) > maxScope {
		return nil, refuse("invalid_scope", "scope is too long")
	}
	return unique(p.list("scope")), nil
}
