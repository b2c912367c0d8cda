//go:build !generated

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "entgql: this was built without what is generated for it; run, in the root of the checkout:\n\n\tgo run ./bench/shop -peers bench/compare/entgql")
	os.Exit(1)
}
