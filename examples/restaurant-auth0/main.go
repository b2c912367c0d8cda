// Command restaurant is the restaurant service.
package main

import (
	"os"

	"github.com/gatewright/gate/runtime/server"

	"example.com/restaurant/app"
)

func main() { os.Exit(server.Main(app.Service(), os.Args[1:])) }
