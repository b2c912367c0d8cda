//go:build generated

package main

import (
	"context"

	"entgo.io/contrib/entgql"
	"github.com/google/uuid"

	"github.com/gatewright/gate/bench/compare/entgql/ent"
	"github.com/gatewright/gate/bench/compare/entgql/ent/category"
	"github.com/gatewright/gate/bench/compare/entgql/ent/line"
	"github.com/gatewright/gate/bench/compare/entgql/ent/order"
	"github.com/gatewright/gate/bench/compare/entgql/ent/product"
	"github.com/gatewright/gate/bench/compare/entgql/graph"
)

type cursor = entgql.Cursor[uuid.UUID]

// resolver answers the fields of the root.
type resolver struct{ client *ent.Client }

func (r *resolver) Query() graph.QueryResolver       { return query{r.client} }
func (r *resolver) Mutation() graph.MutationResolver { return mutation{r.client} }

type query struct{ *ent.Client }

func (q query) Categories(ctx context.Context, after *cursor, first *int, before *cursor, last *int, orderBy []*ent.CategoryOrder, where *ent.CategoryWhereInput) (*ent.CategoryConnection, error) {
	return q.Client.Category.Query().Paginate(ctx, after, first, before, last, ent.WithCategoryOrder(orderBy), ent.WithCategoryFilter(where.Filter))
}

func (q query) Products(ctx context.Context, after *cursor, first *int, before *cursor, last *int, orderBy []*ent.ProductOrder, where *ent.ProductWhereInput) (*ent.ProductConnection, error) {
	return q.Client.Product.Query().Paginate(ctx, after, first, before, last, ent.WithProductOrder(orderBy), ent.WithProductFilter(where.Filter))
}

func (q query) Orders(ctx context.Context, after *cursor, first *int, before *cursor, last *int, orderBy []*ent.OrderOrder, where *ent.OrderWhereInput) (*ent.OrderConnection, error) {
	return q.Client.Order.Query().Paginate(ctx, after, first, before, last, ent.WithOrderOrder(orderBy), ent.WithOrderFilter(where.Filter))
}

func (q query) Lines(ctx context.Context, after *cursor, first *int, before *cursor, last *int, orderBy []*ent.LineOrder, where *ent.LineWhereInput) (*ent.LineConnection, error) {
	return q.Client.Line.Query().Paginate(ctx, after, first, before, last, ent.WithLineOrder(orderBy), ent.WithLineFilter(where.Filter))
}

func (q query) Category(ctx context.Context, id uuid.UUID) (*ent.Category, error) {
	found, err := q.Client.Category.Query().Where(category.ID(id)).CollectFields(ctx)
	if err != nil {
		return nil, err
	}
	one, err := found.Only(ctx)
	return one, ent.MaskNotFound(err)
}

func (q query) Product(ctx context.Context, id uuid.UUID) (*ent.Product, error) {
	found, err := q.Client.Product.Query().Where(product.ID(id)).CollectFields(ctx)
	if err != nil {
		return nil, err
	}
	one, err := found.Only(ctx)
	return one, ent.MaskNotFound(err)
}

func (q query) Order(ctx context.Context, id uuid.UUID) (*ent.Order, error) {
	found, err := q.Client.Order.Query().Where(order.ID(id)).CollectFields(ctx)
	if err != nil {
		return nil, err
	}
	one, err := found.Only(ctx)
	return one, ent.MaskNotFound(err)
}

func (q query) Line(ctx context.Context, id uuid.UUID) (*ent.Line, error) {
	found, err := q.Client.Line.Query().Where(line.ID(id)).CollectFields(ctx)
	if err != nil {
		return nil, err
	}
	one, err := found.Only(ctx)
	return one, ent.MaskNotFound(err)
}

type mutation struct{ *ent.Client }

func (m mutation) CreateCategory(ctx context.Context, input ent.CreateCategoryInput) (*ent.Category, error) {
	return m.Client.Category.Create().SetInput(input).Save(ctx)
}

func (m mutation) CreateProduct(ctx context.Context, input ent.CreateProductInput) (*ent.Product, error) {
	return m.Client.Product.Create().SetInput(input).Save(ctx)
}

func (m mutation) CreateOrder(ctx context.Context, input ent.CreateOrderInput) (*ent.Order, error) {
	return m.Client.Order.Create().SetInput(input).Save(ctx)
}

func (m mutation) CreateLine(ctx context.Context, input ent.CreateLineInput) (*ent.Line, error) {
	return m.Client.Line.Create().SetInput(input).Save(ctx)
}
