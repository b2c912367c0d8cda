package gen_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// TestCodeSurvivesRenames lets a user write code while entities and fields come, go and
// get other names, in any order. No line of the user's is lost, what names an entity
// names it as it is called now, and a second generation does nothing.
func TestCodeSurvivesRenames(t *testing.T) {
	c := newChecker(t)
	rapid.Check(t, func(rt *rapid.T) {
		u := &user{dir: t.TempDir(), entities: []drawn{{Name: "Item", Field: "name"}}, files: map[string][]string{}}
		u.generate(rt, t)
		for step := range rapid.IntRange(1, 6).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "the user writes") {
				u.write(rt, t, step)
				continue
			}
			u.redesign(rt)
			u.generate(rt, t)
			if found := c.check(t, u.dir); found != nil {
				rt.Fatalf("%v", found)
			}
		}
	})
}

// A user has a design and files of code. Lines name an entity by a number, so that they
// can be compared with what they have to be under any name.
type user struct {
	dir      string
	entities []drawn
	files    map[string][]string // templates of lines, by path
}

type drawn struct{ Name, Field, Was, WasField string }

var drawnNames = []string{"Item", "Product", "OrderItem", "News", "Person", "X", "Hook", "TestCase"}

// generate writes what the design is now, and looks at what is there then.
func (u *user) generate(rt *rapid.T, t *testing.T) {
	var src strings.Builder
	src.WriteString("gate: 1\nservice: {name: shop, module: example.com/shop, apis: [rest, graphql]}\nentities:\n")
	for _, e := range u.entities {
		fmt.Fprintf(&src, "  %s:\n    plural: %s\n    fields:\n      %s: {type: text", e.Name, e.plural(), e.Field)
		if e.WasField != "" {
			fmt.Fprintf(&src, ", renamedFrom: %s", e.WasField)
		}
		src.WriteString("}\n    allow: {view: public, list: public}\n")
		if e.Was != "" {
			fmt.Fprintf(&src, "    renamedFrom: %s\n", drawn{Name: e.Was}.table())
		}
	}
	d := parse(t, src.String())
	state, err := gen.ReadState(u.dir, d.Service.Database)
	if err != nil {
		rt.Fatal(err)
	}
	opts := gen.Options{Replace: "/gate", State: state}
	files, err := gen.Generate(d, opts, standard.Plugins()...)
	if lost, ok := errors.AsType[*gen.DestructiveError](err); ok {
		for _, c := range lost.Changes {
			opts.AllowDestructive = append(opts.AllowDestructive, c.Name)
		}
		files, err = gen.Generate(d, opts, standard.Plugins()...)
	}
	if err != nil {
		rt.Fatalf("%v\n%s", err, src.String())
	}
	report, err := gen.Apply(u.dir, files, gen.ApplyOptions{})
	if err != nil {
		rt.Fatal(err)
	}
	moved := map[string][]string{}
	for name, lines := range u.files {
		for _, m := range report.Moved {
			if m.From == name {
				name = m.To
			}
		}
		moved[name] = lines
	}
	u.files = moved
	u.compare(rt, t)
	if again, err := gen.Apply(u.dir, files, gen.ApplyOptions{Check: true}); err != nil || again.Drift() || again.Look != nil {
		rt.Fatalf("a second run would do something: %+v, %v", again, err)
	}
	for i := range u.entities { // hints that have done their work may go, or stay
		if rapid.Bool().Draw(rt, "the hint goes") {
			u.entities[i].Was, u.entities[i].WasField = "", ""
		}
	}
}

func (e drawn) plural() string { return e.Name + "Rows" }

func (e drawn) table() string { return gen.Snake(e.plural()) }

// compare holds each file of the user to what it has to be.
func (u *user) compare(rt *rapid.T, t *testing.T) {
	got := tree(t, u.dir)
	for name, lines := range u.files {
		if want := u.text(lines); got[name] != want {
			rt.Fatalf("%s is\n%s\nand not\n%s", name, got[name], want)
		}
	}
}

func (u *user) text(lines []string) string {
	out := strings.Join(lines, "")
	for i, e := range u.entities {
		field := strings.ToUpper(e.Field[:1]) + e.Field[1:]
		out = strings.NewReplacer(fmt.Sprintf("«%d»", i), e.Name, fmt.Sprintf("«%d.»", i), e.plural(), fmt.Sprintf("«%d.f»", i), field).Replace(out)
	}
	return out
}

// write adds lines about an entity to a file.
func (u *user) write(rt *rapid.T, t *testing.T, step int) {
	i := rapid.IntRange(0, len(u.entities)-1).Draw(rt, "about")
	if u.entities[i].Name == "" {
		return
	}
	own := gen.Snake(u.entities[i].Name)
	name := rapid.SampledFrom([]string{"app/own.go", "app/" + own + "_own.go", "app/" + own + "_own_test.go"}).Draw(rt, "file")
	if u.files[name] == nil {
		u.files[name] = []string{"package app\n"}
	}
	u.files[name] = append(u.files[name], strings.NewReplacer("N", fmt.Sprint(step), "«", fmt.Sprintf("«%d", i)).Replace(rapid.SampledFrom([]string{
		"\n// fN is about Item.\nfunc fN(a *App, r *«») any { return []any{a.«.», r.«.f», «»Field«.f»} }\n",
		"\ntype tN struct{ *«» }\n\nfunc (t tN) get() any { return t.«».«.f» }\n",
		"\nfunc (r «») MethodN() string { return \"Item of mine\" }\n",
	}).Draw(rt, "code")))
	write(t, u.dir, name, u.text(u.files[name]))
}

// redesign changes the design: an entity comes, or it or its field gets another name.
func (u *user) redesign(rt *rapid.T) {
	free := slices.DeleteFunc(slices.Clone(drawnNames), func(name string) bool {
		return slices.ContainsFunc(u.entities, func(e drawn) bool { return e.Name == name || e.Was == name })
	})
	e := &u.entities[rapid.IntRange(0, len(u.entities)-1).Draw(rt, "entity")]
	if len(free) > 0 && rapid.Bool().Draw(rt, "its name") {
		e.Was, e.Name = e.Name, rapid.SampledFrom(free).Draw(rt, "name")
	}
	if rapid.Bool().Draw(rt, "its field") {
		if e.WasField = e.Field; e.Field == "name" {
			e.Field = "title"
		} else {
			e.Field = "name"
		}
	}
	if len(free) > 1 && rapid.Bool().Draw(rt, "one more") {
		if name := rapid.SampledFrom(free).Draw(rt, "more"); !slices.ContainsFunc(u.entities, func(e drawn) bool { return e.Name == name }) {
			u.entities = append(u.entities, drawn{Name: name, Field: "name"})
		}
	}
}
