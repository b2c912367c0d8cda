package graphql

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// pageSuffix ends the names of types that are a page of rows, with what leads to
// others: ItemPage.
const pageSuffix = "Page"

// The members of a page.
const (
	pageData  = "data"
	pageTotal = "total"
	pageNext  = "nextCursor"
	pagePrev  = "prevCursor"
)

// pageOf returns the entity whose pages are of that type, empty for another type.
func (b *binder) pageOf(name string) string {
	entity, ok := strings.CutSuffix(name, pageSuffix)
	if !ok || b.services[entity] == nil || b.services[name] != nil {
		return ""
	}
	return entity
}

// checkPage compares the type of a page with what there is of one.
func (b *binder) checkPage(f *ast.FieldDefinition, entity string) error {
	for _, member := range b.schema.Types[f.Type.Name()].Fields {
		want := map[string]string{pageData: "[" + entity + "!]", pageTotal: "Int", pageNext: "String", pagePrev: "String"}[member.Name]
		if !strings.HasPrefix(member.Name, "__") && member.Type.String() != want {
			return fmt.Errorf("%s.%s: a page has %s: [%s!], %s: Int, %s: String and %s: String", f.Type.Name(), member.Name, pageData, entity, pageTotal, pageNext, pagePrev)
		}
	}
	return nil
}

// cursor reads after and before; nil without either.
func cursor(args map[string]any) (*query.Cursor, error) {
	after, begins := args["after"].(string)
	before, ends := args["before"].(string)
	switch {
	case begins && ends:
		return nil, badInput("before", model.CodeFormat, "stands beside after: a page begins after a row or ends before one")
	case ends:
		return &query.Cursor{Text: before, Before: true}, nil
	case begins:
		return &query.Cursor{Text: after}, nil
	}
	return nil, nil
}

// page appends a page of rows.
func (x *execution) page(dst []byte, c *call, f selected, args map[string]any) ([]byte, error) {
	members := x.collect(nil, f.below...)
	ask := map[string]int{}
	s := &shape{names: names(c.entity, nil)}
	for _, m := range members {
		ask[m.Name]++
		if m.Name == pageData {
			s = x.shape(c.entity, m.below)
		}
	}
	if ask[pageData] > 1 {
		return nil, badInput(pageData, model.CodeFormat, "is selected once in a page")
	}
	q, err := x.asked(c, args)
	if err != nil {
		return nil, err
	}
	if q.Cursor == nil {
		q.Cursor = &query.Cursor{}
	}
	q.Select, q.Include, q.NoTotal = s.names, s.include, ask[pageTotal] == 0
	rows, err := c.service.FindRows(x.r.Context(), q)
	if err != nil {
		return nil, err
	}
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(model.AppendString(dst, m.Alias), ':')
		dst = x.member(dst, f, m, s, rows)
	}
	return append(dst, '}'), nil
}

// member appends one member of a page.
func (x *execution) member(dst []byte, f, m selected, s *shape, rows *crud.Rows) []byte {
	switch m.Name {
	case pageData:
		return x.rows(dst, s, rows, f.Alias, m.Alias)
	case pageTotal:
		n, err := total(rows)
		if err != nil {
			x.fail(err, f.Alias, m.Alias)
			return append(dst, "null"...)
		}
		return strconv.AppendInt(dst, n, 10)
	case pageNext:
		return appendCursor(dst, rows.Next)
	case pagePrev:
		return appendCursor(dst, rows.Previous)
	case "__typename":
		return model.AppendString(dst, m.ObjectDefinition.Name)
	}
	x.fail(errors.New("graphql: a page has no "+m.Name), f.Alias, m.Alias) // New has looked
	return append(dst, "null"...)
}

func appendCursor(dst []byte, cursor string) []byte {
	if cursor == "" {
		return append(dst, "null"...)
	}
	return model.AppendString(dst, cursor)
}

// total returns how many rows there are as an Int, which has 32 bits.
func total(rows *crud.Rows) (int64, error) {
	if rows.Total > math.MaxInt32 {
		return 0, &gate.Error{Status: http.StatusBadRequest, Message: "There are more rows than an Int can count"}
	}
	return rows.Total, nil
}
