package swaggerui_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/swaggerui"
)

func ExampleNew() {
	page := swaggerui.New("shop", "/api/docs", "/api/openapi.json")
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest("GET", "/api/docs", nil))
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `data-url="/api/openapi.json"`))
	// Output: 200 true
}

// TestNew: everything that the page loads is there, below its own path, and nothing
// else.
func TestNew(t *testing.T) {
	page := swaggerui.New("shop", "/v1/docs", "/v1/openapi.json")
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	loads := 0
	for part := range strings.SplitSeq(get("/v1/docs").Body.String(), `"`) {
		if !strings.HasPrefix(part, "/v1/docs/") {
			continue
		}
		loads++
		if w := get(part); w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %d bytes", part, w.Code, w.Body.Len())
		}
	}
	if loads != 5 {
		t.Errorf("the page loads %d files", loads)
	}
	for _, path := range []string{"/v1/docs/", "/v1/docs/index.html", "/v1/docs/swagger-ui.js.gz", "/v1/docs/../docs.js"} {
		if w := get(path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
