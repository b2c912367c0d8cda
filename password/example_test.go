package password_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatewright/gate/password"
)

// A log-in: verify, and replace a hash that is out of date.
func Example() {
	ctx := context.Background()
	hasher, err := password.New(password.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := "$2b$05$abcdefghijklmnopqrstuuRWUgMyyCUnsDr8evYotXg5ZXVF/HhzS" // imported

	ok, rehash, err := hasher.Verify(ctx, stored, "abc")
	fmt.Println(ok, rehash, err)
	if ok && rehash {
		// Write it only where the hash is still the old one.
		replacement, err := hasher.Hash(ctx, "abc")
		fmt.Println(replacement[:30], err)
	}
	// Output:
	// true true <nil>
	// $argon2id$v=19$m=19456,t=2,p=1 <nil>
}

// Nobody is there to verify against, and nobody shall notice.
func ExampleHasher_Burn() {
	hasher, err := password.New(password.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = hasher.Burn(context.Background(), "whatever they typed")
	fmt.Println(err)
	// Output: <nil>
}

func ExamplePolicy_Check() {
	policy := password.Policy{Words: []string{"Trattoria"}}
	for _, pw := range []string{"Passw0rd", "trattoria2026!!", "seven wet dogs sing"} {
		err := policy.Check(pw, "jane.doe@example.com")
		if refused, ok := errors.AsType[*password.PolicyError](err); ok {
			for _, reason := range refused.Reasons {
				fmt.Printf("%s: %s\n", pw, reason)
			}
			continue
		}
		fmt.Printf("%s: %v\n", pw, err)
	}
	// Output:
	// Passw0rd: must have at least 15 characters
	// Passw0rd: is among the passwords that are tried first: common words, keys in a row, repetitions
	// trattoria2026!!: is made from your name, your e-mail address or the name of this service
	// seven wet dogs sing: <nil>
}
