// Package cli is the command gate: one file for each of its commands.
//
// Data goes to stdout, talk to stderr. An error says what was wrong, where, and
// what to do next; it exits with 1, wrong usage with 2.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the tree of commands, in the order in which help lists them.
type commands struct {
	Dev      devCmd      `cmd:"" help:"Generate, build, migrate and run a service, and follow every change."`
	New      newCmd      `cmd:"" help:"Start a service: a gate.yaml and everything generated from it."`
	Generate generateCmd `cmd:"" help:"Generate the service from gate.yaml."`
	Diff     diffCmd     `cmd:"" help:"Print what generating would change: files, migrations, and who may do what."`
	Migrate  migrateCmd  `cmd:"" help:"See, run and take back the migrations of a service in development."`
	Seed     seedCmd     `cmd:"" help:"Put the first rows of seed.yaml into the database of a service in development."`
	Plugin   pluginCmd   `cmd:"" help:"List, add, remove, enable and disable plugins in gate.yaml."`
	Design   designCmd   `cmd:"" help:"Check gate.yaml, print who may do what by it, or its JSON Schema."`
	Authz    authzCmd    `cmd:"" help:"Explain who may do what by gate.yaml."`
	Token    tokenCmd    `cmd:"" help:"Decode, verify and sign tokens."`
	Idp      idpCmd      `cmd:"" help:"Run and administer an identity provider."`
	Auth0    auth0Cmd    `cmd:"" name:"auth0" help:"Bring an Auth0 tenant to what a service needs."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	Color string `enum:"auto,always,never" default:"auto" help:"Colour the talk: auto, always or never."`
}

// console is what a command may read and write.
type console struct {
	context.Context //nolint:containedctx // the command line is the request; kong binds one value
	stdin           io.Reader
	stdout          io.Writer
	talk            *talk
}

// fault is an error with its advice: what to do next.
type fault struct {
	err   error
	hint  string
	usage bool // the command was wrong, not what it was about
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// exit ends parsing from inside kong, after --help.
type exit int

// ended ends a command with the exit code of the program that it ran, which has
// said why.
type ended int

func (e ended) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// errReported ends a command whose error has been told already.
var errReported = errors.New("already reported")

// Main runs the command line and answers the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()
	var c commands
	parser, err := kong.New(&c,
		kong.Name("gate"),
		kong.Description("Describe a backend once. Get a Go service you own, with the authentication done right."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.Help(help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 76}),
		kong.Vars{"starters": starters()},
	)
	if err != nil {
		panic("gate: " + err.Error())
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "--version":
		args = []string{"version"}
	case args[0] == "help":
		args = append(args[1:], "--help")
	}
	cmd, err := parser.Parse(args)
	t := newTalk(stderr, c.Color)
	if err != nil {
		t.error(err, usage(err))
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = cmd.Run(&console{Context: ctx, stdin: stdin, stdout: stdout, talk: t})
	if e, ok := errors.AsType[ended](err); ok {
		return int(e)
	}
	switch f := (*fault)(nil); {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
		if errors.As(err, &f) && f.usage {
			return 2
		}
	case errors.As(err, &f):
		t.error(f.err, f.hint)
		if f.usage {
			return 2
		}
	default:
		t.error(err, "")
	}
	return 1
}

// failf is an error with a hint.
func failf(hint, format string, args ...any) error {
	return &fault{err: fmt.Errorf(format, args...), hint: hint}
}

// misused is [failf] for arguments that make no sense.
func misused(hint, format string, args ...any) error {
	return &fault{err: fmt.Errorf(format, args...), hint: hint, usage: true}
}

// usage is the hint for arguments that cannot be read: the help of the command
// that they are for, and its example.
func usage(err error) string {
	name, example := "gate", ""
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok {
		for _, p := range wrong.Context.Path {
			if p.Command == nil {
				continue
			}
			name += " " + p.Command.Name
			if e, ok := reflect.TypeAssert[interface{ Example() string }](p.Command.Target.Addr()); ok {
				example = e.Example()
			}
		}
	}
	if name == "gate" && err.Error() == "unexpected argument init" { // as git and npm call it
		return "gate new NAME starts a service; gate --help lists the commands"
	}
	if example == "" {
		return "gate --help lists the commands; gate COMMAND --help ends in an example"
	}
	return name + " --help says what there is, for instance: " + example
}

// help prints what kong prints, and ends in an example that works.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	example := "gate dev examples/restaurant"
	for _, p := range ctx.Path {
		if p.Command == nil {
			continue
		}
		if e, ok := reflect.TypeAssert[interface{ Example() string }](p.Command.Target.Addr()); ok {
			example = e.Example()
		}
	}
	_, err := fmt.Fprintf(ctx.Stdout, "\nExample:\n  %s\n", example)
	return err
}
