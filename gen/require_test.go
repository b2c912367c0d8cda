package gen_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

const (
	oneSum   = "h1:1QivrlhwAsnMOcqgOdl9my7s9OyZl8O5/UGUTJVXoWc="
	otherSum = "h1:hbSIYA/amXcRXTFSZqh8tWHEoqRvvbKPJ2uz/KU+a+s="
)

func words(version string) gen.Module {
	return gen.Module{Path: "example.org/words", Version: version, Sum: oneSum, GoModSum: otherSum}
}

// requiring generates with two plugins that require modules.
func requiring(t *testing.T, state gen.State, a, b gen.Module) (gen.Files, error) {
	t.Helper()
	d := parse(t, strings.Replace(stepped, "my-notes: {}", "first: {}, second: {}", 1))
	return gen.Generate(d, gen.Options{Replace: "/gate", State: state}, append(standard.Plugins(),
		aPlugin("first", func(build *gen.Build) { build.Require(a) }), aPlugin("second", func(build *gen.Build) { build.Require(b) }))...)
}

// TestModulesOfPlugins: go.mod names them, of several versions the highest, and go.sum
// what belongs to them.
func TestModulesOfPlugins(t *testing.T) {
	indirect := words("v1.4.0")
	indirect.Indirect = true
	old := gen.Module{Path: "golang.org/x/text", Version: "v0.3.0", Sum: oneSum, GoModSum: otherSum}
	was := func(mod string) gen.State {
		return gen.State{GoMod: []byte("module example.com/shop\n\ngo 1.26\n\nrequire example.org/words " + mod + "\n")}
	}
	for name, tt := range map[string]struct {
		state gen.State
		a, b  gen.Module
		mod   []string // lines
	}{
		"one":                  {gen.State{}, words("v1.2.3"), words("v1.2.3"), []string{"example.org/words v1.2.3\n"}},
		"the higher one":       {gen.State{}, words("v1.10.0"), words("v1.9.0"), []string{"example.org/words v1.10.0\n"}},
		"whatever the order":   {gen.State{}, words("v1.9.0"), words("v1.10.0"), []string{"example.org/words v1.10.0\n"}},
		"direct for one":       {gen.State{}, indirect, words("v1.2.3"), []string{"example.org/words v1.4.0\n"}},
		"indirect for both":    {gen.State{}, indirect, indirect, []string{"example.org/words v1.4.0 // indirect\n"}},
		"the user is further":  {was("v1.20.0 // indirect"), words("v1.2.3"), words("v1.2.3"), []string{"example.org/words v1.20.0\n"}},
		"the user is behind":   {was("v1.0.0"), words("v1.2.3"), indirect, []string{"example.org/words v1.4.0\n"}},
		"gate is further":      {gen.State{}, old, words("v1.2.3"), []string{"golang.org/x/text v0.43.0\n", "example.org/words v1.2.3\n"}},
		"a major is a path":    {gen.State{}, gen.Module{Path: "example.org/words/v2", Version: "v2.0.0", Sum: oneSum, GoModSum: otherSum}, words("v1.2.3"), []string{"example.org/words/v2 v2.0.0\n", "example.org/words v1.2.3\n"}},
		"a version of no name": {gen.State{}, words("v0.0.0-20240102030405-0123456789ab"), words("v0.0.0-20240102030405-0123456789ab"), []string{"example.org/words v0.0.0-20240102030405-0123456789ab\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := requiring(t, tt.state, tt.a, tt.b)
			if err != nil {
				t.Fatal(err)
			}
			mod, _ := files.Get("go.mod")
			for _, line := range tt.mod {
				path, _, _ := strings.Cut(line, " ")
				if !strings.Contains(string(mod), "\t"+line) && !strings.Contains(string(mod), "require "+line) || strings.Count(string(mod), path+" ") != 1 {
					t.Errorf("go.mod lacks %q, or has it twice:\n%s", line, mod)
				}
			}
			sum, _ := files.Get("go.sum")
			for _, m := range []gen.Module{tt.a, tt.b} {
				for _, line := range []string{m.Path + " " + m.Version + " " + m.Sum, m.Path + " " + m.Version + "/go.mod " + m.GoModSum} {
					if strings.Count(string(sum), line+"\n") != 1 {
						t.Errorf("go.sum lacks %q", line)
					}
				}
			}
			state := gen.State{GoMod: mod, GoSum: sum}
			again, err := requiring(t, state, tt.b, tt.a)
			if err != nil {
				t.Fatal(err)
			}
			if second, _ := again.Get("go.mod"); string(second) != string(mod) {
				t.Errorf("again, and the other way round:\n%s", second)
			}
		})
	}
}

// TestModulesOfPluginsRefused names who requires what.
func TestModulesOfPluginsRefused(t *testing.T) {
	with := func(change func(*gen.Module)) gen.Module {
		m := words("v1.2.3")
		change(&m)
		return m
	}
	for name, tt := range map[string]struct {
		state gen.State
		m     gen.Module
		want  string
	}{
		"another module":       {gen.State{}, with(func(m *gen.Module) { m.Sum = otherSum }), "plugin second requires example.org/words v1.2.3 with the sum " + otherSum + ", and plugin first says " + oneSum},
		"another go.mod":       {gen.State{}, with(func(m *gen.Module) { m.GoModSum = oneSum }), "plugin second requires example.org/words v1.2.3/go.mod with the sum"},
		"not that of the user": {gen.State{GoSum: []byte("example.org/words v1.2.3 " + otherSum + "\n")}, words("v1.2.3"), "plugin first requires example.org/words v1.2.3 with the sum " + oneSum + ", and go.sum of the service"},
		"not that of gate":     {gen.State{}, gen.Module{Path: "golang.org/x/text", Version: "v0.43.0", Sum: otherSum, GoModSum: otherSum}, "plugin second requires golang.org/x/text v0.43.0 with the sum"},
		"a query":              {gen.State{}, with(func(m *gen.Module) { m.Version = "latest" }), "plugin second requires example.org/words latest: "},
		"half a version":       {gen.State{}, with(func(m *gen.Module) { m.Version = "v1.2" }), "plugin second requires example.org/words v1.2: the version is not whole"},
		"another major":        {gen.State{}, with(func(m *gen.Module) { m.Version = "v2.0.0" }), "plugin second requires example.org/words v2.0.0: "},
		"no path":              {gen.State{}, with(func(m *gen.Module) { m.Path = "words\n)" }), "plugin second requires words"},
		"no sum":               {gen.State{}, with(func(m *gen.Module) { m.Sum = "" }), "it has no sum"},
		"no sum of go.mod":     {gen.State{}, with(func(m *gen.Module) { m.GoModSum = "" }), `"" is no sum as go.sum has it`},
		"half a sum":           {gen.State{}, with(func(m *gen.Module) { m.Sum = "h1:1Qiv" }), `"h1:1Qiv" is no sum`},
		"gate":                 {gen.State{}, with(func(m *gen.Module) { m.Path = "github.com/gatewright/gate" }), "the service has that at the version of gate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := requiring(t, tt.state, words("v1.2.3"), tt.m)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}
