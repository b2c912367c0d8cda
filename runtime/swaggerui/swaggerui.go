// Package swaggerui is the page on which people read and try the REST API of a service:
// Swagger UI, which the program carries, so that nothing is loaded from elsewhere. It is
// half a megabyte: builds for production have it where gate.yaml has the plugin
// swagger-ui.
package swaggerui

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/swaggest/swgui/v5/static"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/coding"
)

//go:embed index.html docs.js docs.css
var own embed.FS

// policy lets the page do what it needs on this origin and nothing elsewhere: load its
// own script and style, set styles on elements, show images that it carries itself, and
// call the routes of the service.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// New returns what answers GET at a path, /api/docs, and one element below it. Title is
// the name of the service, document the path of its OpenAPI document on the same origin.
// It is safe for concurrent use.
func New(title, at, document string) http.Handler {
	words := strings.NewReplacer("{{title}}", escaper.Replace(title), "{{path}}", escaper.Replace(at), "{{document}}", escaper.Replace(document))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, below := strings.CutPrefix(r.URL.Path, at+"/")
		if f, known := files[name]; below && known {
			f.ServeHTTP(w, r)
			return
		}
		page, err := own.ReadFile("index.html")
		if below {
			err = &gate.Error{Status: http.StatusNotFound}
		}
		if err != nil {
			gate.WriteError(w, r, err)
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		write(w, "text/html; charset=utf-8", []byte(words.Replace(string(page))))
	})
}

var files = map[string]file{
	"docs.js":              {"text/javascript; charset=utf-8", own, "docs.js"},
	"docs.css":             {"text/css; charset=utf-8", own, "docs.css"},
	"favicon-32x32.png":    {"image/png", static.FS, "favicon-32x32.png"},
	"swagger-ui.css":       {"text/css; charset=utf-8", static.FS, "swagger-ui.css.gz"},
	"swagger-ui-bundle.js": {"text/javascript; charset=utf-8", static.FS, "swagger-ui-bundle.js.gz"},
}

// escaper escapes a text for a page. One name is not worth linking a template engine
// into every service, nor the names of all characters that package html knows.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// A file is one that the page loads. The large ones are kept compressed.
type file struct {
	mediaType string
	fs        embed.FS
	path      string
}

// ServeHTTP implements [http.Handler].
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := f.fs.ReadFile(f.path)
	if err == nil && path.Ext(f.path) == ".gz" {
		w.Header().Add("Vary", "Accept-Encoding")
		if coding.Gzip(r.Header["Accept-Encoding"]) {
			w.Header().Set("Content-Encoding", "gzip")
		} else {
			data, err = unpack(data)
		}
	}
	if err != nil {
		gate.WriteError(w, r, err)
		return
	}
	write(w, f.mediaType, data)
}

func unpack(data []byte) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(zr)
}

// write answers with bytes that are the same for everybody.
func write(w http.ResponseWriter, mediaType string, data []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(data) // nobody is left to be told
}
