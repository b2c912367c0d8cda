package gen_test

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gatewright/gate/gen"
)

// TestGolden generates every testdata/*.txtar. gate.yaml and what is below in/,
// the folder as it was, go in; what is below out/ must come out. The line "show:"
// of the comment says which files are compared; out/files lists all of them.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { golden(t, name) })
	}
}

func golden(t *testing.T, name string) {
	ar, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var src string
	var keep, want []txtar.File
	for _, f := range ar.Files {
		if strings.HasPrefix(f.Name, "out/") {
			want = append(want, f)
			continue
		}
		keep = append(keep, f)
		if in, ok := strings.CutPrefix(f.Name, "in/"); ok {
			write(t, dir, in, string(f.Data))
		} else {
			src = string(f.Data)
		}
	}
	d := parse(t, src)
	state, err := gen.ReadState(dir, d.Service.Database)
	if err != nil {
		t.Fatal(err)
	}
	got := shown(t, string(ar.Comment), generate(t, d, gen.Options{State: state}))
	if *update {
		ar.Files = slices.Concat(keep, got)
		if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(txtar.Format(&txtar.Archive{Files: want})), string(txtar.Format(&txtar.Archive{Files: got}))); diff != "" {
		t.Errorf("-want +got, -update accepts it:\n%s", diff)
	}
}

// shown returns the files that a case shows.
func shown(t *testing.T, comment string, files gen.Files) []txtar.File {
	t.Helper()
	_, rest, ok := strings.Cut(comment, "show: ")
	if !ok {
		t.Fatal("the comment has no line that starts with show:")
	}
	line, _, _ := strings.Cut(rest, "\n")
	var list bytes.Buffer
	var out []txtar.File
	for _, f := range files {
		fmt.Fprintf(&list, "%s %s\n", f.Owner, f.Path)
		if slices.ContainsFunc(strings.Fields(line), func(p string) bool { ok, _ := path.Match(p, f.Path); return ok }) {
			out = append(out, txtar.File{Name: "out/" + f.Path, Data: f.Data})
		}
	}
	return append([]txtar.File{{Name: "out/files", Data: list.Bytes()}}, out...)
}

// TestSameInputSameBytes generates twice, and once with the plugins of gate.yaml
// in the opposite order.
func TestSameInputSameBytes(t *testing.T) {
	want := generate(t, parse(t, everything), gen.Options{})
	before, rest, _ := strings.Cut(everything, "plugins:\n")
	section, after, ok := strings.Cut(rest, "entities:\n")
	plugins := slices.Collect(strings.Lines(section))
	if !ok || len(plugins) < 3 {
		t.Fatalf("%d lines of plugins", len(plugins))
	}
	slices.Reverse(plugins)
	other := before + "plugins:\n" + strings.Join(plugins, "") + "entities:\n" + after
	for _, src := range []string{everything, other} {
		got := generate(t, parse(t, src), gen.Options{})
		if src == other { // gate.lock says what the file says, in its order
			want, got = unlocked(want), unlocked(got)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(gen.File{})); diff != "" {
			t.Error(diff)
		}
	}
}

// unlocked returns files without gate.lock.
func unlocked(files gen.Files) gen.Files {
	return slices.DeleteFunc(slices.Clone(files), func(f gen.File) bool { return f.Path == "gate.lock" })
}
