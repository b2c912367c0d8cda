package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/gatewright/gate/bench/internal/load"
	"github.com/gatewright/gate/bench/internal/program"
)

// connections is how many requests are under way at once.
const connections = 4

// rounds is how often floor and service take turns; the median of the ratios counts.
const rounds = 3

func main() {
	seconds := flag.Float64("seconds", 2, "length of one turn")
	items := flag.Int("items", 10_000, "rows in the table")
	only := flag.String("run", "", "only the budgets whose name contains this")
	flag.Parse()
	b := &bench{length: time.Duration(*seconds * float64(time.Second)), items: *items, only: *only, out: os.Stdout}
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type bench struct {
	length time.Duration
	items  int
	only   string
	out    io.Writer

	dir     string // of the service
	bin     string // its program
	service *program.Program
	bare    *program.Program
	token   string
	id      string // of one item
	missed  int
}

func (b *bench) run() error {
	root, err := os.MkdirTemp("", "gate-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	defer func() { b.service.Stop(); b.bare.Stop() }()
	if err := b.prepare(root); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%-34s %10s %10s %8s %8s  %s\n", "what", "floor", "service", "ratio", "budget", "p50 / p99")
	auth := "Authorization: Bearer " + b.token
	one := "/api/items/" + b.id
	steps := []func() error{
		func() error { return b.compare("get one, guarded", 0.85, get(one), get(one, auth)) },
		func() error { return b.compare("get one, public", 0.85, get(one), get(one)) },
		func() error { return b.compare("list 25, guarded", 0.85, get("/api/items"), get("/api/items", auth)) },
		b.create, b.login, b.start, b.size,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if b.missed > 0 {
		return fmt.Errorf("%d budgets missed", b.missed)
	}
	return nil
}

// prepare builds both programs, starts them on one database and fills it.
func (b *bench) prepare(root string) error {
	b.dir = filepath.Join(root, "restaurant")
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	example, err := filepath.Abs("examples/restaurant")
	if err != nil {
		return err
	}
	b.bin = filepath.Join(root, "service")
	for bin, dir := range map[string]string{b.bin: example, filepath.Join(root, "bare"): "bench/bare"} {
		if err := program.Build(dir, bin); err != nil {
			return err
		}
	}
	if b.service, err = program.Service(b.bin, b.dir, program.Secret()); err != nil {
		return err
	}
	if err := b.fill(); err != nil {
		return err
	}
	databases, err := filepath.Glob(filepath.Join(b.dir, ".gate", "*.db"))
	if err != nil || len(databases) != 1 {
		return fmt.Errorf("the database of the service: %v %w", databases, err)
	}
	b.bare, err = program.Start(filepath.Join(root, "bare"), databases[0])
	return err
}

// fill logs in as the first administrator and makes the items.
func (b *bench) fill() error {
	data, err := os.ReadFile(filepath.Join(b.dir, ".gate", "admin.json"))
	if err != nil {
		return err
	}
	var admin map[string]string
	if err := json.Unmarshal(data, &admin); err != nil {
		return err
	}
	admin["strategy"] = "local"
	var session struct{ AccessToken string }
	if err := b.post("/api/authentication", admin, &session); err != nil {
		return err
	}
	b.token = session.AccessToken
	for made := 0; made < b.items; {
		batch := make([]map[string]any, 0, 100)
		for ; len(batch) < cap(batch) && made < b.items; made++ {
			batch = append(batch, map[string]any{
				"name": fmt.Sprintf("Dish %d", made), "price": 7.25, "description": "Fresh, with lemon and olive oil.",
				"image": "https://example.com/dish.jpg",
			})
		}
		var rows []struct{ ID string }
		if err := b.post("/api/items", batch, &rows); err != nil {
			return err
		}
		b.id = rows[0].ID
	}
	return nil
}

func (b *bench) post(path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+b.service.Addr+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
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
	if res.StatusCode != http.StatusCreated {
		return fmt.Errorf("POST %s: %s %s", path, res.Status, answer)
	}
	return json.Unmarshal(answer, into)
}

// wanted says whether the budget was asked for.
func (b *bench) wanted(name string) bool { return strings.Contains(name, b.only) }

// compare lets floor and service take turns and prints the median of the ratios.
func (b *bench) compare(name string, budget float64, floor, service load.Request) error {
	if !b.wanted(name) {
		return nil
	}
	var ratios []float64
	var f, s load.Measure
	for i := range rounds + 1 {
		length := b.length
		if i == 0 { // to warm up
			length /= 4
		}
		var err error
		if f, err = load.Run(b.bare.Addr, connections, length, floor); err != nil {
			return fmt.Errorf("%s, floor: %w", name, err)
		}
		if s, err = load.Run(b.service.Addr, connections, length, service); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if i > 0 {
			ratios = append(ratios, s.Rate()/f.Rate())
		}
	}
	slices.Sort(ratios)
	b.report(name, f.Rate(), s.Rate(), ratios[len(ratios)/2], budget, s)
	return nil
}

func (b *bench) report(name string, floor, service, ratio, budget float64, m load.Measure) {
	mark := ""
	if ratio < budget {
		mark = "  MISSED"
		b.missed++
	}
	fmt.Fprintf(b.out, "%-34s %8.0f/s %8.0f/s %8.2f %8.2f  %s / %s%s\n", name, floor, service, ratio, budget,
		m.Percentile(0.5), m.Percentile(0.99), mark)
}

// create has no budget against the bare handler, and is shown beside it. The
// budget is against another product, which is not measured here.
func (b *bench) create() error {
	const body = `{"name":"Figs and honey","price":7.5,"description":"Fresh"}`
	return b.compare("create", 0,
		load.New("POST", "/api/items", body, http.StatusCreated),
		load.New("POST", "/api/items", body, http.StatusCreated, "Authorization: Bearer "+b.token))
}

func (b *bench) plain(name, value string, m load.Measure) {
	fmt.Fprintf(b.out, "%-34s %10s %10s %8s %8s  %s / %s\n", name, "", value, "", "",
		m.Percentile(0.5), m.Percentile(0.99))
}

// login saturates the log-in while one connection reads.
func (b *bench) login() error {
	if !b.wanted("login") {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(b.dir, ".gate", "admin.json"))
	if err != nil {
		return err
	}
	body := strings.Replace(strings.TrimSpace(string(data)), "{", `{"strategy":"local",`, 1)
	floor := hashes(b.length)
	logins := load.New("POST", "/api/authentication", body, http.StatusCreated)
	reads := get("/api/items/"+b.id, "Authorization: Bearer "+b.token)
	done := make(chan error, 1)
	var m, r load.Measure
	go func() {
		var err error
		m, err = load.Run(b.service.Addr, connections, b.length, logins)
		done <- err
	}()
	r, err = load.Run(b.service.Addr, 1, b.length, reads)
	if err = errors.Join(err, <-done); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	b.report("login, reads meanwhile", floor, m.Rate(), m.Rate()/floor, 0, m)
	b.plain("  reads meanwhile", fmt.Sprintf("%.0f/s", r.Rate()), r)
	return nil
}

// hashes is the rate of raw password hashes, one on each core.
func hashes(length time.Duration) float64 {
	var n atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for time.Since(start) < length {
				argon2.IDKey([]byte("correct horse battery staple"), []byte("sixteen bytes !!"), 2, 19456, 1, 32)
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(start).Seconds()
}

// start measures from the start of the program to the first answer.
func (b *bench) start() error {
	if !b.wanted("start") {
		return nil
	}
	var m time.Duration
	var err error
	if b.service, m, err = program.Starts(b.service, 7); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%-34s %10s %10s %8s %8s\n", "start to the first 200", "", m.Round(100*time.Microsecond), "", "15 ms")
	memory := b.service.Memory() >> 20
	fmt.Fprintf(b.out, "%-34s %10s %7d MiB %8s %8s\n", "idle memory", "", memory, "", "30 MiB")
	if m > 15*time.Millisecond {
		b.missed++
	}
	if memory > 30 {
		b.missed++
	}
	return nil
}

func (b *bench) size() error {
	if !b.wanted("size") {
		return nil
	}
	info, err := os.Stat(b.bin)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%-34s %10s %8.1f MB %8s %8s\n", "stripped binary", "", float64(info.Size())/1e6, "", "15 MB")
	if info.Size() > 15e6 {
		b.missed++
	}
	return nil
}

func get(path string, header ...string) load.Request {
	return load.New("GET", path, "", http.StatusOK, header...)
}
