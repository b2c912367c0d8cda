package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is saved while the generator writes is a change, and what it wrote is none,
// whichever comes first and in whatever folder.
func TestWatcher_savedMeanwhile(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile map[string]string // by somebody
		want      []string
	}{
		"nothing":              {nil, nil},
		"the design":           {map[string]string{"gate.yaml": "gate: 1 # changed"}, []string{"gate.yaml"}},
		"a file in a new one":  {map[string]string{"fresh/own.go": "package fresh"}, []string{"fresh/own.go"}},
		"words of GraphQL":     {map[string]string{"app/schema.graphql": "type T {a: Int}", "app/operations/o.graphql": "{a}"}, []string{"app/operations/o.graphql", "app/schema.graphql"}},
		"both, and no service": {map[string]string{"gate.yaml": "", "fresh/own.go": "package fresh", "notes.txt": "x"}, []string{"fresh/own.go", "gate.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string) {
				t.Helper()
				path := filepath.Join(dir, filepath.FromSlash(name))
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(text), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			write("gate.yaml", "gate: 1")
			write("old_gen.go", "package app")
			w, err := newWatcher(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			// The design was read; now it is generated,
			write("fresh/app_gen.go", "package fresh")
			if err := os.Remove(filepath.Join(dir, "old_gen.go")); err != nil {
				t.Fatal(err)
			}
			for name, text := range tt.meanwhile {
				write(name, text)
			}
			// and accepted.
			if err := w.accept("fresh/app_gen.go", "old_gen.go"); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if tt.want == nil {
				cancel()
			}
			got, err := w.wait(ctx)
			if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != (tt.want == nil) {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}
