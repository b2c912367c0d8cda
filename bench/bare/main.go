// Command bare is the floor that generated services are measured against: the
// same queries by net/http, database/sql and encoding/json, and nothing else.
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
	"time"

	_ "modernc.org/sqlite" // the driver
)

type item struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Price       float64 `json:"price"`
	Description *string `json:"description"`
	Image       *string `json:"image"`
	CreatedAt   string  `json:"createdAt"`
	UpdatedAt   string  `json:"updatedAt"`
}

type page struct {
	Total int    `json:"total"`
	Limit int    `json:"limit"`
	Skip  int    `json:"skip"`
	Data  []item `json:"data"`
}

const columns = "id, name, price, description, image, created_at, updated_at"

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(2000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	one, err := db.Prepare("SELECT " + columns + " FROM items WHERE id = ?") //nolint:sqlclosecheck // it is closed below
	if err != nil {
		return err
	}
	defer one.Close()
	total, err := db.Prepare("SELECT count(*) FROM items")
	if err != nil {
		return err
	}
	defer total.Close()
	list, err := db.Prepare("SELECT " + columns + " FROM items ORDER BY id LIMIT ? OFFSET ?")
	if err != nil {
		return err
	}
	defer list.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /api/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		var i item
		err := scan(one.QueryRowContext(r.Context(), r.PathValue("id")), &i)
		if errors.Is(err, sql.ErrNoRows) {
			http.NotFound(w, r)
			return
		}
		answer(w, http.StatusOK, i, err)
	})
	mux.HandleFunc("GET /api/items", func(w http.ResponseWriter, r *http.Request) {
		p := page{Limit: 25, Data: []item{}}
		if err := total.QueryRowContext(r.Context()).Scan(&p.Total); err != nil {
			answer(w, http.StatusOK, nil, err)
			return
		}
		rows, err := list.QueryContext(r.Context(), p.Limit, p.Skip)
		if err != nil {
			answer(w, http.StatusOK, nil, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var i item
			if err := scan(rows, &i); err != nil {
				answer(w, http.StatusOK, nil, err)
				return
			}
			p.Data = append(p.Data, i)
		}
		answer(w, http.StatusOK, p, rows.Err())
	})
	writer, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(2000)&_pragma=synchronous(normal)&_pragma=foreign_keys(1)")
	if err != nil {
		return err
	}
	defer writer.Close()
	writer.SetMaxOpenConns(1)
	mux.HandleFunc("POST /api/items", func(w http.ResponseWriter, r *http.Request) {
		var i item
		if err := json.NewDecoder(r.Body).Decode(&i); err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		i.ID, i.CreatedAt = rand.Text(), time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
		i.UpdatedAt = i.CreatedAt
		answer(w, http.StatusCreated, i, insert(r.Context(), writer, &i))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(l)
}

func scan(row interface{ Scan(...any) error }, i *item) error {
	var units int64
	if err := row.Scan(&i.ID, &i.Name, &units, &i.Description, &i.Image, &i.CreatedAt, &i.UpdatedAt); err != nil {
		return err
	}
	i.Price = float64(units) / 100
	return nil
}

// insert is one transaction, as a service with hooks has it.
func insert(ctx context.Context, db *sql.DB, i *item) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(ctx, "INSERT INTO items ("+columns+") VALUES (?, ?, ?, ?, ?, ?, ?)",
		i.ID, i.Name, int64(i.Price*100), i.Description, i.Image, i.CreatedAt, i.UpdatedAt)
	if err != nil {
		return err
	}
	return tx.Commit()
}

func answer(w http.ResponseWriter, status int, v any, err error) {
	if err != nil {
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
