// A program that is no test.
package main

import "github.com/gatewright/gate/internal/hashcost"

func main() { hashcost.Lower() }
