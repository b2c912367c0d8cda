package app

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// numberTicket gives a new ticket the next number of its organization. Two that are
// made at once wait for each other at the row that counts.
func (a *App) numberTicket(ctx context.Context, c *crud.Change[Ticket]) error {
	tx, ok := crud.Tx(ctx, a.DB)
	if !ok {
		return errors.New("a ticket is made outside of a transaction")
	}
	var number int64
	err := tx.QueryRowContext(ctx, "UPDATE organizations SET last_ticket = last_ticket + 1 WHERE id = $1 RETURNING last_ticket", c.Row.OrganizationID).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // there is no such organization, which the gate says in its own words
	}
	c.Row.Number = &number
	return err
}

// noteEnd writes down when a ticket was closed, and forgets it when it is opened
// again.
func noteEnd(_ context.Context, c *crud.Change[Ticket]) error {
	switch was, is := c.Old.Status == TicketStatusClosed, c.Row.Status == TicketStatusClosed; {
	case is && !was:
		now := time.Now().UTC()
		c.Row.ClosedAt = &now
	case was && !is:
		c.Row.ClosedAt = nil
	}
	return nil
}

// signComment says who wrote a comment, and refuses one on a ticket that is closed.
// The ticket is read as the caller reads it: nobody learns here of one that is not
// theirs.
func (a *App) signComment(ctx context.Context, c *crud.Change[Comment]) error {
	if p, ok := gate.PrincipalFromContext(ctx); ok && p.Subject != "" {
		c.Row.AuthorID = &p.Subject
	}
	ticket, err := a.Tickets.Get(ctx, c.Row.TicketID)
	switch refusal, ok := errors.AsType[*gate.Error](err); {
	case ok && refusal.Status < http.StatusInternalServerError:
		return nil // out of sight, which the gate says in its own words
	case err != nil:
		return err
	case ticket.Status == TicketStatusClosed:
		return &gate.Error{Status: http.StatusConflict, Message: "The ticket is closed: open a new one, or have it opened again"}
	}
	return nil
}

// noteResponse writes down when a customer was first answered.
func (a *App) noteResponse(ctx context.Context, c *crud.Change[Comment]) error {
	ctx = authz.System(ctx)                                    // customers and agents alike do not write these fields
	ticket, err := a.Tickets.GetForUpdate(ctx, c.Row.TicketID) // of two answers at once one is the first
	if err != nil {
		return err
	}
	byCustomer := c.Row.AuthorID == nil || ticket.RequesterID != nil && *c.Row.AuthorID == *ticket.RequesterID
	if c.Row.Internal || byCustomer || ticket.FirstResponseAt != nil {
		return nil
	}
	now := time.Now().UTC()
	change := &crud.Change[Ticket]{Row: Ticket{FirstResponseAt: &now, Status: TicketStatusOpen}, Set: model.Fields(TicketFieldFirstResponseAt)}
	if ticket.Status == TicketStatusNew {
		change.Set.Add(TicketFieldStatus)
	}
	_, err = a.Tickets.Patch(ctx, ticket.ID, change)
	return err
}

// newestFirst lists tickets as a help desk wants them, over every surface, unless a
// caller says how.
type newestFirst struct{ crud.Service }

func (s newestFirst) FindRows(ctx context.Context, q *query.Query) (*crud.Rows, error) {
	newest := *q
	if len(newest.Sort) == 0 {
		newest.Sort = []query.Sort{{Field: "createdAt", Descending: true}}
	}
	return s.Service.FindRows(ctx, &newest)
}
