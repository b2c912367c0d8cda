package app

import (
	"context"
	"net/http"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// configureActions says what is behind the actions of gate.yaml.
func configureActions(a *App) error {
	a.Actions.TakeTicket = a.takeTicket
	return nil
}

// takeTicket gives a ticket that nobody has to the agent who asks for it, which those
// who hold no assign:tickets may do for themselves alone. The row is as they see it:
// one of another organization is not there.
func (a *App) takeTicket(ctx context.Context, row *Ticket) (*Ticket, error) {
	p, ok := gate.PrincipalFromContext(ctx)
	if !ok {
		return nil, gate.ErrNotAuthenticated
	}
	ctx = authz.System(ctx)
	ticket, err := a.Tickets.Get(ctx, row.ID) // as it is in this transaction
	switch {
	case err != nil:
		return nil, err
	case ticket.Status == TicketStatusClosed:
		return nil, &gate.Error{Status: http.StatusConflict, Message: "The ticket is closed"}
	case ticket.AssigneeID != nil && *ticket.AssigneeID != p.Subject:
		return nil, &gate.Error{Status: http.StatusConflict, Message: "Somebody else has the ticket"}
	}
	change := &crud.Change[Ticket]{Row: Ticket{AssigneeID: &p.Subject, Status: TicketStatusOpen}, Set: model.Fields(TicketFieldAssigneeID)}
	if ticket.Status == TicketStatusNew {
		change.Set.Add(TicketFieldStatus)
	}
	return a.Tickets.Patch(ctx, row.ID, change)
}

// waiting answers Ticket.waiting of the schema.
func waiting(_ context.Context, row *Ticket, _ struct{}) (*int64, error) {
	if row.FirstResponseAt != nil || row.Status == TicketStatusClosed {
		return nil, nil
	}
	minutes := int64(time.Since(row.CreatedAt).Minutes())
	return &minutes, nil
}
