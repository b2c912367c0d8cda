package auth_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/strategy/basic"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// A service with access tokens and Basic, as generated code describes it.
func ExampleConfig() {
	cfg := auth.Config{
		Entity: "user", Login: "email", Password: "password", Roles: "roles",
		JWT: &auth.JWT{Algorithm: jose.HS512, ExpiresIn: 15 * time.Minute},
		Strategies: func(a *auth.Auth) error {
			users := a.Accounts()
			passwords := local.New(users, a.Passwords(), local.Config{Throttle: a.Throttle()})
			return errors.Join(
				a.Register("jwt", jwt.New(a.Service(), a.Accounts(), jwt.Config{})),
				a.Register("local", passwords),
				a.Register("basic", basic.New(passwords, users, basic.Config{})),
			)
		},
	}
	fmt.Println("AUTH_SECRET needs", cfg.JWT.SecretBytes(), "bytes")
	// Output:
	// AUTH_SECRET needs 64 bytes
}
