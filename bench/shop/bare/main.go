// Command bare is the floor that the service of bench/shop is measured against: the
// same queries by net/http, database/sql and encoding/json, and nothing else. It
// takes the kind and the address of a database of the service.
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the drivers
	_ "modernc.org/sqlite"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func run(database, at string) error {
	s, err := open(database, at)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/products/{id}", s.get)
	mux.HandleFunc("GET /api/products", s.list)
	mux.HandleFunc("POST /api/orders", s.create)
	mux.HandleFunc("POST /api/graphql", s.graphql)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(l)
}

type shop struct {
	read, write *sql.DB
	unit        float64 // of prices in the database

	one, total, page, insert, nested *sql.Stmt
}

// open opens the database and prepares the statements.
func open(database, at string) (*shop, error) {
	s := &shop{unit: 100}
	var err error
	price, now := "price / 100.0", "$4"
	if database == "postgres" {
		price, now = "price::float8", "$4::timestamptz"
		if s.read, err = sql.Open("pgx", at); err != nil {
			return nil, err
		}
		s.write, s.unit = s.read, 1
	} else {
		if s.read, err = sql.Open("sqlite", "file:"+at+"?mode=ro&_pragma=busy_timeout(2000)"); err != nil {
			return nil, err
		}
		if s.write, err = sql.Open("sqlite", "file:"+at+"?_txlock=immediate&_pragma=busy_timeout(2000)&_pragma=synchronous(normal)&_pragma=foreign_keys(1)"); err != nil {
			return nil, err
		}
		s.write.SetMaxOpenConns(1)
	}
	s.read.SetMaxOpenConns(4)
	s.read.SetMaxIdleConns(4)
	columns := "id, name, " + price + ", description, status, category_id, created_at, updated_at"
	const found = " FROM products WHERE status = $1 AND price >= $2"
	for _, p := range []struct {
		db    *sql.DB
		into  **sql.Stmt
		query string
	}{
		{s.read, &s.one, "SELECT " + columns + " FROM products WHERE id = $1"},
		{s.read, &s.total, "SELECT count(*)" + found},
		{s.read, &s.page, "SELECT " + columns + found + " ORDER BY products.price DESC, id LIMIT $3 OFFSET $4"}, // not by what is selected, which is no index
		{s.write, &s.insert, "INSERT INTO orders (id, customer, status, placed_at, created_at, updated_at) VALUES ($1, $2, $3, " + now + ", $5, $5)"},
		{s.read, &s.nested, `SELECT o.id, o.customer, l.count, p.name, p.` + price + `, c.name
			FROM (SELECT id, customer, placed_at FROM orders WHERE status = $1 ORDER BY placed_at DESC, id LIMIT $2) o
			JOIN lines l ON l.order_id = o.id JOIN products p ON p.id = l.product_id JOIN categories c ON c.id = p.category_id
			ORDER BY o.placed_at DESC, o.id, l.id`},
	} {
		if *p.into, err = p.db.Prepare(p.query); err != nil { //nolint:sqlclosecheck // they live as long as the program
			return nil, fmt.Errorf("%s: %w", p.query, err)
		}
	}
	return s, nil
}

// A stamp is a time as the database has it.
type stamp string

// Scan implements [sql.Scanner].
func (s *stamp) Scan(v any) error {
	switch v := v.(type) {
	case string:
		*s = stamp(v)
	case time.Time:
		*s = stamp(v.UTC().Format("2006-01-02T15:04:05.000000Z"))
	default:
		return fmt.Errorf("%T is no time", v)
	}
	return nil
}

type product struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Price       float64 `json:"price"`
	Description *string `json:"description"`
	Status      string  `json:"status"`
	CategoryID  string  `json:"categoryId"`
	CreatedAt   stamp   `json:"createdAt"`
	UpdatedAt   stamp   `json:"updatedAt"`
}

func (p *product) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&p.ID, &p.Name, &p.Price, &p.Description, &p.Status, &p.CategoryID, &p.CreatedAt, &p.UpdatedAt)
}

func (s *shop) get(w http.ResponseWriter, r *http.Request) {
	var p product
	err := p.scan(s.one.QueryRowContext(r.Context(), r.PathValue("id")))
	if errors.Is(err, sql.ErrNoRows) {
		http.NotFound(w, r)
		return
	}
	answer(w, http.StatusOK, p, err)
}

type page struct {
	Total int       `json:"total"`
	Limit int       `json:"limit"`
	Skip  int       `json:"skip"`
	Data  []product `json:"data"`
}

func (s *shop) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p, err := s.find(r.Context(), q.Get("status"), q.Get("price[$gte]"), q.Get("$limit"))
	answer(w, http.StatusOK, p, err)
}

func (s *shop) find(ctx context.Context, status, least, limit string) (p page, err error) {
	price, err := strconv.ParseFloat(least, 64)
	if err != nil {
		return p, err
	}
	price *= s.unit
	if p.Limit, err = strconv.Atoi(limit); err != nil {
		return p, err
	}
	if err := s.total.QueryRowContext(ctx, status, price).Scan(&p.Total); err != nil {
		return p, err
	}
	p.Data, err = s.products(ctx, status, price, p.Limit, p.Skip)
	return p, err
}

func (s *shop) products(ctx context.Context, status string, least float64, limit, skip int) ([]product, error) {
	rows, err := s.page.QueryContext(ctx, status, least, limit, skip)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []product{}
	for rows.Next() {
		var one product
		if err := one.scan(rows); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

type order struct {
	ID        string    `json:"id"`
	Customer  string    `json:"customer"`
	Status    string    `json:"status"`
	PlacedAt  time.Time `json:"placedAt"`
	CreatedAt string    `json:"createdAt"`
	UpdatedAt string    `json:"updatedAt"`
}

func (s *shop) create(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	answer(w, http.StatusCreated, &o, s.insertNew(r.Context(), &o))
}

// insertNew is one transaction, as a service with hooks has it.
func (s *shop) insertNew(ctx context.Context, o *order) error {
	o.ID, o.CreatedAt = newID(), time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	o.UpdatedAt = o.CreatedAt
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	at := o.PlacedAt.UTC().Format("2006-01-02T15:04:05.000000Z")
	insert := tx.StmtContext(ctx, s.insert)
	defer insert.Close()
	if _, err := insert.ExecContext(ctx, o.ID, o.Customer, o.Status, at, o.CreatedAt); err != nil {
		return err
	}
	return tx.Commit()
}

// newID returns a UUID of version 7 (RFC 9562 §5.7).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	ms := time.Now().UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

type line struct {
	Count   int `json:"count"`
	Product struct {
		Name     string  `json:"name"`
		Price    float64 `json:"price"`
		Category struct {
			Name string `json:"name"`
		} `json:"category"`
	} `json:"product"`
}

type orderWithLines struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	Lines    []line `json:"lines"`
}

// graphql answers the four documents that are asked for. It knows them by how they
// begin, and has one statement for each.
func (s *shop) graphql(w http.ResponseWriter, r *http.Request) {
	var document struct {
		Query     string
		Variables struct {
			ID    string
			Input order
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&document); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	var name string
	var v any
	var err error
	switch q := document.Query; {
	case strings.HasPrefix(q, "query"):
		var p product
		name, v, err = "product", &p, p.scan(s.one.QueryRowContext(r.Context(), document.Variables.ID))
	case strings.HasPrefix(q, "mutation"):
		name, v, err = "createOrder", &document.Variables.Input, s.insertNew(r.Context(), &document.Variables.Input)
	case strings.HasPrefix(q, "{products"):
		name = "products"
		v, err = s.products(r.Context(), "published", 20*s.unit, 25, 0)
	default:
		name = "orders"
		v, err = s.orders(r.Context())
	}
	answer(w, http.StatusOK, map[string]any{"data": map[string]any{name: v}}, err)
}

func (s *shop) orders(ctx context.Context) (list []*orderWithLines, err error) {
	rows, err := s.nested.QueryContext(ctx, "sent", 20)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var o orderWithLines
		var l line
		if err := rows.Scan(&o.ID, &o.Customer, &l.Count, &l.Product.Name, &l.Product.Price, &l.Product.Category.Name); err != nil {
			return nil, err
		}
		if len(list) == 0 || list[len(list)-1].ID != o.ID {
			list = append(list, &o)
		}
		last := list[len(list)-1]
		last.Lines = append(last.Lines, l)
	}
	return list, rows.Err()
}

func answer(w http.ResponseWriter, status int, v any, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
