package rest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// The words for what a body does to the rows of a relation.
const (
	wordConnect    = "connect"
	wordDisconnect = "disconnect"
	wordSet        = "set"
)

// routes implements dialect. Rows are written one by one and never replaced; the rows
// of a relation to many are found, connected, set and disconnected on a route of its
// own, in the spelling of the relation.
func (Amplication) routes(h *handlers, route newRoute) []Route {
	e := h.service.Entity()
	one := h.path + "/{id}"
	routes := []Route{
		route(http.MethodGet, h.path, authz.List, h.find),
		route(http.MethodGet, one, authz.View, h.get),
		route(http.MethodPost, h.path, authz.Create, h.create),
		route(http.MethodPatch, one, authz.Update, h.patch),
		route(http.MethodDelete, one, authz.Delete, h.remove),
	}
	if e.SoftDelete != "" {
		routes = append(routes, route(http.MethodPost, one+"/restore", authz.Delete, h.restore))
	}
	for i := range e.Links {
		l := &e.Links[i]
		if !l.Many {
			continue
		}
		path := one + "/" + l.Name
		routes = append(routes,
			route(http.MethodGet, path, authz.View, h.findRelated(l.Name)),
			route(http.MethodPost, path, authz.Update, h.tie(l.Name, wordConnect, http.StatusCreated)),
			route(http.MethodPatch, path, authz.Update, h.set(l.Name)),
			route(http.MethodDelete, path, authz.Update, h.tie(l.Name, wordDisconnect, http.StatusOK)))
	}
	return append(routes, h.files(route)...)
}

// appendRow implements dialect.
func (Amplication) appendRow(dst []byte, row crud.Row) []byte {
	e := row.Entity()
	dst = append(dst, '{')
	first := true
	for id := range row.Fields().All() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		f := &e.Fields[id]
		l := linkOf(e, f)
		if l == nil {
			dst = row.AppendField(f.AppendKey(dst), id)
			continue
		}
		dst = append(model.AppendString(dst, l.Name), ':')
		start := len(dst)
		dst = row.AppendField(append(dst, `{"id":`...), id)
		if string(dst[start:]) == `{"id":null` {
			dst = append(dst[:start], "null"...)
			continue
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// linkOf returns the relation whose key a field is; nil if it is none.
func linkOf(e *model.Entity, f *model.Field) *model.Link {
	if f.Type != model.Relation {
		return nil
	}
	for i := range e.Links {
		if e.Links[i].Key == f.Name {
			return &e.Links[i]
		}
	}
	return nil
}

// lead implements dialect: a list does not say whether there is more. A page that is
// full may be the last one all the same.
func (Amplication) lead(header http.Header, r *http.Request, page *crud.Rows) {
	next := page.Skip + page.Len()
	if page.Limit == 0 || page.Len() < page.Limit || next > query.MaxSkip {
		return
	}
	var pairs []string
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err == nil && name != "skip" && pair != "" {
			pairs = append(pairs, pair)
		}
	}
	pairs = append(pairs, "skip="+strconv.Itoa(next))
	u := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: strings.Join(pairs, "&")}
	header.Set("Link", "<"+u.String()+`>; rel="next"`)
}

// body implements dialect: of a relation to one it takes the id of the row there, or
// null; of one to many which rows are connected and disconnected. Whatever else
// Amplication did to other rows by way of this one is refused by name.
func (Amplication) body(e *model.Entity, body []byte) ([]byte, error) {
	if isList(body) {
		return nil, badBody(model.Problems{{Code: model.CodeMalformed, Message: "rows are made one by one: send an object"}})
	}
	members, err := model.Members(body)
	if err != nil {
		return body, nil //nolint:nilerr // the words for it are those of package crud
	}
	var problems model.Problems
	for i := range members {
		m := &members[i]
		l, ok := e.Link(m.Key)
		switch {
		case !ok:
		case l.Many:
			m.Value, problems = ties(l, m.Value, problems)
		case string(m.Value) != "null":
			m.Value = slices.Concat([]byte(`{"connect":`), m.Value, []byte{'}'})
		case l.Key != "":
			m.Key = l.Key
		default:
			problems.Add(l.Name, model.CodeFormat, "cannot be emptied from this end: the row there has the key")
		}
	}
	if len(problems) > 0 {
		return nil, badBody(problems)
	}
	return object(members), nil
}

func badBody(problems model.Problems) error {
	return &gate.Error{Status: http.StatusBadRequest, Message: "Some fields are wrong", Errors: problems}
}

// ties reads what is done to the rows of a relation to many.
func ties(l *model.Link, value json.RawMessage, problems model.Problems) (json.RawMessage, model.Problems) {
	verbs, err := model.Members(value)
	if err != nil {
		problems.Add(l.Name, model.CodeType, "must be an object with connect and disconnect")
		return nil, problems
	}
	for _, v := range verbs {
		switch v.Key {
		case wordConnect, wordDisconnect:
		case wordSet:
			problems.Add(l.Name+"."+v.Key, model.CodeUnknown, "is for the route of the relation: PATCH …/{id}/"+l.Name)
		default:
			problems.Add(l.Name+"."+shown(v.Key), model.CodeUnknown, "is not among connect and disconnect: other rows are made and changed by requests of their own")
		}
	}
	return value, problems
}

// object writes a JSON object.
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
