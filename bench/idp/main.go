// Command idp measures the budgets of the identity provider, each as a ratio to
// its floor in the same run on the same machine:
//
//	go run ./bench/idp [-run name] [-seconds n] [-users n] [-cpuprofile file]
//
// It calls the handler of a provider over an SQLite file directly: what is
// measured is the provider, not the network. Memory is that of a process of its
// own, over a million users that it makes first, which takes a minute and a
// gigabyte for temporary files; -users makes fewer. Floors and provider take
// turns; the median of the ratios counts. Rates marked "cpu" are per second of
// processor time of this process, which other programs on the machine do not
// change.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"
)

// rounds is how often floor and provider take turns.
const rounds = 3

func main() {
	seconds := flag.Float64("seconds", 2, "length of one turn")
	users := flag.Int("users", 1_000_000, "users in the database whose idle process is weighed; fewer are made faster")
	only := flag.String("run", "", "only the budgets whose name contains this")
	profile := flag.String("cpuprofile", "", "where to write a profile of the processor")
	idle := flag.String("idle", "", "run as the idle process over this database")
	flag.Parse()
	b := &bench{length: time.Duration(*seconds * float64(time.Second)), users: *users, only: *only, out: os.Stdout}
	run := b.run
	if *idle != "" {
		run = func() error { return stand(*idle, os.Stdin, os.Stdout) }
	}
	if err := profiled(*profile, run); err != nil {
		fmt.Fprintln(os.Stderr, "bench/idp:", err)
		os.Exit(1)
	}
}

// profiled calls run while a profile is written to a file, if one is named.
func profiled(file string, run func() error) error {
	if file == "" {
		return run()
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return run()
}

type bench struct {
	length time.Duration
	users  int
	only   string
	out    io.Writer
	missed int
}

func (b *bench) run() error {
	fmt.Fprintf(b.out, "%-44s %12s %12s %8s %8s\n", "what", "floor", "provider", "ratio", "budget")
	for _, part := range []struct {
		name string
		run  func(*world) error
	}{
		{"client credentials", b.clientCredentials},
		{"refresh", b.refreshes},
		{"code flow", b.codeFlow},
		{"open log-ins", b.transactions},
		{"idle memory", b.idleMemory},
	} {
		if !strings.Contains(part.name, b.only) && !strings.HasPrefix(b.only, part.name) {
			continue
		}
		if err := b.within(part.run); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if b.missed > 0 {
		return fmt.Errorf("%d budgets missed", b.missed)
	}
	return nil
}

// within calls run with a provider over an empty database.
func (b *bench) within(run func(*world) error) error {
	dir, err := os.MkdirTemp("", "gate-bench-idp")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w, err := open(dir+"/idp.db", false)
	if err != nil {
		return err
	}
	return errors.Join(run(w), w.close())
}

// wanted reports whether a budget within a part was asked for.
func (b *bench) wanted(part, name string) bool {
	return strings.Contains(part, b.only) || strings.Contains(name, b.only)
}

// compare lets floor and provider take turns and prints the median of the ratios.
func (b *bench) compare(name string, budget float64, floor, provider func() error) error {
	var ratios []float64
	var f, p pace
	for range rounds {
		var err error
		if f, err = rate(b.length, floor); err != nil {
			return fmt.Errorf("%s, floor: %w", name, err)
		}
		if p, err = rate(b.length, provider); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		ratios = append(ratios, p.cpu/f.cpu)
	}
	slices.Sort(ratios)
	b.report(name+" (cpu)", fmt.Sprintf("%.0f/s", f.cpu), fmt.Sprintf("%.0f/s", p.cpu), ratios[rounds/2], budget)
	return nil
}

func (b *bench) report(name, floor, provider string, ratio, budget float64) {
	fmt.Fprintf(b.out, "%-44s %12s %12s %8.2f %8.2f%s\n", name, floor, provider, ratio, budget, b.mark(ratio < budget))
}

// limit prints a figure that has to stay below a bound.
func (b *bench) limit(name, figure, bound string, over bool) {
	fmt.Fprintf(b.out, "%-44s %12s %12s %8s %8s%s\n", name, "", figure, "", bound, b.mark(over))
}

func (b *bench) mark(missed bool) string {
	if !missed {
		return ""
	}
	b.missed++
	return "  MISSED"
}

// A pace is how often a second something was done: of the clock, and of the
// processors.
type pace struct{ wall, cpu float64 }

// spent is the processor time of this process.
func spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rate calls run for that long on each processor and returns how often a second
// it came back.
func rate(length time.Duration, run func() error) (pace, error) {
	return rateOf(runtime.GOMAXPROCS(0), length, run)
}

// rateOf is [rate] with n callers at once.
func rateOf(n int, length time.Duration, run func() error) (pace, error) {
	type done struct {
		n   int
		err error
	}
	all := make(chan done)
	start, used := time.Now(), spent()
	for range n {
		go func() {
			var d done
			for time.Since(start) < length && d.err == nil {
				d.err = run()
				d.n++
			}
			all <- d
		}()
	}
	sum := 0
	var fault error
	for range n {
		d := <-all
		sum += d.n
		fault = errors.Join(fault, d.err)
	}
	return pace{float64(sum) / time.Since(start).Seconds(), float64(sum) / max(spent()-used, 1).Seconds()}, fault
}
