// Package load sends requests to a program on this machine, as fast as it answers,
// and tells how fast that was. It costs little beside the program: requests are
// written out once, and no more of an answer is read than must be.
package load

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

// A Request is a request written out, and the status of the answer that counts.
type Request struct {
	text   []byte
	status int
}

// New returns a request with these header lines, "Name: value". A body is JSON;
// empty means none.
func New(method, path, body string, status int, header ...string) Request {
	text := method + " " + path + " HTTP/1.1\r\n" + strings.Join(append(slices.Clip(header), "Host: localhost"), "\r\n") + "\r\n"
	if body != "" {
		text += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return Request{[]byte(text + "\r\n" + body), status}
}

// A Measure is what one run gave.
type Measure struct {
	Requests int
	Elapsed  time.Duration

	times []time.Duration // sorted
}

// Rate is how many requests a second were answered.
func (m Measure) Rate() float64 { return float64(m.Requests) / m.Elapsed.Seconds() }

// Percentile is the time within which that part of the requests was answered:
// 0.5 is the median. It is 0 without requests.
func (m Measure) Percentile(p float64) time.Duration {
	if len(m.times) == 0 {
		return 0
	}
	return m.times[min(len(m.times)-1, int(p*float64(len(m.times))))].Round(time.Microsecond)
}

// Run sends the requests in turn to an address, over n connections, one at a time
// on each, for that long. An answer with another status ends it, and is the error.
func Run(addr string, n int, length time.Duration, requests ...Request) (Measure, error) {
	var (
		mu    sync.Mutex
		all   Measure
		fault error
		wg    sync.WaitGroup
	)
	start := time.Now()
	for i := range n {
		wg.Go(func() {
			times, err := drive(addr, requests, i*len(requests)/n, start.Add(length))
			mu.Lock()
			defer mu.Unlock()
			fault = errors.Join(fault, err)
			all.times = append(all.times, times...)
		})
	}
	wg.Wait()
	all.Elapsed = time.Since(start)
	all.Requests = len(all.times)
	slices.Sort(all.times)
	return all, fault
}

// Once sends one request to an address and returns the body of the answer, and an
// error if it has another status.
func Once(addr string, r Request) ([]byte, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Write(r.text); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != r.status {
		err = fmt.Errorf("%s: status %d, want %d: %.500s", r.line(), res.StatusCode, r.status, body)
	}
	return body, err
}

// line is the first line of the request.
func (r Request) line() string {
	line, _, _ := strings.Cut(string(r.text), "\r\n")
	return line
}

// drive is one connection.
func drive(addr string, requests []Request, first int, until time.Time) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 64<<10)
	var times []time.Duration
	for i := first; ; i++ {
		start := time.Now()
		if start.After(until) {
			return times, nil
		}
		r := requests[i%len(requests)]
		if _, err := conn.Write(r.text); err != nil {
			return times, err
		}
		h, err := readHead(answers)
		if err != nil {
			return times, err
		}
		if h.status != r.status {
			body, _ := io.ReadAll(io.LimitReader(answers, int64(min(h.length, 500))))
			return times, fmt.Errorf("%s: status %d, want %d: %s", r.line(), h.status, r.status, body)
		}
		if err := h.skip(answers); err != nil {
			return times, err
		}
		times = append(times, time.Since(start))
	}
}

// A head is what matters of the head of an answer.
type head struct {
	status, length int
	chunked        bool
}

func readHead(r *bufio.Reader) (h head, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return h, err
	}
	if len(line) < 12 {
		return h, fmt.Errorf("status line %q", line)
	}
	h.status = number(line[9:12])
	for {
		line, err := r.ReadSlice('\n')
		if err != nil || len(line) <= 2 {
			return h, err
		}
		const name, chunks = "Content-Length: ", "Transfer-Encoding: chunked"
		if len(line) > len(name) && string(line[:len(name)]) == name {
			h.length = number(line[len(name) : len(line)-2])
		}
		h.chunked = h.chunked || string(line[:len(line)-2]) == chunks
	}
}

// skip reads past the body of an answer.
func (h head) skip(r *bufio.Reader) error {
	if !h.chunked {
		_, err := r.Discard(h.length)
		return err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		size := 0
		if _, err := fmt.Sscanf(string(line), "%x", &size); err != nil {
			return fmt.Errorf("chunk %q: %w", line, err)
		}
		if _, err := r.Discard(size + len("\r\n")); err != nil || size == 0 {
			return err
		}
	}
}

func number(digits []byte) (n int) {
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}
