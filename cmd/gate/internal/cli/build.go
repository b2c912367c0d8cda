package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// build compiles the service and answers the path of its program. The program
// that serves is left as it is.
func (d *dev) build(ctx context.Context, s *step) (bin, detail string, err error) {
	if bin, err = d.p.program("-a"); err != nil {
		return "", "", err
	}
	if bin == d.bin {
		if bin, err = d.p.program("-b"); err != nil {
			return "", "", err
		}
	}
	detail, err = d.p.compile(ctx, bin, s)
	return bin, detail, err
}

// program is the path of a build of the service.
func (p *project) program(suffix string) (string, error) {
	return filepath.Abs(filepath.Join(p.stateDir(), "bin", p.design.Service.Name+suffix))
}

// compile compiles the service to bin, and answers how much there was to do.
func (p *project) compile(ctx context.Context, bin string, s *step) (detail string, err error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return "", failf("install Go from your package manager, and run this again", "the program go is not in PATH")
	}
	cmd := exec.CommandContext(ctx, goTool, "build", "-v", "-buildvcs=false", "-tags", "gatedev", "-o", bin, ".")
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	packages, output := followBuild(stderr, s)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if len(output) == 0 {
			return "", fmt.Errorf("go build: %w", err)
		}
		return "", &fault{err: errors.New(strings.Join(output, "\n")), hint: p.buildHint(output)}
	}
	if packages == 0 {
		return "cached", nil
	}
	return count(packages, "package", "packages"), nil
}

// followBuild shows how far the build is: go build -v prints each package that
// it compiles. Everything else that it prints is returned.
func followBuild(stderr interface{ Read([]byte) (int, error) }, s *step) (packages int, output []string) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for {
		select {
		case line, more := <-lines:
			switch {
			case !more:
				return packages, output
			case strings.HasPrefix(line, "go: downloading "):
				last = strings.TrimPrefix(line, "go: ")
			case isPackage(line):
				packages++
				last = fmt.Sprintf("%s, %s", count(packages, "package", "packages"), line)
			case !strings.HasPrefix(line, "# "):
				output = append(output, line)
			}
		case <-tick.C:
		}
		switch {
		case last != "":
			s.progress(last)
		case time.Since(s.start) > time.Second:
			s.progress("the first build compiles everything and takes a minute")
		}
	}
}

// isPackage recognises an import path: one word without a colon.
func isPackage(line string) bool {
	return line != "" && !strings.ContainsAny(line, " \t:")
}

func (p *project) buildHint(output []string) string {
	for _, line := range output {
		if strings.Contains(line, "_gen.go:") {
			return "the place is generated; look at the last change of gate.yaml and of the hooks"
		}
		if strings.Contains(line, "go.sum entry") || strings.Contains(line, "go: updates to go.mod needed") {
			return "run go mod tidy in " + p.dir
		}
	}
	return ""
}

// migrate brings the database to the newest version by the new program.
func (d *dev) migrate(ctx context.Context, bin string) (string, error) {
	cmd := exec.CommandContext(ctx, bin, "migrate")
	cmd.Dir = d.p.dir
	cmd.Env = d.environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		for line := range strings.Lines(stderr.String()) {
			d.log.keep(strings.TrimRight(line, "\n"))
		}
		return "", fmt.Errorf("migrate: %w", &exitError{err: err, lines: d.log.errors()})
	}
	var names []string
	for line := range strings.Lines(stdout.String()) {
		var m struct{ Name string }
		if json.Unmarshal([]byte(line), &m) == nil && m.Name != "" {
			names = append(names, m.Name)
		}
	}
	return applied(names), nil
}

// applied says which migrations were, in the width of a line: parts of a service name
// theirs alike.
func applied(names []string) string {
	const most = 3
	if len(names) == 0 {
		return "nothing to apply"
	}
	var distinct []string
	for _, name := range names {
		if !slices.Contains(distinct, name) {
			distinct = append(distinct, name)
		}
	}
	if len(distinct) > most {
		distinct = append(distinct[:most], "…")
	}
	return fmt.Sprintf("%d applied: %s", len(names), strings.Join(distinct, ", "))
}
