package login

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// An Accent is the tenant's colour in both schemes: "#rrggbb". Empty means
// spruce; when only one is given it counts for both.
type Accent struct {
	Light, Dark string
}

// A Palette is what becomes of an accent in one scheme. All are "#rrggbb".
type Palette struct {
	// Accent is the filled button, Down the same pressed, On its text.
	Accent, Down, On string
	// Link is the accent, as far from the paper as text has to be.
	Link string
	// Edge says that the button needs a border to be seen on the paper.
	Edge bool
}

// minText is the contrast of text, minShape that of controls (WCAG 2.2, 1.4.3
// and 1.4.11).
const (
	minText  = 4.5
	minShape = 3
)

// grounds are what links stand on in gate.css: paper, board, field, and the
// grounds of errors and warnings.
func grounds(dark bool) [5]rgb {
	hex := [5]int{0xf8f9f7, 0xf0f2ef, 0xffffff, 0xfbeeec, 0xfbf3e2}
	if dark {
		hex = [5]int{0x101412, 0x151a18, 0x1a201d, 0x2b1816, 0x261e10}
	}
	var list [5]rgb
	for i, n := range hex {
		list[i] = rgb{float64(n>>16) / 255, float64(n>>8&0xff) / 255, float64(n&0xff) / 255}
	}
	return list
}

// NewPalette guards the contrast of an accent: text on the button and links on
// every ground have at least 4.5 to 1. A form that takes a colour can show what
// was changed by comparing Link with the accent. The error says that the accent
// is no opaque sRGB colour.
func NewPalette(accent string, dark bool) (Palette, error) {
	c, err := parseColour(accent)
	if err != nil {
		return Palette{}, err
	}
	black, white := rgb{}, rgb{1, 1, 1}
	p := Palette{Accent: c.String()}
	on, step := white, -0.05
	if contrast(c, white) < minText {
		on, step = black, 0.04
	}
	p.On = on.String()
	p.Down = c.lighter(step).String()
	p.Edge = contrast(c, grounds(dark)[0]) < minShape
	p.Link = readable(c, dark).String()
	return p, nil
}

// readable moves a colour away from the paper until it can be read on all
// grounds, as black and white can.
func readable(c rgb, dark bool) rgb {
	on, step := grounds(dark), -0.01
	if dark {
		step = 0.01
	}
	for i := 0; ; i++ {
		candidate := c.lighter(step * float64(i)).rounded()
		low := math.Inf(1)
		for _, ground := range on {
			low = min(low, contrast(candidate, ground))
		}
		if low >= minText || i > 100 {
			return candidate
		}
	}
}

// brandSheet writes the second style sheet, which sets tokens and nothing else.
// It is empty when there is nothing to set.
func brandSheet(cfg Config) (string, error) {
	light, dark := cfg.Accent.Light, cfg.Accent.Dark
	if light == "" {
		light = dark
	}
	if dark == "" {
		dark = light
	}
	var b strings.Builder
	if len(cfg.Logo.Content) > 0 {
		b.WriteString(":root { --logo-size: 2.5rem; }\n")
	}
	if light == "" {
		return b.String(), nil
	}
	for _, scheme := range []struct {
		accent, format string
		dark           bool
	}{
		{light, ":root { %s }\n", false},
		{dark, "@media (prefers-color-scheme: dark) { :root { %s } }\n", true},
	} {
		p, err := NewPalette(scheme.accent, scheme.dark)
		if err != nil {
			return "", fmt.Errorf("accent: %w", err)
		}
		fmt.Fprintf(&b, scheme.format, p.tokens())
	}
	return b.String(), nil
}

func (p Palette) tokens() string {
	edge := "transparent"
	if p.Edge {
		edge = "var(--edge)"
	}
	return fmt.Sprintf("--accent: %s; --accent-down: %s; --on-accent: %s; --accent-edge: %s; --link: %s;", p.Accent, p.Down, p.On, edge, p.Link)
}

// rgb is a colour in sRGB, each part from 0 to 1.
type rgb struct{ r, g, b float64 }

// parseColour reads "#rrggbb".
func parseColour(s string) (rgb, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 32)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return rgb{}, fmt.Errorf("%q is no colour like #1c5a43", s)
	}
	return rgb{float64(n>>16) / 255, float64(n>>8&0xff) / 255, float64(n&0xff) / 255}, nil
}

// String returns "#rrggbb".
func (c rgb) String() string {
	part := func(x float64) int { return int(math.Round(255 * min(max(x, 0), 1))) }
	return fmt.Sprintf("#%02x%02x%02x", part(c.r), part(c.g), part(c.b))
}

// rounded is the colour as it will be written.
func (c rgb) rounded() rgb {
	part := func(x float64) float64 { return math.Round(255*min(max(x, 0), 1)) / 255 }
	return rgb{part(c.r), part(c.g), part(c.b)}
}

// linear takes the curve of sRGB off, curved puts it on.
func linear(x float64) float64 {
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

func curved(x float64) float64 {
	if x <= 0.0031308 {
		return 12.92 * x
	}
	return 1.055*math.Pow(x, 1/2.4) - 0.055
}

// contrast is the ratio of WCAG 2.2.
func contrast(a, b rgb) float64 {
	light := func(c rgb) float64 { return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b) }
	la, lb := light(a), light(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// lighter changes the lightness of a colour in OKLab and keeps its hue. Where
// sRGB cannot show the chroma there, it takes as much as can be shown.
func (c rgb) lighter(by float64) rgb {
	light, x, y := c.oklab()
	light += by
	switch {
	case by == 0:
		return c
	case light <= 0:
		return rgb{}
	case light >= 1:
		return rgb{1, 1, 1}
	}
	if full, ok := fromOKLab(light, x, y); ok {
		return full
	}
	low, high := 0.0, 1.0
	for range 20 {
		middle := (low + high) / 2
		if _, ok := fromOKLab(light, middle*x, middle*y); ok {
			low = middle
		} else {
			high = middle
		}
	}
	shown, _ := fromOKLab(light, low*x, low*y)
	return shown
}

// oklab returns lightness and the two axes of colour.
func (c rgb) oklab() (light, x, y float64) {
	r, g, b := linear(c.r), linear(c.g), linear(c.b)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	return 0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s
}

// fromOKLab returns the colour, clipped, and whether sRGB has it.
func fromOKLab(light, x, y float64) (rgb, bool) {
	cube := func(v float64) float64 { return v * v * v }
	l, m, s := cube(light+0.3963377774*x+0.2158037573*y), cube(light-0.1055613458*x-0.0638541728*y), cube(light-0.0894841775*x-1.2914855480*y)
	parts := [3]float64{
		4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s,
	}
	const slack = 1e-4
	inside := true
	for i, part := range parts {
		inside = inside && part >= -slack && part <= 1+slack
		parts[i] = curved(min(max(part, 0), 1))
	}
	return rgb{parts[0], parts[1], parts[2]}, inside
}
