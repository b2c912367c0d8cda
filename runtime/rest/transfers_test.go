package rest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store/storetest"
)

// slow is a client that takes an answer when it may.
type slow struct {
	*httptest.ResponseRecorder

	begun, may chan struct{}
}

func (s *slow) Write(p []byte) (int, error) {
	s.begun <- struct{}{}
	<-s.may
	return s.ResponseRecorder.Write(p)
}

// TestFile_downloadsAtOnce: nobody fetches so many files at a time that there is no
// room for anybody else.
func TestFile_downloadsAtOnce(t *testing.T) {
	n, _ := newPapers(t, storetest.SQLite(t))
	one := n.paper() + "/scan"
	if w := n.send(ann, one, "image/png", png); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	const most = 64
	begun, may := make(chan struct{}), make(chan struct{})
	var fetching sync.WaitGroup
	for range most {
		fetching.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), "GET", one, http.NoBody)
			r.Header.Set("X-Who", bob)
			n.mux.ServeHTTP(&slow{httptest.NewRecorder(), begun, may}, r)
		})
	}
	for range most {
		<-begun
	}
	if w := n.do(bob, "GET", one, ""); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("one more: %d %v", w.Code, w.Header())
	}
	if w := n.do(ann, "GET", one, ""); w.Code != http.StatusOK {
		t.Errorf("somebody else: %d", w.Code)
	}
	close(may)
	fetching.Wait()
	if w := n.do(bob, "GET", one, ""); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// held is a body that ends when it may.
type held struct {
	begun chan<- struct{}
	may   <-chan struct{}
	told  bool
}

func (h *held) Read(p []byte) (int, error) {
	if !h.told {
		h.told = true
		h.begun <- struct{}{}
		return copy(p, png), nil
	}
	<-h.may
	return 0, io.EOF
}

// TestFile_uploadsOfAddress: whoever has many accounts has not all the room.
func TestFile_uploadsOfAddress(t *testing.T) {
	n, _ := newPapers(t, storetest.SQLite(t))
	begun, may := make(chan struct{}), make(chan struct{})
	send := func(as, address, path string, body io.Reader) *httptest.ResponseRecorder {
		client := gate.Client{Address: netip.MustParseAddr(address)}
		r := httptest.NewRequestWithContext(gate.ContextWithClient(t.Context(), client), "PUT", path, body)
		r.Header.Set("X-Who", as)
		r.Header.Set("Content-Type", "image/png")
		w := httptest.NewRecorder()
		n.mux.ServeHTTP(w, r)
		return w
	}
	var sending sync.WaitGroup
	for i := range 4 {
		who := fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i)
		if _, err := n.db.Exec(t.Context(), `INSERT INTO users (id) VALUES ('`+who+`')`); err != nil {
			t.Fatal(err)
		}
		id, _ := row(t, n.do(who, "POST", "/api/papers", `{}`))["id"].(string)
		for j := range 4 {
			sending.Go(func() {
				send(who, fmt.Sprintf("2001:db8::%d:%d", i, j), "/api/papers/"+id+"/scan", &held{begun: begun, may: may})
			})
			<-begun
		}
	}
	one := n.paper() + "/scan"
	if w := send(ann, "2001:db8::ffff", one, strings.NewReader(png)); w.Code != http.StatusTooManyRequests {
		t.Errorf("the seventeenth of one network: %d %s", w.Code, w.Body)
	}
	if w := send(ann, "2001:db8:0:1::1", one, strings.NewReader(png)); w.Code != http.StatusOK {
		t.Errorf("from elsewhere: %d %s", w.Code, w.Body)
	}
	close(may)
	sending.Wait()
	if w := send(ann, "2001:db8::ffff", one, strings.NewReader(png)); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

// TestFile_time: a database has as long for a file as somebody has to send it.
func TestFile_time(t *testing.T) {
	n, papers := newPapers(t, storetest.SQLite(t))
	var until time.Time
	papers.Before(authz.Update, func(ctx context.Context, _ *crud.Change[Paper]) error {
		until, _ = ctx.Deadline()
		return nil
	})
	one := n.paper()
	begin := time.Now()
	if w := n.send(ann, one+"/scan", "text/plain", strings.Repeat("x", 512<<10)); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := until.Sub(begin); got < 14*time.Second {
		t.Errorf("512 KiB have %v", got)
	}
	if w := n.do(ann, "DELETE", one+"/scan", ""); w.Code != http.StatusOK || time.Until(until) > 10*time.Second {
		t.Errorf("what brings no file: %d, has %v", w.Code, time.Until(until))
	}
}

// TestFile_otherField: what was checked for one field is not kept in another.
func TestFile_otherField(t *testing.T) {
	n, papers := newPapers(t, storetest.SQLite(t))
	id := strings.TrimPrefix(n.paper(), "/api/papers/")
	system := authz.System(t.Context())
	staged, err := papers.StageFile(system, id, "scan", crud.Upload{Body: strings.NewReader(strings.Repeat("x", 2<<10))})
	if err != nil {
		t.Fatal(err)
	}
	defer staged.Close()
	if _, err := papers.KeepFile(system, id, "report", staged); err == nil || !strings.Contains(err.Error(), "Paper.report") {
		t.Errorf("a file of 2 KiB where 1 KiB is allowed: %v", err)
	}
	if _, err := papers.KeepFile(system, id, "scan", staged); err != nil {
		t.Error(err)
	}
}
