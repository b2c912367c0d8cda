// Package spa serves an application that runs in browsers, as its build left it in a
// folder: below one path, with pages of its own for every path below that.
//
// Assets whose names have a hash of their content are kept by browsers for ever, all
// else is asked for again. Scripts and styles come from the service alone; what the
// application styles by itself needs the nonce that is written into each answer with
// its page, in the place of [Nonce].
package spa

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/coding"
	"github.com/gatewright/gate/runtime/server"
)

// Nonce stands in index.html where the nonce of an answer comes.
const Nonce = "__CSP_NONCE__"

// DevFolder is where "gate dev" builds applications, each in a folder with the name of
// its path.
const DevFolder = ".gate/web"

const (
	page   = "index.html"
	assets = "assets/" // whose names have a hash
)

// An App is an application that was built. It is safe for concurrent use.
type App struct {
	path   string
	files  fs.FS
	dev    bool     // the folder may change at any time
	issuer string   // the origin of an issuer that logs people in, empty without
	packed sync.Map // the content of assets, compressed, by name
}

// New returns the application in files, for requests at path and below.
func New(path string, files fs.FS) *App { return &App{path: path, files: files} }

// Mount serves the application in files at path, see [server.App.Extend]. While "gate
// dev" runs the service it is what that has built.
func Mount(path string, files fs.FS) func(*server.App) error {
	return mount(path, files, func(*server.App) string { return "" })
}

// MountWithIssuer is [Mount] for an application that logs people in at the issuer of the
// service, see [auth.Auth.Page]: it may send requests there, and ask it in a frame.
func MountWithIssuer(path string, files fs.FS) func(*server.App) error {
	return mount(path, files, func(a *server.App) string {
		if a.Auth == nil {
			return ""
		}
		return a.Auth.PageOrigin()
	})
}

func mount(path string, files fs.FS, issuer func(*server.App) string) func(*server.App) error {
	return func(a *server.App) error {
		app := New(path, files)
		app.issuer = issuer(a)
		if a.Config.Dev != nil {
			app.files, app.dev = os.DirFS(DevFolder+path), true
		}
		a.Mount("GET "+path, app)
		a.Mount("GET "+path+"/{rest...}", app)
		return nil
	}
}

// ServeHTTP implements [http.Handler].
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, a.path), "/")
	if name != "" && name != page && !strings.HasPrefix(path.Base(name), ".") {
		if data, err := fs.ReadFile(a.files, name); err == nil {
			a.file(w, r, name, data)
			return
		}
	}
	if strings.HasPrefix(name, assets) { // of a build that is gone
		w.Header().Set("Cache-Control", "no-store")
		gate.WriteError(w, r, &gate.Error{Status: http.StatusNotFound})
		return
	}
	a.page(w)
}

// page answers the page of the application, which finds out by itself what to show.
func (a *App) page(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	text, err := fs.ReadFile(a.files, page)
	if err != nil {
		a.missing(w)
		return
	}
	nonce := rand.Text()
	connect, frames := "'self'", "'none'"
	if a.issuer != "" {
		connect, frames = connect+" "+a.issuer, a.issuer
	}
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+"'; "+
		"img-src 'self' data: blob:; font-src 'self'; connect-src "+connect+"; frame-src "+frames+"; manifest-src 'self'; "+
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	answer(w, "text/html; charset=utf-8", bytes.ReplaceAll(text, []byte(Nonce), []byte(nonce)))
}

const (
	absent = `<!doctype html><html lang="en"><title>Not built</title><h1>These pages are not built</h1>` +
		`<p>The service was compiled before they were. Run <code>npm ci</code> and <code>npm run build</code> in their folder, and build the service again.</p></html>`
	building = `<!doctype html><html lang="en"><title>Not built yet</title><h1>These pages are not built yet</h1>` +
		`<p><code>gate dev</code> builds them when Node.js is there, and says in its terminal how that went. This page looks again by itself.</p></html>`
)

// missing answers what to do when there is no build.
func (a *App) missing(w http.ResponseWriter) {
	text := absent
	if a.dev {
		w.Header().Set("Refresh", "2")
		text = building
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(text)) // nobody is left to be told
}

// file answers a file of the build.
func (a *App) file(w http.ResponseWriter, r *http.Request, name string, data []byte) {
	h := w.Header()
	switch {
	case a.dev:
		h.Set("Cache-Control", "no-store")
	case strings.HasPrefix(name, assets):
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	default:
		h.Set("Cache-Control", "no-cache")
	}
	typ, text := mediaType(name)
	if text && !a.dev {
		h.Add("Vary", "Accept-Encoding")
		if packed := a.pack(name, data); packed != nil && coding.Gzip(r.Header["Accept-Encoding"]) {
			h.Set("Content-Encoding", "gzip")
			data = packed
		}
	}
	answer(w, typ, data)
}

// pack returns data compressed, nil where that saves nothing. It is done once.
func (a *App) pack(name string, data []byte) []byte {
	if known, ok := a.packed.Load(name); ok {
		packed, _ := known.([]byte)
		return packed
	}
	var b bytes.Buffer
	zw, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = zw.Write(data)
	}
	if err == nil {
		err = zw.Close()
	}
	packed := b.Bytes()
	if err != nil || len(packed) >= len(data) {
		packed = nil
	}
	a.packed.Store(name, packed)
	return packed
}

// mediaType returns the type of a file, and whether it can be compressed.
func mediaType(name string) (typ string, text bool) {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8", true
	case ".css":
		return "text/css; charset=utf-8", true
	case ".html":
		return "text/html; charset=utf-8", true
	case ".txt":
		return "text/plain; charset=utf-8", true
	case ".json", ".map":
		return "application/json", true
	case ".webmanifest":
		return "application/manifest+json", true
	case ".svg":
		return "image/svg+xml", true
	case ".ico":
		return "image/x-icon", false
	case ".png":
		return "image/png", false
	case ".jpg", ".jpeg":
		return "image/jpeg", false
	case ".webp":
		return "image/webp", false
	case ".woff2":
		return "font/woff2", false
	}
	return "application/octet-stream", false
}

func answer(w http.ResponseWriter, mediaType string, data []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) //nolint:gosec // it is part of the program; an error has nobody left to be told
}
