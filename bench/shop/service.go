package main

import (
	"bytes"
	_ "embed" // the design
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/gatewright/gate/bench/internal/load"
	"github.com/gatewright/gate/bench/internal/program"
)

//go:embed shop.yaml
var design string

// A pair is the service and the bare handler on one database.
type pair struct {
	floor, gate *contender
	drop        func() // removes the database
	bearer      string
}

// service builds and starts both on a database with rows.
func (b *bench) service(database, root string) (s *pair, err error) {
	s = &pair{drop: func() {}}
	defer func() {
		if err != nil {
			s.stop()
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
		if at, s.drop, err = program.Database(); err != nil {
			return s, err
		}
		settings = append(settings, "DATABASE_URL="+at)
	}
	p, err := program.Service(bin, dir, settings...)
	if err != nil {
		return s, err
	}
	s.gate = &contender{name: "gate", Program: p}
	ids, err := s.fill(dir, b.rows)
	if err != nil {
		return s, err
	}
	if p, err = program.Start(bare, database, at); err != nil {
		return s, err
	}
	s.floor = &contender{name: "bare", Program: p, asks: asks(ids)}
	s.gate.asks = asks(ids, "Authorization: Bearer "+s.bearer)
	return s, s.same()
}

// same sees that both answer the document of GraphQL alike: whatever goes wrong in
// it is answered with 200.
func (s *pair) same() error {
	var answers [2]struct{ Data struct{ Orders []any } }
	for i, c := range []*contender{s.floor, s.gate} {
		if err := s.post(c, "/api/graphql", http.StatusOK, json.RawMessage(document), &answers[i]); err != nil {
			return err
		}
	}
	if len(answers[0].Data.Orders) == 0 || !reflect.DeepEqual(answers[0], answers[1]) {
		return fmt.Errorf("the answers to %s differ: %.300v and %.300v", document, answers[0], answers[1])
	}
	return nil
}

// document is what is asked by GraphQL.
const document = `{"query":"{orders(limit: 20, orderBy: [{placedAt: desc}, {id: asc}], where: {status: {eq: sent}}) ` +
	`{id customer lines {count product {name price category {name}}}}}"}`

func (s *pair) stop() {
	for _, c := range []*contender{s.floor, s.gate} {
		if c != nil {
			c.Stop()
		}
	}
	s.drop()
}

// asks are the requests to both. The ids are of products.
func asks(ids []string, header ...string) map[string][]load.Request {
	all := map[string][]load.Request{
		"list": {load.New("GET", "/api/products?status=published&price[$gte]=20&$sort[price]=-1&$limit=25", "", 200, header...)},
		"create": {load.New("POST", "/api/orders",
			`{"customer":"Maria","status":"open","placedAt":"2026-11-22T12:00:00Z"}`, 201, header...)},
		"graphql": {load.New("POST", "/api/graphql", document, 200, header...)},
	}
	for _, id := range ids {
		all["get"] = append(all["get"], load.New("GET", "/api/products/"+id, "", 200, header...))
	}
	return all
}

// fill logs in as the first administrator and makes rows: as many products as
// orders, twice as many lines. It returns ids of products.
func (s *pair) fill(dir string, rows int) (ids []string, err error) {
	data, err := os.ReadFile(filepath.Join(dir, ".gate", "admin.json"))
	if err != nil {
		return nil, err
	}
	var admin map[string]string
	if err := json.Unmarshal(data, &admin); err != nil {
		return nil, err
	}
	admin["strategy"] = "local"
	var session struct{ AccessToken string }
	if err := s.post(s.gate, "/api/authentication", http.StatusCreated, admin, &session); err != nil {
		return nil, err
	}
	s.bearer = session.AccessToken
	categories, err := s.make("categories", 20, func(i int) map[string]any {
		return map[string]any{"name": fmt.Sprintf("Category %d", i)}
	})
	if err != nil {
		return nil, err
	}
	products, err := s.make("products", rows, func(i int) map[string]any {
		return map[string]any{
			"name": fmt.Sprintf("Dish %d", i), "price": float64(i*7919%10_000) / 100, "description": "Fresh, with lemon and olive oil.",
			"status": []string{"draft", "published"}[i%2], "categoryId": categories[i%len(categories)],
		}
	})
	if err != nil {
		return nil, err
	}
	orders, err := s.make("orders", rows, func(i int) map[string]any {
		return map[string]any{
			"customer": fmt.Sprintf("Customer %d", i), "status": []string{"open", "sent"}[i%2],
			"placedAt": fmt.Sprintf("2026-%02d-%02dT%02d:%02d:00Z", 1+i%10, 1+i%28, i%24, i%60),
		}
	})
	if err != nil {
		return nil, err
	}
	_, err = s.make("lines", 2*rows, func(i int) map[string]any {
		return map[string]any{"orderId": orders[i/2], "productId": products[i*31%len(products)], "count": 1 + i%9}
	})
	return products[:min(len(products), 200)], err
}

// make makes rows of a collection and returns their ids.
func (s *pair) make(path string, n int, row func(i int) map[string]any) (ids []string, err error) {
	for len(ids) < n {
		batch := make([]map[string]any, 0, 100)
		for i := len(ids); i < n && len(batch) < cap(batch); i++ {
			batch = append(batch, row(i))
		}
		var made []struct{ ID string }
		if err := s.post(s.gate, "/api/"+path, http.StatusCreated, batch, &made); err != nil {
			return nil, err
		}
		for _, r := range made {
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

func (s *pair) post(to *contender, path string, status int, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+to.Addr+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+s.bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != status {
		return fmt.Errorf("POST %s: %s %.300s", path, res.Status, answer)
	}
	return json.Unmarshal(answer, into)
}
