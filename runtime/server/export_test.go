package server

import (
	"context"
	"io"
)

// NewLogger is how the program makes its logger.
var NewLogger = newLogger

// Run is Main with surroundings of the test's choice.
func Run(ctx context.Context, s Service, args, environ []string, stdin io.Reader, stdout, stderr io.Writer, terminal bool) int {
	return run(ctx, s, args, process{stdin: stdin, stdout: stdout, stderr: stderr, environ: environ, terminal: terminal})
}
