// Command shop measures a generated service of five entities under load, beside a
// bare handler of the same queries, and beside other products, in the same run:
//
//	go run ./bench/shop [-database sqlite,postgres] [-run name] [-seconds n] [-rows n] [-peers dir,dir]
//
// It is run in the folder of the checkout. Service and bare handler have one
// database together; whoever has it asks for the same rows. They take turns; the
// median of the ratios to the bare handler counts. A PostgreSQL server is the one
// that GATE_TEST_POSTGRES names, or one that is started for the run, which does not
// wait for the disk.
//
// A peer is a folder with a program, for instance bench/compare/pocketbase: it is
// built there, started with a folder for its data and the number of rows, and says
// on its first line of output, as JSON, where it listens and what to ask it.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatewright/gate/bench/internal/load"
	"github.com/gatewright/gate/bench/internal/program"
)

// connections is how many requests are under way at once.
const connections = 4

// rounds is how often those who are compared take turns.
const rounds = 3

func main() {
	databases := flag.String("database", "sqlite,postgres", "databases of the service")
	seconds := flag.Float64("seconds", 2, "length of one turn")
	rows := flag.Int("rows", 5000, "products, and orders; an order has two lines")
	only := flag.String("run", "", "only what has this in its name: get, list, create, graphql, mixed")
	peers := flag.String("peers", "", "folders with programs to be measured too")
	flag.Parse()
	b := &bench{length: time.Duration(*seconds * float64(time.Second)), rows: *rows, only: *only, out: os.Stdout}
	if *peers != "" {
		b.peers = strings.Split(*peers, ",")
	}
	for database := range strings.SplitSeq(*databases, ",") {
		if err := b.run(database); err != nil {
			fmt.Fprintf(os.Stderr, "bench/shop: %s: %v\n", database, err)
			os.Exit(1)
		}
	}
}

type bench struct {
	length time.Duration
	rows   int
	only   string
	peers  []string
	out    io.Writer
}

// A contender is somebody who is measured.
type contender struct {
	name string
	*program.Program
	asks map[string][]load.Request // by what is measured
}

// ask returns the requests of a measurement; those that are mixed are made of the
// others: most read one row, and of twenty one creates.
func (c *contender) ask(what string) []load.Request {
	if what != "mixed" {
		return c.asks[what]
	}
	var all []load.Request
	for i := range 20 {
		kind := "get"
		switch {
		case i%20 == 7:
			kind = "create"
		case i%20 == 13 && c.asks["graphql"] != nil:
			kind = "graphql"
		case i%4 == 1:
			kind = "list"
		}
		all = append(all, c.asks[kind][i%len(c.asks[kind])])
	}
	return all
}

// run measures one database.
func (b *bench) run(database string) (err error) {
	root, err := os.MkdirTemp("", "gate-bench-shop")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	all, end, err := b.contenders(database, root)
	defer end()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s, %d rows\t\trequests/s\tratio\tp50\tp99\t\n", database, b.rows)
	for _, what := range []string{"get", "list", "create", "graphql", "mixed"} {
		if !strings.Contains(what, b.only) {
			continue
		}
		if err := b.compare(w, what, all); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	for _, c := range all {
		fmt.Fprintf(w, "memory\t%s\t%d MiB\t\t\t\t\n", c.name, c.Memory()>>20)
	}
	return w.Flush()
}

// contenders starts everybody: first the bare handler, then the service.
func (b *bench) contenders(database, root string) (all []*contender, end func(), err error) {
	end = func() {}
	s, err := b.service(database, root)
	if err != nil {
		return nil, end, err
	}
	all = []*contender{s.floor, s.gate}
	end = func() {
		for _, c := range all {
			c.Stop()
		}
		s.drop()
	}
	for _, dir := range b.peers {
		p, err := startPeer(dir, filepath.Join(root, filepath.Base(dir)), b.rows)
		if err != nil {
			return all, end, err
		}
		all = append(all, p)
	}
	return all, end, nil
}

// compare has all take turns, and prints a line for each.
func (b *bench) compare(w io.Writer, what string, all []*contender) error {
	ratios := make([][]float64, len(all))
	last := make([]load.Measure, len(all))
	for round := range rounds + 1 {
		length := b.length
		if round == 0 { // to warm up
			length /= 4
		}
		for i, c := range all {
			requests := c.ask(what)
			if len(requests) == 0 {
				continue
			}
			var err error
			if last[i], err = load.Run(c.Addr, connections, length, requests...); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 {
				ratios[i] = append(ratios[i], last[i].Rate()/last[0].Rate())
			}
		}
	}
	for i, c := range all {
		if len(ratios[i]) == 0 {
			fmt.Fprintf(w, "%s\t%s\tnot measured\t\t\t\t\n", what, c.name)
			continue
		}
		slices.Sort(ratios[i])
		m := last[i]
		fmt.Fprintf(w, "%s\t%s\t%.0f\t%.2f\t%v\t%v\t\n", what, c.name, m.Rate(), ratios[i][len(ratios[i])/2], m.Percentile(0.5), m.Percentile(0.99))
	}
	return nil
}

// startPeer builds and starts the program in a folder.
func startPeer(dir, data string, rows int) (*contender, error) {
	p, said, err := program.Peer(dir, data, rows)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	c := &contender{name: cmp.Or(said.Name, filepath.Base(dir)), Program: p, asks: map[string][]load.Request{}}
	for _, what := range slices.Sorted(maps.Keys(said.Asks)) {
		for _, r := range said.Asks[what] {
			c.asks[what] = append(c.asks[what], load.New(r.Method, r.Path, r.Body, r.Status, r.Header...))
		}
	}
	return c, nil
}
