// Package program builds and runs the programs that are measured.
package program

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Build builds the program in a folder to a file, stripped.
func Build(dir, bin string) error {
	return goTool(dir, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", bin, ".")
}

func goTool(dir string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s in %s: %w\n%s", args[0], dir, err, out)
	}
	return nil
}

// A Program is one that runs.
type Program struct {
	Addr string // where it listens

	cmd      *exec.Cmd
	settings []string
}

// Start starts a program that says on its first line where it listens.
func Start(bin string, args ...string) (*Program, error) {
	cmd := exec.Command(bin, args...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = cmd.Wait()
		return nil, fmt.Errorf("%s does not say where it listens: %w", bin, err)
	}
	return &Program{Addr: strings.TrimSpace(line), cmd: cmd}, nil
}

// Service starts a generated service in a folder of its own, with further
// settings, NAME=value, and waits until it listens.
func Service(bin, dir string, settings ...string) (*Program, error) {
	cmd := exec.Command(bin)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), []string{"ADDR=127.0.0.1:0", "LOG_LEVEL=warn"}, settings)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stderr)
	var said strings.Builder
	for lines.Scan() {
		var l struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Msg == "listening" {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return &Program{l.Addr, cmd, settings}, nil
		}
		said.WriteString(lines.Text() + "\n")
	}
	_ = cmd.Wait()
	return nil, fmt.Errorf("the service ended:\n%s", said.String())
}

// Stop ends the program and waits for that. One that was never started, or has
// ended, stays as it is.
func (p *Program) Stop() {
	if p == nil || p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// Again ends a service and starts it anew. It returns how long it took from the
// start of the program until it said that it was ready.
func (p *Program) Again() (*Program, time.Duration, error) {
	p.Stop()
	start := time.Now()
	again, err := Service(p.cmd.Path, p.cmd.Dir, p.settings...)
	if err != nil {
		return nil, 0, err
	}
	res, err := http.Get("http://" + again.Addr + "/health/ready")
	if err != nil {
		return again, 0, err
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return again, 0, err
	}
	if err := res.Body.Close(); err != nil {
		return again, 0, err
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent {
		return again, 0, fmt.Errorf("/health/ready: %s", res.Status)
	}
	return again, time.Since(start), nil
}

// Starts starts a service anew several times, and returns the last one and the
// median of the times.
func Starts(p *Program, times int) (*Program, time.Duration, error) {
	var all []time.Duration
	for range times {
		again, took, err := p.Again()
		if err != nil {
			again.Stop()
			return p, 0, err
		}
		p, all = again, append(all, took)
	}
	slices.Sort(all)
	return p, all[len(all)/2], nil
}

// Memory is what is resident, in bytes; 0 where there is no /proc.
func (p *Program) Memory() int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}

// CPU is how long it has computed, itself and for it the system; 0 where there is no
// /proc.
func (p *Program) CPU() time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:])) // behind its name
	if len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * (time.Second / 100) // Linux counts to a hundred
}

// Secret is a random AUTH_SECRET.
func Secret() string { return "AUTH_SECRET=" + rand.Text() + rand.Text() }
