package idp_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
)

// tableSizes counts the rows of all tables but that of the log.
func tableSizes(t *testing.T, s *idptest.Server) map[string]int {
	t.Helper()
	sizes := map[string]int{}
	rows, err := s.DB.Read().QueryContext(t.Context(), "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'idp_logs' AND name NOT LIKE 'sqlite%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		sizes[name] = 0
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range sizes {
		n := 0
		if err := s.DB.Read().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+s.DB.Dialect().Quote(name)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		sizes[name] = n
	}
	return sizes
}

// live is how much memory is in use.
func live() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// IDP-06: ten thousand log-ins that nobody ends, some of them at their page already,
// are no rows and no memory. Networks that are counted are: see
// TestOPS05_requestLimitMemory.
func TestIDP06_openLogins(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.RequestLimit = 1_000_000 }})
	get := func(target string, cookies ...*http.Cookie) *http.Response {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Result()
	}
	target := "/authorize?" + authorization().Encode()
	begin := func(count int) {
		t.Helper()
		for i := range count {
			res := get(target)
			if res.StatusCode != http.StatusSeeOther {
				t.Fatalf("authorize: %d", res.StatusCode)
			}
			if i%200 > 0 {
				continue
			}
			if res := get(res.Header.Get("Location"), res.Cookies()...); res.StatusCode != http.StatusOK {
				t.Fatalf("page: %d", res.StatusCode)
			}
		}
	}
	begin(500) // what is made once is made
	rows, before := tableSizes(t, s), live()
	begin(10_000)
	if grown := live() - before; grown > 1<<20 {
		t.Errorf("%d bytes for 10,000 open log-ins", grown)
	}
	if got := tableSizes(t, s); !maps.Equal(got, rows) {
		t.Errorf("rows %v, before %v", got, rows)
	}
}
