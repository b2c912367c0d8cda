package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/nodetest"
)

const secret = "figs with honey and thyme"

func start(t *testing.T) string {
	t.Helper()
	app, err := newApp(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	return server.URL
}

// ask sends one request; bearer and body may be empty.
func ask(t *testing.T, method, url, bearer, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

func login(t *testing.T, url, email string) (token string) {
	t.Helper()
	status, answer := ask(t, http.MethodPost, url+"/authentication", "", `{"strategy":"local","email":"`+email+`","password":"`+secret+`"}`)
	var result struct{ AccessToken string }
	if err := json.Unmarshal([]byte(answer), &result); err != nil || status != http.StatusCreated || result.AccessToken == "" {
		t.Fatalf("login of %s: %d %s", email, status, answer)
	}
	return result.AccessToken
}

func TestAUZ01_routes(t *testing.T) {
	url := start(t)
	chef, waiter := login(t, url, "ada@kitchen.example"), login(t, url, "bob@kitchen.example")
	_, created := ask(t, http.MethodPost, url+"/orders", waiter, `{"dish":"figs"}`)
	var row order
	if err := json.Unmarshal([]byte(created), &row); err != nil || row.By != "bob@kitchen.example" {
		t.Fatalf("order %s", created)
	}
	tests := []struct {
		route                  string
		body                   string
		stranger, waiter, chef int
	}{
		{"GET /menu", "", 200, 200, 200},
		{"GET /hello", "", 200, 200, 200},
		{"GET /me", "", 401, 200, 200},
		{"GET /orders", "", 401, 403, 200},
		{"GET /orders/" + row.ID, "", 401, 403, 200},
		{"GET /orders/nothing", "", 401, 403, 404},
		{"POST /orders", `{"dish":"toast"}`, 401, 201, 201},
		{"POST /orders", `{}`, 401, 400, 400},
		{"DELETE /orders", "", 401, 403, 200},
		{"GET /authentication", "", 405, 405, 405},
		{"PUT /me", "", 405, 405, 405},
	}
	for _, tt := range tests {
		t.Run(tt.route, func(t *testing.T) {
			method, path, _ := strings.Cut(tt.route, " ")
			for who, want := range map[string]int{"": tt.stranger, waiter: tt.waiter, chef: tt.chef, "no.good.token": tt.stranger} {
				if who == "no.good.token" && path == "/hello" {
					want = 401 // optional is not careless
				}
				if got, answer := ask(t, method, url+path, who, tt.body); got != want {
					t.Errorf("%.10s…: %d %s, want %d", who, got, answer, want)
				}
			}
		})
	}
}

func TestSES04_logoutEndsTheToken(t *testing.T) {
	url := start(t)
	token := login(t, url, "ada@kitchen.example")
	if status, answer := ask(t, http.MethodDelete, url+"/authentication", token, ""); status != http.StatusOK {
		t.Fatalf("logout: %d %s", status, answer)
	}
	for _, path := range []string{"/me", "/hello", "/orders"} {
		if status, answer := ask(t, http.MethodGet, url+path, token, ""); status != http.StatusUnauthorized {
			t.Errorf("%s after the log-out: %d %s", path, status, answer)
		}
	}
}

// TestFeathersClient runs the official client.
func TestFeathersClient(t *testing.T) {
	lines := nodetest.Run(t, "testdata/feathers", "scenario.js", map[string]any{
		"url": start(t), "email": "ada@kitchen.example", "password": secret,
		"weak": map[string]string{"email": "bob@kitchen.example", "password": secret},
		"find": "orders", "create": "orders", "data": map[string]string{"dish": "figs"},
	})
	if len(lines) < 15 || lines[len(lines)-1] != "done" {
		t.Errorf("the scenario ends early:\n%s", strings.Join(lines, "\n"))
	}
}
