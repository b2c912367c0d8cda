package app_test

import (
	"fmt"

	"github.com/gatewright/gate/runtime/permtest"

	"example.com/helpdesk/app"
)

// samples says what TestPermissions cannot know from gate.yaml: which values your
// hooks want in a row, and what they refuse that the rules allow. This file is
// yours, and is never written again.
func samples(c *permtest.Config) {
	c.Samples = map[string]permtest.Sample{
		"Ticket": func(n int, row map[string]any) { row["subject"] = fmt.Sprintf("The printer burns, %d", n) },
	}
	c.Targets = map[string]permtest.Target{
		"Comment.ticket": func(ticket map[string]any) bool { return ticket["status"] != string(app.TicketStatusClosed) }, // a hook wants that
	}
}
