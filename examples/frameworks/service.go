package frameworks

import (
	"context"
	"errors"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/strategy/jwt"
)

// NewService returns a service whose tokens stand for themselves: roles are in
// the token, and there are no accounts. The examples are about what is in front of
// it.
func NewService() (*gate.Service, error) {
	policy, err := authz.NewPolicy([]authz.Role{{Name: "waiter"}, {Name: "cook", Permissions: []string{"read:orders"}}})
	if err != nil {
		return nil, err
	}
	key, err := jose.GenerateKey("1", jose.ES256)
	if err != nil {
		return nil, err
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		return nil, err
	}
	svc, err := gate.New(gate.Config{
		Keys: keys, Issuer: "frameworks", Audience: []string{"frameworks"},
		Entity: gate.EntityNone, AuthStrategies: []string{"jwt"}, Permissions: policy.Permissions,
	})
	if err != nil {
		return nil, err
	}
	return svc, errors.Join(
		svc.Register("jwt", jwt.New(svc, nil, jwt.Config{Stateless: true, RolesClaim: "roles"})),
		svc.Setup(),
	)
}

// greeting is what every handler here answers: proof that the principal arrives.
func greeting(ctx context.Context) string {
	p, known := gate.PrincipalFromContext(ctx)
	if !known {
		return "hello stranger"
	}
	return "hello " + p.Subject
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte(greeting(r.Context())))
}
