package login_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/login"
)

// loaded are the addresses that a page loads.
func loaded(all []*element) []string {
	var list []string
	for _, e := range all {
		switch e.name {
		case "link":
			list = append(list, e.attrs["href"])
		case "script", "img":
			list = append(list, e.attrs["src"])
		}
	}
	return list
}

func fetch(p *login.Pages, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p.Assets().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestAssets(t *testing.T) {
	cfg := config()
	cfg.Accent, cfg.Logo = login.Accent{Light: "#ffd400"}, login.Logo{MediaType: "image/svg+xml", Content: []byte(goodSVG)}
	p := pages(t, cfg)
	types := make(map[string]string)
	for _, d := range draws() {
		for _, path := range loaded(parse(t, get(t, p, d, "x").Body.String())) {
			w := fetch(p, http.MethodGet, path)
			if w.Code != http.StatusOK || !strings.HasPrefix(path, login.AssetPath) || w.Body.Len() == 0 {
				t.Fatalf("%s: %d", path, w.Code)
			}
			types[path[strings.LastIndexByte(path, '/')+1:]] = w.Header().Get("Content-Type")
			if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("%s: Cache-Control %q", path, got)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("%s: headers %v", path, w.Header())
			}
			if head := fetch(p, http.MethodHead, path); head.Code != http.StatusOK || head.Body.Len() > 0 {
				t.Errorf("HEAD %s: %d with %d bytes", path, head.Code, head.Body.Len())
			}
		}
	}
	want := map[string]string{
		"gate.css": "text/css; charset=utf-8", "brand.css": "text/css; charset=utf-8",
		"reveal.js": "text/javascript; charset=utf-8", "logo.svg": "image/svg+xml",
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
	for _, path := range []string{"/u/assets/", "/u/assets/gate.css", "/u/assets/0000000000000000/gate.css", "/u/assets/../login.go", "/"} {
		if w := fetch(p, http.MethodGet, path); w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	style := loaded(parse(t, get(t, p, draws()[0], "x").Body.String()))[0]
	if w := fetch(p, http.MethodPost, style); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// what changes has another address
func TestAssets_hash(t *testing.T) {
	address := func(accent string) string {
		cfg := config()
		cfg.Accent.Light = accent
		for _, path := range loaded(parse(t, get(t, pages(t, cfg), draws()[0], "x").Body.String())) {
			if strings.HasSuffix(path, "/brand.css") {
				return path
			}
		}
		return ""
	}
	if a, b := address("#ffd400"), address("#ffd401"); a == b || a == "" {
		t.Errorf("both at %q", a)
	}
}

const maxWeight = 60_000

func TestPages_weight(t *testing.T) {
	p := pages(t, config())
	heaviest, name := 0, ""
	for _, d := range draws() {
		for _, lang := range []string{"en", "de", "fr"} {
			page := get(t, p, d, "maria@kitchen.example", "Accept-Language", lang)
			weight := page.Body.Len()
			for _, path := range loaded(parse(t, page.Body.String())) {
				weight += fetch(p, http.MethodGet, path).Body.Len()
			}
			if weight > heaviest {
				heaviest, name = weight, d.name+" "+lang
			}
		}
	}
	t.Logf("heaviest: %s with %d bytes", name, heaviest)
	if heaviest >= maxWeight {
		t.Errorf("%s weighs %d bytes", name, heaviest)
	}
}

const goodSVG = `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><defs><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient></defs>
<rect width="10" height="10" fill="url(#g)"/></svg>`

func TestADM06_logo(t *testing.T) {
	svg := func(inside string) login.Logo {
		return login.Logo{MediaType: "image/svg+xml", Content: []byte(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">` + inside + `</svg>`)}
	}
	png := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89")
	big := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x06\x00\x00\x00\xab\xcd\xef\x01")
	tests := []struct {
		name string
		logo login.Logo
		bad  bool
	}{
		{"none", login.Logo{}, false},
		{"png", login.Logo{MediaType: "image/png", Content: png}, false},
		{"svg", login.Logo{MediaType: "image/svg+xml", Content: []byte(goodSVG)}, false},
		{"no type", login.Logo{Content: png}, true},
		{"no content", login.Logo{MediaType: "image/png"}, true},
		{"html", login.Logo{MediaType: "text/html", Content: []byte("<p>")}, true},
		{"gif", login.Logo{MediaType: "image/gif", Content: []byte("GIF89a")}, true},
		{"png as jpeg", login.Logo{MediaType: "image/jpeg", Content: png}, true},
		{"svg as png", login.Logo{MediaType: "image/png", Content: []byte(goodSVG)}, true},
		{"many pixels", login.Logo{MediaType: "image/png", Content: big}, true},
		{"many bytes", login.Logo{MediaType: "image/png", Content: append(png, make([]byte, 128<<10)...)}, true},
		{"html as svg", login.Logo{MediaType: "image/svg+xml", Content: []byte("<html><script>1</script></html>")}, true},
		{"not svg's name space", login.Logo{MediaType: "image/svg+xml", Content: []byte("<svg><path/></svg>")}, true},
		{"empty svg file", login.Logo{MediaType: "image/svg+xml", Content: []byte(" ")}, true},
		{"half", login.Logo{MediaType: "image/svg+xml", Content: []byte(goodSVG[:90])}, true},
		{"script", svg(`<script>alert(1)</script>`), true},
		{"handler", svg(`<path onload="alert(1)"/>`), true},
		{"handler in capitals", svg(`<path ONLOAD="alert(1)"/>`), true},
		{"foreign object", svg(`<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>`), true},
		{"html inside", svg(`<img xmlns="http://www.w3.org/1999/xhtml" src="x"/>`), true},
		{"link", svg(`<a href="javascript:alert(1)"><path/></a>`), true},
		{"picture", svg(`<image href="https://evil.example/x.png"/>`), true},
		{"use", svg(`<use xlink:href="https://evil.example/x.svg#a"/>`), true},
		{"style element", svg(`<style>@import "https://evil.example"</style>`), true},
		{"style", svg(`<path style="fill:url(https://evil.example)"/>`), true},
		{"paint from elsewhere", svg(`<path fill="url(https://evil.example#a)"/>`), true},
		{"animation", svg(`<animate attributeName="href"/>`), true},
		{"document type", login.Logo{MediaType: "image/svg+xml", Content: []byte(`<!DOCTYPE svg [<!ENTITY x "y">]>` + goodSVG[strings.IndexByte(goodSVG, '\n'):])}, true},
		{"style sheet", login.Logo{MediaType: "image/svg+xml", Content: []byte(`<?xml-stylesheet href="https://evil.example"?>` + goodSVG[strings.IndexByte(goodSVG, '\n'):])}, true},
		{"two roots", login.Logo{MediaType: "image/svg+xml", Content: []byte(goodSVG + `<script xmlns="http://www.w3.org/2000/svg"/>`)}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config()
			cfg.Logo = tt.logo
			if _, err := login.New(cfg); (err != nil) != tt.bad {
				t.Errorf("error %v", err)
			}
		})
	}
}
