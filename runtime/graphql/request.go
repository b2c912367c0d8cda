package graphql

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/runtime/crud"
)

// maxBody bounds the body of a request, maxDepth how deep it is nested, and
// maxTime how long all that it asks for may take. A change has a time of its own, which it
// may extend ([crud.Extend]); after maxTime no further one begins.
const (
	maxBody  = 64 << 10
	maxDepth = 32
	maxTime  = 10 * time.Second
)

// request is what a client asks.
type request struct {
	query     string
	digest    *digest // of the query, which may be missing then; nil for none
	operation string
	variables map[string]any
	safe      bool // changes nothing: it came by GET
}

// MaxBody returns how many bytes of a body are taken.
func (a *API) MaxBody() int64 { return maxBody }

// ServeHTTP answers POST with a body of application/json: {query, variables,
// operationName, extensions}. Nothing else is taken, so that no page of another origin can
// change anything with the cookies of a browser (GraphQL over HTTP §5; Fetch §2.2.2). GET
// asks for a query by its name, see [persisted].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, known := gate.PrincipalFromContext(r.Context()); known {
		w.Header().Set("Cache-Control", "no-store")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	w.Header().Add("Vary", "Accept")
	w.Header()["Content-Type"] = []string{mediaType(r.Header.Values("Accept"))}
	switch r.Method {
	case http.MethodPost:
	case http.MethodGet, http.MethodHead:
		a.get(w, r)
		return
	default:
		a.notAllowed(w, r, allowed, "")
		return
	}
	body, err := readBody(w, r)
	if err != nil {
		a.errors.Write(w, r, err)
		return
	}
	req, refusal := readRequest(body)
	if refusal != nil {
		writeRefusal(w, refusal)
		return
	}
	a.answer(w, r, req)
}

// answer executes a request, unless something about it is wrong.
func (a *API) answer(w http.ResponseWriter, r *http.Request, req *request) {
	doc, refusal := a.document(r.Context(), req)
	if refusal != nil {
		writeRefusal(w, refusal)
		return
	}
	op, refusal := operation(doc, req.operation)
	if refusal != nil {
		writeRefusal(w, refusal)
		return
	}
	if req.safe && op.Operation != ast.Query {
		a.notAllowed(w, r, http.MethodPost, "A mutation goes by POST")
		return
	}
	if _, keyed := r.Header["Idempotency-Key"]; keyed && op.Operation != ast.Query {
		// whoever sends one takes it that this happens once, and may send it again
		writeRefusal(w, refuse(codeBadRequest, "Idempotency-Key is not kept for mutations: this would be done again"))
		return
	}
	in := inputs{schema: a.schema}
	variables, err := in.variables(op, req.variables)
	if err != nil {
		writeRefusal(w, refuseInput(err))
		return
	}
	if err := crud.Room(r.Context()); err != nil {
		a.errors.Write(w, r, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if op.Operation != ast.Mutation {
		ctx, cancel = context.WithTimeout(ctx, a.patience)
		defer cancel()
	}
	ctx, made := crud.MakeAnswer(ctx, op.Operation == ast.Mutation)
	defer made()
	x := &execution{api: a, w: w, r: r.WithContext(ctx), doc: doc, inputs: inputs{schema: a.schema, values: variables}}
	out := x.run(op)
	h := w.Header()
	if req.safe && len(x.errs) == 0 && keep(h, r, out) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	var release func()
	if op.Operation == ast.Mutation {
		release = crud.KeepAnswer(ctx, out)
	} else if release, err = crud.HoldAnswer(ctx, out); err != nil {
		a.errors.Write(w, r, err)
		return
	}
	defer release()
	h["Content-Length"] = []string{strconv.Itoa(len(out))}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(out) // nobody is left to be told
}

// operation picks the operation of that name; no name picks the only one.
func operation(doc *ast.QueryDocument, name string) (*ast.OperationDefinition, *refusal) {
	if name == "" && len(doc.Operations) == 1 {
		return doc.Operations[0], nil
	}
	for _, op := range doc.Operations {
		if name != "" && op.Name == name {
			return op, nil
		}
	}
	if name == "" {
		return nil, refuse(codeBadRequest, "the document does not have exactly one operation: operationName says which is meant")
	}
	return nil, refuse(codeBadRequest, "the document has no operation of that name")
}

// mediaType is the type of an answer: that of GraphQL for clients that know it,
// and otherwise JSON (GraphQL over HTTP §6).
func mediaType(accept []string) string {
	const own = "application/graphql-response+json"
	for _, value := range accept {
		for entry := range strings.SplitSeq(value, ",") {
			if media, params, err := mime.ParseMediaType(entry); err == nil && media == own && params["q"] != "0" {
				return own
			}
		}
	}
	return "application/json"
}

// readBody returns the body, which must say that it is JSON.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if !isJSON(r.Header["Content-Type"]) {
		return nil, &gate.Error{Status: http.StatusUnsupportedMediaType, Message: "The body must be application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &gate.Error{Status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return nil, gate.Unreadable(err)
	}
	return body, nil
}

// isJSON reports whether the one Content-Type is application/json, in UTF-8.
func isJSON(types []string) bool {
	if len(types) != 1 {
		return false
	}
	media, params, err := mime.ParseMediaType(types[0])
	if err != nil || media != "application/json" {
		return false
	}
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}

// readRequest reads a body. A list of requests is refused like everything that
// is not an object.
func readRequest(body []byte) (*request, *refusal) {
	decoded, err := strictjson.Decode(body, maxDepth)
	if err != nil {
		return nil, refuse(codeBadRequest, "the body is not JSON: "+err.Error())
	}
	members, ok := decoded.(map[string]any)
	if !ok {
		return nil, refuse(codeBadRequest, "the body must be one JSON object")
	}
	return requestOf(members)
}

// requestOf reads the members of a request.
func requestOf(members map[string]any) (*request, *refusal) {
	req := &request{}
	for _, m := range []struct {
		name string
		ok   func(any) bool
	}{
		{"query", func(v any) (ok bool) { req.query, ok = v.(string); return ok }},
		{"operationName", func(v any) (ok bool) { req.operation, ok = v.(string); return ok }},
		{"variables", func(v any) (ok bool) { req.variables, ok = v.(map[string]any); return ok }},
		{"extensions", func(v any) bool { _, ok := v.(map[string]any); return ok }},
	} {
		if v := members[m.name]; v != nil && !m.ok(v) {
			return nil, refuse(codeBadRequest, m.name+" has another type than it should")
		}
	}
	var wrong *refusal
	if req.digest, wrong = persisted(members["extensions"]); wrong != nil {
		return nil, wrong
	}
	if req.query == "" && req.digest == nil {
		return nil, refuse(codeBadRequest, "query is missing")
	}
	return req, nil
}
