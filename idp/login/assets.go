package login

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
)

// AssetPath is the path that [Pages.Assets] is to be served at, with all below.
const AssetPath = "/u/assets/"

// An asset is served under a name that has its hash in it, and never changes.
type asset struct {
	mediaType string
	content   []byte
}

// addAssets takes the style sheets, the scripts and the logo.
func (p *Pages) addAssets(cfg Config) error {
	for _, a := range []struct {
		name, mediaType string
		path            *string
	}{
		{"gate.css", "text/css; charset=utf-8", &p.chrome.Style},
		{"mark.svg", "image/svg+xml", &p.chrome.Icon},
		{"reveal.js", "text/javascript; charset=utf-8", &p.chrome.RevealScript},
		{"hop.js", "text/javascript; charset=utf-8", &p.chrome.HopScript},
		{"message.js", "text/javascript; charset=utf-8", &p.chrome.MessageScript},
	} {
		content, err := files.ReadFile("assets/" + a.name)
		if err != nil {
			return err
		}
		*a.path = p.addAsset(a.name, a.mediaType, content)
	}
	brand, err := brandSheet(cfg)
	if err != nil {
		return err
	}
	if brand != "" {
		p.chrome.Brand = p.addAsset("brand.css", "text/css; charset=utf-8", []byte(brand))
	}
	name, err := cfg.Logo.check()
	if err != nil {
		return fmt.Errorf("logo: %w", err)
	}
	if name != "" {
		p.chrome.Logo = p.addAsset(name, cfg.Logo.MediaType, cfg.Logo.Content)
		p.chrome.Icon = p.chrome.Logo
	}
	return nil
}

// addAsset returns the path of the asset.
func (p *Pages) addAsset(name, mediaType string, content []byte) string {
	sum := sha256.Sum256(content)
	path := AssetPath + hex.EncodeToString(sum[:8]) + "/" + name
	p.assets[path] = asset{mediaType: mediaType, content: content}
	return path
}

// Assets serves style sheets, scripts and logo below [AssetPath]. Their
// addresses have a hash of their content, so they may be kept for ever.
// Anything else gets 404.
func (p *Pages) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		// a picture that somebody opens as a page can do nothing
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox")
		a, ok := p.assets[r.URL.Path]
		switch {
		case !ok:
			h.Set("Cache-Control", "no-store")
			http.Error(w, "not found", http.StatusNotFound)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			h.Set("Cache-Control", "no-store")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", a.mediaType)
		h.Set("Content-Length", strconv.Itoa(len(a.content)))
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		if r.Method == http.MethodGet {
			_, _ = w.Write(a.content) // nobody is left to be told
		}
	})
}

// Favicon answers requests for /favicon.ico, which browsers send for pages that
// name no icon, as answers in JSON are: with the mark, or with the operator's logo.
func (p *Pages) Favicon() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.chrome.Logo != "" {
			http.Redirect(w, r, p.chrome.Logo, http.StatusFound)
			return
		}
		content, err := files.ReadFile("assets/favicon.ico")
		if err != nil {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "image/x-icon")
		h.Set("Cache-Control", "public, max-age=86400")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(content) // nobody is left to be told
	})
}

// Style returns the paths of the style sheets, for pages of the same host that
// are not of this package.
func (p *Pages) Style() []string {
	if p.chrome.Brand != "" {
		return []string{p.chrome.Style, p.chrome.Brand}
	}
	return []string{p.chrome.Style}
}
