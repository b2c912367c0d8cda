package graphql

import (
	"container/list"
	"context"
	"crypto/sha256"
	"errors"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// maxDocuments is how many valid documents are kept.
const maxDocuments = 128

// maxErrors is how many errors of one document are told.
const maxErrors = 20

// document returns the document of a request when it is within the limits and
// valid. It is measured each time, because what it asks for depends on its
// variables, and validated once.
func (a *API) document(ctx context.Context, req *request) (*ast.QueryDocument, *refusal) {
	if req.query == "" {
		return a.named(req)
	}
	if len(req.query) > maxText {
		return nil, tooMuch("bytes", maxText)
	}
	key := sha256.Sum256([]byte(req.query))
	if req.digest != nil && *req.digest != key {
		return nil, refuse(codeBadRequest, "sha256Hash is not that of the query")
	}
	if doc := a.known(key); doc != nil {
		_, excess := a.limits.measure(doc, req.variables)
		return doc, excess
	}
	if refusal := a.unlisted(ctx, req); refusal != nil {
		return nil, refusal
	}
	doc, err := parse("", req.query)
	if err != nil {
		return nil, parseRefusal(err)
	}
	secret, excess := a.limits.measure(doc, req.variables)
	if excess != nil {
		return nil, excess
	}
	if errs := validator.Validate(a.schema, doc, validRules()...); len(errs) > 0 { //nolint:staticcheck // ValidateWithRules copies and sorts the rules with every call
		return nil, &refusal{errs: located(codeInvalid, errs)}
	}
	if !secret {
		a.documents.put(key, doc)
	}
	return doc, nil
}

func parseRefusal(err error) *refusal {
	e, ok := errors.AsType[*gqlerror.Error](err)
	if !ok {
		return refuse(codeParse, "the document could not be parsed")
	}
	return &refusal{errs: located(codeParse, gqlerror.List{e})}
}

func located(code string, errs gqlerror.List) []answerError {
	var out []answerError
	for _, e := range errs[:min(len(errs), maxErrors)] {
		one := answerError{Message: e.Message, Extensions: extensions{Code: code}}
		for _, l := range e.Locations {
			one.Locations = append(one.Locations, location{l.Line, l.Column})
		}
		out = append(out, one)
	}
	return out
}

// validRules are the rules of the specification (§5). None suggests names: who
// guesses is not helped.
func validRules() []validator.Rule {
	return []validator.Rule{
		rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
		rules.FragmentsOnCompositeTypesRule,
		rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownDirectivesRule,
		rules.KnownFragmentNamesRule,
		rules.KnownRootTypeRule,
		rules.KnownTypeNamesRuleWithoutSuggestions,
		rules.LoneAnonymousOperationRule,
		rules.MaxIntrospectionDepth,
		rules.NoFragmentCyclesRule,
		rules.NoUndefinedVariablesRule,
		rules.NoUnusedFragmentsRule,
		rules.NoUnusedVariablesRule,
		rules.OverlappingFieldsCanBeMergedRule,
		rules.PossibleFragmentSpreadsRule,
		rules.ProvidedRequiredArgumentsRule,
		rules.ScalarLeafsRuleWithoutSuggestions,
		rules.SingleFieldSubscriptionsRule,
		rules.UniqueArgumentNamesRule,
		rules.UniqueDirectivesPerLocationRule,
		rules.UniqueFragmentNamesRule,
		rules.UniqueInputFieldNamesRule,
		rules.UniqueOperationNamesRule,
		rules.UniqueVariableNamesRule,
		rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
		rules.VariablesAreInputTypesRule,
		rules.VariablesInAllowedPositionRule,
	}
}

// documents keeps the valid documents that were used last, by the hash of their
// text. Nothing of a caller is in them: no principal, no variables, no password.
type documents struct {
	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*list.Element
	order *list.List // of kept, the last used in front
}

type kept struct {
	key [sha256.Size]byte
	doc *ast.QueryDocument
}

func newDocuments() *documents {
	return &documents{byKey: map[[sha256.Size]byte]*list.Element{}, order: list.New()}
}

func (d *documents) get(key [sha256.Size]byte) *ast.QueryDocument {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byKey[key]
	if !ok {
		return nil
	}
	d.order.MoveToFront(e)
	return e.Value.(kept).doc //nolint:forcetypeassert // the list holds nothing else
}

func (d *documents) put(key [sha256.Size]byte, doc *ast.QueryDocument) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.byKey[key]; ok {
		return
	}
	d.byKey[key] = d.order.PushFront(kept{key, doc})
	if d.order.Len() > maxDocuments {
		last := d.order.Back()
		delete(d.byKey, d.order.Remove(last).(kept).key) //nolint:forcetypeassert // the list holds nothing else
	}
}
