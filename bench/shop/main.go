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
// A peer is a folder with a program, for instance bench/compare/pocketbase. A copy of
// it is generated and built, started with a folder for its data, the number of rows,
// the kind and the address of an empty database, and says on its first line of output,
// as JSON, where it listens and what to ask it. In the folder is rows.json, the rows as
// the service has them; answers of a peer that has the same are compared before
// anything is measured.
package main

import (
	"cmp"
	"encoding/json"
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
	only := flag.String("run", "", "only what has this in its name: get, list, create, mixed, graphql get, …, graphql nested")
	peers := flag.String("peers", "", "folders with programs to be measured too")
	flag.Parse()
	b := &bench{length: time.Duration(*seconds * float64(time.Second)), rows: *rows, only: *only, out: os.Stdout}
	if err := b.all(strings.Split(*databases, ","), strings.FieldsFunc(*peers, func(r rune) bool { return r == ',' })); err != nil {
		fmt.Fprintln(os.Stderr, "bench/shop:", err)
		os.Exit(1)
	}
}

type bench struct {
	length time.Duration
	rows   int
	only   string
	peers  []string // programs
	notes  []string // for who reads the tables
	out    io.Writer
}

// all builds the peers in those folders and measures on each of the databases.
func (b *bench) all(databases, peers []string) (err error) {
	root, err := os.MkdirTemp("", "gate-bench-shop")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	for i, dir := range peers {
		bin := filepath.Join(root, fmt.Sprint("peer", i), filepath.Base(dir))
		if err := program.BuildPeer(dir, filepath.Join(root, fmt.Sprint("source", i)), bin); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		b.peers = append(b.peers, bin)
	}
	for _, database := range databases {
		if err := b.run(database, filepath.Join(root, database)); err != nil {
			return fmt.Errorf("%s: %w", database, err)
		}
	}
	_, err = fmt.Fprint(b.out, strings.Join(b.notes, "\n"), "\n")
	return err
}

// note keeps what has to be said of somebody, once.
func (b *bench) note(name, text string) {
	if text = name + ": " + text; !slices.Contains(b.notes, text) {
		b.notes = append(b.notes, text)
	}
}

// measured is what is measured, in order. What is asked by GraphQL is asked for the
// same rows and fields as without.
var measured = []string{"get", "list", "create", "mixed", "graphql get", "graphql list", "graphql create", "graphql nested", "graphql mixed"}

// A contender is somebody who is measured.
type contender struct {
	name string
	*program.Program
	asks map[string][]load.Request // by what is measured

	same bool   // it has the rows under the same ids
	drop func() // removes its database
}

func (c *contender) stop() {
	c.Stop()
	c.drop()
}

// ask returns the requests of a measurement; those that are mixed are made of the
// others: most read one row, and of twenty one creates and one is nested. There are
// none for what it does not have.
func (c *contender) ask(what string) []load.Request {
	by, mixed := strings.CutSuffix(what, "mixed")
	if !mixed || c.asks[by+"get"] == nil {
		return c.asks[what]
	}
	var all []load.Request
	for i := range 20 {
		kind := by + "get"
		switch {
		case i == 7:
			kind = by + "create"
		case i == 13 && c.asks["graphql nested"] != nil:
			kind = "graphql nested"
		case i%4 == 1:
			kind = by + "list"
		}
		all = append(all, c.asks[kind][i%len(c.asks[kind])])
	}
	return all
}

// run measures one database, with files below root.
func (b *bench) run(database, root string) error {
	all, err := b.contenders(database, root)
	defer func() {
		for _, c := range slices.Backward(all) {
			c.stop()
		}
	}()
	if err != nil {
		return err
	}
	if err := compareAnswers(all); err != nil {
		return err
	}
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s, %d rows\t\trequests/s\tto bare\tto gate\tcomputed\tp50\tp99\t\n", database, b.rows)
	for _, what := range measured {
		if !strings.Contains(what, b.only) {
			continue
		}
		if err := b.compare(w, what, all); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	for _, c := range all {
		fmt.Fprintf(w, "memory\t%s\t%d MiB\t\t\t\t\t\t\n", c.name, c.Memory()>>20)
	}
	fmt.Fprintln(w)
	return w.Flush()
}

// contenders starts everybody: first the bare handler, then the service. Who was
// started before a fault is returned with it.
func (b *bench) contenders(database, root string) (all []*contender, err error) {
	s, err := b.service(database, root)
	if err != nil {
		return nil, err
	}
	all = []*contender{s.floor, s.gate}
	for _, bin := range b.peers {
		c, err := b.peer(bin, database, root, s)
		if err != nil {
			return all, fmt.Errorf("%s: %w", filepath.Base(bin), err)
		}
		if c != nil {
			all = append(all, c)
		}
	}
	return all, nil
}

// compare has all who can take turns, and prints a line for each of them.
func (b *bench) compare(w io.Writer, what string, all []*contender) error {
	all = slices.DeleteFunc(slices.Clone(all), func(c *contender) bool { return len(c.ask(what)) == 0 })
	toBare, toGate := make([][]float64, len(all)), make([][]float64, len(all))
	last, cpu := make([]load.Measure, len(all)), make([]time.Duration, len(all))
	for round := range rounds + 1 {
		length := b.length
		if round == 0 { // to warm up
			length /= 4
		}
		for i, c := range all {
			var err error
			cpu[i] = -c.CPU()
			if last[i], err = load.Run(c.Addr, connections, length, c.ask(what)...); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			cpu[i] += c.CPU()
		}
		for i := range all {
			if round > 0 {
				toBare[i] = append(toBare[i], last[i].Rate()/last[0].Rate())
				toGate[i] = append(toGate[i], last[i].Rate()/last[1].Rate())
			}
		}
	}
	for i, c := range all {
		slices.Sort(toBare[i])
		slices.Sort(toGate[i])
		m := last[i]
		fmt.Fprintf(w, "%s\t%s\t%.0f\t%.2f\t%.2f\t%v\t%v\t%v\t\n", what, c.name, m.Rate(), toBare[i][rounds/2], toGate[i][rounds/2], (cpu[i] / time.Duration(max(1, m.Requests))).Round(100*time.Nanosecond), m.Percentile(0.5), m.Percentile(0.99))
	}
	return nil
}

// peer starts the program of a peer; nil if it says that it cannot be measured.
func (b *bench) peer(bin, database, root string, s *pair) (*contender, error) {
	site := program.Site{Dir: filepath.Join(root, filepath.Base(bin)), Rows: b.rows, Database: database}
	rows, err := json.Marshal(s.rows)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.MkdirAll(site.Dir, 0o700), os.WriteFile(filepath.Join(site.Dir, "rows.json"), rows, 0o600)); err != nil {
		return nil, err
	}
	c := &contender{asks: map[string][]load.Request{}, drop: func() {}}
	if database == "postgres" {
		if site.Address, c.drop, err = program.Database(); err != nil {
			return nil, err
		}
	}
	p, said, err := program.StartPeer(bin, site)
	if err != nil {
		c.drop()
		return nil, err
	}
	c.name = cmp.Or(said.Name, filepath.Base(bin))
	for _, n := range said.Notes {
		b.note(c.name, n)
	}
	if p == nil {
		c.drop()
		b.note(c.name, "not measured on "+database+": "+said.Not)
		return nil, nil
	}
	c.Program, c.same = p, said.SameRows
	if database == "postgres" {
		if err := program.Settle(site.Address); err != nil {
			c.stop()
			return nil, err
		}
	}
	for _, what := range slices.Sorted(maps.Keys(said.Asks)) {
		for _, r := range said.Asks[what] {
			c.asks[what] = append(c.asks[what], load.New(r.Method, r.Path, r.Body, r.Status, r.Header...))
		}
	}
	return c, nil
}
