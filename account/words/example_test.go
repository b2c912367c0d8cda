package words_test

import (
	"fmt"
	"os"

	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/account/words"
)

func ExampleEnglish() {
	l := account.Letter{
		Service: "restaurant", Account: "maria@kitchen.example", Link: "https://example.com/account/reset?token=x",
		Life: "30 minutes", When: "21 November 2026, 12:00 UTC",
	}
	if err := words.English().Letter(os.Stdout, "nosuch", l); err != nil {
		fmt.Println(err)
	}
	// Output: there is no letter "nosuch"
}
