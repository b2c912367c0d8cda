package server

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
)

// The paths of the documentation.
const (
	pathOpenAPI = prefix + "/openapi.json"
	pathDocs    = prefix + "/docs"
)

//go:embed docs/index.html docs/docs.js docs/docs.css
var docsFS embed.FS

// docsPolicy lets the viewer do what it needs on this origin and nothing
// elsewhere: load its own script and style, set styles on elements, show images
// that it carries itself, and call the routes of the service.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docs serves the description of the routes and a viewer for people. Nothing of
// it is loaded from elsewhere.
func docs(mux *http.ServeMux, title string, openAPI []byte) {
	mux.HandleFunc("GET "+pathOpenAPI, func(w http.ResponseWriter, _ *http.Request) {
		write(w, "application/json", openAPI)
	})
	mux.HandleFunc("GET "+pathDocs, func(w http.ResponseWriter, r *http.Request) {
		page, err := docsFS.ReadFile("docs/index.html")
		if err != nil {
			gate.WriteError(w, r, err)
			return
		}
		w.Header().Set("Content-Security-Policy", docsPolicy)
		write(w, "text/html; charset=utf-8", bytes.ReplaceAll(page, []byte("{{title}}"), []byte(escaper.Replace(title))))
	})
	for _, f := range []docsFile{
		{"docs.js", "text/javascript; charset=utf-8", docsFS, "docs/docs.js"},
		{"docs.css", "text/css; charset=utf-8", docsFS, "docs/docs.css"},
		{"favicon-32x32.png", "image/png", static.FS, "favicon-32x32.png"},
		{"swagger-ui.css", "text/css; charset=utf-8", static.FS, "swagger-ui.css.gz"},
		{"swagger-ui-bundle.js", "text/javascript; charset=utf-8", static.FS, "swagger-ui-bundle.js.gz"},
	} {
		mux.Handle("GET "+pathDocs+"/"+f.name, f)
	}
}

// escaper escapes a text for a page. One name is not worth linking a template engine
// into every service, nor the names of all characters that package html knows.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// A docsFile is a file of the viewer. The large ones are kept compressed.
type docsFile struct {
	name, mediaType string
	fs              embed.FS
	path            string
}

// ServeHTTP implements [http.Handler].
func (f docsFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := f.fs.ReadFile(f.path)
	if err == nil && path.Ext(f.path) == ".gz" {
		w.Header().Add("Vary", "Accept-Encoding")
		if takesGzip(r.Header["Accept-Encoding"]) {
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

// takesGzip reads Accept-Encoding (RFC 9110 §12.5.3): q=0 refuses, and what is named
// goes before "*".
func takesGzip(lines []string) bool {
	takes := false
	for coding := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name, params, _ := strings.Cut(coding, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		q, weighed := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		wanted := !weighed || err == nil && weight > 0
		switch name {
		case "gzip", "x-gzip":
			return wanted
		case "*":
			takes = wanted
		}
	}
	return takes
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
