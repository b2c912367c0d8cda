package login_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// the drawing is the same on every page and would hide what differs; the hashes
// of assets are their own proof
var (
	drawing = regexp.MustCompile(`(?s)<svg class="grain".*?</svg>`)
	hash    = regexp.MustCompile(`/u/assets/[0-9a-f]{16}/`)
)

func TestPages_golden(t *testing.T) {
	p := pages(t, config())
	for _, d := range draws() {
		lang := map[string]string{"signup": "de", "reset": "fr"}[d.name]
		t.Run(d.name, func(t *testing.T) {
			got := drawing.ReplaceAll(get(t, p, d, "maria@kitchen.example", "Accept-Language", lang).Body.Bytes(), []byte(`<svg class="grain"/>`))
			got = hash.ReplaceAll(got, []byte("/u/assets/hash/"))
			file := filepath.Join("testdata", d.name+".golden")
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s (-update rewrites it):\n%s", file, diff)
			}
		})
	}
}
