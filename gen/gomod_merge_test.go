package gen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

const (
	smallest = "gate: 1\nservice: {name: shop, module: example.com/shop}\n"
	mine     = `module example.com/old

go 1.27 // newer than gate asks for

require (
	example.org/mine v1.2.3 // mine
	github.com/gatewright/gate v0.0.0
	golang.org/x/text v0.1.0
	golang.org/x/sys v0.999.0
)

replace example.org/mine => ../mine

exclude golang.org/x/net v0.1.0

tool example.org/mine/cmd/x
`
)

func goMod(t *testing.T, opts gen.Options) *modfile.File {
	t.Helper()
	src, ok := generate(t, parse(t, smallest), opts).Get("go.mod")
	if !ok {
		t.Fatal("there is no go.mod")
	}
	f, err := modfile.Parse("go.mod", src, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	return f
}

func required(f *modfile.File, path string) string {
	for _, r := range f.Require {
		if r.Mod.Path == path {
			return r.Mod.Version
		}
	}
	return ""
}

func replaced(f *modfile.File, path string) string {
	for _, r := range f.Replace {
		if r.Old.Path == path {
			return r.New.Path
		}
	}
	return ""
}

// TestGoModKeepsWhatTheUserWrote merges into a go.mod that has a life of its own.
func TestGoModKeepsWhatTheUserWrote(t *testing.T) {
	f := goMod(t, gen.Options{GateVersion: "v1.2.3", State: gen.State{GoMod: []byte(mine)}})
	if f.Module.Mod.Path != "example.com/shop" || f.Go.Version != "1.27" || len(f.Tool) != 1 || len(f.Exclude) != 1 {
		t.Errorf("got module %s, go %s, tools %v, excludes %v", f.Module.Mod.Path, f.Go.Version, f.Tool, f.Exclude)
	}
	for path, want := range map[string]string{"example.org/mine": "v1.2.3", "github.com/gatewright/gate": "v1.2.3", "golang.org/x/sys": "v0.999.0"} {
		if got := required(f, path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	if got := required(f, "golang.org/x/text"); got == "v0.1.0" || got == "" {
		t.Errorf("golang.org/x/text stays at %q, which is too old", got)
	}
	if required(f, "modernc.org/sqlite") == "" || replaced(f, "example.org/mine") != "../mine" {
		t.Errorf("got %s", modfile.Format(f.Syntax))
	}
	if !strings.Contains(string(modfile.Format(f.Syntax)), "example.org/mine v1.2.3 // mine\n") {
		t.Error("a comment is gone")
	}
}

func TestGoModReplace(t *testing.T) {
	const gate = "github.com/gatewright/gate"
	development := gen.Options{Replace: "../.."}
	f := goMod(t, development)
	if replaced(f, gate) != "../.." || required(f, gate) != "v0.0.0" {
		t.Errorf("got %s", modfile.Format(f.Syntax))
	}
	state := gen.State{GoMod: modfile.Format(f.Syntax)}
	if f := goMod(t, gen.Options{Replace: "/elsewhere", State: state}); replaced(f, gate) != "/elsewhere" || len(f.Replace) != 1 {
		t.Errorf("another checkout: %s", modfile.Format(f.Syntax))
	}
	if f := goMod(t, gen.Options{GateVersion: "v1.0.0", State: state}); replaced(f, gate) != "" || required(f, gate) != "v1.0.0" {
		t.Errorf("a release: %s", modfile.Format(f.Syntax))
	}
	fork := gen.State{GoMod: []byte("module example.com/shop\n\nreplace github.com/gatewright/gate => ../fork\n")}
	for _, opts := range []gen.Options{{GateVersion: "v1.0.0", State: fork}, {Replace: "/elsewhere", State: fork}} {
		if f := goMod(t, opts); replaced(f, gate) != "../fork" {
			t.Errorf("a fork of the user's: %s", modfile.Format(f.Syntax))
		}
	}
	for _, opts := range []gen.Options{{}, {Replace: "relative"}, {Replace: "x => y"}} {
		if _, err := gen.Generate(parse(t, smallest), opts, standard.Plugins()...); err == nil {
			t.Errorf("%+v: no error", opts)
		}
	}
	if _, err := gen.Generate(parse(t, smallest), gen.Options{GateVersion: "v1.0.0", State: gen.State{GoMod: []byte("modul x")}}, standard.Plugins()...); err == nil || !strings.Contains(err.Error(), "go.mod:1") {
		t.Errorf("a broken go.mod: %v", err)
	}
}

func TestGoSum(t *testing.T) {
	opts := gen.Options{GateVersion: "v1.2.3", GateSum: "h1:zip=", State: gen.State{GoSum: []byte("example.org/mine v1.2.3 h1:mine=\n")}}
	sum, _ := generate(t, parse(t, smallest), opts).Get("go.sum")
	for _, want := range []string{
		"example.org/mine v1.2.3 h1:mine=\n", "github.com/gatewright/gate v1.2.3 h1:zip=\n", "github.com/gatewright/gate v1.2.3/go.mod h1:", "modernc.org/sqlite v",
	} {
		if !strings.Contains(string(sum), want) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, banned := range []string{"github.com/alecthomas/kong v1.17.0 h1", "ariga.io/atlas v0.32.1-0.20250325101103-175b25e1c1b9 h1"} {
		if strings.Contains(string(sum), banned) {
			t.Errorf("%q is of no use to a service", banned)
		}
	}
	opts.State.GoSum = sum
	if again, _ := generate(t, parse(t, smallest), opts).Get("go.sum"); string(again) != string(sum) {
		t.Error("go.sum changes when nothing does")
	}
}

func TestFindReplace(t *testing.T) {
	checkout := t.TempDir()
	outside := t.TempDir()
	link := filepath.Join(outside, "link")
	if err := os.Symlink(checkout, link); err != nil {
		t.Skip(err)
	}
	real, err := filepath.EvalSymlinks(checkout)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ dir, checkout, want string }{
		{filepath.Join(checkout, "examples", "shop"), checkout, "../.."},
		{filepath.Join(checkout, "shop"), link, ".."},
		{filepath.Join(link, "examples", "shop"), checkout, "../.."},
		{filepath.Join(outside, "shop"), link, real},
	} {
		if got, err := gen.FindReplace(tt.dir, tt.checkout); err != nil || got != filepath.ToSlash(tt.want) {
			t.Errorf("%s from %s: got %s, %v, want %s", tt.checkout, tt.dir, got, err, tt.want)
		}
	}
	if _, err := gen.FindReplace(checkout, checkout); err == nil {
		t.Error("a service in the place of gate itself")
	}
}

func TestReadState(t *testing.T) {
	dir := t.TempDir()
	if s, err := gen.ReadState(filepath.Join(dir, "nowhere"), design.SQLite); err != nil || s.GoMod != nil || s.Migrations != nil {
		t.Errorf("got %+v, %v", s, err)
	}
	secret := t.TempDir()
	write(t, secret, "secret", "secret")
	if err := os.Symlink(filepath.Join(secret, "secret"), filepath.Join(dir, "go.mod")); err != nil {
		t.Skip(err)
	}
	if s, err := gen.ReadState(dir, design.SQLite); err == nil {
		t.Errorf("followed a link out of the folder: %s", s.GoMod)
	}
}

// TestModuleIgnores: what the go command leaves alone stays where it is in go.mod, once.
func TestModuleIgnores(t *testing.T) {
	d := parse(t, "gate: 1\nservice: {name: shop, module: example.com/shop}\nplugins:\n  client-ts: {}\nentities:\n  Item: {fields: {name: text}, allow: {list: public}}\n")
	var state gen.State
	var before string
	for range 3 {
		mod, ok := generate(t, d, gen.Options{State: state}).Get("go.mod")
		if !ok || strings.Count(string(mod), "ignore ./client/node_modules\n") != 1 || before != "" && before != string(mod) {
			t.Fatalf("%s\nbefore:\n%s", mod, before)
		}
		before, state.GoMod = string(mod), mod
	}
}
