package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/throttle"
)

func Example() {
	guesses, err := throttle.New(throttle.Config{}) // DB and Secret share it among processes
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := gate.ContextWithClient(context.Background(), gate.Client{Address: netip.MustParseAddr("192.0.2.1")})
	for range 10 {
		done, err := guesses.Begin(ctx, throttle.Account("42"))
		if err != nil {
			fmt.Println(err)
			return
		}
		done(gate.Failed)
	}
	_, err = guesses.Begin(ctx, throttle.Account("42"))
	if refusal, ok := errors.AsType[*gate.AuthError](err); ok {
		fmt.Println(refusal.Code, refusal.RetryAfter.Round(time.Minute))
	}

	// A browser in which the account logged in before has a budget of its own.
	token, _ := guesses.IssueDevice(throttle.Account("42"))
	_, err = guesses.Begin(throttle.ContextWithDevice(ctx, token), throttle.Account("42"))
	fmt.Println(err)
	// Output:
	// too_many_requests 15m0s
	// <nil>
}

func ExampleLimiter() {
	mail, err := throttle.NewLimiter(throttle.Config{}, "mail", throttle.MailLimits()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 6 {
		retryAfter, err := mail.Allow(context.Background(), "ann@example.com")
		fmt.Println(retryAfter.Round(time.Minute), err)
	}
	// Output:
	// 0s <nil>
	// 0s <nil>
	// 0s <nil>
	// 0s <nil>
	// 0s <nil>
	// 1h0m0s <nil>
}
