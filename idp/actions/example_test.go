package actions_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/gatewright/gate/idp/actions"
)

func Example() {
	runner, err := actions.New(actions.Config{
		InProcess: true, // a provider names a Worker
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer runner.Close()

	roles := actions.Action{ID: "act_1", Name: "roles", Code: `
exports.onExecutePostLogin = async (event, api) => {
  api.idToken.setCustomClaim('https://menu.example/roles', event.authorization?.roles ?? []);
};`}
	ctx := context.Background()
	if err := runner.Compile(ctx, roles, actions.TriggerPostLogin); err != nil {
		fmt.Println(err)
		return
	}
	result, err := runner.PostLogin(ctx, []actions.Action{roles}, actions.PostLoginEvent{
		User:          actions.User{UserID: "auth0|1", Email: "ana@example.com"},
		Authorization: &actions.Authorization{Roles: []string{"menu-admin"}},
	}, actions.Flow{})
	fmt.Println(result.IDToken, err)

	roles.Code = "exports.onExecutePostLogin = () => require('stripe');"
	fmt.Println(runner.Compile(ctx, roles, actions.TriggerPostLogin) != nil)
	// Output:
	// map[https://menu.example/roles:[menu-admin]] <nil>
	// true
}
