package management

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// The life of a link, in seconds.
const (
	defaultTicket = 432000
	maxTicket     = 30 * 86400
)

func ticketSchema() shape.Schema {
	return shape.Schema{
		"user_id": {Check: shape.Text(1, 255)}, "email": {Check: shape.Text(1, 320)}, "connection_id": {Check: shape.Text(1, 64)},
		"client_id": {Check: shape.Text(1, 64)}, "organization_id": {Check: shape.Text(1, 64)},
		"result_url": {Check: shape.URL(shape.PlainURL), About: "Where the person goes afterwards"},
		"ttl_sec":    {Check: shape.Integer(0, maxTicket)}, "includeEmailInRedirect": {Check: shape.Boolean},
		"mark_email_as_verified": {Check: shape.Boolean}, "identity": {Check: shape.ObjectOf(3, 1024)},
	}
}

func (a *API) verificationTicket(ctx context.Context, q *request) (answer, error) {
	return a.ticket(ctx, q, tenant.EmailTicket)
}

func (a *API) passwordTicket(ctx context.Context, q *request) (answer, error) {
	return a.ticket(ctx, q, tenant.ResetTicket)
}

func (a *API) ticket(ctx context.Context, q *request, kind tenant.TokenKind) (answer, error) {
	o, err := q.only(ticketSchema())
	if err != nil {
		return answer{}, err
	}
	if a.cfg.Ticket == nil {
		return answer{}, unsupported("Links are not made here")
	}
	if o.text("organization_id") != "" {
		return answer{}, unsupported("There are no organizations here")
	}
	t := TicketRequest{Kind: kind, Maker: q.caller.Maker, ClientID: o.text("client_id"), ResultURL: o.text("result_url"), TTL: defaultTicket * time.Second}
	var seconds int64
	if err := errors.Join(o.read("ttl_sec", &seconds), o.read("mark_email_as_verified", &t.MarkVerified),
		o.read("includeEmailInRedirect", &t.IncludeEmail)); err != nil {
		return answer{}, err
	}
	if seconds > 0 {
		t.TTL = time.Duration(seconds) * time.Second
	}
	if t.ClientID != "" {
		if _, err := a.store.Clients.Get(ctx, t.ClientID); err != nil {
			return answer{}, noClient(err)
		}
	}
	if t.User, t.Identity, err = a.ticketUser(ctx, o); err != nil {
		return answer{}, err
	}
	if why := unfit(t); why != "" {
		return answer{}, &problem{status: 400, message: why, code: "operation_not_supported"}
	}
	url, err := a.cfg.Ticket(ctx, t)
	if err != nil {
		return answer{}, err
	}
	return created(map[string]any{"ticket": url})
}

// unfit says why a link would be good for nothing.
func unfit(t TicketRequest) string {
	isDatabase := func(i tenant.Identity) bool { return i.Provider == tenant.Database }
	switch named := t.Identity; {
	case t.Kind == tenant.EmailTicket && t.User.Email == "":
		return "The user does not have an email address."
	case t.Kind == tenant.EmailTicket && named != nil && t.User.ID != named.Provider+"|"+named.UserID:
		return "The address of a linked identity is not verified by a link"
	case t.Kind == tenant.ResetTicket && (named != nil && !isDatabase(*named) || !slices.ContainsFunc(t.User.Identities, isDatabase)):
		return "The user has no password in a database connection"
	}
	return ""
}

// ticketUser returns the user whom a body names by ID, or by address and connection,
// and the identity, if it names one of theirs so.
func (a *API) ticketUser(ctx context.Context, o object) (*tenant.User, *tenant.Identity, error) {
	if id := o.text("user_id"); id != "" {
		u, err := a.store.User(ctx, id)
		if err != nil {
			return nil, nil, noUser(err)
		}
		i, err := ticketIdentity(o, u)
		return u, i, err
	}
	if o.text("email") == "" || o.text("connection_id") == "" {
		return nil, nil, badProperty("user_id", "Missing required property: user_id, or email and connection_id", "")
	}
	c, err := a.store.Connections.Get(ctx, o.text("connection_id"))
	if err != nil {
		return nil, nil, noConnection(err)
	}
	address, err := tenant.CanonicalEmail(o.text("email"))
	if err != nil {
		return nil, nil, err
	}
	u, i, err := a.store.UserByLogin(ctx, c.Name, address)
	return u, i, noUser(err)
}

// ticketIdentity returns the identity of a user that a body names; nil for none.
func ticketIdentity(o object, u *tenant.User) (*tenant.Identity, error) {
	var named struct {
		Provider string `json:"provider"`
		UserID   string `json:"user_id"`
	}
	if err := o.read("identity", &named); err != nil || o["identity"] == nil {
		return nil, err
	}
	i := slices.IndexFunc(u.Identities, func(i tenant.Identity) bool { return i.Provider == named.Provider && i.UserID == named.UserID })
	if i < 0 {
		return nil, badProperty("identity", "The user has no such identity", "")
	}
	return &u.Identities[i], nil
}
