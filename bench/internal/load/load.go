package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A target is a request, written out once, and where it goes.
type target struct {
	addr    string
	request []byte
	status  int // the answer that counts
}

func get(addr, path string, header ...string) target {
	return request(addr, "GET", path, "", http.StatusOK, header...)
}

func request(addr, method, path, body string, status int, header ...string) target {
	text := method + " " + path + " HTTP/1.1\r\n" + strings.Join(append(header, "Host: "+addr), "\r\n") + "\r\n"
	if body != "" {
		text += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return target{addr: addr, request: []byte(text + "\r\n" + body), status: status}
}

// A measure is what one run of a target gave.
type measure struct {
	requests int
	elapsed  time.Duration
	times    []time.Duration // sorted
}

func (m measure) rate() float64 { return float64(m.requests) / m.elapsed.Seconds() }

func (m measure) percentile(p float64) time.Duration {
	if len(m.times) == 0 {
		return 0
	}
	return m.times[min(len(m.times)-1, int(p*float64(len(m.times))))]
}

// load sends the request over n connections, one at a time on each, for that
// long. An answer with another status ends it.
func load(t target, n int, length time.Duration) (measure, error) {
	var (
		mu    sync.Mutex
		all   measure
		fault error
		wg    sync.WaitGroup
	)
	start := time.Now()
	for range n {
		wg.Go(func() {
			times, err := drive(t, start.Add(length))
			mu.Lock()
			defer mu.Unlock()
			fault = errors.Join(fault, err)
			all.times = append(all.times, times...)
		})
	}
	wg.Wait()
	all.elapsed = time.Since(start)
	all.requests = len(all.times)
	slices.Sort(all.times)
	return all, fault
}

// drive is one connection. It reads no more of an answer than it must, so that
// the load costs little beside the server on the same machine.
func drive(t target, until time.Time) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", t.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 64<<10)
	var times []time.Duration
	for {
		start := time.Now()
		if start.After(until) {
			return times, nil
		}
		if _, err := conn.Write(t.request); err != nil {
			return times, err
		}
		status, length, err := head(answers)
		if err != nil {
			return times, err
		}
		if status != t.status {
			body, _ := io.ReadAll(io.LimitReader(answers, int64(min(length, 500))))
			return times, fmt.Errorf("status %d, want %d: %s", status, t.status, body)
		}
		if _, err := answers.Discard(length); err != nil {
			return times, err
		}
		times = append(times, time.Since(start))
	}
}

// head reads the status and the length of an answer.
func head(r *bufio.Reader) (status, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("status line %q", line)
	}
	status = number(line[9:12])
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		if len(line) <= 2 {
			return status, length, nil
		}
		const name = "Content-Length: "
		if len(line) > len(name) && string(line[:len(name)]) == name {
			length = number(line[len(name) : len(line)-2])
		}
	}
}

func number(digits []byte) (n int) {
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}
