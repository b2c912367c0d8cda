package permtest_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
)

// shelf is a design whose rows are kept when they are deleted, and which nobody changes
// in all of their states.
const shelf = `gate: 1
service: {name: shop, module: example.com/shop}
entities:
  Shelf:
    fields:
      name: {type: text, required: true}
      closed: {type: boolean, required: true, default: false}
    softDelete: true
    allow:
      view: public
      list: public
      create: nobody
      update: [{rules: public, when: {closed: false}}]
      delete: [{rules: public, when: {closed: false}}]
  Box:
    fields:
      label: {type: text, required: true}
      hidden: {type: boolean, required: true, default: false}
      shelf: {type: relation, to: Shelf, required: true, inverse: boxes}
    allow: {view: [{rules: public, when: {hidden: false}}], list: [{rules: public, when: {hidden: false}}]}
`

// A way is a way to rows on which no rule holds.
type way struct {
	*crud.Resource[line]

	open string
}

// as is the context for a way.
func (w way) as(ctx context.Context, name string) context.Context {
	if w.open == name {
		return authz.System(ctx)
	}
	return ctx
}

func (w way) PatchRows(ctx context.Context, q *query.Query, body []byte, sel []string, opts ...crud.Option) (*crud.Rows, error) {
	return w.Resource.PatchRows(w.as(ctx, "patch"), q, body, sel, opts...)
}

func (w way) RemoveRows(ctx context.Context, q *query.Query, sel []string, opts ...crud.Option) (*crud.Rows, error) {
	return w.Resource.RemoveRows(w.as(ctx, "remove"), q, sel, opts...)
}

func (w way) RestoreRow(ctx context.Context, id string, sel []string, opts ...crud.Option) (crud.Row, error) {
	return w.Resource.RestoreRow(w.as(ctx, "restore"), id, sel, opts...)
}

func (w way) FindRelated(ctx context.Context, id, relation string, q *query.Query) (*crud.Rows, error) {
	return w.Resource.FindRelated(w.as(ctx, "related"), id, relation, q)
}

// TestRun_manifold wants no complaint about changes of many rows, rows that come back
// and those of one row where rules hold, and one about each way on which none does.
func TestRun_manifold(t *testing.T) {
	long(t)
	for open, want := range map[string]string{
		"":        "",
		"patch":   "anonymous · update · Shelf · rest: refused, and changed name",
		"remove":  "anonymous · delete · Shelf · rest: refused, and the row is gone (of several rows",
		"restore": "anonymous · delete · Shelf · rest: want 404, got 200 (restore, a row, closed=true)",
		"related": "anonymous · include · Shelf.boxes · rest: shows a row (",
	} {
		t.Run(open, func(t *testing.T) {
			s := newShop(t, shelf)
			s.serve = func(r *crud.Resource[line]) crud.Service { return way{r, open} }
			got := wrong(t, s, nil)
			if want == "" {
				for _, f := range got {
					t.Error(f)
				}
			} else if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, want) }) {
				t.Errorf("nothing begins with %q:\n%s", want, strings.Join(got[:min(len(got), 12)], "\n"))
			}
		})
	}
}
