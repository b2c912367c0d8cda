// Command idle measures what connections cost a generated service that ask for
// nothing:
//
//	go run ./bench/idle [-connections n] [-seconds n] [-end]
//
// It is run in the folder of the checkout. It builds examples/restaurant, has each
// connection ask once and stay, and measures memory and requests of others without
// and with them; with -end also when the service has closed the last of them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gatewright/gate/bench/internal/load"
	"github.com/gatewright/gate/bench/internal/program"
)

func main() {
	connections := flag.Int("connections", 10_000, "idle connections")
	seconds := flag.Float64("seconds", 3, "length of one measurement")
	end := flag.Bool("end", false, "wait until the service closes them")
	flag.Parse()
	b := &bench{connections: *connections, length: time.Duration(*seconds * float64(time.Second)), end: *end, out: os.Stdout}
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench/idle:", err)
		os.Exit(1)
	}
}

type bench struct {
	connections int
	length      time.Duration
	end         bool
	out         io.Writer
}

// files raises what one process may have open, the service's too, as far as it goes.
func (b *bench) files() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	need := uint64(b.connections) + 200
	if limit.Max < need {
		limit.Max = need // root may
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("%d open files, for root or after ulimit -n: %w", need, err)
	}
	return nil
}

func (b *bench) run() (err error) {
	if err := b.files(); err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "gate-bench-idle")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	example, err := filepath.Abs("examples/restaurant")
	if err != nil {
		return err
	}
	bin := filepath.Join(root, "service")
	if err := program.Build(example, bin); err != nil {
		return err
	}
	s, err := program.Service(bin, root, program.Secret())
	if err != nil {
		return err
	}
	defer s.Stop()
	fmt.Fprintf(b.out, "%-28s %10s %10s %10s %10s\n", "idle connections", "memory", "requests/s", "p50", "p99")
	before, err := b.measure(s, 0)
	if err != nil {
		return err
	}
	start := time.Now()
	idle, err := b.open(s.Addr)
	defer func() {
		for _, conn := range idle {
			_ = conn.Close()
		}
	}()
	if err != nil {
		return fmt.Errorf("after %d connections: %w", len(idle), err)
	}
	opened := time.Since(start)
	after, err := b.measure(s, len(idle))
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\n%.1f KiB each; opened in %v\n", float64(after-before)/float64(len(idle))/1024, opened.Round(10*time.Millisecond))
	if !b.end {
		return nil
	}
	for _, conn := range idle {
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			return fmt.Errorf("an idle connection ends with %w", err)
		}
	}
	fmt.Fprintf(b.out, "the service closed the last of them after %v\n", time.Since(start).Round(time.Second))
	return nil
}

// measure has four connections ask for a page.
func (b *bench) measure(s *program.Program, idle int) (memory int, err error) {
	m, err := load.Run(s.Addr, 4, b.length, load.New("GET", "/api/items", "", 200))
	if err != nil {
		return 0, err
	}
	memory = s.Memory()
	_, err = fmt.Fprintf(b.out, "%-28d %6d MiB %10.0f %10v %10v\n", idle, memory>>20, m.Rate(), m.Percentile(0.5), m.Percentile(0.99))
	return memory, err
}

// open opens the connections, a few at a time, each with one request.
func (b *bench) open(addr string) (idle []net.Conn, err error) {
	const ask = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := i; n < b.connections; n += 16 {
				conn, fault := net.Dial("tcp", addr)
				if fault == nil {
					_, fault = conn.Write([]byte(ask))
				}
				if fault == nil {
					_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
					_, fault = conn.Read(make([]byte, 4096)) // the answer has no body
					_ = conn.SetReadDeadline(time.Time{})
				}
				mu.Lock()
				if conn != nil {
					idle = append(idle, conn)
				}
				err = errors.Join(err, fault)
				stop := err != nil
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	wg.Wait()
	return idle, err
}
