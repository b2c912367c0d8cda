package postgres_test

import (
	"context"
	"fmt"

	"github.com/gatewright/gate/store/postgres"
)

// A connection that others could read is refused before it is made.
func ExampleOpen() {
	_, err := postgres.Open(context.Background(), "postgres://app@db.example.com/shop?sslmode=require", postgres.Config{})
	fmt.Println(err)
	// Output: postgres: sslmode: the database at "db.example.com" is on another machine: set sslmode=verify-full (with sslrootcert=FILE for a private authority)
}
