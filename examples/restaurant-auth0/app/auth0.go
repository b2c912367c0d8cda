package app

import (
	"context"

	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/server"
)

// validateAuth0 is called before an account is made for somebody who comes from
// Auth0 for the first time. account.Profile is what their token says, and
// account.Fields is what the account will hold: change it, or refuse the account
// with an error. This file is yours, and is never written again.
//
//	if !strings.HasSuffix(account.Profile.Email, "@example.com") {
//		return &gate.AuthError{Code: gate.ErrForbidden, Message: "This is for our own people"}
//	}
func validateAuth0(ctx context.Context, a *server.App, account *auth.NewAccount) error {
	return nil
}
