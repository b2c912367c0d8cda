package graphql

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
)

// Persisted queries as Apollo's clients have them: extensions.persistedQuery names a
// document by the SHA-256 of its text, which is sent when the name is not known. What
// is known are the valid documents that were used last, the same for everybody and
// without anything of who used them. Documents that log in, or write a password, are
// not among them.

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

// named returns the document of a request without a text.
func (a *API) named(req *request) (*ast.QueryDocument, *refusal) {
	doc := a.documents.get(*req.digest)
	if doc == nil {
		r := refuse("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
		r.status = http.StatusOK // clients take 400 for a service without such queries
		return nil, r
	}
	_, excess := a.limits.measure(doc, req.variables)
	return doc, excess
}
