package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatewright/gate/jose"
)

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // some of them log what is done to them
	began := time.Now()
	t := newTable()
	for _, part := range []func(*table) error{verifying, scaling, remembering, guarding, fetching} {
		if err := part(t); err != nil {
			fmt.Fprintln(os.Stderr, "compare:", err)
			os.Exit(1)
		}
	}
	t.print()
	fmt.Printf("\n%s, %d cores, %.0f s\n", runtime.Version(), runtime.NumCPU(), time.Since(began).Seconds())
}

// A table has a column for each peer.
type table struct{ rows [][]string }

func newTable() *table {
	row := []string{"time, ours = 1.00"}
	for _, p := range peers() {
		row = append(row, p.name)
	}
	return &table{rows: [][]string{row}}
}

// add adds a row; cells that are missing stay empty.
func (t *table) add(what string, cells ...string) {
	t.rows = append(t.rows, append([]string{what}, cells...))
}

func (t *table) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range t.rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush()
}

// A cost is what one call costs.
type cost struct {
	time   time.Duration
	allocs uint64
}

// measure runs all functions by turns, and returns what each costs at its best,
// so that a busy machine does not matter much. A nil function costs nothing.
func measure(fs []func(i int) error) ([]cost, error) {
	const rounds, turn = 6, 15 * time.Millisecond
	best := make([]cost, len(fs))
	for range rounds {
		for which, f := range fs {
			if f == nil {
				continue
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began, n := time.Now(), 0
			for time.Since(began) < turn {
				for range 16 {
					if err := f(n); err != nil {
						return nil, err
					}
					n++
				}
			}
			took := time.Since(began) / time.Duration(n)
			runtime.ReadMemStats(&after)
			if best[which].time == 0 || took < best[which].time {
				best[which] = cost{took, (after.Mallocs - before.Mallocs) / uint64(n)}
			}
		}
	}
	return best, nil
}

// verifying measures new and repeated tokens of each algorithm.
func verifying(t *table) error {
	for _, alg := range algorithms() {
		for _, tokens := range []int{256, 1} {
			m, err := newMaterial(alg, "k")
			if err != nil {
				return err
			}
			list, err := m.tokens(tokens)
			if err != nil {
				return err
			}
			verifiers, err := all(m, tokens)
			if err != nil {
				return err
			}
			fs := make([]func(int) error, len(verifiers))
			for i, verify := range verifiers {
				if verify != nil {
					fs[i] = func(n int) error { return verify(context.Background(), list[n%len(list)]) }
				}
			}
			costs, err := measure(fs)
			if err != nil {
				return fmt.Errorf("%s: %w", alg, err)
			}
			t.add(fmt.Sprintf("%s token, %s", alg, map[bool]string{true: "repeated", false: "new"}[tokens == 1]), cells(costs)...)
		}
	}
	return nil
}

// all returns the verifiers of all peers; ours remembers next to nothing when
// there are several tokens.
func all(m *material, tokens int) ([]verifier, error) {
	var list []verifier
	for i, p := range peers() {
		verify, err := p.make(m)
		if i == 0 && tokens > 1 {
			verify, err = newOurs(m, 16)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		list = append(list, verify)
	}
	return list, nil
}

// cells says how costs are to the first of them.
func cells(costs []cost) []string {
	var list []string
	for i, c := range costs {
		switch {
		case c.time == 0:
			list = append(list, "–")
		case i == 0:
			list = append(list, fmt.Sprintf("%v, %d allocs", c.time.Round(10*time.Nanosecond), c.allocs))
		default:
			list = append(list, fmt.Sprintf("%.2f, %d allocs", float64(c.time)/float64(costs[0].time), c.allocs))
		}
	}
	return list
}

// remembering measures what a remembered token costs in memory.
func remembering(t *table) error {
	const n = 10_000
	m, err := newMaterial(jose.HS256, "k")
	if err != nil {
		return err
	}
	tokens, err := m.tokens(n)
	if err != nil {
		return err
	}
	verify, err := newOurs(m, 2*n)
	if err != nil {
		return err
	}
	before := heap()
	for _, token := range tokens {
		if err := verify(context.Background(), token); err != nil {
			return err
		}
	}
	used := heap() - before
	runtime.KeepAlive(verify)
	t.add("bytes for a remembered token", fmt.Sprint(used/n), "–", "–", "–", "–", "–")
	return nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
