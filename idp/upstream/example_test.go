package upstream_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/idp/upstream/fake"
)

// A person logs in with an imitation of GitHub, which in production is GitHub.
func Example() {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	const callback = "http://localhost:3001/login/callback/github"
	github, err := fake.New(fake.Config{Development: true, Issuer: server.URL, RedirectURIs: []string{callback}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux.Handle("/", github)

	// For GitHub itself: Name, Strategy, ClientID and ClientSecret.
	connection, err := upstream.New(github.Connection("github", upstream.GitHub))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer connection.Close()

	handler := func(w http.ResponseWriter, r *http.Request) error {
		to, pending, err := connection.Start(r.Context(), upstream.StartRequest{RedirectURI: callback})
		if err != nil {
			return err
		}
		answer := choose(to, "1001")                                    // the browser goes there and comes back
		profile, err := connection.Finish(r.Context(), pending, answer) // pending was in a sealed cookie
		if err != nil {
			return err
		}
		fmt.Fprintln(w, profile.UserID(), profile.Email, profile.EmailVerified)
		return nil
	}
	w := httptest.NewRecorder()
	if err := handler(w, httptest.NewRequest(http.MethodGet, "/login", nil)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(w.Body)
	// Output: github|1001 ada@example.com true
}

// choose presses a person's button and returns what the browser comes back with.
func choose(to, person string) url.Values {
	r, err := http.NewRequest(http.MethodPost, to, strings.NewReader("person="+person))
	if err != nil {
		return nil
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		return nil
	}
	return back.Query()
}
