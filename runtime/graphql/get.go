package graphql

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/strictjson"
)

// maxQuery bounds the query string of a request by GET, in bytes.
const maxQuery = 16 << 10

// allowed are the methods that are answered.
const allowed = http.MethodGet + ", " + http.MethodPost

// get answers a request by GET for a query that is named. Its answer may be kept by
// who asked, and by nobody in between, and is asked for again each time: what comes
// back may be that it is still the same.
func (a *API) get(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // unless there is an answer
	req, refusal := readQuery(r.URL.RawQuery)
	if refusal != nil {
		writeRefusal(w, refusal)
		return
	}
	a.answer(w, r, req)
}

// readQuery reads the query string of a request by GET. It names its document: a
// text in an address ends up in logs, and nobody could tell what a link would ask.
func readQuery(raw string) (*request, *refusal) {
	if len(raw) > maxQuery {
		return nil, tooMuch("bytes", maxQuery)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(codeBadRequest, "the query string is not properly encoded")
	}
	members := map[string]any{}
	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		list := values[name]
		switch {
		case len(list) == 0:
		case len(list) > 1:
			return nil, refuse(codeBadRequest, name+" is given twice")
		case name == "operationName":
			members[name] = list[0]
		case name == "query":
			return nil, refuse(codeBadRequest, "GET takes the name of a document, in extensions.persistedQuery; POST takes its text")
		default:
			if members[name], err = strictjson.Decode([]byte(list[0]), maxDepth); err != nil {
				return nil, refuse(codeBadRequest, name+" is not JSON: "+err.Error())
			}
		}
	}
	if members["extensions"] == nil {
		return nil, refuse(codeBadRequest, "GET takes the name of a document, in extensions.persistedQuery; POST takes its text")
	}
	req, refusal := requestOf(members)
	if refusal == nil {
		req.safe = true
	}
	return req, refusal
}

// keep says how an answer may be kept, and reports whether the caller has the same
// one already.
func keep(h http.Header, r *http.Request, answer []byte) (same bool) {
	sum := sha256.Sum256(answer)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Cookie, X-API-Key")
	h.Set("Etag", tag)
	for _, value := range r.Header["If-None-Match"] {
		for entry := range strings.SplitSeq(value, ",") {
			if strings.TrimPrefix(strings.TrimSpace(entry), "W/") == tag {
				return true
			}
		}
	}
	return false
}

// notAllowed refuses a method.
func (a *API) notAllowed(w http.ResponseWriter, r *http.Request, methods, message string) {
	w.Header().Set("Allow", methods)
	a.errors.Write(w, r, &gate.Error{Status: http.StatusMethodNotAllowed, Message: message})
}
