package design_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gatewright/gate/design"
)

var update = flag.Bool("update", false, "rewrite the expected answers in testdata")

// TestBroken parses every NAME.yaml in testdata/broken/*.txtar and wants the
// answer NAME.err: every problem, with its place.
func TestBroken(t *testing.T) {
	archives, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range archive.Files {
			name, isDesign := strings.CutSuffix(archive.Files[i].Name, ".yaml")
			if !isDesign {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+name, func(t *testing.T) {
				d, err := design.Parse("gate.yaml", archive.Files[i].Data)
				if err == nil || d != nil {
					t.Fatalf("got a design and error %v, want an error alone", err)
				}
				answer := &archive.Files[i+1]
				if answer.Name != name+".err" {
					t.Fatalf("%s is followed by %s, want %s.err", archive.Files[i].Name, answer.Name, name)
				}
				got := err.Error() + "\n"
				if *update {
					answer.Data = []byte(got)
					return
				}
				if diff := cmp.Diff(string(answer.Data), got); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
			})
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
