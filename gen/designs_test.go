package gen_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

var walks = flag.Int("designs", 10, "how many services TestRegeneration lets grow")

// TestRegeneration lets services grow at random: entities, fields, relations, roles,
// APIs and plugins come, go and are called something else, while somebody writes
// code of their own, edits the files that are theirs and deletes some. Whatever
// happens, every line of the user's is there afterwards, what was deleted stays so,
// and a design that is refused changes nothing. The result compiles, or the compiler
// names a file of the user's that uses what is gone.
func TestRegeneration(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles what the runtime is made of")
	}
	check := newChecker(t)
	accepted, user := 0, 0
	for seed := range *walks {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWalk(t, uint64(seed))
			for range 8 {
				was := w.design()
				w.change()
				w.edit()
				if !w.regenerate() { // and goes on from what is there
					w.entities, w.apis, w.plugins = was.entities, was.apis, was.plugins
				}
				w.compile(check)
			}
			accepted, user = accepted+w.accepted, user+len(w.mine)
		})
	}
	t.Logf("%d designs of %d, %d files", accepted, 8**walks, user)
	if accepted < 4**walks || user < 2**walks {
		t.Errorf("%d designs were generated and %d files were the user's: too few to say anything", accepted, user)
	}
}

// A walk is one service on its way, and what its user did.
type walk struct {
	t   *testing.T
	r   *rand.Rand
	dir string

	database string
	apis     []string
	entities []*grown
	plugins  map[string]bool
	names    int // of files that the user made
	accepted int // designs

	mine    map[string]string // files of the user's, as they left them
	deleted map[string]bool
}

// A grown is an entity, with the lines of its fields by their names.
type grown struct {
	name   string
	fields map[string]string
}

func newWalk(t *testing.T, seed uint64) *walk {
	return &walk{
		t: t, r: rand.New(rand.NewPCG(seed, 25)), dir: t.TempDir(), database: []string{"sqlite", "postgres"}[seed%2], apis: []string{"rest"},
		plugins: map[string]bool{}, mine: map[string]string{}, deleted: map[string]bool{},
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

var (
	// Some are what generated files are called, or what Go has.
	entityNames = []string{"Item", "Order", "Customer", "Seed", "Graphql", "AuthNote", "OrderItem", "HTTPLog", "AppItem", "Hooks"} // Hooks is refused
	fieldNames  = []string{"name", "price", "url", "note", "isOpen", "html", "item", "day", "app", "func"}                         // func is refused
	fieldLines  = []string{
		"text", "longtext", "{type: text, required: true, default: none}", "integer", "{type: decimal, precision: 8, scale: 2}", "float", "boolean", "date",
		"datetime", "json", "email", "url", "{type: enum, values: [open, in-progress, done]}",
	}
	pluginLines = map[string]string{
		"auth-core": "{entity: User}", "auth-jwt": "{refresh: true}", "auth-basic": "{}", "auth-session": "{}", "auth-apikey": "{}", "auth-letters": "{}",
		"realtime": "{}", "seed": "{}", "metrics": "{}", "docker": "{}", "feedback": "{readers: clerk}",
	}
)

// design returns a copy of what the design is made of.
func (w *walk) design() *walk {
	out := &walk{apis: w.apis, plugins: maps.Clone(w.plugins)}
	for _, e := range w.entities {
		out.entities = append(out.entities, &grown{e.name, maps.Clone(e.fields)})
	}
	return out
}

// change does some things to the design.
func (w *walk) change() {
	for range 1 + w.r.IntN(4) {
		switch n := w.r.IntN(10); {
		case n < 3 || len(w.entities) == 0:
			w.entities = append(w.entities, &grown{name: pick(w.r, entityNames), fields: map[string]string{"title": "text"}})
		case n == 3:
			i := w.r.IntN(len(w.entities))
			w.entities = slices.Delete(w.entities, i, i+1)
		case n == 4:
			pick(w.r, w.entities).name = pick(w.r, entityNames)
		case n == 5:
			if fields := pick(w.r, w.entities).fields; len(fields) > 0 {
				delete(fields, pick(w.r, slices.Sorted(maps.Keys(fields))))
			}
		case n < 8:
			w.grow(pick(w.r, w.entities))
		case n == 8:
			w.apis = pick(w.r, [][]string{{"rest"}, {"graphql"}, {"rest", "graphql"}})
		default:
			name := pick(w.r, slices.Sorted(maps.Keys(pluginLines)))
			w.plugins[name] = !w.plugins[name]
			switch {
			case name == "auth-core" && !w.plugins[name]:
				maps.DeleteFunc(w.plugins, func(name string, _ bool) bool { return strings.HasPrefix(name, "auth-") })
			case strings.HasPrefix(name, "auth-"):
				w.plugins["auth-core"], w.plugins[pick(w.r, []string{"auth-jwt", "auth-basic", "auth-session"})] = true, true
			}
		}
	}
	slices.SortFunc(w.entities, func(a, b *grown) int { return strings.Compare(a.name, b.name) })
	w.entities = slices.CompactFunc(w.entities, func(a, b *grown) bool { return a.name == b.name })
}

// grow adds a field, or a relation.
func (w *walk) grow(e *grown) {
	line := pick(w.r, fieldLines)
	if w.r.IntN(3) == 0 {
		line = fmt.Sprintf("{type: relation, to: %s%s}", pick(w.r, w.entities).name, pick(w.r, []string{"", ", many: true", ", onDelete: set-null"}))
	}
	e.fields[pick(w.r, fieldNames)] = line
}

// yaml is the design. Relations to what is gone are left out.
func (w *walk) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "gate: 1\nservice: {name: shop, module: example.com/shop, database: %s, apis: [%s]}\n", w.database, strings.Join(w.apis, ", "))
	b.WriteString("roles: {clerk: {permissions: [\"read:all\"]}}\nplugins:\n  auth-core: {enabled: false}\n")
	plugins := b.String()
	if w.plugins["auth-core"] {
		plugins = strings.Replace(plugins, "auth-core: {enabled: false}", "auth-core: {entity: User}", 1)
	}
	b.Reset()
	b.WriteString(plugins)
	for _, name := range slices.Sorted(maps.Keys(w.plugins)) {
		if w.plugins[name] && name != "auth-core" {
			fmt.Fprintf(&b, "  %s: %s\n", name, pluginLines[name])
		}
	}
	b.WriteString("entities:\n  User:\n    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}\n    allow: {view: public}\n")
	for _, e := range w.entities {
		fmt.Fprintf(&b, "  %s:\n    allow: {view: public, list: public, create: [\"read:all\"]}\n    fields:\n      kept: text\n", e.name)
		for _, name := range slices.Sorted(maps.Keys(e.fields)) {
			if _, to, ok := strings.Cut(e.fields[name], "to: "); ok {
				to = strings.TrimRight(strings.SplitN(to, ",", 2)[0], "}")
				if !slices.ContainsFunc(w.entities, func(o *grown) bool { return o.name == to }) {
					continue
				}
			}
			fmt.Fprintf(&b, "      %s: %s\n", name, e.fields[name])
		}
	}
	return b.String()
}

// edit is what the user does meanwhile: to files that gate wrote once, and to files
// of their own.
func (w *walk) edit() {
	for range w.r.IntN(4) {
		w.names++
		switch w.r.IntN(4) {
		case 0:
			w.write(fmt.Sprintf("app/own_%d.go", w.names), fmt.Sprintf("package app\n\nconst own%d = %[1]d\n", w.names))
		case 1:
			if len(w.entities) > 0 {
				w.write(fmt.Sprintf("app/uses_%d.go", w.names), fmt.Sprintf("package app\n\nvar uses%d = %s{}\n", w.names, pick(w.r, w.entities).name))
			}
		case 2:
			name := pick(w.r, []string{"app/hooks.go", "app/seed.go", "app/samples_test.go", "main.go", "README.md", "seed.yaml", ".gitignore", "Dockerfile"})
			if text, ok := tree(w.t, w.dir)[name]; ok {
				mark := map[bool]string{true: "//", false: "#"}[strings.HasSuffix(name, ".go")]
				w.write(name, fmt.Sprintf("%s\n%s mine, %d\n", text, mark, w.names))
			}
		default:
			name := pick(w.r, []string{"README.md", "seed.yaml", ".gitignore"})
			if err := os.Remove(filepath.Join(w.dir, name)); err == nil {
				delete(w.mine, name)
				w.deleted[name] = true
			}
		}
	}
}

func (w *walk) write(name, text string) {
	w.t.Helper()
	write(w.t, w.dir, name, text)
	w.mine[name] = text
	delete(w.deleted, name)
}

// regenerate generates as the command does, and looks after the user's files. It
// reports whether the design was accepted.
func (w *walk) regenerate() bool {
	w.t.Helper()
	src, before := w.yaml(), tree(w.t, w.dir)
	err := w.generate(src)
	if _, ok := errors.AsType[*design.Errors](err); err != nil && !ok {
		w.t.Fatalf("%v in\n%s", err, src)
	}
	after := tree(w.t, w.dir)
	if err == nil {
		w.accepted++
	} else if !maps.Equal(before, after) {
		w.t.Errorf("refused, and something was written: %v", err)
	}
	for name, text := range w.mine {
		if after[name] != text {
			w.t.Errorf("%s was the user's, and is\n%s\nwith\n%s", name, after[name], src)
		}
	}
	for name := range w.deleted {
		if _, there := after[name]; there {
			w.t.Errorf("%s was deleted by the user, and is there again", name)
		}
	}
	if err != nil {
		w.t.Logf("refused: %v", err)
	}
	return err == nil
}

func (w *walk) generate(src string) error {
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		return err
	}
	opts := gen.Options{Replace: "/gate"}
	if opts.State, err = gen.ReadState(w.dir, d.Service.Database, extended()...); err != nil {
		return err
	}
	files, err := gen.Generate(d, opts, extended()...)
	if lost, ok := errors.AsType[*gen.DestructiveError](err); ok {
		for _, c := range lost.Changes {
			opts.AllowDestructive = append(opts.AllowDestructive, c.Name)
		}
		files, err = gen.Generate(d, opts, extended()...)
	}
	if err != nil {
		return err
	}
	_, err = gen.Apply(w.dir, files, gen.ApplyOptions{})
	return err
}

// compile checks the types of what is there. Only files in which the user names an
// entity can be wrong.
func (w *walk) compile(c *checker) {
	w.t.Helper()
	for _, err := range c.check(w.t, w.dir) {
		name := filepath.ToSlash(strings.TrimPrefix(err.Fset.Position(err.Pos).Filename, w.dir+string(filepath.Separator)))
		if !strings.HasPrefix(name, "app/uses_") {
			w.t.Errorf("%v with\n%s", err, w.yaml())
		}
	}
}
