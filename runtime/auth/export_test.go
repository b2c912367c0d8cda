package auth

import (
	"context"
	"net/url"

	"github.com/gatewright/gate/runtime/crud"
)

// Judge is what the entity of the accounts asks of a change.
func (a *Auth) Judge(ctx context.Context, c crud.Changed) error { return a.realms[0].judge(ctx, c) }

// PublicURL is where links in letters lead.
func PublicURL(opts Options) *url.URL { return publicURL(opts) }
