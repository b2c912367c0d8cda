package login_test

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/login"
)

// ratio is WCAG's, written a second time on purpose.
func ratio(t testing.TB, a, b string) float64 {
	t.Helper()
	light := func(s string) float64 {
		n, err := strconv.ParseUint(s[1:], 16, 32)
		if err != nil || len(s) != 7 {
			t.Fatalf("colour %q", s)
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			x := float64(n>>(16-8*i)&0xff) / 255
			if x <= 0.04045 {
				x /= 12.92
			} else {
				x = math.Pow((x+0.055)/1.055, 2.4)
			}
			sum += weight * x
		}
		return sum + 0.05
	}
	la, lb := light(a), light(b)
	return max(la, lb) / min(la, lb)
}

// tokens are the colours of gate.css in one scheme.
func tokens(t testing.TB, dark bool) map[string]string {
	t.Helper()
	css, err := os.ReadFile("assets/gate.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(css), 2)
	if len(blocks) != 2 {
		t.Fatal("gate.css has lost its tokens")
	}
	block := blocks[0][1]
	if dark {
		block = blocks[1][1]
	}
	found := make(map[string]string)
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{3,6});`).FindAllStringSubmatch(block, -1) {
		if len(m[2]) == 4 {
			m[2] = fmt.Sprintf("#%c%c%c%c%c%c", m[2][1], m[2][1], m[2][2], m[2][2], m[2][3], m[2][3])
		}
		found[m[1]] = m[2]
	}
	return found
}

// all of 4,096 accents in both schemes can be read on every ground of gate.css
func TestPalette_contrast(t *testing.T) {
	for _, dark := range []bool{false, true} {
		grounds := tokens(t, dark)
		lowest := 21.0
		for n := range 4096 {
			accent := fmt.Sprintf("#%02x%02x%02x", n>>8*17, n>>4&15*17, n&15*17)
			p, err := login.NewPalette(accent, dark)
			if err != nil {
				t.Fatal(err)
			}
			if p.Accent != accent {
				t.Fatalf("%s became %s", accent, p.Accent)
			}
			pairs := [][2]string{{p.On, p.Accent}, {p.On, p.Down}}
			for _, name := range []string{"paper", "board", "field", "bad-bg", "warn-bg"} {
				pairs = append(pairs, [2]string{p.Link, grounds[name]})
			}
			for _, pair := range pairs {
				got := ratio(t, pair[0], pair[1])
				lowest = min(lowest, got)
				if got < 4.5 {
					t.Errorf("%s dark=%v: %s on %s has %.2f", accent, dark, pair[0], pair[1], got)
				}
			}
			if p.Edge != (ratio(t, accent, grounds["paper"]) < 3) {
				t.Errorf("%s dark=%v: edge %v", accent, dark, p.Edge)
			}
		}
		t.Logf("dark=%v: the lowest ratio is %.2f", dark, lowest)
	}
}

func TestPalette(t *testing.T) {
	yellow, err := login.NewPalette("#ffd400", false)
	if err != nil {
		t.Fatal(err)
	}
	if yellow.On != "#000000" || !yellow.Edge || yellow.Link == "#ffd400" {
		t.Errorf("yellow on white: %+v", yellow)
	}
	spruce, err := login.NewPalette("#1C5A43", false)
	if err != nil {
		t.Fatal(err)
	}
	if spruce.Accent != "#1c5a43" || spruce.On != "#ffffff" || spruce.Edge || spruce.Link != "#1c5a43" {
		t.Errorf("spruce on white: %+v", spruce)
	}
	for _, accent := range []string{"", "red", "#fff", "#1c5a43ff", "#12345g", "rgb(0 0 0)", "#1c5a4", "1c5a43", "#+12345", "#1c5a43;}", "var(--x)"} {
		if p, err := login.NewPalette(accent, false); err == nil {
			t.Errorf("%q became %+v", accent, p)
		}
	}
}

// a colour sets the tokens of branding in both schemes and nothing else
func TestBrandSheet(t *testing.T) {
	sheet := func(a login.Accent) string {
		cfg := config()
		cfg.Accent = a
		p := pages(t, cfg)
		for _, path := range loaded(parse(t, get(t, p, draws()[0], "x").Body.String())) {
			if strings.HasSuffix(path, "/brand.css") {
				return fetch(p, http.MethodGet, path).Body.String()
			}
		}
		return ""
	}
	if got := sheet(login.Accent{}); got != "" {
		t.Errorf("no colour, and %q", got)
	}
	want := `:root { --accent: #ffd400; --accent-down: #ffe484; --on-accent: #000000; --accent-edge: var(--edge); --link: #816a00; }
@media (prefers-color-scheme: dark) { :root { --accent: #ffd400; --accent-down: #ffe484; --on-accent: #000000; --accent-edge: transparent; --link: #ffd400; } }
`
	if diff := cmp.Diff(want, sheet(login.Accent{Light: "#ffd400"})); diff != "" {
		t.Error(diff)
	}
	if sheet(login.Accent{Light: "#ffd400"}) != sheet(login.Accent{Dark: "#ffd400"}) {
		t.Error("one colour is not for both schemes")
	}
	cfg := config()
	cfg.Accent.Dark = "#000;}body{display:none"
	if _, err := login.New(cfg); err == nil {
		t.Error("a colour closed its sheet")
	}
}
