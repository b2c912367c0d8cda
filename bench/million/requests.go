package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatewright/gate/bench/internal/load"
	"github.com/gatewright/gate/bench/internal/program"
)

// requests measures what a service answers, two requests at a time.
func (b *bench) requests(root string) error {
	bin := filepath.Join(root, "service")
	if err := program.Build(b.dir, bin); err != nil {
		return err
	}
	s, err := program.Service(bin, b.dir, program.Secret(), "DATABASE_URL="+b.url)
	if err != nil {
		return err
	}
	defer s.Stop()
	token, err := login(s.Addr, filepath.Join(b.dir, ".gate", "admin.json"))
	if err != nil {
		return err
	}
	auth := "Authorization: Bearer " + token
	get := func(path string) load.Request { return load.New("GET", "/api/items"+path, "", 200) }
	const byPrice = "?$sort[price]=1&$after="
	next, err := cursor(s.Addr, byPrice)
	if err != nil {
		return err
	}
	some := func(request func(id string) load.Request) (all []load.Request) {
		for i := range 500 {
			all = append(all, request(rowID(i*7919%b.rows)))
		}
		return all
	}
	fmt.Fprintf(b.w, "%s, %d rows\trequests/s\tp50\tp99\n", b.database, b.rows)
	for _, m := range []struct {
		what string
		asks []load.Request
	}{
		{"get one", some(func(id string) load.Request { return get("/" + id) })},
		{"list 25, with the total", []load.Request{get("")}},
		{"newest first", []load.Request{get("?$sort[id]=-1")}},
		{"newest first by a time without an index", []load.Request{get("?$sort[createdAt]=-1")}},
		{"newest first, not counted", []load.Request{get("?$sort[id]=-1&$total=false")}},
		{"page 400, not counted", []load.Request{get("?$sort[id]=-1&$total=false&$skip=9975")}},
		{"count alone", []load.Request{get("?$limit=0")}},
		{"count of a condition", []load.Request{get("?$limit=0&stock=3")}},
		{"list 25 by an index", []load.Request{get("?$sort[price]=1")}},
		{"the next 25, by cursor", []load.Request{get(byPrice + next)}},
		{"list 25 by a column without one", []load.Request{get("?$sort[name]=1")}},
		{"find by an index", []load.Request{get("?price=12.34")}},
		{"find by a column without one", []load.Request{get("?code=C4711")}},
		{"skip 10,000", []load.Request{get("?$skip=10000")}},
		{"create", []load.Request{load.New("POST", "/api/items", `{"name":"Dish","code":"new","price":1}`, 201, auth)}},
		{"patch", some(func(id string) load.Request {
			return load.New("PATCH", "/api/items/"+id, `{"stock":3}`, 200, auth)
		})},
	} {
		got, err := load.Run(s.Addr, 2, b.length, m.asks...)
		if err != nil {
			return fmt.Errorf("%s: %w", m.what, err)
		}
		fmt.Fprintf(b.w, "%s\t%.0f\t%v\t%v\n", m.what, got.Rate(), got.Percentile(0.5).Round(10*time.Microsecond), got.Percentile(0.99).Round(10*time.Microsecond))
	}
	fmt.Fprintf(b.w, "memory\t%d MiB\t\t\n\n", s.Memory()>>20)
	return b.w.Flush()
}

// cursor returns the place behind the first page.
func cursor(addr, query string) (string, error) {
	res, err := http.Get("http://" + addr + "/api/items" + query)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var page struct{ NextCursor string }
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || page.NextCursor == "" {
		return "", fmt.Errorf("the first page answers %s %w", res.Status, err)
	}
	return page.NextCursor, nil
}

// login logs in as the first administrator.
func login(addr, file string) (token string, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	body := strings.Replace(string(data), "{", `{"strategy":"local",`, 1)
	res, err := http.Post("http://"+addr+"/api/authentication", "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var session struct{ AccessToken string }
	if err := json.NewDecoder(res.Body).Decode(&session); err != nil || session.AccessToken == "" {
		return "", fmt.Errorf("the log-in answers %s %w", res.Status, err)
	}
	return session.AccessToken, nil
}
