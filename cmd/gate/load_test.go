package main

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const dish = `{"name":"Dish","price":1}`

// A load is writers that go on whatever they are answered, one request at a time
// each, and what came of it.
type load struct {
	stop    context.CancelFunc
	writers sync.WaitGroup

	mu       sync.Mutex
	changed  *sync.Cond
	answered []string       // rows that were made, by their answers
	statuses map[int]answer // the last of each
	counts   map[int]int
	slowest  time.Duration // of any answer
	cut      int           // requests without an answer
}

// write4 has four writers make dishes until end.
func write4(r *running, token string) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{stop: stop, statuses: map[int]answer{}, counts: map[int]int{}}
	l.changed = sync.NewCond(&l.mu)
	for range 4 {
		l.writers.Go(func() {
			for ctx.Err() == nil {
				l.one(ctx, r.url, token)
			}
		})
	}
	return l
}

// one makes a dish.
func (l *load) one(ctx context.Context, url, token string) {
	start := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/items", strings.NewReader(dish))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", token)
	res, err := http.DefaultClient.Do(req)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.changed.Broadcast()
	if err != nil {
		l.cut++
		if l.cut > 100 {
			l.stop() // nobody is there any more
		}
		return
	}
	l.slowest = max(l.slowest, time.Since(start))
	l.counts[res.StatusCode]++
	l.statuses[res.StatusCode] = answer{res.StatusCode, res.Header, string(body)}
	if res.StatusCode == http.StatusCreated {
		_, rest, _ := strings.Cut(string(body), `"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		l.answered = append(l.answered, id)
	}
}

// await waits for so many rows more than there are.
func (l *load) await(rows int) { l.awaitStatus(http.StatusCreated, rows) }

// awaitStatus waits for so many more answers of that status.
func (l *load) awaitStatus(status, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for until := l.counts[status] + n; l.counts[status] < until; {
		l.changed.Wait()
	}
}

// end ends the writers. What is under way is cut off.
func (l *load) end() { l.stop(); l.writers.Wait() }

// only demands that nothing but these statuses was answered, and shows what the
// service said of another.
func (l *load) only(t *testing.T, r *running, want ...int) {
	t.Helper()
	for status, a := range l.statuses {
		if !slices.Contains(want, status) {
			id := strings.Trim(strings.TrimPrefix(requestID.FindString(a.body), `"requestId":`), `"`)
			t.Errorf("answered %d: %s\n%s", status, a.body, r.said.with(id))
		}
	}
	t.Logf("answers %v, the slowest after %v, %d cut off", maps.Collect(maps.All(l.counts)), l.slowest, l.cut)
}

// kept demands that every row that was answered is there.
func (l *load) kept(t *testing.T, r *running) {
	t.Helper()
	lost := 0
	for _, id := range l.answered {
		if a := r.ask("GET", "/api/items/"+id, "", ""); a.status != http.StatusOK {
			lost++
		}
	}
	if lost > 0 || len(l.answered) == 0 {
		t.Errorf("%d of %d rows that were answered are lost", lost, len(l.answered))
	}
}
