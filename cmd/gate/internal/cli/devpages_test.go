package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatewright/gate/idp/trial"
)

// TestOPS17_provider: a page elsewhere whose name was pointed to this machine
// reaches no part of a provider for development.
func TestOPS17_provider(t *testing.T) {
	provider := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	site, err := devSite{
		provider: provider, fake: provider,
		pages: trial.Config{
			Issuer: "http://localhost:9/", ClientID: "menu", Outbox: t.TempDir(),
			Asks: func(context.Context) (string, string, error) { return "", "openid", nil },
		},
	}.handler()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/authorize", "/dbconnections/signup", trial.Path, trial.ScriptPath, trial.OutboxPath, trial.OutboxPath + ".json", fakePath + "/authorize"} {
		for host, want := range map[string]bool{"localhost:9": true, "127.0.0.1:9": true, "[::1]:9": true, "evil.example:9": false, "localhost.evil.example": false, "": false} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody)
			r.Host = host
			w := httptest.NewRecorder()
			site.ServeHTTP(w, r)
			if answered := w.Code != http.StatusMisdirectedRequest; answered != want {
				t.Errorf("%s of %q: %d", path, host, w.Code)
			}
		}
	}
}
