package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSeeds has gate dev make the first rows of the example, and follow the file;
// whoever the file makes can log in, and a row that is wrong leaves what serves.
func TestSeeds(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := design(t, read(t, "../../examples/restaurant/gate.yaml"))
	rows := read(t, "../../examples/restaurant/seed.yaml")
	write(t, filepath.Join(dir, "seed.yaml"), rows)
	r := dev(t, gateBinary(t), dir)
	items := func() any { return r.want(http.StatusOK, "GET", "/api/items?$limit=0", "", "").object(t)["total"] }
	if n := items(); n != 3.0 {
		t.Errorf("%v items", n)
	}
	var made map[string]struct{ Email, Password string }
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, ".gate", "seed.json"))), &made); err != nil {
		t.Fatal(err)
	}
	chef := r.want(http.StatusCreated, "POST", "/api/authentication", "", `{"strategy":"local","email":"`+made["chef"].Email+`","password":"`+made["chef"].Password+`"}`).object(t)
	token, _ := chef["accessToken"].(string)
	r.want(http.StatusCreated, "POST", "/api/items", "Bearer "+token, `{"name":"Soup","price":4}`)

	write(t, filepath.Join(dir, "seed.yaml"), strings.Replace(rows, "User:", "  gelato: {name: Gelato, price: 3}\n\nUser:", 1))
	if change := r.await("change"); change["status"] != "restarted" || fmt.Sprint(change["news"]) != "[seed: 1 row]" {
		t.Fatalf("got %v", change)
	}
	if n := items(); n != 5.0 {
		t.Errorf("%v items", n)
	}
	write(t, filepath.Join(dir, "seed.yaml"), strings.Replace(rows, "price: 2.20", "prize: 2.20", 1))
	change := r.await("change")
	if message, _ := change["message"].(string); change["status"] != "failed" || !strings.Contains(message, filepath.Join(dir, "seed.yaml")+`:12:30: unknown field "prize" of Item`) {
		t.Errorf("got %v", change)
	}
	if n := items(); n != 5.0 {
		t.Errorf("%v items", n)
	}
	if _, err := os.Stat(filepath.Join(dir, ".gate", "seed-2.json")); err == nil {
		t.Error("passwords were made a second time")
	}

	r.stop()
	write(t, filepath.Join(dir, "seed.yaml"), rows)
	write(t, filepath.Join(dir, ".gate", "seed-2.json"), `{"waiter": {"email": "w@x.example", "password": "shown-to-nobody"}}`)
	again := dev(t, gateBinary(t), dir)
	file := filepath.Join(dir, ".gate", "seed")
	want := fmt.Sprintf("[map[file:%s.json login:%s] map[file:%[1]s-2.json login:w@x.example]]", file, made["chef"].Email)
	if got := fmt.Sprint(again.seeded); got != want {
		t.Errorf("who can log in: %s, want %s", got, want)
	}
}
