package actions_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/gatewright/gate/idp/actions"
)

// workerEnv makes this test binary a worker.
const workerEnv = "GATE_TEST_ACTIONS_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" {
		if err := actions.Work(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func workerCommand() *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{workerEnv + "=1"}
	return cmd
}

// newRunner returns a runner in this process, unless cfg names a worker.
func newRunner(tb testing.TB, cfg actions.Config) *actions.Runner {
	tb.Helper()
	cfg.InProcess = cfg.Worker == nil
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r, err := actions.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

func action(code string) actions.Action {
	return actions.Action{ID: "act_1", Name: "test", Code: code}
}

func one(code string) []actions.Action { return []actions.Action{action(code)} }

// loginOf is a log-in of that user.
func loginOf(user string) actions.PostLoginEvent {
	event := loginEvent()
	event.User.UserID = user
	return event
}

func loginEvent() actions.PostLoginEvent {
	verified := true
	return actions.PostLoginEvent{
		User: actions.User{
			UserID: "auth0|5f7c8ec7c33c6c004bbafe82", Email: "ana@example.com", EmailVerified: &verified,
			Name: "Ana", Nickname: "ana", AppMetadata: map[string]any{"plan": "free"},
			UserMetadata: map[string]any{"color": "blue"},
		},
		Authorization:  &actions.Authorization{Roles: []string{"menu-admin", "cook"}},
		Client:         actions.Client{ClientID: "client1", Name: "My SPA"},
		Connection:     actions.Connection{ID: "con_1", Name: "Username-Password-Authentication", Strategy: "auth0"},
		Request:        actions.Request{IP: "13.33.86.47", Hostname: "tenant.example", Method: "GET"},
		ResourceServer: &actions.ResourceServer{Identifier: "https://menu.example/"},
		Transaction:    &actions.Transaction{Protocol: "oidc-basic-profile", RequestedScopes: []string{"openid"}},
		Authentication: &actions.Authentication{},
		Stats:          actions.Stats{LoginsCount: 3},
		Tenant:         actions.Tenant{ID: "tenant"},
	}
}

// lines collects the console.
type lines []string

func (l *lines) add(_ context.Context, e actions.ConsoleEntry) { *l = append(*l, e.Level+": "+e.Text) }

func (l *lines) has(line string) bool { return slices.Contains(*l, line) }
