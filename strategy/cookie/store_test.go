package cookie_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
	"github.com/gatewright/gate/strategy/cookie"
)

var _ cookie.Sessions = (*accounts.Sessions)(nil)

// pin lets ada in.
type pin struct{}

func (pin) Authenticate(context.Context, gate.Credentials) (*gate.Principal, error) {
	return &gate.Principal{Subject: "7"}, nil
}

// TestSES02_wholeWay logs a browser in and out with the handler and the store
// of the product.
func TestSES02_wholeWay(t *testing.T) {
	db := storetest.SQLite(t)
	if _, err := db.Migrate(t.Context(), accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	sessions, err := accounts.NewSessions(db, accounts.SessionsConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sessions.Close() })
	svc, err := gate.New(gate.Config{Sessions: sessions})
	if err != nil {
		t.Fatal(err)
	}
	login, err := svc.SessionHandler(gate.CookieConfig{Strategies: []string{"pin"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(svc.Register("pin", pin{}), svc.Register("cookie", cookie.New(sessions, newBackend(), cookie.Config{}))); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/session", login)
	mux.Handle("/orders", svc.Guard("cookie").Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gate.PrincipalFromContext(r.Context())
		if p.Subject != "7" || p.SessionID == "" || p.AuthenticatedAt.IsZero() || p.ExpiresAt.IsZero() || p.Strategy != "cookie" {
			t.Errorf("principal %+v", p)
		}
	})))
	var jar []*http.Cookie
	send := func(method, path, site string) int {
		r := httptest.NewRequest(method, "https://shop.example"+path, strings.NewReader(`{"strategy":"pin"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Sec-Fetch-Site", site)
		for _, c := range jar {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if cookies := w.Result().Cookies(); len(cookies) > 0 && cookies[0].MaxAge > 0 {
			jar = cookies
		}
		return w.Code
	}
	for _, step := range []struct {
		method, path, site string
		want               int
	}{
		{"POST", "/orders", "same-origin", http.StatusUnauthorized},
		{"POST", "/session", "cross-site", http.StatusForbidden},
		{"POST", "/session", "same-origin", http.StatusCreated},
		{"POST", "/orders", "same-origin", http.StatusOK},
		{"GET", "/orders", "cross-site", http.StatusOK},
		{"POST", "/orders", "cross-site", http.StatusForbidden},
		{"POST", "/orders", "same-site", http.StatusForbidden},
		{"DELETE", "/session", "same-origin", http.StatusNoContent},
		{"POST", "/orders", "same-origin", http.StatusUnauthorized}, // the old cookie, sent again
	} {
		if got := send(step.method, step.path, step.site); got != step.want {
			t.Errorf("%s %s %s: %d, want %d", step.site, step.method, step.path, got, step.want)
		}
	}
}
