package local_test

import (
	"context"
	"fmt"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/local"
)

func Example() {
	s := local.New(newUsers(), &hasher{}, local.Config{UsernameField: "name"})
	for _, password := range []string{"correct horse battery", "guess"} {
		p, err := s.Authenticate(context.Background(), gate.Credentials{
			Fields: map[string]any{"name": "ada", "password": password},
		})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(p.Subject, p.Roles)
	}
	// Output:
	// 7 [cook]
	// Invalid login
}
