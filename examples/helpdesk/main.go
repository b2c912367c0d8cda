// Command helpdesk is the helpdesk service.
package main

import (
	"os"

	"github.com/gatewright/gate/runtime/server"

	"example.com/helpdesk/app"
)

func main() { os.Exit(server.Main(app.Service(), os.Args[1:])) }
