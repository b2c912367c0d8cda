package fake_test

import (
	"fmt"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/idp/upstream/fake"
)

// The imitation is part of a development server; the connection to it takes the
// place of that to GitHub.
func Example() {
	server, err := fake.New(fake.Config{
		Development:  true,
		Issuer:       "http://localhost:3001/fake/github",
		Name:         "Fake GitHub",
		RedirectURIs: []string{"http://localhost:3001/login/callback"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// mux.Handle("/fake/github/", server)
	fmt.Println(server.Connection("github", upstream.GitHub).AuthorizationURL)

	_, err = fake.New(fake.Config{Issuer: "https://login.example.com", RedirectURIs: []string{"https://example.com/"}})
	fmt.Println(err)
	// Output:
	// http://localhost:3001/fake/github/login/oauth/authorize
	// imitation of a provider: it is for development only
}
