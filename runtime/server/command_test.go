package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/server"
)

// TestCommands has the program run a command of the service's own in the place of
// serving, and tell of it in its help.
func TestCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	s := restaurant(true, false, func(a *App) error {
		a.OnCommand("greet", func(_ context.Context, c server.Call) error {
			switch {
			case len(c.Args) == 0:
				return server.ErrUsage
			case c.Args[0] == "nobody":
				return errors.New("there is nobody")
			}
			_, err := fmt.Fprintln(c.Stdout, "hello", c.Args[0], c.Terminal)
			return err
		})
		return nil
	})
	s.Commands = []server.Command{{Name: "greet", Usage: "say hello\nto somebody"}, {Name: "forgotten"}}
	for _, tt := range []struct {
		args         []string
		code         int
		stdout, errs string
	}{
		{[]string{"greet", "Ada"}, 0, "hello Ada true\n", ""},
		{[]string{"greet"}, 2, "", "restaurant: arguments are missing"},
		{[]string{"greet", "nobody"}, 1, "", "restaurant: there is nobody\n"},
		{[]string{"forgotten"}, 1, "", "restaurant: nothing says what the command forgotten does\n"},
		{[]string{"leave"}, 2, "", `restaurant: unknown argument "leave"`},
	} {
		code, out, errs := programOf(t, s, tt.args, nil, true)
		if code != tt.code || out != tt.stdout || !strings.Contains(errs, tt.errs) {
			t.Errorf("%q: %d\n%s%s", tt.args, code, out, errs)
		}
	}
	for _, args := range [][]string{{"--help"}, {"greet", "--help"}} {
		code, out, _ := programOf(t, s, args, nil, false)
		if code != 0 || !strings.Contains(out, "\n  restaurant greet      say hello\n                  to somebody\n") {
			t.Errorf("%q: %d\n%s", args, code, out)
		}
	}
}
