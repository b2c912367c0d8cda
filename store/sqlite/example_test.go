package sqlite_test

import (
	"context"
	"fmt"

	"github.com/gatewright/gate/store/sqlite"
)

func ExampleOpen() {
	db, err := sqlite.Open(context.Background(), ":memory:", sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	fmt.Println(db.Dialect(), db.Ping(context.Background()))
	// Output: sqlite <nil>
}
