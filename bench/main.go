package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/argon2"
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
	service *server
	bare    *server
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
	defer func() { b.service.stop(); b.bare.stop() }()
	if err := b.prepare(root); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%-34s %10s %10s %8s %8s  %s\n", "what", "floor", "service", "ratio", "budget", "p50 / p99")
	auth := "Authorization: Bearer " + b.token
	one := "/api/items/" + b.id
	steps := []func() error{
		func() error {
			return b.compare("get one, guarded", 0.85, get(b.bare.addr, one), get(b.service.addr, one, auth))
		},
		func() error {
			return b.compare("get one, public", 0.85, get(b.bare.addr, one), get(b.service.addr, one))
		},
		func() error {
			return b.compare("list 25, guarded", 0.85, get(b.bare.addr, "/api/items"), get(b.service.addr, "/api/items", auth))
		},
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
	for bin, dir := range map[string]string{"service": example, "bare": "bench/bare"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(root, bin), ".")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", bin, err, out)
		}
	}
	env := append(os.Environ(), "ADDR=127.0.0.1:0", "LOG_LEVEL=warn", "AUTH_SECRET="+secret())
	if b.service, err = startService(filepath.Join(root, "service"), b.dir, env); err != nil {
		return err
	}
	if err := b.fill(); err != nil {
		return err
	}
	databases, err := filepath.Glob(filepath.Join(b.dir, ".gate", "*.db"))
	if err != nil || len(databases) != 1 {
		return fmt.Errorf("the database of the service: %v %w", databases, err)
	}
	b.bare, err = startBare(filepath.Join(root, "bare"), databases[0])
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
	req, err := http.NewRequest(http.MethodPost, "http://"+b.service.addr+path, bytes.NewReader(data))
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
func (b *bench) compare(name string, budget float64, floor, service target) error {
	if !b.wanted(name) {
		return nil
	}
	for _, t := range []target{floor, service} { // warm up
		if _, err := load(t, connections, b.length/4); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	var ratios []float64
	var f, s measure
	for range rounds {
		var err error
		if f, err = load(floor, connections, b.length); err != nil {
			return fmt.Errorf("%s, floor: %w", name, err)
		}
		if s, err = load(service, connections, b.length); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		ratios = append(ratios, s.rate()/f.rate())
	}
	slices.Sort(ratios)
	b.report(name, f.rate(), s.rate(), ratios[len(ratios)/2], budget, s)
	return nil
}

func (b *bench) report(name string, floor, service, ratio, budget float64, m measure) {
	mark := ""
	if ratio < budget {
		mark = "  MISSED"
		b.missed++
	}
	fmt.Fprintf(b.out, "%-34s %8.0f/s %8.0f/s %8.2f %8.2f  %s / %s%s\n", name, floor, service, ratio, budget,
		m.percentile(0.5).Round(time.Microsecond), m.percentile(0.99).Round(time.Microsecond), mark)
}

// create has no budget against the bare handler, and is shown beside it. The
// budget is against another product, which is not measured here.
func (b *bench) create() error {
	const body = `{"name":"Figs and honey","price":7.5,"description":"Fresh"}`
	return b.compare("create", 0,
		request(b.bare.addr, "POST", "/api/items", body, http.StatusCreated),
		request(b.service.addr, "POST", "/api/items", body, http.StatusCreated, "Authorization: Bearer "+b.token))
}

func (b *bench) plain(name, value string, m measure) {
	fmt.Fprintf(b.out, "%-34s %10s %10s %8s %8s  %s / %s\n", name, "", value, "", "",
		m.percentile(0.5).Round(time.Microsecond), m.percentile(0.99).Round(time.Microsecond))
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
	logins := request(b.service.addr, "POST", "/api/authentication", body, http.StatusCreated)
	reads := get(b.service.addr, "/api/items/"+b.id, "Authorization: Bearer "+b.token)
	done := make(chan error, 1)
	var m, r measure
	go func() {
		var err error
		m, err = load(logins, connections, b.length)
		done <- err
	}()
	r, err = load(reads, 1, b.length)
	if err = errors.Join(err, <-done); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	b.report("login, reads meanwhile", floor, m.rate(), m.rate()/floor, 0, m)
	b.plain("  reads meanwhile", fmt.Sprintf("%.0f/s", r.rate()), r)
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
	var times []time.Duration
	for range 7 {
		b.service.stop()
		start := time.Now()
		again, err := startService(b.service.cmd.Path, b.dir, b.service.cmd.Env)
		if err != nil {
			return err
		}
		b.service = again
		res, err := http.Get("http://" + again.addr + "/health/ready")
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	m := times[len(times)/2]
	fmt.Fprintf(b.out, "%-34s %10s %10s %8s %8s\n", "start to the first 200", "", m.Round(100*time.Microsecond), "", "15 ms")
	memory := rss(b.service.cmd.Process.Pid) >> 20
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
	info, err := os.Stat(b.service.cmd.Path)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%-34s %10s %8.1f MB %8s %8s\n", "stripped binary", "", float64(info.Size())/1e6, "", "15 MB")
	if info.Size() > 15e6 {
		b.missed++
	}
	return nil
}

// rss reads the resident memory of a process, in bytes; 0 where there is no /proc.
func rss(pid int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}

// A server is a program that we started.
type server struct {
	cmd  *exec.Cmd
	addr string
}

func (s *server) stop() {
	if s == nil || s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

func startBare(bin, database string) (*server, error) {
	cmd := exec.Command(bin, database)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	return &server{cmd, strings.TrimSpace(line)}, err
}

// startService waits for the line {"msg":"listening","addr":…} in the log.
func startService(bin, dir string, env []string) (*server, error) {
	cmd := exec.Command(bin)
	cmd.Dir, cmd.Env = dir, env
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stderr)
	var said strings.Builder
	for lines.Scan() {
		var l struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Msg == "listening" {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return &server{cmd, l.Addr}, nil
		}
		said.WriteString(lines.Text() + "\n")
	}
	_ = cmd.Wait()
	return nil, fmt.Errorf("the service ended:\n%s", said.String())
}

// secret makes a random secret for this run.
func secret() string { return rand.Text() + rand.Text() }
