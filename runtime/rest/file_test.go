package rest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// Papers have a scan for whoever sees them, and a report for editors.

type Paper struct {
	ID     string
	Scan   *model.File
	Report *model.File
	Author *string
	Draft  *model.File
	Sealed *model.File // which owners send, and do not read
}

const (
	PaperID model.FieldID = iota
	PaperScan
	PaperReport
	PaperAuthor
	PaperDraft
	PaperSealed
)

func (r *Paper) pointer(f model.FieldID) any {
	return []any{&r.ID, &r.Scan, &r.Report, &r.Author, &r.Draft, &r.Sealed}[f]
}

const scanSize = 600 << 10

func newPapers(t *testing.T, db *store.DB) (*notes, *crud.Resource[Paper]) {
	t.Helper()
	words := func(sqlite, postgres string) string {
		return map[store.Dialect]string{store.SQLite: sqlite, store.Postgres: postgres}[db.Dialect()]
	}
	key, file := words("TEXT", "uuid"), words("TEXT", "jsonb")
	for _, stmt := range []string{
		`CREATE TABLE users (id ` + key + ` PRIMARY KEY)`,
		`CREATE TABLE papers (id ` + key + ` PRIMARY KEY, scan ` + file + `, report ` + file + `, author_id ` + key + `, draft ` + file + `, sealed ` + file + `)`,
		`CREATE TABLE papers_files (file ` + key + ` NOT NULL, part BIGINT NOT NULL, row_id ` + key + ` NOT NULL REFERENCES papers (id) ON DELETE CASCADE, data ` + words("BLOB", "bytea") + ` NOT NULL, PRIMARY KEY (file, part))`,
		`INSERT INTO users (id) VALUES ('` + ann + `'), ('` + bob + `'), ('` + ed + `')`,
	} {
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
	policy, err := authz.NewPolicy([]authz.Role{{Name: "editor"}})
	if err != nil {
		t.Fatal(err)
	}
	users, err := crud.New(db, policy, &model.Entity{
		Name: "User", Plural: "Users", Path: "users", Table: "users",
		Fields: []model.Field{{Name: "id", Column: "id", Type: model.ID, Required: true}},
	}, (*User).pointer)
	if err != nil {
		t.Fatal(err)
	}
	signed, owner := []string{"signed-in"}, []string{"owner", "editor"}
	papers, err := crud.New(db, policy, &model.Entity{
		Name: "Paper", Plural: "Papers", Path: "papers", Table: "papers", Owner: "authorId",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "scan", Column: "scan", Type: model.FileType, Segment: "scan", MaxSize: scanSize, FileTypes: []string{"image/png", "text/*", "application/octet-stream"}},
			{Name: "report", Column: "report", Type: model.FileType, Segment: "report", MaxSize: 1 << 10, View: []string{"editor"}, Update: []string{"editor"}},
			{Name: "authorId", Column: "author_id", Type: model.Relation, To: "User"},
			{Name: "draft", Column: "draft", Type: model.FileType, Segment: "draft", MaxSize: 1 << 10, View: []string{"owner"}, Update: []string{"owner"}},
			{Name: "sealed", Column: "sealed", Type: model.FileType, Segment: "sealed", MaxSize: 1 << 10, View: []string{"editor"}, Update: []string{"owner"}},
		},
		Allow: model.Allow{View: signed, List: signed, Create: signed, Update: owner, Delete: owner},
	}, (*Paper).pointer)
	if err != nil {
		t.Fatal(err)
	}
	if err := crud.Link(users, papers); err != nil {
		t.Fatal(err)
	}
	n := &notes{t: t, db: db, mux: http.NewServeMux()}
	api := rest.API{Policy: policy, Protect: who, Errors: gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}}
	for _, route := range api.Routes(papers) {
		n.mux.Handle(route.Method+" "+route.Path, route.Handler)
	}
	return n, papers
}

func (n *notes) parts() int {
	n.t.Helper()
	rows, err := n.db.Read().QueryContext(n.t.Context(), `SELECT COUNT(*) FROM papers_files`)
	if err != nil {
		n.t.Fatal(err)
	}
	defer rows.Close()
	var count int
	for rows.Next() {
		if err := rows.Scan(&count); err != nil {
			n.t.Fatal(err)
		}
	}
	return count
}

const png = "\x89PNG\r\n\x1a\n and what follows"

// paper makes one of ann's and returns its path.
func (n *notes) paper() string {
	n.t.Helper()
	id, _ := row(n.t, n.do(ann, "POST", "/api/papers", `{}`))["id"].(string)
	if id == "" {
		n.t.Fatal("no paper")
	}
	return "/api/papers/" + id
}

// TestFile: what was sent is what is answered, whole, by range, to HEAD and to who has
// it already, and nothing of it is left when it is replaced, removed or goes with its
// row.
func TestFile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n, _ := newPapers(t, db)
		one := n.paper()
		if w := n.do(ann, "GET", one+"/scan", ""); w.Code != http.StatusNotFound {
			t.Errorf("a file that is not there: %d %s", w.Code, w.Body)
		}
		long := strings.Repeat("0123456789abcdef", scanSize/16)
		w := n.send(ann, one+"/scan?name=..%2F..%2Fetc%2Fr%C3%A9sum%C3%A9.txt", "text/plain", long)
		scan, _ := row(t, w)["scan"].(map[string]any)
		if w.Code != http.StatusOK || fmt.Sprint(scan["name"], scan["size"], scan["type"]) != "résumé.txt614400text/plain" || len(scan) != 4 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if got, _ := row(t, n.do(bob, "GET", one, ""))["scan"].(map[string]any); got["sha256"] != scan["sha256"] {
			t.Errorf("the row has %v", got)
		}
		w = n.do(bob, "GET", one+"/scan", "")
		h := w.Header()
		if w.Code != http.StatusOK || w.Body.String() != long || h.Get("Etag") != fmt.Sprintf("%q", scan["sha256"]) {
			t.Errorf("%d, %d bytes, %v", w.Code, w.Body.Len(), h)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox;") ||
			h.Get("Content-Disposition") != "attachment; filename*=utf-8''r%C3%A9sum%C3%A9.txt" {
			t.Errorf("headers %v", h)
		}
		if w := n.do(bob, "GET", one+"/scan", "", "Range", "bytes=262140-262150"); w.Code != http.StatusPartialContent || w.Body.String() != long[262140:262151] {
			t.Errorf("a range over two parts: %d %q", w.Code, w.Body)
		}
		if w := n.do(bob, "GET", one+"/scan", "", "Range", "bytes=-5"); w.Code != http.StatusPartialContent || w.Body.String() != "bcdef" {
			t.Errorf("the end: %d %q", w.Code, w.Body)
		}
		if w := n.do(bob, "GET", one+"/scan", "", "Range", "bytes=-0"); w.Code != http.StatusRequestedRangeNotSatisfiable || w.Header().Get("Content-Range") != "bytes */614400" {
			t.Errorf("the last none: %d %v", w.Code, w.Header())
		}
		if w := n.do(bob, "GET", one+"/scan", "", "Range", "bytes=700000-"); w.Code != http.StatusRequestedRangeNotSatisfiable || w.Header().Get("Content-Range") != "bytes */614400" ||
			w.Header().Get("Content-Type") != "application/json" || row(t, w)["code"] != 416.0 {
			t.Errorf("beyond the end: %d", w.Code)
		}
		if w := n.do(bob, "GET", one+"/scan", "", "Range", "bytes=0-0,-1,0-0,-1"); w.Code != http.StatusOK || w.Body.Len() != 614400 {
			t.Errorf("many ranges, each of which is another read: %d %d", w.Code, w.Body.Len())
		}
		if w := n.do(bob, "GET", one+"/scan", "", "If-None-Match", h.Get("Etag")); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Errorf("who has it: %d", w.Code)
		}
		if w := n.do(bob, "HEAD", one+"/scan", ""); w.Code != http.StatusOK || w.Header().Get("Content-Length") != "614400" || w.Body.Len() > 0 {
			t.Errorf("HEAD: %d %v", w.Code, w.Header())
		}
		if got := n.parts(); got != 3 {
			t.Errorf("%d parts, want 3", got)
		}
		if w := n.send(ann, one+"/scan", "image/png", png, "If-Match", `"0000"`); w.Code != http.StatusPreconditionFailed {
			t.Errorf("another file than that: %d", w.Code)
		}
		if w := n.send(ann, one+"/scan", "", png, "If-Match", h.Get("Etag")); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"name":"scan","size":25,"type":"image/png"`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if got := n.parts(); got != 1 {
			t.Errorf("%d parts of a file that was replaced, want 1", got)
		}
		if w := n.do(ann, "PATCH", one, `{"authorId":null}`); w.Code == http.StatusOK {
			t.Errorf("%d", w.Code)
		}
		if w := n.do(ann, "PUT", one, `{}`); w.Code != http.StatusOK || row(t, w)["scan"] == nil {
			t.Errorf("a row that is replaced loses its file: %d %s", w.Code, w.Body)
		}
		if w := n.do(ann, "DELETE", one+"/scan", ""); w.Code != http.StatusOK || row(t, w)["scan"] != nil || n.parts() != 0 {
			t.Errorf("removed: %d %s, %d parts", w.Code, w.Body, n.parts())
		}
		n.send(ann, one+"/scan", "", png)
		if w := n.do(ann, "DELETE", one, ""); w.Code != http.StatusOK || n.parts() != 0 {
			t.Errorf("the row goes: %d, %d parts are left", w.Code, n.parts())
		}
	})
}

// send sends a file.
func (n *notes) send(as, path, media, body string, headers ...string) *httptest.ResponseRecorder {
	n.t.Helper()
	r := httptest.NewRequestWithContext(n.t.Context(), "PUT", path, strings.NewReader(body))
	r.Header.Set("X-Who", as)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	n.mux.ServeHTTP(w, r)
	return w
}

// TestFile_gate: the rules of the row and of the field say who sends and who fetches a
// file, and JSON is no way around them.
func TestFile_gate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n, papers := newPapers(t, db)
		one := n.paper()
		for _, tt := range []struct {
			as, path string
			want     int
		}{
			{noOne, "/scan", 401},
			{bob, "/scan", 403},
			{ann, "/scan", 200},
			{ed, "/scan", 200},
			{noOne, "/report", 401},
			{bob, "/report", 403},
			{ann, "/report", 403},
			{ed, "/report", 200},
			{bob, "/draft", 403},
			{ann, "/draft", 200},
			{ed, "/draft", 403},
		} {
			if w := n.send(tt.as, one+tt.path, "image/png", png); w.Code != tt.want {
				t.Errorf("PUT %s of %q: %d %s, want %d", tt.path, tt.as, w.Code, w.Body, tt.want)
			}
			if w := n.do(tt.as, "DELETE", strings.Replace(one, one[len(one)-4:], "ffff", 1)+tt.path, ""); tt.want != 401 && w.Code != 404 {
				t.Errorf("DELETE %s of no row by %q: %d", tt.path, tt.as, w.Code)
			}
		}
		if w := n.send(ann, one+"/report", "text/plain", strings.Repeat("x", 2<<10)); w.Code != http.StatusForbidden {
			t.Errorf("a file was read of who may not send it: %d %s", w.Code, w.Body)
		}
		for as, want := range map[string]int{noOne: 401, bob: 404, ann: 404, ed: 200} {
			if w := n.do(as, "GET", one+"/report", ""); w.Code != want {
				t.Errorf("GET /report by %q: %d, want %d", as, w.Code, want)
			}
			if w := n.do(as, "DELETE", one+"/report", ""); as != ed && w.Code != map[string]int{noOne: 401}[as] && w.Code != 403 {
				t.Errorf("DELETE /report by %q: %d", as, w.Code)
			}
			if as == ed {
				n.send(ed, one+"/report", "image/png", png)
			}
		}
		for as, want := range map[string]int{noOne: 401, bob: 404, ann: 200, ed: 404} {
			if w := n.do(as, "GET", one+"/draft", ""); w.Code != want {
				t.Errorf("GET /draft by %q: %d, want %d", as, w.Code, want)
			}
		}
		if w := n.do(ann, "GET", one, ""); strings.Contains(w.Body.String(), "report") {
			t.Errorf("a hidden file is in the row: %s", w.Body)
		}
		for _, body := range []string{
			`{"scan":null}`, `{"scan":{"name":"a","size":1,"type":"image/png","sha256":"00"}}`, `{"scan":"x"}`,
			`{"scan":{"name":"a","size":1,"type":"image/png","sha256":"00","key":"` + ann + `"}}`,
		} {
			if w := n.do(ann, "PATCH", one, body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "read_only") {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
			if w := n.do(ann, "POST", "/api/papers", body); w.Code != http.StatusBadRequest {
				t.Errorf("%s in a new row: %d %s", body, w.Code, w.Body)
			}
		}
		other := n.paper()
		system := authz.System(t.Context())
		stolen, err := papers.Get(system, one[len("/api/papers/"):])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := papers.Patch(system, other[len("/api/papers/"):], &crud.Change[Paper]{Row: *stolen, Set: model.Fields(PaperScan)}); err == nil {
			t.Error("two rows have one file")
		}
		papers.Before(authz.Update, func(_ context.Context, ch *crud.Change[Paper]) error {
			ch.Row.Scan = stolen.Scan
			return nil
		})
		if w := n.do(ann, "DELETE", other+"/scan", ""); w.Code != http.StatusBadRequest {
			t.Errorf("a hook gives a row the file of another: %d %s", w.Code, w.Body)
		}
	})
}

// TestFile_refused: what no file may be, and what is said of it.
func TestFile_refused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n, _ := newPapers(t, db)
		one := n.paper()
		form := func(parts ...string) (string, string) {
			var b bytes.Buffer
			w := multipart.NewWriter(&b)
			for _, p := range parts {
				kind, content, _ := strings.Cut(p, "|")
				h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="C:\\x\\a b.png"`}, "Content-Type": {kind}}
				if kind == "" {
					h = textproto.MIMEHeader{"Content-Disposition": {`form-data; name="note"`}}
				}
				part, err := w.CreatePart(h)
				if err == nil {
					_, err = part.Write([]byte(content))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			return w.FormDataContentType(), b.String()
		}
		good, goodBody := form("image/png|" + png)
		two, twoBody := form("image/png|"+png, "image/png|"+png)
		field, fieldBody := form("|note", "image/png|"+png)
		for name, tt := range map[string]struct {
			path, media, body string
			want              int
		}{
			"raw":                   {"/scan", "image/png", png, 200},
			"a form":                {"/scan", good, goodBody, 200},
			"two files":             {"/scan", two, twoBody, 400},
			"a field":               {"/scan", field, fieldBody, 400},
			"half a form":           {"/scan", good, goodBody[:len(goodBody)-10], 400},
			"nothing":               {"/scan", "image/png", "", 400},
			"too much":              {"/scan", "text/plain", strings.Repeat("x", scanSize+1), 413},
			"too much of another":   {"/report", "text/plain", strings.Repeat("x", 1025), 413},
			"another type":          {"/scan", "application/pdf", "%PDF-1.7 ", 415},
			"a page as a picture":   {"/scan", "image/png", "<!DOCTYPE html><script>alert(1)</script>", 415},
			"a picture as a text":   {"/scan", "text/plain", png, 415},
			"bytes as a picture":    {"/scan", "image/png", "\x00\x01\x02", 415},
			"a page as a text":      {"/scan", "text/csv", "<html><script>alert(1)</script>", 415},
			"a type with a newline": {"/scan", "text/x\ny", "a", 415},
			"half a type":           {"/scan", "text/", "a", 415},
			"an unknown parameter":  {"/scan?names=x", "image/png", png, 400},
			"no name":               {"/scan?name=..", "image/png", png, 200},
		} {
			as := ann
			if strings.HasPrefix(tt.path, "/report") {
				as = ed
			}
			if w := n.send(as, one+tt.path, tt.media, tt.body); w.Code != tt.want {
				t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tt.want)
			}
		}
		if w := n.send(ann, one+"/scan", good, goodBody); !strings.Contains(w.Body.String(), `"name":"a b.png"`) {
			t.Errorf("a path is a part of the name: %s", w.Body)
		}
		for media, want := range map[string]string{"text/html": "application/octet-stream", "text/javascript": "application/octet-stream", "text/plain": "text/plain"} {
			body := map[bool]string{true: "<html></html>", false: "var a"}[media == "text/html"]
			if w := n.send(ann, one+"/scan", media, body); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", media, w.Code, w.Body)
			}
			if w := n.do(ann, "GET", one+"/scan", ""); w.Header().Get("Content-Type") != want {
				t.Errorf("%s is answered as %s", media, w.Header().Get("Content-Type"))
			}
		}
	})
}

// TestFile_guessed: who may replace a file and not read it learns neither what is in it
// nor whether there is one.
func TestFile_guessed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n, _ := newPapers(t, db)
		sealed := n.paper() + "/sealed"
		guess := func(body string) (codes []int) {
			hash := fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256([]byte(body))))
			for _, tags := range []string{hash, "*"} {
				codes = append(codes, n.send(ann, sealed, "text/plain", body, "If-Match", tags).Code, n.do(ann, "DELETE", sealed, "", "If-Match", tags).Code)
			}
			return codes
		}
		want := []int{403, 403, 403, 403}
		if got := guess("secret"); !slices.Equal(got, want) {
			t.Errorf("no file: %v", got)
		}
		if w := n.send(ann, sealed, "text/plain", "secret"); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if got := guess("secret"); !slices.Equal(got, want) {
			t.Errorf("the file: %v", got)
		}
		if got := guess("another"); !slices.Equal(got, want) {
			t.Errorf("another one: %v", got)
		}
		if w := n.send(ann, sealed, "text/plain", "replaced"); w.Code != http.StatusOK {
			t.Errorf("without a condition: %d %s", w.Code, w.Body)
		}
	})
}
