package mail_test

import (
	"context"
	"fmt"
	"os"

	"github.com/gatewright/gate/mail"
)

// In development letters are printed; a queue sends them in the background.
func Example() {
	queue, err := mail.NewQueue(mail.Console(os.Stdout), mail.QueueConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	err = queue.Send(ctx, mail.Message{To: "ann@kitchen.example", Subject: "Welcome", Text: "Good that you are here."})
	fmt.Println(err)
	fmt.Println(queue.Send(ctx, mail.Message{To: "a@x.example,b@y.example", Subject: "Welcome", Text: "…"}))
	_ = queue.Close(ctx)
	// Unordered output:
	// <nil>
	// recipient: mail: not an e-mail address: not exactly one @
	// To: ann@kitchen.example
	// Subject: Welcome
	//
	// Good that you are here.
}

func ExampleCanonical() {
	fmt.Println(mail.Canonical(" Ann@Kitchen.Example "))
	// Output: ann@kitchen.example <nil>
}
