package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatewright/gate"
)

// keys shows the keys that sign access tokens, or changes them: for a service
// that keeps them in its database.
func keys(ctx context.Context, a *App, args []string, out io.Writer) error {
	if a.Auth == nil || a.Auth.Keyring() == nil {
		return errors.New("the keys of this service are not kept in its database: set rotateKeys of auth-jwt in gate.yaml")
	}
	ring := a.Auth.Keyring()
	switch {
	case len(args) == 0:
		return listKeys(ctx, a, out)
	case len(args) == 1 && args[0] == "rotate":
		id, err := ring.Rotate(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, id)
		return err
	case len(args) == 2 && args[0] == "remove":
		if err := ring.Remove(ctx, args[1]); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "removed; processes that run notice within a minute, or when they are restarted")
		return err
	}
	return ErrUsage
}

func listKeys(ctx context.Context, a *App, out io.Writer) error {
	list, err := a.Auth.Keyring().List(ctx)
	if err != nil {
		return err
	}
	lines := table{{"KEY", "ALGORITHM", "STATE", "SIGNS FROM", "GONE AT"}}
	for _, k := range list {
		gone := "-"
		if !k.GoneAt.IsZero() {
			gone = k.GoneAt.UTC().Format(time.RFC3339)
		}
		lines = append(lines, []string{k.ID, string(k.Algorithm), string(k.State), k.SignsFrom.UTC().Format(time.RFC3339), gone})
	}
	_, err = io.WriteString(out, lines.String())
	return err
}

// A table is lines of cells, which stand below each other.
type table [][]string

// String returns the lines, two blanks between the columns.
func (t table) String() string {
	var width []int
	for _, line := range t {
		for i, cell := range line {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, line := range t {
		for i, cell := range line {
			b.WriteString(cell)
			if i < len(line)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// logout ends the sessions and API keys of one account, or of everyone.
func logout(ctx context.Context, a *App, args []string, out io.Writer) error {
	if a.Auth == nil {
		return errors.New("the service has no authentication, and so no sessions")
	}
	if len(args) != 1 {
		return ErrUsage
	}
	var n int
	var err error
	revoked := 0
	if args[0] == "--all" {
		n, err = a.Auth.Sessions().EndAll(ctx)
		if keys := a.Auth.KeyStore(); keys != nil && err == nil {
			revoked, err = keys.RevokeAll(ctx)
		}
	} else {
		if _, err := a.Auth.Accounts().Subject(ctx, args[0]); errors.Is(err, gate.ErrNotAuthenticated) {
			return fmt.Errorf("there is no account %q", args[0])
		}
		n, err = a.Auth.Sessions().EndSubject(ctx, a.Auth.EntityKey(), args[0])
		if keys := a.Auth.KeyStore(); keys != nil && err == nil {
			revoked, err = keys.RevokeSubject(ctx, a.Auth.EntityKey(), args[0])
		}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d sessions ended, %d API keys revoked; other processes notice within five seconds\n", n, revoked)
	return err
}

// administration is a command on a service that is not serving.
type administration func(ctx context.Context, a *App, args []string, out io.Writer) error

// ErrUsage is what a command answers to arguments that make no sense.
var ErrUsage = errors.New("unknown arguments")

// administer runs a command on a service that begin opens, and that is not serving.
func administer(ctx context.Context, s Service, p process, args []string, begin func(context.Context, Service, process) (*Server, error), f administration) int {
	if s.Auth != nil { // no letter is written: what sends them need not be there
		without := *s.Auth
		without.Letters = nil
		s.Auth = &without
	}
	srv, err := begin(ctx, s, p)
	if err != nil {
		return fail(ctx, p, err)
	}
	err = errors.Join(f(ctx, srv.app, args, p.stdout), srv.Close())
	switch {
	case errors.Is(err, ErrUsage):
		what := "arguments are missing"
		if len(args) > 0 {
			what = fmt.Sprintf("unknown arguments %q", args)
		}
		_, _ = fmt.Fprintf(p.stderr, "%s: %s\n\n%s", s.Name, what, usage(s))
		return exitUsage
	case err != nil:
		_, _ = fmt.Fprintf(p.stderr, "%s: %v\n", s.Name, err)
		return exitFault
	}
	return exitOK
}
