package gen_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatewright/gate/gen"
)

// TestUserFilesAreNeverTouched lets a user and gate work on one folder in any
// order. Whatever gate did not write, and whatever the user edited, stays as the
// user left it, unless forced.
func TestUserFilesAreNeverTouched(t *testing.T) {
	names := []string{"a_gen.go", "b_gen.go", "app/c_gen.go", "hooks.go", "app/main.go", "notes.txt", "app/d_gen.json"}
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		users := map[string]string{} // what the user wrote last, and gate must keep
		ours := map[string]bool{}    // what gate wrote last
		write(t, dir, "gate.yaml", "")
		for step := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "the user writes") {
				name := rapid.SampledFrom(names).Draw(rt, "name")
				users[name] = fmt.Sprintf("the user's, %d\n", step)
				delete(ours, name)
				write(t, dir, name, users[name])
				continue
			}
			files := drawFiles(rt, names, step)
			report, err := gen.Apply(dir, files, gen.ApplyOptions{})
			got := tree(t, dir)
			for name, want := range users {
				if got[name] != want {
					rt.Fatalf("%s was the user's and is %q (%v)", name, got[name], err)
				}
			}
			if err != nil {
				continue
			}
			for _, name := range slices.Concat(report.Created, report.Updated) {
				ours[filepath.ToSlash(name)] = true
			}
			for _, name := range report.Removed {
				if !ours[name] {
					rt.Fatalf("%s was removed and never ours", name)
				}
			}
			for _, f := range files {
				if _, taken := users[f.Path]; f.Owner == gen.Generated && !taken && got[f.Path] != string(f.Data) {
					rt.Fatalf("%s is %q", f.Path, got[f.Path])
				}
			}
			again, err := gen.Apply(dir, files, gen.ApplyOptions{Check: true})
			if err != nil || again.Drift() {
				rt.Fatalf("a second run would do something: %+v, %v", again, err)
			}
		}
	})
}

// drawFiles draws some files, each with content of its own.
func drawFiles(rt *rapid.T, names []string, step int) gen.Files {
	chosen := map[string]bool{}
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(rt, "files") {
		chosen[name] = true
	}
	var files gen.Files
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		f := generated(name, fmt.Sprintf("// %d\n", step))
		switch filepath.Ext(name) {
		case ".txt":
			f = once(name, fmt.Sprintf("once, %d\n", step))
		case ".json":
			f.Data = fmt.Appendf(nil, "{\"step\": %d}\n", step)
		}
		if name == "hooks.go" || name == "app/main.go" {
			f = once(name, fmt.Sprintf("package app // %d\n", step))
		}
		files = append(files, f)
	}
	return files
}
