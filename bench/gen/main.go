// Command gen measures what designs of several sizes cost, in one table:
//
//	go run ./bench/gen [-entities 5,20,50,200] [-graphql=false]
//
// For each number of entities it generates a service, counts the lines of Go, builds
// it, and starts it. It is run in the folder of the checkout. What services have in
// common is compiled before the first is measured: the time of a build is that of
// the generated packages and of the linker.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/bench/internal/program"
	"github.com/gatewright/gate/gen"
)

// rounds is how often a design is generated and its service started; the median
// counts.
const rounds = 5

func main() {
	entities := flag.String("entities", "5,20,50,200", "how many entities the designs have")
	graphql := flag.Bool("graphql", true, "services answer GraphQL too")
	flag.Parse()
	if err := run(os.Stdout, *entities, *graphql); err != nil {
		fmt.Fprintln(os.Stderr, "bench/gen:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, entities string, graphql bool) (err error) {
	root, err := os.MkdirTemp("", "gate-bench-gen")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	if _, err := measure(filepath.Join(root, "before"), 1, graphql); err != nil { // compiles what they have in common
		return err
	}
	fmt.Fprintf(out, "%8s %10s %8s %10s %10s %10s %10s %10s\n", "entities", "generate", "files", "lines", "build", "binary", "start", "memory")
	for word := range strings.SplitSeq(entities, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return fmt.Errorf("-entities: %q is no number of entities", word)
		}
		s, err := measure(filepath.Join(root, word), n, graphql)
		if err != nil {
			return fmt.Errorf("%d entities: %w", n, err)
		}
		fmt.Fprintf(out, "%8d %10s %8d %10d %10s %7.1f MB %10s %6d MiB\n", n, s.generate.Round(time.Millisecond), s.files, s.lines,
			s.build.Round(10*time.Millisecond), float64(s.binary)/1e6, s.start.Round(100*time.Microsecond), s.memory>>20)
	}
	return nil
}

// A size is what a design of that size costs.
type size struct {
	generate time.Duration // and written to an empty folder
	files    int
	lines    int // of Go
	build    time.Duration
	binary   int64         // stripped
	start    time.Duration // to the first answer, on a migrated database
	memory   int           // resident, of the idle service
}

func measure(dir string, entities int, graphql bool) (s size, err error) {
	yaml := design(entities, graphql)
	var times []time.Duration
	var files gen.Files
	for range rounds {
		if err := os.RemoveAll(dir); err != nil {
			return s, err
		}
		start := time.Now()
		if files, err = program.Generate(dir, yaml); err != nil {
			return s, err
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	s.generate, s.files = times[rounds/2], len(files)
	for _, f := range files {
		if strings.HasSuffix(f.Path, ".go") {
			s.lines += bytes.Count(f.Data, []byte("\n"))
		}
	}
	bin := filepath.Join(dir, "service")
	start := time.Now()
	if err := program.Build(dir, bin); err != nil {
		return s, err
	}
	s.build = time.Since(start)
	info, err := os.Stat(bin)
	if err != nil {
		return s, err
	}
	s.binary = info.Size()
	service, err := program.Service(bin, dir, program.Secret())
	if err != nil {
		return s, err
	}
	service, s.start, err = program.Starts(service, rounds)
	s.memory = service.Memory()
	service.Stop()
	return s, errors.Join(err, os.RemoveAll(dir))
}

// design is that of a service with accounts and so many other entities, of eight
// fields each: a few scalars, a list of words, money, a time, and two relations.
func design(entities int, graphql bool) string {
	apis := "[rest]"
	if graphql {
		apis = "[rest, graphql]"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `gate: 1
service: {name: shop, module: example.com/shop, apis: %s}
roles:
  customer: {default: true}
  clerk: {permissions: ["update:things"]}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    owner: id
    allow: {view: [owner, clerk], list: clerk, create: public, update: owner}
`, apis)
	for i := range entities - 1 {
		fmt.Fprintf(&b, `  Thing%03[1]d:
    description: The thing of number %[1]d.
    owner: author
    fields:
      name: {type: text, required: true, maxLength: 100, searchable: true}
      note: longtext
      price: {type: decimal, precision: 10, scale: 2, required: true, min: 0}
      state: {type: enum, values: [draft, done], required: true, default: draft}
      count: integer
      due: datetime
      author: {type: relation, to: User}
`, i)
		if i > 0 {
			fmt.Fprintf(&b, "      before: {type: relation, to: Thing%03d, inverse: next}\n", i-1)
		}
		b.WriteString("    allow: {view: public, list: public, create: signed-in, update: [owner, \"update:things\"], delete: owner}\n")
	}
	return b.String()
}
