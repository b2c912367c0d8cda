package refresh_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/refresh"
)

func Example() {
	store := &backend{} // tokens, sessions and accounts in one
	strategy := refresh.New(store, store, refresh.Config{Sessions: store})

	for _, token := range []string{good, used} {
		renewal, err := strategy.Renew(context.Background(), gate.Credentials{
			Strategy: "refresh", Fields: map[string]any{"refreshToken": token},
		})
		if err != nil {
			fmt.Println(err, errors.Is(err, gate.ErrReused))
			continue
		}
		fmt.Println("session", renewal.Principal.SessionID, "of", renewal.Principal.Subject, "goes on")
	}
	// Output:
	// session s1 of 7 goes on
	// Invalid refresh token: used at noon true
}
