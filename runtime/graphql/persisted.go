package graphql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
)

// Persisted queries as Apollo's clients have them: extensions.persistedQuery names a
// document by the SHA-256 of its text, which is sent when the name is not known. What
// is known are the operations of the service, and the valid documents that were used
// last, the same for everybody and without anything of who used them. Documents that
// log in, or write a password, are not among the latter.

// codeUnlisted refuses a document where the operations of the service are all there
// are. Another code would have clients send its text.
const codeUnlisted = "OPERATION_NOT_LISTED"

// A digest names a document.
type digest = [sha256.Size]byte

// persisted reads the name of a document; nil without one.
func persisted(extensions any) (*digest, *refusal) {
	members, _ := extensions.(map[string]any)
	if members["persistedQuery"] == nil {
		return nil, nil
	}
	named, _ := members["persistedQuery"].(map[string]any)
	text, _ := named["sha256Hash"].(string)
	raw, err := hex.DecodeString(text)
	if named["version"] != json.Number("1") || err != nil || len(raw) != sha256.Size {
		return nil, refuse(codeBadRequest, "extensions.persistedQuery must be {version: 1, sha256Hash: 64 hexadecimal digits}")
	}
	return (*digest)(raw), nil
}

// known returns a document by its name, nil for one that is not known.
func (a *API) known(name digest) *ast.QueryDocument {
	if doc := a.listed[name]; doc != nil {
		return doc
	}
	return a.documents.get(name)
}

// named returns the document of a request without a text.
func (a *API) named(req *request) (*ast.QueryDocument, *refusal) {
	doc := a.known(*req.digest)
	if doc == nil && a.only && !a.limits.introspection {
		return nil, notListed()
	}
	if doc == nil {
		r := refuse("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
		r.status = http.StatusOK // clients take 400 for a service without such queries
		return nil, r
	}
	_, excess := a.limits.measure(doc, req.variables)
	return doc, excess
}

// unlisted refuses a text that is none of the operations, where these are all there
// are. In development it says so to the log, and no more.
func (a *API) unlisted(ctx context.Context, req *request) *refusal {
	switch {
	case !a.only:
		return nil
	case !a.limits.introspection:
		return notListed()
	}
	a.logger.WarnContext(ctx, "this document is in no file of operations: production would refuse it", "operation", req.operation)
	return nil
}

func notListed() *refusal {
	return refuse(codeUnlisted, "this service answers its own list of operations, and this is none of them")
}

// readOperations validates the operations of a service. Each is known by its whole text, and by
// it without the white space around it, which editors add and clients do not send.
func readOperations(schema *ast.Schema, files map[string]string) (map[digest]*ast.QueryDocument, error) {
	out := map[digest]*ast.QueryDocument{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		if len(text) > maxText {
			return nil, fmt.Errorf("%s has more than %d bytes", name, maxText)
		}
		doc, err := parse(name, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(doc.Operations) == 0 {
			return nil, fmt.Errorf("%s has no operation", name)
		}
		if errs := validator.Validate(schema, doc, validRules()...); len(errs) > 0 { //nolint:staticcheck // as for every other document
			return nil, fmt.Errorf("%s: %w", name, errs)
		}
		out[sha256.Sum256([]byte(text))] = doc
		out[sha256.Sum256([]byte(strings.TrimSpace(text)))] = doc
	}
	return out, nil
}
