package rest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ12_answersTogether: large answers that nobody takes are bounded together, and
// one caller who leaves them where they are keeps nobody else from theirs.
func TestAUZ12_answersTogether(t *testing.T) {
	db := storetest.SQLite(t)
	n := newNotes(t, db)
	id := n.made(ann, "one")
	one := "/api/notes/" + id
	if _, err := db.Exec(t.Context(), `UPDATE notes SET remark = '`+strings.Repeat("x", 9<<20)+`'`); err != nil {
		t.Fatal(err)
	}
	begun, may := make(chan struct{}), make(chan struct{})
	var taking sync.WaitGroup
	const most = 5 // of 9 MiB, in 64 MiB, of which one takes 27 while it is made
	for range most {
		taking.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/notes", http.NoBody)
			r.Header.Set("X-Who", ed)
			n.mux.ServeHTTP(&slow{httptest.NewRecorder(), begun, may}, r)
		})
		<-begun
	}
	for _, path := range []string{"/api/notes", one} {
		if w := n.do(ed, http.MethodGet, path, ""); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || w.Header().Get("Etag") != "" {
			t.Errorf("one more, %s: %d %v", path, w.Code, w.Header())
		}
	}
	if w := n.do(ed, http.MethodGet, "/api/notes?$select=id", ""); w.Code != http.StatusOK {
		t.Errorf("a small one: %d %s", w.Code, w.Body)
	}
	if w := n.do(ann, http.MethodGet, "/api/notes", ""); w.Code != http.StatusOK {
		t.Errorf("somebody else: %d %.200s", w.Code, w.Body)
	}
	// what was done is answered whatever is held, and nothing more is done
	for range 3 {
		taking.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, one, strings.NewReader(`{"title":"two"}`))
			r.Header.Set("X-Who", ed)
			r.Header.Set("Content-Type", "application/json")
			n.mux.ServeHTTP(&slow{httptest.NewRecorder(), begun, may}, r)
		})
		<-begun
	}
	if w := n.do(ed, http.MethodPatch, one, `{"title":"three"}`); w.Code != http.StatusTooManyRequests {
		t.Errorf("a change: %d %.200s", w.Code, w.Body)
	}
	if w := n.do(ann, http.MethodPatch, one, `{"title":"four"}`); w.Code != http.StatusOK {
		t.Errorf("a change by somebody else: %d %.200s", w.Code, w.Body)
	}
	close(may)
	taking.Wait()
	if w := n.do(ed, http.MethodGet, "/api/notes", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"four"`) {
		t.Errorf("afterwards: %d %.200s", w.Code, w.Body)
	}
}
