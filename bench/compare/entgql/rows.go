//go:build generated

package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatewright/gate/bench/compare/entgql/ent"
	"github.com/gatewright/gate/bench/compare/entgql/ent/order"
	"github.com/gatewright/gate/bench/compare/entgql/ent/product"
	"github.com/gatewright/gate/bench/compare/entgql/viewer"
)

// rows are those of the service, under its ids, so that answers can be compared.
type rows struct {
	Categories []struct {
		made
		Name string
	}
	Products []struct {
		made
		Name        string
		Price       float64
		Description *string
		Status      product.Status
		CategoryID  uuid.UUID
	}
	Orders []struct {
		made
		Customer string
		Status   order.Status
		PlacedAt time.Time
	}
	Lines []struct {
		made
		OrderID, ProductID uuid.UUID
		Count              int
	}
}

type made struct {
	ID                   uuid.UUID
	CreatedAt, UpdatedAt time.Time
}

func readRows(file string) (*rows, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r rows
	return &r, json.Unmarshal(data, &r)
}

// fill writes the rows.
func (r *rows) fill(ctx context.Context, client *ent.Client) error {
	ctx = viewer.NewContext(ctx, &viewer.Viewer{Subject: "1", Permissions: []string{"create:rows"}})
	tx, err := client.Tx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, c := range r.Categories {
		if err := tx.Category.Create().SetID(c.ID).SetCreatedAt(c.CreatedAt).SetUpdatedAt(c.UpdatedAt).SetName(c.Name).Exec(ctx); err != nil {
			return err
		}
	}
	const batch = 500
	for some := range slices.Chunk(r.Products, batch) {
		err := tx.Product.MapCreateBulk(some, func(c *ent.ProductCreate, i int) {
			p := some[i]
			c.SetID(p.ID).SetCreatedAt(p.CreatedAt).SetUpdatedAt(p.UpdatedAt).
				SetName(p.Name).SetPrice(p.Price).SetNillableDescription(p.Description).SetStatus(p.Status).SetCategoryID(p.CategoryID)
		}).Exec(ctx)
		if err != nil {
			return err
		}
	}
	for some := range slices.Chunk(r.Orders, batch) {
		err := tx.Order.MapCreateBulk(some, func(c *ent.OrderCreate, i int) {
			o := some[i]
			c.SetID(o.ID).SetCreatedAt(o.CreatedAt).SetUpdatedAt(o.UpdatedAt).SetCustomer(o.Customer).SetStatus(o.Status).SetPlacedAt(o.PlacedAt)
		}).Exec(ctx)
		if err != nil {
			return err
		}
	}
	for some := range slices.Chunk(r.Lines, batch) {
		err := tx.Line.MapCreateBulk(some, func(c *ent.LineCreate, i int) {
			l := some[i]
			c.SetID(l.ID).SetCreatedAt(l.CreatedAt).SetUpdatedAt(l.UpdatedAt).SetOrderID(l.OrderID).SetProductID(l.ProductID).SetCount(l.Count)
		}).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// An ask is a request to be measured.
type ask struct {
	Method, Path, Body string
	Status             int
	Header             []string
}

// asks are the questions of bench/shop in the words of entgql.
func (r *rows) asks(bearer string) map[string][]ask {
	post := func(query string, variables map[string]any) ask {
		body, _ := json.Marshal(map[string]any{"query": query, "variables": variables})
		return ask{"POST", "/graphql", string(body), 200, []string{"Authorization: Bearer " + bearer}}
	}
	const fields = "id name price description status categoryId: categoryID createdAt updatedAt"
	all := map[string][]ask{
		"graphql list": {post(`{products(first: 25, orderBy: [{field: PRICE, direction: DESC}], where: {status: published, priceGTE: 20}) `+
			`{edges {node {`+fields+`}}}}`, nil)},
		"graphql create": {post(`mutation($input: CreateOrderInput!) {createOrder(input: $input) {id customer status placedAt createdAt updatedAt}}`,
			map[string]any{"input": map[string]any{"customer": "Maria", "status": "open", "placedAt": "2026-11-22T12:00:00Z"}})},
		"graphql nested": {post(`{orders(first: 20, orderBy: [{field: PLACED_AT, direction: DESC}], where: {status: sent}) `+
			`{edges {node {id customer lines {count product {name price category {name}}}}}}}`, nil)},
	}
	for _, p := range r.Products[:min(len(r.Products), 200)] {
		all["graphql get"] = append(all["graphql get"], post(`query($id: ID!) {product(id: $id) {`+fields+`}}`, map[string]any{"id": p.ID}))
	}
	return all
}
