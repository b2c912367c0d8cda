package server

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Command is a command of the program besides its own: NAME seed. What it does is
// said by [App.OnCommand] when the service is built.
type Command struct {
	Name string
	// Usage says in a few words what it does. Further lines follow where there is
	// more to say, of up to 60 characters.
	Usage string
}

// A Call is how somebody runs a command.
type Call struct {
	Args           []string // what comes after the name of the command
	Stdout, Stderr io.Writer
	Terminal       bool // a person reads Stderr
}

// OnCommand says what a command of [Service.Commands] does. It runs in the place of
// serving, with the database migrated and the service built; its error ends the
// program with 1, [ErrUsage] with 2.
func (a *App) OnCommand(name string, run func(context.Context, Call) error) {
	if a.commands == nil {
		a.commands = map[string]func(context.Context, Call) error{}
	}
	a.commands[name] = run
}

// Command runs a command of [App.OnCommand] as the program would. Nil writers take
// what is said to nobody.
func (s *Server) Command(ctx context.Context, name string, c Call) error {
	return s.app.command(ctx, name, c)
}

func (a *App) command(ctx context.Context, name string, c Call) error {
	run := a.commands[name]
	if run == nil {
		return fmt.Errorf("nothing says what the command %s does", name)
	}
	if c.Stdout == nil {
		c.Stdout = io.Discard
	}
	if c.Stderr == nil {
		c.Stderr = io.Discard
	}
	return run(ctx, c)
}

// command returns what runs a command of the service's own.
func (s Service) command(name string, p process) (administration, bool) {
	known := slices.ContainsFunc(s.Commands, func(c Command) bool { return c.Name == name })
	return func(ctx context.Context, a *App, args []string, out io.Writer) error {
		return a.command(ctx, name, Call{Args: args, Stdout: out, Stderr: p.stderr, Terminal: p.terminal})
	}, known
}

// usage is what the help says of the command.
func (c Command) usage() string {
	const column = 16
	lines := strings.Split(strings.TrimSpace(c.Usage), "\n")
	head := "  NAME " + c.Name
	var b strings.Builder
	b.WriteString(head + strings.Repeat(" ", max(2, column+2-len(head))) + lines[0] + "\n")
	for _, line := range lines[1:] {
		b.WriteString(strings.Repeat(" ", column+2) + strings.TrimSpace(line) + "\n")
	}
	return b.String()
}
