package management

import (
	"context"
	"errors"

	"github.com/gatewright/gate/idp/tenant"
)

// What protection against guessing has closed, by user and by what they type.

// identifiers returns what a user may have typed when they were closed out.
func identifiers(u *tenant.User) []string {
	list := []string{u.ID}
	for _, id := range u.Identities {
		for _, s := range []string{id.Email, id.Username} {
			if s != "" {
				list = append(list, s)
			}
		}
	}
	return list
}

func (a *API) blockedFor(ctx context.Context, ids []string) (answer, error) {
	list := []Block{}
	for _, id := range ids {
		if a.cfg.Blocks == nil {
			break
		}
		some, err := a.cfg.Blocks.BlockedFor(ctx, id)
		if err != nil {
			return answer{}, err
		}
		list = append(list, some...)
	}
	return ok(map[string]any{"blocked_for": list})
}

func (a *API) unblock(ctx context.Context, ids []string) (answer, error) {
	for _, id := range ids {
		if a.cfg.Blocks == nil {
			break
		}
		if err := a.cfg.Blocks.Unblock(ctx, id); err != nil {
			return answer{}, err
		}
	}
	return noContent()
}

// typed returns the parameter identifier, with the names of whom it belongs to.
func (a *API) typed(ctx context.Context, q *request) ([]string, error) {
	s := q.query.Get("identifier")
	if s == "" {
		return nil, badQuery("'Missing required property: identifier' on property identifier.")
	}
	list := []string{s}
	users, err := a.store.UsersByEmail(ctx, s)
	for _, u := range users {
		list = append(list, u.ID)
	}
	return list, err
}

func (a *API) getBlocks(ctx context.Context, q *request) (answer, error) {
	ids, err := a.typed(ctx, q)
	if err != nil {
		return answer{}, err
	}
	return a.blockedFor(ctx, ids)
}

func (a *API) deleteBlocks(ctx context.Context, q *request) (answer, error) {
	ids, err := a.typed(ctx, q)
	if err != nil {
		return answer{}, err
	}
	return a.unblock(ctx, ids)
}

func (a *API) getUserBlocks(ctx context.Context, q *request) (answer, error) {
	u, err := a.store.User(ctx, q.id("user"))
	if err != nil {
		return answer{}, noUser(err)
	}
	return a.blockedFor(ctx, identifiers(u))
}

func (a *API) deleteUserBlocks(ctx context.Context, q *request) (answer, error) {
	u, err := a.store.User(ctx, q.id("user"))
	if errors.Is(err, tenant.ErrNotFound) {
		return noContent()
	}
	if err != nil {
		return answer{}, err
	}
	return a.unblock(ctx, identifiers(u))
}
