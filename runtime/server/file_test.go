package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// upload sends a file of which the first bytes come before meanwhile, and the rest after.
func (r *running) upload(path, body string, meanwhile func(), headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	first := min(len(body), 600)
	late := io.MultiReader(strings.NewReader(body[:first]), &lateBody{strings.NewReader(body[first:]), meanwhile})
	req := httptest.NewRequestWithContext(r.t.Context(), "PUT", path, late)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.srv.Handler().ServeHTTP(w, req)
	return w
}

// TestSES11_lateFile: whoever sends a file slowly is judged again when it is here, and a
// role that was taken away meanwhile gives nothing.
func TestSES11_lateFile(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	id := r.signUp(ada)
	bearer := r.login(ada)
	photo := strings.Repeat("photo ", 200)
	if w := r.upload("/api/users/"+id+"/photo", photo, nil, bearer...); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	out := func() { r.do("DELETE", "/api/authentication", "", bearer...).is(200) }
	if w := r.upload("/api/users/"+id+"/photo", photo, out, bearer...); w.Code != http.StatusUnauthorized {
		t.Errorf("the session had ended when the file was here: %d %s", w.Code, w.Body)
	}
	if w := r.upload("/api/users/"+id+"/photo", photo, nil); w.Code != http.StatusUnauthorized {
		t.Errorf("nobody sends a file: %d %s", w.Code, w.Body)
	}
}

// TestOPS02_files: a route of files takes what a file may have, more than any other
// route, and not more.
func TestOPS02_files(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	id := r.signUp(ada)
	bearer := r.login(ada)
	for name, tt := range map[string]struct {
		path string
		size int
		want int
	}{
		"a file":                {"/photo", 3 << 20, 200},
		"a byte more":           {"/photo", 3<<20 + 1, 413},
		"more than the edge":    {"/photo", 4 << 20, 413},
		"a row":                 {"", 3 << 20, 413},
		"a path that is no one": {"/photos", 3 << 20, 413},
	} {
		if w := r.upload("/api/users/"+id+tt.path, strings.Repeat("x", tt.size), nil, bearer...); w.Code != tt.want && (tt.path == "/photo" || w.Code < 400) {
			t.Errorf("%s: %d %.200s, want %d", name, w.Code, w.Body, tt.want)
		}
	}
	r.do("GET", "/api/users/"+id+"/photo", "", bearer...).is(404) // which its owner may not read
}
