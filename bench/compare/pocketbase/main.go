// Command pocketbase is PocketBase with the shop of bench/shop, to be measured
// beside it:
//
//	go run ./bench/shop -peers bench/compare/pocketbase
//
// It takes a folder for its data, the number of rows and the kind of the database, and
// says on its first line of output where it listens and what to ask it. It is a module of its own, so that
// nothing of it is in the go.sum of others.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pocketbase:", err)
		os.Exit(1)
	}
}

// notes are printed below the table.
var notes = []string{"no GraphQL: for the nested question it is asked for orders with expand and fields, which bring the same rows under ids of its own"}

func run(args []string) error {
	if len(args) < 3 {
		return errors.New("usage: pocketbase FOLDER ROWS DATABASE")
	}
	if args[2] != "sqlite" {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"name": "pocketbase", "not": "it has SQLite alone"})
	}
	rows, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	app := pocketbase.NewWithConfig(pocketbase.Config{DefaultDataDir: args[0], HideStartBanner: true})
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	if err := collections(app); err != nil {
		return fmt.Errorf("collections: %w", err)
	}
	var asks map[string][]ask
	err = app.RunInTransaction(func(tx core.App) error {
		asks, err = fill(tx, rows)
		return err
	})
	if err != nil {
		return fmt.Errorf("rows: %w", err)
	}
	addr, err := free()
	if err != nil {
		return err
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.InstallerFunc = nil // it would open a browser
		if err := e.Next(); err != nil {
			return err
		}
		debug.FreeOSMemory() // what filling it took is not what serving it takes
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"name": "pocketbase", "addr": addr, "asks": asks, "notes": notes})
	})
	return apis.Serve(app, apis.ServeConfig{HttpAddr: addr})
}

// free returns an address of this machine where nobody listens.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// collections makes the entities: whoever is logged in reads and writes.
func collections(app core.App) error {
	var fault error
	made := map[string]*core.Collection{}
	add := func(name string, indexes []string, fields ...core.Field) {
		c := core.NewBaseCollection(name)
		c.Fields.Add(fields...)
		c.Fields.Add(&core.AutodateField{Name: "created", OnCreate: true}, &core.AutodateField{Name: "updated", OnCreate: true, OnUpdate: true})
		known := types.Pointer(`@request.auth.id != ""`)
		c.ListRule, c.ViewRule, c.CreateRule = known, known, known
		c.Indexes = indexes
		if fault == nil {
			fault = app.Save(c)
		}
		made[name] = c
	}
	to := func(name, collection string) core.Field {
		return &core.RelationField{Name: name, CollectionId: made[collection].Id, Required: true, MaxSelect: 1}
	}
	add("categories", []string{"CREATE UNIQUE INDEX categories_name ON categories (name)"}, &core.TextField{Name: "name", Required: true})
	add("products", []string{"CREATE INDEX products_status_price ON products (status, price)"},
		&core.TextField{Name: "name", Required: true, Max: 100}, &core.NumberField{Name: "price", Min: types.Pointer(0.0)},
		&core.TextField{Name: "description"}, &core.SelectField{Name: "status", Values: []string{"draft", "published"}, MaxSelect: 1, Required: true},
		to("category", "categories"))
	add("orders", []string{"CREATE INDEX orders_status_placed ON orders (status, placedAt)"},
		&core.TextField{Name: "customer", Required: true, Max: 100},
		&core.SelectField{Name: "status", Values: []string{"open", "sent"}, MaxSelect: 1, Required: true}, &core.DateField{Name: "placedAt", Required: true})
	add("lines", []string{`CREATE INDEX lines_order ON lines ("order")`},
		to("order", "orders"), to("product", "products"), &core.NumberField{Name: "count", OnlyInt: true, Required: true})
	return fault
}

// An ask is a request to be measured.
type ask struct {
	Method, Path, Body string
	Status             int
	Header             []string
}

// fill makes the rows of bench/shop, and somebody who asks for them.
func fill(app core.App, rows int) (map[string][]ask, error) {
	people, err := app.FindCollectionByNameOrId("users")
	if err != nil {
		return nil, err
	}
	maria := core.NewRecord(people)
	maria.SetEmail("maria@example.com")
	maria.SetPassword("correct horse battery staple")
	if err := app.Save(maria); err != nil {
		return nil, err
	}
	token, err := maria.NewAuthToken()
	if err != nil {
		return nil, err
	}
	add := func(collection string, n int, row func(i int) map[string]any) ([]string, error) {
		c, err := app.FindCollectionByNameOrId(collection)
		if err != nil {
			return nil, err
		}
		ids := make([]string, n)
		for i := range n {
			r := core.NewRecord(c)
			r.Load(row(i))
			if err := app.Save(r); err != nil {
				return nil, fmt.Errorf("%s: %w", collection, err)
			}
			ids[i] = r.Id
		}
		return ids, nil
	}
	categories, err := add("categories", 20, func(i int) map[string]any { return map[string]any{"name": fmt.Sprintf("Category %d", i)} })
	if err != nil {
		return nil, err
	}
	products, err := add("products", rows, func(i int) map[string]any {
		return map[string]any{
			"name": fmt.Sprintf("Dish %d", i), "price": float64(i*7919%10_000) / 100, "description": "Fresh, with lemon and olive oil.",
			"status": []string{"draft", "published"}[i%2], "category": categories[i%len(categories)],
		}
	})
	if err != nil {
		return nil, err
	}
	orders, err := add("orders", rows, func(i int) map[string]any {
		return map[string]any{
			"customer": fmt.Sprintf("Customer %d", i), "status": []string{"open", "sent"}[i%2],
			"placedAt": fmt.Sprintf("2026-%02d-%02d %02d:%02d:00.000Z", 1+i%10, 1+i%28, i%24, i%60),
		}
	})
	if err != nil {
		return nil, err
	}
	_, err = add("lines", 2*rows, func(i int) map[string]any {
		return map[string]any{"order": orders[i/2], "product": products[i*31%len(products)], "count": 1 + i%9}
	})
	return asks(token, products[:min(len(products), 200)]), err
}

func asks(token string, products []string) map[string][]ask {
	header := []string{"Authorization: " + token}
	find := func(collection string, q url.Values) ask {
		return ask{Method: http.MethodGet, Path: "/api/collections/" + collection + "/records?" + q.Encode(), Status: http.StatusOK, Header: header}
	}
	all := map[string][]ask{
		"list": {find("products", url.Values{"filter": {"status = 'published' && price >= 20"}, "sort": {"-price"}, "perPage": {"25"}})},
		"create": {{
			Method: http.MethodPost, Path: "/api/collections/orders/records", Status: http.StatusOK, Header: header,
			Body: `{"customer":"Maria","status":"open","placedAt":"2026-11-22 12:00:00.000Z"}`,
		}},
		// It has no GraphQL: the same rows in one answer.
		"graphql nested": {find("orders", url.Values{
			"filter": {"status = 'sent'"}, "sort": {"-placedAt"}, "perPage": {"20"}, "skipTotal": {"1"},
			"expand": {"lines_via_order.product.category"},
			"fields": {"id,customer,expand.lines_via_order.count,expand.lines_via_order.expand.product.name,expand.lines_via_order.expand.product.price,expand.lines_via_order.expand.product.expand.category.name"},
		})},
	}
	for _, id := range products {
		all["get"] = append(all["get"], ask{Method: http.MethodGet, Path: "/api/collections/products/records/" + id, Status: http.StatusOK, Header: header})
	}
	return all
}
