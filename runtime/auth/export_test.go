package auth

import (
	"context"

	"github.com/gatewright/gate/runtime/crud"
)

// Judge is what the entity of the accounts asks of a change.
func (a *Auth) Judge(ctx context.Context, c crud.Changed) error { return a.judge(ctx, c) }
