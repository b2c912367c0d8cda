package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// A process is one running version of the service. It ends when stop is called,
// when it dies by itself, and when this program dies: the service watches its
// standard input, of which we hold the other end.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ready chan string   // the address, once it listens
	gone  chan struct{} // closed when it has ended
	log   *serviceLog
	err   error // why it ended, once gone is closed
}

// grace is how long a service may finish what it is doing. Its own shutdown is
// bounded at ten seconds.
const grace = 12 * time.Second

// start runs the service's program. The caller waits for ready or gone.
func start(bin, dir string, env []string, log *serviceLog) (*process, error) {
	cmd := exec.Command(bin)
	cmd.Dir = dir
	cmd.Env = env
	cmd.SysProcAttr = ownGroup()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin, ready: make(chan string, 1), gone: make(chan struct{}), log: log}
	go func() {
		defer close(p.gone)
		p.read(stderr)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// read passes the service's log on, and notices when it listens.
func (p *process) read(stderr io.Reader) {
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			if addr, ok := listening(line); ok {
				select {
				case p.ready <- addr:
				default: // the service's own code logs such lines, too
				}
			}
			p.log.add(strings.TrimRight(line, "\n"))
		}
		if err != nil {
			return
		}
	}
}

// listening reads the address from the line {"msg":"listening","addr":"127.0.0.1:3000"}.
func listening(line string) (string, bool) {
	if !strings.Contains(line, `"listening"`) {
		return "", false
	}
	var l struct{ Msg, Addr string }
	if json.Unmarshal([]byte(line), &l) != nil || l.Msg != "listening" {
		return "", false
	}
	return l.Addr, true
}

// wait answers the address once the service listens, or why it did not.
func (p *process) wait(ctx context.Context) (string, error) {
	select {
	case addr := <-p.ready:
		return addr, nil
	case <-p.gone:
		select {
		case addr := <-p.ready: // it listened, and ended at once
			return addr, nil
		default:
		}
		return "", &exitError{err: p.err, lines: p.log.errors()}
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(30 * time.Second):
		return "", errors.New("the service does not listen after 30 s")
	}
}

// stop ends the service: it is asked first, and killed with its children if it
// does not follow.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.stdin.Close() // it ends by itself when nobody holds the other end
	terminate(p.cmd.Process)
	select {
	case <-p.gone:
	case <-time.After(grace):
		kill(p.cmd.Process)
		<-p.gone
	}
}

// exitError is a service that ended before it listened.
type exitError struct {
	err   error
	lines []string
}

func (e *exitError) Error() string {
	if len(e.lines) > 0 {
		return strings.Join(e.lines, "\n")
	}
	if e.err == nil {
		return "the service ended by itself"
	}
	return "the service ended: " + e.err.Error()
}

// serviceLog receives the service's log: all of it goes to a file, what matters
// to the terminal, and the last of it is kept to explain an early end.
type serviceLog struct {
	mu   sync.Mutex
	file *os.File
	talk *talk
	last []string
	all  bool // show every line
}

const keptLines = 20

func (l *serviceLog) add(line string) {
	text, level := l.keep(line)
	if level >= levelWarn || l.all {
		l.talk.event(map[string]any{"event": "log", "line": line})
		l.talk.line("  " + l.talk.paint(dim, time.Now().Format(time.TimeOnly)) + "  " + text)
	}
}

// keep takes a line that an error is going to tell, if anybody has to hear of it. It
// returns the line for people and its level.
func (l *serviceLog) keep(line string) (string, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		fmt.Fprintln(l.file, line)
	}
	text, level := readable(line)
	if level >= levelError {
		l.last = append(l.last, text)
		if len(l.last) > keptLines {
			l.last = l.last[1:]
		}
	}
	return text, level
}

// errors returns the last lines that told of an error, and forgets them.
func (l *serviceLog) errors() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.last
	l.last = nil
	return lines
}

const (
	levelInfo = iota
	levelWarn
	levelError
)

// readable turns a line of structured log into one for people, in whose terminal
// it does nothing: paths and errors hold what strangers sent. What is not JSON, a
// panic for example, counts as an error.
func readable(line string) (string, int) {
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		return plain(strings.ReplaceAll(line, "\t", "    ")), levelError
	}
	level := map[string]int{"WARN": levelWarn, "ERROR": levelError}[fmt.Sprint(fields["level"])]
	text := fmt.Sprint(fields["msg"])
	if why := cmp.Or(fields["err"], fields["problem"]); why != nil {
		text += ": " + fmt.Sprint(why)
	}
	if method, ok := fields["method"]; ok {
		text += fmt.Sprintf(" (%v %v)", method, fields["path"])
	}
	return plain(strings.ReplaceAll(text, "\n", "; ")), level
}
