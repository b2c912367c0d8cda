package main

import (
	_ "embed" // the design
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatewright/gate/bench/internal/load"
	"github.com/gatewright/gate/bench/internal/program"
)

//go:embed shop.yaml
var design string

// A pair is the service and the bare handler on one database.
type pair struct {
	floor, gate *contender
	rows        map[string][]map[string]any // by collection, as the service answers
	bearer      string
}

// service builds and starts both on a database with rows.
func (b *bench) service(database, root string) (s *pair, err error) {
	s = &pair{rows: map[string][]map[string]any{}, gate: &contender{name: "gate", same: true, drop: func() {}}}
	defer func() {
		if err != nil {
			s.gate.stop()
		}
	}()
	dir := filepath.Join(root, "gate")
	if _, err := program.Generate(dir, strings.Replace(design, "database: sqlite", "database: "+database, 1)); err != nil {
		return s, err
	}
	bin, bare := filepath.Join(root, "service"), filepath.Join(root, "bare")
	if err := errors.Join(program.Build(dir, bin), program.Build("bench/shop/bare", bare)); err != nil {
		return s, err
	}
	settings, at := []string{program.Secret()}, filepath.Join(dir, ".gate", "shop.db")
	if database == "postgres" {
		if at, s.gate.drop, err = program.Database(); err != nil {
			return s, err
		}
		settings = append(settings, "DATABASE_URL="+at)
	}
	if s.gate.Program, err = program.Service(bin, dir, settings...); err != nil {
		return s, err
	}
	if err := s.fill(dir, b.rows); err != nil {
		return s, err
	}
	if database == "postgres" {
		if err := program.Settle(at); err != nil {
			return s, err
		}
	}
	s.gate.asks = s.asks("Authorization: Bearer " + s.bearer)
	p, err := program.Start(bare, database, at)
	s.floor = &contender{name: "bare", Program: p, asks: s.asks(), same: true, drop: func() {}}
	return s, err
}

// asks are the requests to both.
func (s *pair) asks(header ...string) map[string][]load.Request {
	const fields = "id name price description status categoryId createdAt updatedAt"
	graphql := func(query string, variables map[string]any) load.Request {
		body, _ := json.Marshal(map[string]any{"query": query, "variables": variables})
		return load.New("POST", "/api/graphql", string(body), 200, header...)
	}
	order := map[string]any{"customer": "Maria", "status": "open", "placedAt": "2026-11-22T12:00:00Z"}
	body, _ := json.Marshal(order)
	all := map[string][]load.Request{
		"list":   {load.New("GET", "/api/products?status=published&price[$gte]=20&$sort[price]=-1&$limit=25", "", 200, header...)},
		"create": {load.New("POST", "/api/orders", string(body), 201, header...)},
		"graphql list": {graphql("{products(limit: 25, orderBy: [{price: desc}, {id: asc}], where: {status: {eq: published}, price: {gte: 20}}) "+
			"{"+fields+"}}", nil)},
		"graphql create": {graphql("mutation($input: CreateOrderInput!) {createOrder(input: $input) {id customer status placedAt createdAt updatedAt}}",
			map[string]any{"input": order})},
		"graphql nested": {graphql("{orders(limit: 20, orderBy: [{placedAt: desc}, {id: asc}], where: {status: {eq: sent}}) "+
			"{id customer lines {count product {name price category {name}}}}}", nil)},
	}
	for i := range min(len(s.rows["products"]), 200) {
		id := s.id("products", i)
		all["get"] = append(all["get"], load.New("GET", "/api/products/"+id, "", 200, header...))
		all["graphql get"] = append(all["graphql get"], graphql("query($id: ID!) {product(id: $id) {"+fields+"}}", map[string]any{"id": id}))
	}
	return all
}

// fill logs in as the first administrator and makes rows: as many products as
// orders, twice as many lines.
func (s *pair) fill(dir string, rows int) error {
	data, err := os.ReadFile(filepath.Join(dir, ".gate", "admin.json"))
	if err != nil {
		return err
	}
	var admin map[string]string
	if err := json.Unmarshal(data, &admin); err != nil {
		return err
	}
	admin["strategy"] = "local"
	var session struct{ AccessToken string }
	if err := s.post("/api/authentication", admin, &session); err != nil {
		return err
	}
	s.bearer = session.AccessToken
	if err := s.make("categories", 20, func(i int) map[string]any {
		return map[string]any{"name": fmt.Sprintf("Category %d", i)}
	}); err != nil {
		return err
	}
	if err := s.make("products", rows, func(i int) map[string]any {
		return map[string]any{
			"name": fmt.Sprintf("Dish %d", i), "price": float64(i*7919%10_000) / 100, "description": "Fresh, with lemon and olive oil.",
			"status": []string{"draft", "published"}[i%2], "categoryId": s.id("categories", i),
		}
	}); err != nil {
		return err
	}
	if err := s.make("orders", rows, func(i int) map[string]any {
		return map[string]any{
			"customer": fmt.Sprintf("Customer %d", i), "status": []string{"open", "sent"}[i%2],
			"placedAt": fmt.Sprintf("2026-%02d-%02dT%02d:%02d:00Z", 1+i%10, 1+i%28, i%24, i%60),
		}
	}); err != nil {
		return err
	}
	return s.make("lines", 2*rows, func(i int) map[string]any {
		return map[string]any{"orderId": s.id("orders", i/2), "productId": s.id("products", i*31), "count": 1 + i%9}
	})
}

// id is the id of a row, counted round and round.
func (s *pair) id(path string, i int) string {
	id, _ := s.rows[path][i%len(s.rows[path])]["id"].(string)
	return id
}

// make makes rows of a collection.
func (s *pair) make(path string, n int, row func(i int) map[string]any) error {
	for len(s.rows[path]) < n {
		batch := make([]map[string]any, 0, 100)
		for i := len(s.rows[path]); i < n && len(batch) < cap(batch); i++ {
			batch = append(batch, row(i))
		}
		var made []map[string]any
		if err := s.post("/api/"+path, batch, &made); err != nil {
			return err
		}
		s.rows[path] = append(s.rows[path], made...)
	}
	return nil
}

// post creates something at the service.
func (s *pair) post(path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	var header []string
	if s.bearer != "" {
		header = append(header, "Authorization: Bearer "+s.bearer)
	}
	answer, err := load.Once(s.gate.Addr, load.New("POST", path, string(data), 201, header...))
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}
