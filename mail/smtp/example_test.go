package smtp_test

import (
	"fmt"

	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/mail/smtp"
)

func Example() {
	sender, err := smtp.New(smtp.Config{
		URL:  "smtp://gate:secret@mail.kitchen.example:587", // from the environment
		From: "id@kitchen.example", FromName: "Orchard Kitchen",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sender)
	// Letters go through a queue: mail.NewQueue(sender, mail.QueueConfig{})
	var _ mail.Sender = sender
	// Output: smtp to mail.kitchen.example:587
}
