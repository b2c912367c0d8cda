package origin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatewright/gate/internal/origin"
)

func TestSES08_origins(t *testing.T) {
	g, err := origin.New([]string{"https://app.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		method  string
		headers []string
		want    bool
	}{
		"no browser":            {"POST", nil, true},
		"own origin":            {"POST", []string{"Origin", "https://api.test", "Sec-Fetch-Site", "same-origin"}, true},
		"trusted":               {"POST", []string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site"}, true},
		"foreign":               {"POST", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, false},
		"same site":             {"POST", []string{"Sec-Fetch-Site", "same-site"}, false},
		"null":                  {"POST", []string{"Origin", "null"}, false},
		"no referrer":           {"POST", []string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, true},
		"in a sandbox":          {"POST", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, false},
		"null, same site":       {"POST", []string{"Origin", "null", "Sec-Fetch-Site", "same-site"}, false},
		"null, from a link":     {"POST", []string{"Origin", "null", "Sec-Fetch-Site", "none"}, false},
		"own host on http":      {"POST", []string{"Origin", "http://api.test"}, false},
		"two origins":           {"POST", []string{"Origin", "https://api.test", "Origin", "https://evil.example"}, false},
		"reading":               {"GET", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, true},
		"opening a WebSocket":   {"GET", []string{"Upgrade", "websocket", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, false},
		"a method of their own": {"PURGE", []string{"Sec-Fetch-Site", "cross-site"}, false},
	} {
		r := httptest.NewRequest(tt.method, "https://api.test/", http.NoBody)
		for i := 0; i < len(tt.headers); i += 2 {
			r.Header.Add(tt.headers[i], tt.headers[i+1])
		}
		if err := g.Check(r); (err == nil) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"http://app.example.com", "https://App.example.com", "app.example.com", "https://app.example.com/", "*", "null", "https://u@app.example.com"} {
		if _, err := origin.New([]string{bad}); err == nil {
			t.Errorf("%q is trusted", bad)
		}
	}
	if _, err := origin.New([]string{"http://localhost:5173"}); err != nil {
		t.Error(err)
	}
}
