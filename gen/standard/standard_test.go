package standard_test

import (
	"fmt"

	"github.com/gatewright/gate/gen/standard"
)

func ExamplePlugins() {
	for _, p := range standard.Plugins() {
		if !p.Base {
			fmt.Printf("%s: %s\n", p.Name, p.Summary)
		}
	}
	// Output:
	// auth-core: accounts, from an entity with a login name, a password and roles
	// auth-jwt: access tokens: POST /api/authentication, then Authorization: Bearer
	// auth-oidc: access tokens of an OpenID provider: Authorization: Bearer
	// auth-auth0: people log in at Auth0; an account for each: Authorization: Bearer
	// auth-session: cookies for browsers: POST /api/session, and no token in any script
	// auth-basic: login name and password with every request: Authorization: Basic
	// auth-apikey: keys for programs, with scopes and an expiry: X-API-Key
	// auth-letters: letters: forgotten passwords, confirmed e-mail addresses
	// realtime: events of rows as they change: /api/socket and /api/events
	// seed: the first rows, from seed.yaml and app/seed.go: by gate dev, and by the command seed of the program
	// swagger-ui: the page at /api/docs in builds for production, too (half a megabyte)
	// metrics: requests and their durations for Prometheus: /metrics on an address of its own
	// otel: a span of each request for a collector of OpenTelemetry, by OTLP over HTTP
	// client-ts: a client in TypeScript with the types of the service, in client/
	// admin: pages to look after rows: a react-admin application of your own in admin/, served by the service
	// docker: a small image that runs as nobody on a read-only file system, and a compose.yaml
	// ci-github: a workflow of GitHub Actions: vet, test, build, and whether what is generated is current
	// ci-gitlab: a pipeline of GitLab: vet, test, build, and whether what is generated is current
}
